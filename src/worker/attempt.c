/* SPDX-License-Identifier: MIT
 *
 * One statement: sent until it passes, or fewer rows must be tried.  Belongs to
 * the flush thread; errors of the database are logged at a limited rate,
 * counted by class, shown as the worker's last error, and waited out.
 */
#include "config.h"

#include "worker/store_state.h"
#include "lib/clock.h"
#include "shm/faultpoint.h"
#include "worker/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool
store_wait(struct store *store, uint32_t ms)
{
	struct timespec until = monotonic_after(ms);
	int stop;

	do
		stop = sem_clockwait(&store->stop, CLOCK_MONOTONIC, &until);
	while (stop < 0 && errno == EINTR);
	/* And the next one does not wait either. */
	if (stop == 0)
		sem_post(&store->stop);
	return stop < 0;
}

/* ------------------------------------------------------------- errors ----- */

static const char *const advice_for[DB_CLASSES] = {
	[DB_RETRY] = "retrying the statement",
	[DB_RECONNECT] = "reconnecting",
	[DB_NEXT_HOST] = "trying the next host",
	[DB_WAIT_ROOM] = "waiting until the server has room",
	[DB_SPLIT] = "retrying in smaller batches",
	[DB_REFUSED] = "isolating the row",
	[DB_UNLISTED] = "isolating the row",
	[DB_HOLD] = "keeping all records until this is fixed",
};

void
store_count(
    struct store *store, enum db_class kind, const struct db_error *error)
{
	counter_add(&store->count->errors[kind], 1);
	last_error_set(store->count, error->number, error->text);
}

void
store_show(struct store *store, enum db_class kind,
    const struct db_error *error, const char *advice)
{
	if (kind == DB_RECONNECT || kind == DB_NEXT_HOST || kind == DB_HOLD)
		store->down = true;
	if (kind == DB_HOLD) {
		/* Logged once, until it changes or goes away. */
		if (strcmp(store->logged, error->text) == 0 &&
		    store->advised == advice)
			return;
		store->advised = advice;
		memcpy(store->logged, error->text, sizeof(store->logged));
		log_limited_error(&store->held_limiter,
		    "database %s: error %u: %s; %s", db_host(store->db),
		    error->number, error->text, advice);
		return;
	}
	log_limited(&store->limiter, "database %s: error %u: %s; %s",
	    db_host(store->db), error->number, error->text, advice);
}

void
store_note(struct store *store, enum db_class kind)
{
	/* With one host in the list there is no next one. */
	bool alone = kind == DB_NEXT_HOST && store->settings->host.count == 1;

	store_count(store, kind, db_error(store->db));
	if (kind == DB_HOLD)
		store_note_blocked(store);
	store_show(store, kind, db_error(store->db),
	    advice_for[alone ? DB_RECONNECT : kind]);
}

/* At a limited rate: a server may accept and drop connections in a loop. */
static void
log_connection(struct store *store, const char *what)
{
	uint64_t suppressed;

	if (log_limiter_pass(&store->connects, monotonic_ms(), &suppressed))
		log_info("database %s: %s", db_host(store->db), what);
}

static void
error_over(struct store *store)
{
	for (int i = 0; i < DB_CLASSES; i++)
		store->backoff[i].tries = 0;
	if (store->down)
		log_connection(store, "recovered");
	store->down = false;
	store->refusing_ms = 0;
	store->logged[0] = '\0';
	counter_set(&store->count->blocked_since, 0);
}

/* ---------------------------------------------------------- statements ---- */

/* Count a value in the bucket i of those below 2^i. */
static void
bucket_add(counter buckets[HISTOGRAM_BUCKETS], uint64_t value)
{
	int bucket = 0;

	while (bucket < HISTOGRAM_BUCKETS - 1 && value >> bucket > 0)
		bucket++;
	counter_add(&buckets[bucket], 1);
}

/* Note the first success after the last error. */
static void
note_recovered(struct flush_counters *count)
{
	if (counter_get(&count->recovered_ts) <=
	    counter_get(&count->last_error_ts))
		counter_set(&count->recovered_ts, monotonic_ms());
}

