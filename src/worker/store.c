/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "worker/store_state.h"
#include "lib/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINES 10 /* a minute, of each worker, about the database */

#define DIVIDE_MS 200 /* that a batch may be divided for at once */

/* --------------------------------------------------------- making one ----- */

static void
backoffs_init(struct store *store)
{
	static const uint32_t waits[DB_CLASSES][2] = {
		/* first, cap: milliseconds */
		[DB_RETRY] = { 10, 1000 },
		[DB_RECONNECT] = { 50, 5000 },
		[DB_NEXT_HOST] = { 50, 5000 },
		[DB_WAIT_ROOM] = { 1000, 30000 },
		[DB_UNLISTED] = { 100, 5000 },
		[DB_HOLD] = { 1000, 30000 },
	};
	uint64_t seed = (uint64_t)getpid() << 32 | (uint64_t)time(NULL);

	for (int i = 0; i < DB_CLASSES; i++)
		store->backoff[i] = (struct backoff){ waits[i][0], waits[i][1],
			0, seed + (uint64_t)i };
}

struct store *
store_new(const struct settings *settings, struct secret *password,
    struct worker_segment *segment)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->settings = settings;
	store->password = password;
	store->table = &segment->table;
	store->count = &segment->shared->flush;
	store->info = &segment->shared->info;
	size_t max = db_settings(settings).max_rows;
	store->window = (struct window){ max, max, max, false };
	/* However many are held, there is room for others in the table. */
	store->held.max = segment->table.keys / 2;
	if (store->held.max > HELD_MAX)
		store->held.max = HELD_MAX;
	counter_set(&store->count->held, 0);
	store->limiter = LOG_PER_MINUTE(LOG_LINES);
	store->connects = LOG_PER_MINUTE(LOG_LINES);
	store->held_limiter = LOG_PER_MINUTE(LOG_LINES);
	store->clocks = LOG_PER_MINUTE(1);
	backoffs_init(store);
	sem_init(&store->stop, 0, 0);
	counter_set(&store->count->connected, 0);

	store->records = calloc(store->window.max, sizeof(*store->records));
	struct db_options options = db_settings(settings);
	options.session = &store->info->session;
	options.session_mark = &store->info->session_mark;
	options.password = password->text;
	store->db = db_new(&options);
	if (store->records != NULL && store->db != NULL)
		return store;
	store_free(store);
	return NULL;
}

void
store_free(struct store *store)
{
	db_free(store->db);
	counter_set(&store->count->connected, 0);
	counter_set(&store->count->apart_since, 0);
	counter_set(&store->count->blocked_since, 0);
	counter_set(&store->count->held, 0);
	free(store->records);
	free(store);
}

void
store_stop(struct store *store)
{
	sem_post(&store->stop);
}

/* ------------------------------------------------------------- batches ---- */

/* Whether a batch that fails may be divided now: that takes many statements,
   and an agent can send as many bad rows as it likes. */
static bool
store_may_divide(struct store *store)
{
	uint64_t now = monotonic_ms();

	/* While the table takes none, there are waits in between. */
	if (!store->proven)
		return true;
	if (store->dividing_ms == 0) {
		if (now < store->divide_ms)
			return false;
		store->dividing_ms = now;
		store->isolated = false;
	}
	/* At least one row, or it would never come to an end. */
	return !store->isolated || now - store->dividing_ms < DIVIDE_MS;
}

/* Leave rows for the next round. */
static void
rows_leave(struct store *store, const struct table_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		table_mark(store->table, &rows[i]);
	store->left = true;
}

/* Settle, hold or leave all n rows.  Returns how many were; fewer when asked
   to stop. */
static size_t
store_all(struct store *store, struct table_row *rows, size_t n)
{
	size_t done = 0, sent;

	while (done < n) {
		enum db_class kind =
		    store_send(store, rows + done, n - done, &sent);

		if (kind != DB_OK && !dberror_divides(kind))
			break;
		if (kind != DB_OK && sent == 1) {
			store->isolated = true;
			if (!store_alone(store, &rows[done], kind))
				break;
		} else if (kind != DB_OK && !store_may_divide(store)) {
			rows_leave(store, rows + done, sent);
		} else if (kind != DB_OK) {
			/* Halve, until the row at fault stands alone. */
			size_t half = sent / 2;
			size_t settled = store_all(store, rows + done, half);
			if (settled == half)
				settled += store_all(
				    store, rows + done + half, sent - half);
			if (settled < sent)
				return done + settled;
		}
		done += sent;
	}
	return done;
}

void
store_trial(struct store *store, bool trial)
{
	store->trial = trial;
}

size_t
store_rows(struct store *store, struct table_row *rows, size_t n)
{
	size_t limit = store->trial ? 1 : store->window.size;

	if (n > limit)
		n = limit;
	size_t free = store_not_held(store, rows, n);
	store->batch = rows;
	store->batch_rows = free;
	size_t settled = store_all(store, rows, free);
	store->batch_rows = 0;
	if (store->dividing_ms != 0) {
		/* The others have as much time. */
		store->divide_ms = monotonic_ms() + DIVIDE_MS;
		store->dividing_ms = 0;
	}
	store_retry(store);
	return settled < free ? settled : n;
}

uint64_t
store_left(struct store *store)
{
	bool left = store->left;

	store->left = false;
	return left ? store->divide_ms : 0;
}

struct db *
store_db(struct store *store)
{
	if (!db_connected(store->db))
		store_connect(store);
	return store->db;
}
