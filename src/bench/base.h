/* SPDX-License-Identifier: MIT
 *
 * The database as a benchmark uses it: a connection of its own for the
 * references, for looking at the table, and for checking that a figure is of
 * rows that really stand there.
 */
#ifndef REPORTER_BENCH_BASE_H
#define REPORTER_BENCH_BASE_H

#include "bench/keyset.h"
#include "conf/settings.h"

#include <mysql.h>
#include <sys/types.h>

struct base {
	MYSQL *mysql;    /* NULL: not connected */
	char table[160]; /* as it stands in statements */
	char *rows;      /* lines for LOAD DATA, NULL: none */
	size_t length, capacity;
};

/* base_open - connect as the daemon with these settings does.  Fatal when it
   fails. */
void base_open(
    struct base *base, const struct settings *settings, const char *conf);

/* base_close - close the connection; does nothing when there is none. */
void base_close(struct base *base);

/* base_server - version and settings that matter, as one line for people. */
void base_server(struct base *base, char *text, size_t size);

/* base_run - run a statement without a result; fatal when it fails. */
void base_run(struct base *base, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* base_may - run a statement without a result.  Returns whether it worked;
   base_error() tells why not. */
bool base_may(struct base *base, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *base_error(const struct base *base);

/* base_number - the number that a statement answers with; absent when there
   is no row or it is NULL.  Failing is fatal. */
int64_t base_number(struct base *base, int64_t absent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * base_prepare - make the lines that base_load() sends: the whole key set in
 * the order of the primary key, with this time.
 */
void base_prepare(struct base *base, const struct keyset *set, uint64_t ts);

/* base_load - LOAD DATA LOCAL INFILE ... REPLACE of these lines, from memory.
   Returns whether it worked. */
bool base_load(struct base *base);

/* base_rest - wait until the database has cleaned up after earlier statements
   (its purge has nothing left), so that this is not charged to the next one;
   not for long, and not at all where that cannot be seen. */
void base_rest(struct base *base);

/* base_check - whether every key of the set stands in the table with this
   time, and, if it is ours alone, no other; fatal if not. */
void base_check(
    struct base *base, const struct keyset *set, uint64_t ts, bool alone);

/* base_upsert - one row in one statement, as a program without reporter would
   write it.  Fatal when it fails. */
void base_upsert(struct base *base, const struct record *record);

#endif