/* Note a transaction of n rows that took us microseconds. */
static void
flush_note(struct flush_counters *count, size_t n, uint64_t us)
{
	uint64_t now = monotonic_ms();

	bucket_add(count->buckets, us / 1000);
	counter_add(&count->flush_us, us);
	counter_add(&count->rows, n);
	counter_add(&count->flushes, 1);
	counter_set(&count->last_flush_us, us);
	counter_set(&count->last_flush_ts, now);
	counter_set(&count->waiting_since, now);
	note_recovered(count);
}

/* The password as the configuration has it now: it may change without a
   reload.  While it cannot be read, the current one is kept. */
static void
password_refresh(struct store *store)
{
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);

	if (errors == NULL)
		return;
	enum secret_status status = secret_read(store->password, errors);
	fclose(errors);
	if (status != SECRET_READ && text != NULL)
		log_limited(&store->limiter,
		    "%.*s; keeping the current password",
		    (int)strcspn(text, "\n"), text);
	free(text);
	db_set_password(store->db, store->password->text);
}

void
store_note_connection(struct store *store)
{
	bool connected = db_connected(store->db);

	counter_set(&store->count->connected, connected);
	if (connected)
		counter_set(&store->count->apart_since, 0);
	else if (counter_get(&store->count->apart_since) == 0)
		counter_set(&store->count->apart_since, monotonic_ms());
}

/* Show how far the server's clock is from ours.  If ours is behind by more than
   max_clock_skew, correct reports look like those of a clock that is ahead. */
static void
store_note_clock(struct store *store)
{
	int64_t ahead = db_clock_ahead(store->db);
	uint64_t skew = (uint64_t)(ahead < 0 ? -ahead : ahead);
	char text[96];

	counter_set(&store->count->clock_skew, skew);
	/* Both clocks are read in whole seconds. */
	if (skew <= store->settings->max_clock_skew / 1000 + 1)
		return;
	snprintf(text, sizeof(text),
	    "the server's clock differs from ours by %+" PRId64 " seconds",
	    ahead);
	last_error_set(store->count, 0, text);
	log_limited(&store->clocks,
	    "database %s: %s, more than max_clock_skew; synchronize the clocks",
	    db_host(store->db), text);
}

void
store_note_blocked(struct store *store)
{
	if (counter_get(&store->count->blocked_since) == 0)
		counter_set(&store->count->blocked_since, monotonic_ms());
}

/* Show the host that we are connected to. */
static void
store_note_host(struct store *store)
{
	uint64_t words[sizeof(store->count->host) / sizeof(counter)] = { 0 };

	snprintf((char *)words, sizeof(words), "%s", db_host(store->db));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		counter_set(&store->count->host[i], words[i]);
}

enum db_class
store_connect(struct store *store)
{
	counter_set(&store->count->connected, 0);
	password_refresh(store);
	enum db_class kind = db_connect(store->db);
	if (kind == DB_OK)
		store_note_host(store);
	store_note_connection(store);
	if (kind != DB_OK)
		return kind;
	counter_add(&store->count->connects, 1);
	note_recovered(store->count);
	log_connection(store, "connected");
	return DB_OK;
}

int
store_idle(struct store *store, int timeout_ms)
{
	uint64_t now = monotonic_ms();

	db_look_after(store->db);
	if (!db_connected(store->db) && now >= store->connect_ms) {
		enum db_class kind = store_connect(store);

		now = monotonic_ms();
		if (kind == DB_OK) {
			error_over(store);
		} else {
			store_note(store, kind);
			store->connect_ms =
			    now + backoff_next(&store->backoff[kind]);
		}
	}
	if (!db_connected(store->db) &&
	    store->connect_ms - now < (uint64_t)timeout_ms)
		return (int)(store->connect_ms - now);
	return timeout_ms;
}

void
store_return(struct store *store)
{
	if (!db_ask_earlier(store->db))
		return;
	password_refresh(store);
	if (!db_return(store->db))
		return;
	log_connection(
	    store, "closing: an earlier host of the list is available again");
	enum db_class kind = store_connect(store);
	if (kind != DB_OK)
		store_note(store, kind);
}

