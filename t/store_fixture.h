/* SPDX-License-Identifier: MIT
 *
 * What the suites of store and flush share: a worker's segment, settings, and
 * a database that is played: store_fixture.c defines the functions of sql/db.h,
 * so that those of libsql are not linked.  The functions here may be called
 * while a flush thread runs.
 */
#pragma once

#include "conf/secret.h"
#include "conf/settings.h"
#include "shm/segment.h"
#include "sql/db.h"

#include <check.h>

#define FIXTURE_TS 1700000000
#define CALLS_MAX 4096

extern struct worker_segment segment; /* generation 2, slot 0 of 1 */
extern struct settings settings;      /* flush_rows is 100 */
extern struct secret password;
extern char directory[64];   /* of this test */
extern char dead_letter[96]; /* the dead-letter file in it */

/* A statement that arrived. */
struct stub_call {
	size_t rows;
	struct record first, last;
};

/* fixture_begin, fixture_end - for tcase_add_checked_fixture(). */
void fixture_begin(void);
void fixture_end(void);

/* password_put - write the configuration that has the password; NULL: one that
   cannot be read. */
void password_put(const char *text);

/* put - records of the keys first to first + n - 1 into the pending table. */
void put(uint32_t first, uint32_t n, uint64_t ts, bool overload);

/* text_of - the contents of a file in the directory of the test, up to 64 KiB;
   "" if there is none. */
const char *text_of(const char *path);

/* lines_with - how many lines of the log have this text. */
unsigned lines_with(const char *text);

/* stub_answers - what the next statements are answered, one by one; after that
   each succeeds.  kinds: ended by DB_OK. */
void stub_answers(const enum db_class *kinds);

/* stub_always - what every statement is answered until further notice. */
void stub_always(enum db_class kind);

/* stub_connecting - what the next n connects are answered. */
void stub_connecting(enum db_class kind, unsigned n);

/* stub_refuses - a key that no statement may have; UINT32_MAX: none. */
void stub_refuses(uint32_t ip);

/* stub_bad - keys from begin to before end that no statement may have while
   their succ is 0, as put() makes them.  kind: DB_REFUSED or DB_UNLISTED. */
void stub_bad(enum db_class kind, uint32_t begin, uint32_t end);

/* stub_table_refuses - whether no row is taken at all: DB_UNLISTED. */
void stub_table_refuses(bool all);

/* stub_resent - how db_takes() of a row that the table has is answered; at
   first DB_HOLD, as the table has none. */
void stub_resent(enum db_class kind);

/* stub_most - more rows in a statement are answered DB_SPLIT. */
void stub_most(size_t rows);

/* stub_canaries - calls of db_takes() so far. */
unsigned stub_canaries(void);

/* stub_takes - rows of a statement at most; the rest is left, as with
   max_allowed_packet. */
void stub_takes(size_t rows);

/* stub_during - called by each statement, before it is answered. */
void stub_during(void (*call)(void));

/* stub_calls - statements so far; stub_call - one of them, from 0. */
size_t stub_calls(void);
struct stub_call stub_call(size_t number);

/* stub_password - the password of the last connect. */
const char *stub_password(void);
