/* SPDX-License-Identifier: MIT
 *
 * The store: rows to the database, whatever its errors.  Owns the connection
 * (sql/db.h).  Belongs to the flush thread; errors of the database are logged
 * at a limited rate, counted by class, shown as the worker's last error, and
 * waited out.
 */
#include "config.h"

#include "worker/store.h"
#include "worker/backoff.h"
#include "conf/db_settings.h"
#include "lib/clock.h"
#include "sql/db.h"
#include "worker/deadletter.h"
#include "shm/faultpoint.h"
#include "lib/log.h"
#include "worker/trial.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINES 10 /* a minute, of each worker, about the database */

struct store {
	const struct settings *settings;
	struct secret *password;
	struct table *table;
	struct flush_counters *count;
	struct worker_info *info;
	struct db *db;
	struct deadletter deadletter;
	struct backoff backoff[DB_CLASSES];
	struct log_limiter limiter;
	struct log_limiter connects; /* about connections made */
	size_t max;                  /* rows of one transaction: flush_rows */
	size_t limit;                /* the same, now */
	bool halved; /* the limit was, and no statement was taken since */
	bool trial;  /* one by one: see trial.h */
	const struct record **records;
	/* The DB_HOLD error that was logged, "" is none.  Its text: what we
	   find out ourselves has no number. */
	char logged[sizeof(((struct db_error *)0)->text)];
	bool down;             /* log when the database has recovered */
	pthread_mutex_t mutex; /* of this process alone */
	pthread_cond_t wake;
	bool stop; /* under the mutex */
};

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
		[DB_HOLD] = { 1000, 30000 },
	};
	uint64_t seed = (uint64_t)getpid() << 32 | (uint64_t)time(NULL);

	for (int i = 0; i < DB_CLASSES; i++) {
		store->backoff[i].first_ms = waits[i][0];
		store->backoff[i].cap_ms = waits[i][1];
		store->backoff[i].random = seed + (uint64_t)i;
	}
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
	store->max = db_settings(settings).max_rows;
	store->limit = store->max;
	store->deadletter.path = settings->dead_letter_file;
	store->deadletter.size = settings->dead_letter_size;
	store->limiter = LOG_PER_MINUTE(LOG_LINES);
	store->connects = LOG_PER_MINUTE(LOG_LINES);
	backoffs_init(store);
	monotonic_condition(&store->wake);
	pthread_mutex_init(&store->mutex, NULL);
	counter_set(&store->count->connected, 0);

	store->records = calloc(store->max, sizeof(*store->records));
	struct db_options options = db_settings(settings);
	options.session = &store->info->session;
	options.session_mark = &store->info->session_mark;
	options.password = password->text;
	store->db = db_new(&options);
	if (store->records == NULL || store->db == NULL) {
		store_free(store);
		return NULL;
	}
	return store;
}

void
store_free(struct store *store)
{
	db_free(store->db);
	counter_set(&store->count->connected, 0);
	free(store->records);
	free(store);
}

/* ------------------------------------------------------------ waiting ----- */

void
store_stop(struct store *store)
{
	pthread_mutex_lock(&store->mutex);
	store->stop = true;
	pthread_cond_broadcast(&store->wake);
	pthread_mutex_unlock(&store->mutex);
}

/* Wait ms milliseconds.  Returns false when asked to stop. */
static bool
store_wait(struct store *store, uint32_t ms)
{
	struct timespec until = monotonic_after(ms);

	pthread_mutex_lock(&store->mutex);
	while (ms > 0 && !store->stop &&
	       pthread_cond_timedwait(&store->wake, &store->mutex, &until) == 0)
		continue;
	bool stop = store->stop;
	pthread_mutex_unlock(&store->mutex);
	return !stop;
}

/* ------------------------------------------------------------- errors ----- */

static const char *
error_advice(enum db_class kind)
{
	static const char *const advice[DB_CLASSES] = {
		[DB_RETRY] = "retrying the statement",
		[DB_RECONNECT] = "reconnecting",
		[DB_NEXT_HOST] = "trying the next host",
		[DB_WAIT_ROOM] = "waiting until the server has room",
		[DB_SPLIT] = "retrying in smaller batches",
		[DB_REFUSED] = "isolating the row",
		[DB_HOLD] = "keeping all records until this is fixed",
	};

	return advice[kind];
}

