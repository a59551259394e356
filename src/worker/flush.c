/* SPDX-License-Identifier: MIT
 *
 * The flush thread: when to flush.  Owns the round (round.c: what to take, in
 * what order) and the store (store.c: writes it to the database).  The
 * functions of flush.h belong to the drain thread, the rest to the flush
 * thread; a failure of the database is waited out, never returned.
 */
#include "config.h"

#include "worker/flush.h"
#include "lib/clock.h"
#include "shm/faultpoint.h"
#include "worker/retention.h"
#include "worker/round.h"
#include "worker/store.h"
#include "conf/db_settings.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* The most keys of one round.  Order over the whole round is worth more than
   any other thing on the database's side, so it is large. */
#define ROUND_ROWS 524288

/* How often to check whether an older generation has ended. */
#define OLDER_MS 20

struct flush {
	const struct settings *settings;
	struct worker_segment *segment;
	const struct master_shared *master;
	struct store *store;
	struct retention retention;
	struct round round;
	struct table_row batch[DB_ROWS_MAX];
	size_t max_rows;  /* of one transaction */
	uint64_t enough;  /* so many dirty keys are flushed at once */
	uint64_t last_ms; /* when the last round began */
	pthread_t thread;
	pthread_mutex_t mutex;  /* of this process alone, for the conditions */
	pthread_cond_t wake;    /* the flush waits for work */
	pthread_cond_t settled; /* the drain waits for room */
	/* The flush sleeps until so many keys are dirty; 0: it is awake. */
	_Atomic uint64_t wake_at;
	_Atomic bool finish, stop, ended;
};

/* ----------------------------------------------------------- waiting ------ */

/* Sleep until `dirty` keys are pending, timeout_ms are over, or the thread is
   asked to finish or stop. */
static void
flush_sleep(struct flush *f, uint64_t dirty, int timeout_ms)
{
	timeout_ms = retention_idle(&f->retention, timeout_ms);
	struct timespec until = monotonic_after((uint32_t)timeout_ms);

	pthread_mutex_lock(&f->mutex);
	atomic_store_explicit(&f->wake_at, dirty, memory_order_relaxed);
	/* With the fence in flush_notify(): either we see the new key, or the
	   drain sees that we sleep. */
	atomic_thread_fence(memory_order_seq_cst);
	if (table_pending(&f->segment->table) < dirty && !f->stop && !f->finish)
		pthread_cond_timedwait(&f->wake, &f->mutex, &until);
	atomic_store_explicit(&f->wake_at, 0, memory_order_relaxed);
	pthread_mutex_unlock(&f->mutex);
}

/* Set a flag, if it is not NULL, and wake the thread that waits for this. */
static void
flush_signal(struct flush *f, _Atomic bool *flag, pthread_cond_t *condition)
{
	pthread_mutex_lock(&f->mutex);
	if (flag != NULL)
		*flag = true;
	pthread_cond_signal(condition);
	pthread_mutex_unlock(&f->mutex);
}

void
flush_notify(struct flush *f)
{
	atomic_thread_fence(memory_order_seq_cst);
	uint64_t at = atomic_load_explicit(&f->wake_at, memory_order_relaxed);

	if (at != 0 && table_pending(&f->segment->table) >= at)
		flush_signal(f, NULL, &f->wake);
}

void
flush_wait_room(struct flush *f, int timeout_ms)
{
	struct timespec until = monotonic_after((uint32_t)timeout_ms);

	pthread_mutex_lock(&f->mutex);
	pthread_cond_timedwait(&f->settled, &f->mutex, &until);
	pthread_mutex_unlock(&f->mutex);
}

void
flush_finish(struct flush *f)
{
	if (!f->finish)
		flush_signal(f, &f->finish, &f->wake);
}

void
flush_stop(struct flush *f)
{
	if (f->stop)
		return;
	flush_signal(f, &f->stop, &f->wake);
	store_stop(f->store);
}

/* ----------------------------------------------------------- a round ------ */

/* Write one part of the round to the database, statement by statement. */
static void
run_store(struct flush *f, struct run run)
{
	while (run.begin < run.end && !f->stop) {
		size_t n = run.end - run.begin;

		if (n > f->max_rows)
			n = f->max_rows;
		for (size_t i = 0; i < n; i++)
			f->batch[i] =
			    f->round.rows[f->round.order[run.begin + i].row];
		run.begin += store_rows(f->store, f->batch, n);
		flush_signal(f, NULL, &f->settled);
	}
}