/* window_failed - so many rows were too many: halve.  Failures in a row are
   one event, whose first size counts for the threshold. */
static void
window_failed(struct window *window, size_t rows)
{
	window->size = rows > 1 ? rows / 2 : 1;
	if (!window->failing)
		window->threshold = window->size;
	window->failing = true;
}

/* window_passed - a statement of so many rows went through.  One that was
   smaller than the window shows nothing of a larger one. */
static void
window_passed(struct window *window, size_t rows)
{
	size_t size = window->size, limit = window->max;

	window->failing = false;
	if (rows < size)
		return;
	if (size < window->threshold) {
		if (limit > window->threshold)
			limit = window->threshold;
		size *= 2;
	} else {
		size += size < 16 ? 1 : size / 16;
	}
	window->size = size < limit ? size : limit;
}

/* Note what a statement's end shows of how many rows the server takes.  A slow
   server ends in a timeout.  One that finds a packet too long may close the
   connection as well: that is one failure, not two. */
static void
store_learn(struct store *store, enum db_class kind, size_t rows)
{
	if (kind == DB_OK)
		window_passed(&store->window, rows);
	else if (rows > 1 && (kind == DB_SPLIT || (kind == DB_RECONNECT &&
						      store->last != DB_SPLIT)))
		window_failed(&store->window, rows);
	store->last = kind;
}

enum db_class
store_try(struct store *store, struct table_row *rows, size_t n, size_t *sent)
{
	uint64_t clamped = 0, begun;
	enum db_class kind;

	*sent = n;
	if (!db_connected(store->db)) {
		kind = store_connect(store);
		if (kind != DB_OK)
			return kind;
	}
	for (size_t i = 0; i < n; i++) {
		table_refresh(store->table, &rows[i]);
		store->records[i] = &rows[i].record;
	}
	trial_flush(store->info, rows[0].slot);
	begun = monotonic_us();
	for (size_t i = 0; i < n; i++)
		FAULT_POISON("store", rows[i].record.modid);
	FAULT_POINT("store_before");
	kind = db_upsert(store->db, store->records, n,
	    store_horizon(store->settings), &clamped, sent);
	FAULT_POINT("store_sent");
	trial_flushed(store->info);
	store_learn(store, kind, *sent);
	if (kind == DB_OK) {
		counter_add(&store->count->clamped, clamped);
		flush_note(store->count, *sent, monotonic_us() - begun);
		store_note_clock(store);
	} else {
		store_note_connection(store);
	}
	return kind;
}

void
store_prove(struct store *store, const struct record *record)
{
	store->canary = *record;
	store->proven = true;
	/* What failed before can be judged now. */
	if (store->unproven > 0)
		held_hurry(&store->held);
	store->unproven = 0;
}

void
store_settled(struct store *store, const struct table_row *rows, size_t n)
{
	uint64_t now = (uint64_t)time(NULL);

	for (size_t i = 0; i < n; i++) {
		uint64_t ts = record_ts(&rows[i].record);
		uint64_t age = now > ts ? now - ts : 0;

		bucket_add(store->count->ages, age);
		counter_add(&store->count->age_seconds, age);
		FAULT_POINT("store_settling");
		table_stored(store->table, &rows[i]);
	}
	store->blame_rows = store->blame_limit;
	store_prove(store, &rows[n - 1].record);
	error_over(store);
}

enum db_class
store_insist(
    struct store *store, struct table_row *rows, size_t n, size_t *sent)
{
	for (;;) {
		size_t window = store->window.size;
		enum db_class kind =
		    store_try(store, rows, n < window ? n : window, sent);

		if (kind == DB_OK) {
			store_settled(store, rows, *sent);
			return kind;
		}
		store_note(store, kind);
		if (kind == DB_SPLIT && *sent > 1)
			continue;
		if (dberror_divides(kind) ||
		    (kind == DB_HOLD && db_connected(store->db)) ||
		    !store_wait(store, backoff_next(&store->backoff[kind])))
			return kind;
	}
}
