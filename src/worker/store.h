/* SPDX-License-Identifier: MIT
 *
 * The store: writes the rows of a round to the database, whatever its errors.
 * It waits, reconnects, and halves batches to isolate a refused row.
 * Used by the flush thread, except for store_stop().
 */
#pragma once

#include "conf/secret.h"
#include "shm/segment.h"
#include "conf/settings.h"

#include <time.h>

struct store;

/* store_horizon - the greatest believable ts now, seconds since 1970. */
static inline uint64_t
store_horizon(const struct settings *s)
{
	return (uint64_t)time(NULL) + s->max_clock_skew / 1000;
}

/* store_new - password: read again before each connection; the store's until
   store_free().  NULL: no memory, or the client library does not start. */
struct store *store_new(const struct settings *settings,
    struct secret *password, struct worker_segment *segment);

/* store_free - close the connection and free. */
void store_free(struct store *store);

/* store_rows - write the first of n rows to the database, each in its newest
   version, and settle them in the table.  Takes at most flush_rows of them, in
   one transaction.  Blocks until they are committed, set aside or held, however
   long the database is away.  A row that fails alone with an error that is not
   listed is held: it stays dirty, and store_retry() sends it again.
   rows: their order changes where some are held.
   Returns how many of the rows were settled or held; 0 only after store_stop():
   then the rest is still dirty, for the next worker. */
size_t store_rows(struct store *store, struct table_row *rows, size_t n);

/* store_retry - return to an earlier host of the list that is available again,
   and retry the held rows that are due, each alone.  Call it about once a
   second; store_rows() does it, too.  Returns how many are held. */
size_t store_retry(struct store *store);

/* store_finish - retry all held rows once more.  end: none may be left in the
   table, so a row that fails alone is set aside, and while the table takes none
   it waits; else they stay dirty, for the next worker. */
void store_finish(struct store *store, bool end);

/* store_left - when to begin a round for rows that store_rows() has left dirty
   since the last call, monotonic ms; 0: it has left none.  Batches that fail
   are divided for a part of the time only. */
uint64_t store_left(struct store *store);

/* store_db - the store's connection, connected if that succeeds. */
struct db *store_db(struct store *store);

/* store_idle - connect, or connect again, while nothing is to be stored.  Call
   it before each wait.  Blocks while it connects.  Returns when to call it
   again at the latest, in ms: up to timeout_ms. */
int store_idle(struct store *store, int timeout_ms);

/* store_note_connection - show readers whether it is connected. */
void store_note_connection(struct store *store);

/* store_trial - send rows one by one, or many at once as usual. */
void store_trial(struct store *store, bool trial);

/* store_wait - wait ms milliseconds.  Returns false when asked to stop. */
bool store_wait(struct store *store, uint32_t ms);

/* store_stop - give up: cut waits short, now and from now on.  Any thread. */
void store_stop(struct store *store);