/* Count, show and log an error of the database. */
static void
error_note(struct store *store, enum db_class kind)
{
	const struct db_error *error = db_error(store->db);

	counter_add(&store->count->errors[kind], 1);
	last_error_set(store->count, error->number, error->text);
	counter_set(&store->count->last_error_ts, (uint64_t)time(NULL));
	if (kind == DB_RECONNECT || kind == DB_NEXT_HOST || kind == DB_HOLD)
		store->down = true;
	if (kind == DB_HOLD) {
		/* Logged once, until it changes or goes away. */
		if (strcmp(store->logged, error->text) == 0)
			return;
		memcpy(store->logged, error->text, sizeof(store->logged));
	}
	/* With one host in the list there is no next one. */
	if (kind == DB_NEXT_HOST && store->settings->host.count == 1)
		kind = DB_RECONNECT;
	log_limited(&store->limiter, "database %s: error %u: %s; %s",
	    db_host(store->db), error->number, error->text, error_advice(kind));
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
	store->logged[0] = '\0';
}

/* ---------------------------------------------------------- statements ---- */

/* Note a transaction of n rows that took us microseconds. */
static void
flush_note(struct flush_counters *count, size_t n, uint64_t us)
{
	uint64_t now = (uint64_t)time(NULL);
	int bucket = 0;

	while (bucket < FLUSH_BUCKETS - 1 && us >= UINT64_C(1000) << bucket)
		bucket++;
	counter_add(&count->buckets[bucket], 1);
	counter_add(&count->flush_us, us);
	counter_add(&count->rows, n);
	counter_add(&count->flushes, 1);
	counter_set(&count->last_flush_us, us);
	counter_set(&count->last_flush_ts, now);
	counter_set(&count->waiting_since, now);
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

static enum db_class
store_connect(struct store *store)
{
	enum db_class kind;

	counter_set(&store->count->connected, 0);
	password_refresh(store);
	kind = db_connect(store->db);
	if (kind != DB_OK)
		return kind;
	/* It may take longer statements now; but not if the connection was
	   closed because they were too long. */
	if (!store->halved)
		store->limit = store->max;
	counter_add(&store->count->connects, 1);
	counter_set(&store->count->connected, 1);
	log_connection(store, "connected");
	return DB_OK;
}

/* One try: connect if need be, send the newest versions of n rows. */
static enum db_class
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
	if (kind == DB_OK) {
		counter_add(&store->count->clamped, clamped);
		flush_note(store->count, *sent, monotonic_us() - begun);
	} else if (!db_connected(store->db)) {
		counter_set(&store->count->connected, 0);
	}
	return kind;
}

/*
 * Try until the first *sent of the rows are committed (DB_OK), or they must be
 * divided (DB_SPLIT, DB_REFUSED).  Any other class only when asked to stop.
 */
static enum db_class
store_insist(
    struct store *store, struct table_row *rows, size_t n, size_t *sent)
{
	for (;;) {
		enum db_class kind = store_try(store, rows, n, sent);

		if (kind == DB_OK) {
			store->halved = false;
			error_over(store);
			return kind;
		}
		error_note(store, kind);
		if (kind == DB_SPLIT || kind == DB_REFUSED)
			return kind;
		if (!store_wait(store, backoff_next(&store->backoff[kind])))
			return kind;
	}
}

/* Set aside a row that was refused on its own. */
static void
row_refuse(struct store *store, const struct table_row *row)
{
	const struct db_error *error = db_error(store->db);

	if (deadletter_write(&store->deadletter, &row->record, error->number,
		error->text) < 0) {
		counter_add(&store->count->dead_lost, 1);
		log_limited(&store->limiter,
		    "cannot write dead-letter file %s: %m; a refused record is "
		    "lost",
		    store->deadletter.path);
	}
	FAULT_POINT("store_refuse_written");
	table_refused(store->table, row);
}

/* Settle all n rows.  Returns how many were; fewer when asked to stop. */
static size_t
store_all(struct store *store, struct table_row *rows, size_t n)
{
	size_t done = 0, sent;

	while (done < n) {
		enum db_class kind =
		    store_insist(store, rows + done, n - done, &sent);

		if (kind == DB_OK) {
			for (size_t i = 0; i < sent; i++) {
				FAULT_POINT("store_settling");
				table_stored(store->table, &rows[done + i]);
			}
		} else if (kind != DB_SPLIT && kind != DB_REFUSED) {
			break;
		} else if (sent == 1) {
			row_refuse(store, &rows[done]);
		} else {
			/* Halve, until the refused row stands alone. */
			if (kind == DB_SPLIT) {
				store->limit = sent / 2;
				store->halved = true;
			}
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
	size_t limit = store->trial ? 1 : store->limit;

	return store_all(store, rows, n < limit ? n : limit);
}
