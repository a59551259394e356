/* SPDX-License-Identifier: MIT
 *
 * What the suites that need a database share: a private server for the whole
 * program, or that of the socket in REPORTER_TEST_SOCKET; a fresh database for
 * each test; and an administrator's connection to look at what is there.  Every
 * failure fails the test.
 */
#pragma once

#include "sql/db.h"

#include <check.h>
#include <sys/types.h>

#define TEST_DATABASE "reporter_test"

/* For tables whose address and count columns are of this type. */
#define SIGNED "int(11)"
#define UNSIGNED "int(11) unsigned"

/* fixture_main - start the server, run the suite, stop the server.  Returns
   the exit status. */
int fixture_main(Suite *suite);

/* fixture_open, fixture_close - for tcase_add_checked_fixture(). */
void fixture_open(void);
void fixture_close(void);

/* fixture_server - the server in use. */
struct db_server {
	char directory[64], socket[108];
	pid_t pid;
};
const struct db_server *fixture_server(void);

/* server_version - 50624 for MySQL 5.6.24, 101106 for MariaDB 10.11.6; when
   the fixture is open. */
unsigned long server_version(void);
#define GENERATED_COLUMNS 50700 /* the first that has them */
#define MARIADB 100000          /* MySQL's are below */

/* server_has_bulk - whether bulk execution is used: by MariaDB's library with
   MariaDB's server. */
bool server_has_bulk(void);

/* admin - send statements. */
void admin(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* admin_fails - send a statement; returns its error number. */
unsigned admin_fails(const char *statement);

/* admin_ask - the first row of a statement's result, its columns joined by
   spaces; "" if there is none.  Valid until the next call. */
const char *admin_ask(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* admin_number - the first column of it as a number. */
long long admin_number(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* admin_file - send the statements of a file of the source tree, with
   TEST_DATABASE for every `reporter` in it.  Returns how many warnings the
   server had. */
unsigned admin_file(const char *path);

/* make_table - a table ServerCallStatus with columns of this type. */
void make_table(const char *type);

/* fixture_options - options that connect to the test database. */
struct db_options fixture_options(void);

/* open_db - a connection that stands. */
struct db *open_db(const struct db_options *options);

/* Records for tests: n of them, with distinct keys in key order, and pointers
   to them.  Freed with fixture_close(). */
struct record *make_records(size_t n, uint64_t ts);
const struct record *const *pointers(const struct record *records, size_t n);

/* store - db_upsert() of all of them must succeed, in as many calls as it
   takes.  Returns how many it took. */
size_t store(struct db *db, const struct record *records, size_t n,
    uint64_t horizon, uint64_t *clamped);

/* Enough rows for bulk execution to be used. */
#define MANY 300