static void
round_run(struct flush *f)
{
	const struct segment_header *header = &f->segment->shared->header;

	round_collect(
	    &f->round, &f->segment->table, header->slot, header->workers);
	FAULT_POINT("flush_collected");
	for (int i = 0; i < ROUND_RUNS; i++)
		run_store(f, f->round.runs[i]);
}

/* Whether no older generation has records left: see struct master_shared. */
static bool
older_stored(const struct flush *f)
{
	return counter_acquire(&f->master->oldest_generation) >=
	       f->segment->shared->header.generation;
}

/* Whether a newer generation waits until we have stored all. */
static bool
flush_retired(const struct flush *f)
{
	return counter_get(&f->master->generation) >
	       f->segment->shared->header.generation;
}

/* Show since when keys wait for the database: from when some are pending until
   none is; each commit resets it. */
static void
note_waiting(struct flush *f, bool pending)
{
	counter *since = &f->segment->shared->flush.waiting_since;

	if (!pending)
		counter_set(since, 0);
	else if (counter_get(since) == 0)
		counter_set(since, (uint64_t)time(NULL));
}

/* Wait until a round is due.  Returns false when there is none to come. */
static bool
round_due(struct flush *f)
{
	uint64_t interval = f->settings->flush_interval;

	while (!f->stop) {
		uint64_t held = store_retry(f->store);
		uint64_t pending = table_pending(&f->segment->table) - held;
		uint64_t past = monotonic_ms() - f->last_ms;
		int wait;

		note_waiting(f, pending > 0);
		if (pending == 0) {
			if (f->finish) {
				store_finish(f->store, flush_retired(f));
				return false;
			}
			flush_sleep(f, held + 1, 1000);
			continue;
		}
		if (!older_stored(f)) {
			flush_sleep(f, UINT64_MAX, OLDER_MS);
			continue;
		}
		if (f->finish || past >= interval || pending >= f->enough)
			return true;
		wait = interval - past < 1000 ? (int)(interval - past) : 1000;
		flush_sleep(f, held + f->enough, wait);
	}
	return false;
}

static void *
flush_main(void *arg)
{
	struct flush *f = arg;

	while (round_due(f)) {
		f->last_ms = monotonic_ms();
		round_run(f);
		store_trial(f->store, false);
	}
	flush_signal(f, &f->ended, &f->settled);
	return NULL;
}

/* ----------------------------------------------------- start and end ------ */

static void
flush_free(struct flush *f)
{
	if (f->store != NULL)
		store_free(f->store);
	round_close(&f->round);
	free(f);
}

struct flush *
flush_start(const struct settings *settings, struct secret *password,
    struct worker_segment *segment, const struct master_shared *master,
    bool trial)
{
	struct flush *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->settings = settings;
	f->segment = segment;
	f->master = master;
	f->max_rows = db_settings(settings).max_rows;
	/* A table made before a reload may hold fewer than flush_rows. */
	f->enough = settings->flush_rows < segment->table.keys
			? settings->flush_rows
			: segment->table.keys;
	/* The first record goes at once, whatever the interval. */
	f->last_ms = monotonic_ms() - settings->flush_interval;
	f->store = store_new(settings, password, segment);
	retention_init(&f->retention, settings, segment, master, f->store);
	if (f->store != NULL)
		store_trial(f->store, trial);
	if (f->store == NULL || !round_open(&f->round, ROUND_ROWS)) {
		flush_free(f);
		return NULL;
	}
	monotonic_condition(&f->wake);
	monotonic_condition(&f->settled);
	pthread_mutex_init(&f->mutex, NULL);
	errno = pthread_create(&f->thread, NULL, flush_main, f);
	if (errno != 0) {
		flush_free(f);
		return NULL;
	}
	return f;
}

bool
flush_ended(struct flush *f, int timeout_ms)
{
	struct timespec until = monotonic_after((uint32_t)timeout_ms);

	pthread_mutex_lock(&f->mutex);
	/* Each statement stored wakes us as well. */
	while (!f->ended &&
	       pthread_cond_timedwait(&f->settled, &f->mutex, &until) == 0)
		continue;
	bool ended = f->ended;
	pthread_mutex_unlock(&f->mutex);
	return ended;
}

void
flush_join(struct flush *f)
{
	pthread_join(f->thread, NULL);
	flush_free(f);
}
