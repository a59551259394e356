/* SPDX-License-Identifier: MIT
 *
 * The state of the store, for its three sources: attempt.c sends a statement,
 * alone.c deals with rows that fail alone, store.c writes batches.
 */
#pragma once

#include "sql/db.h"
#include "worker/backoff.h"
#include "lib/log.h"
#include "worker/store.h"

#include <semaphore.h>

/* How many rows a statement may have, found out as TCP finds out how much a
   network takes (RFC 5681).  The server rejects oversized statements in many
   ways, and none names the limit. */
struct window {
	size_t max;       /* rows, 1 or more: never above it */
	size_t size;      /* rows that may be sent now, 1 to max */
	size_t threshold; /* up to here it doubles, above it grows slowly */
	bool failing;     /* the last statement failed */
};

/* Slots of the pending table whose row failed alone, while the table takes
   others.  They stay dirty, are left out of batches, and are retried alone,
   ever more slowly. */
#define HELD_MAX 1024

struct held_row {
	uint32_t slot;
	uint64_t since_ms; /* monotonic */
	uint64_t due_ms;   /* when to retry it */
	struct backoff backoff;
};

struct held {
	size_t count, max;
	struct held_row rows[HELD_MAX]; /* by slot */
};

/* held_hurry - all rows are due now. */
static inline void
held_hurry(struct held *held)
{
	for (size_t i = 0; i < held->count; i++)
		held->rows[i].due_ms = 0;
}

struct store {
	const struct settings *settings;
	struct secret *password;
	struct table *table;
	struct flush_counters *count;
	struct worker_info *info;
	struct db *db;
	struct backoff backoff[DB_CLASSES];
	struct log_limiter limiter, held_limiter;
	struct log_limiter connects; /* about connections made */
	struct log_limiter clocks;   /* about the server's clock */
	struct window window; /* rows of a transaction, up to flush_rows */
	enum db_class last;   /* of the last statement */
	bool trial;           /* one by one: see trial.h */
	const struct record **records;
	struct held held;
	/* A record that the table took last: whether it still takes it shows
	   why another one failed. */
	struct record canary;
	bool proven;                   /* there is one */
	unsigned unproven;             /* rows held since no canary passes */
	const struct table_row *batch; /* under way */
	size_t batch_rows;
	uint64_t random;
	/* The error that a row was to blame for; for how many more without one
	   stored, and for how long, it is the same with others. */
	unsigned blame_number, blame_rows, blame_limit;
	uint64_t blame_until_ms; /* monotonic */
	uint64_t connect_ms;     /* when to connect again while idle */
	uint64_t retry_ms;       /* when held rows are retried again */
	uint64_t end_ms;         /* when a retired worker gives them up */
	/* Since when the batch is being divided, 0: it is not; when one may be
	   again; whether one was left for that. */
	uint64_t dividing_ms, divide_ms;
	bool isolated; /* a row was, since then */
	bool left;
	/* The DB_HOLD error that was logged, "" is none.  Its text: what we
	   find out ourselves has no number. */
	char logged[sizeof(((struct db_error *)0)->text)];
	const char *advised;  /* the advice logged with it, a literal */
	uint64_t refusing_ms; /* since when no row is taken; 0: some are */
	bool down;            /* log when the database has recovered */
	sem_t stop;           /* posted once: asked to stop */
};

/* store_count - count and show an error of the database; store_show - show and
   log it, with what is done about it; store_note - all of that for the last
   error, with its class's advice. */
void store_count(
    struct store *store, enum db_class kind, const struct db_error *error);
void store_show(struct store *store, enum db_class kind,
    const struct db_error *error, const char *advice);
void store_note(struct store *store, enum db_class kind);

/* store_note_blocked - show readers that an error for a person to fix holds up
   all rows, until one is stored or the next connection is made. */
void store_note_blocked(struct store *store);

/* store_connect - as db_connect(), with what is to be noted. */
enum db_class store_connect(struct store *store);

/* store_return - return to an earlier host of the list that is available again.
   Call it between two statements, about once a second. */
void store_return(struct store *store);

/* store_try - one try: connect if need be, send the newest versions of n rows.
 *sent and result: as db_upsert(). */
enum db_class store_try(
    struct store *store, struct table_row *rows, size_t n, size_t *sent);

/* store_prove - the table takes this record. */
void store_prove(struct store *store, const struct record *record);

/* store_settled - the first n rows were committed. */
void store_settled(struct store *store, const struct table_row *rows, size_t n);

/* store_not_held - move the rows that are not held to the front.  Returns how
   many they are. */
size_t store_not_held(
    const struct store *store, struct table_row *rows, size_t n);

/* store_insist - try until the first *sent of the rows are settled (DB_OK), or
   must be divided (DB_REFUSED, DB_UNLISTED), or one row fails for its size
   (DB_SPLIT), or the table holds them up (DB_HOLD).  Any other class only when
   asked to stop. */
enum db_class store_insist(
    struct store *store, struct table_row *rows, size_t n, size_t *sent);

/* store_send - likewise, waiting while the table holds all rows up; so DB_HOLD
   only when asked to stop, too. */
enum db_class store_send(
    struct store *store, struct table_row *rows, size_t n, size_t *sent);

/* store_alone - settle or hold a row that failed alone, with this class, or
   wait while the table takes none.  Returns false when asked to stop. */
bool store_alone(
    struct store *store, struct table_row *row, enum db_class kind);
