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

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* The most keys of one round.  Order over the whole round is worth more than
   any other thing on the database's side, so it is large. */
#define ROUND_ROWS 524288

/* How often to check whether an older generation has ended, and for a round's
   rows where there should be some. */
#define OLDER_MS 20

/* How often to check whether the database has closed an idle connection. */
#define IDLE_MS 2000

/* How often to check whether rows that were left are due. */
#define DIVIDE_WAIT_MS 50

/* Which round is due. */
enum due {
	DUE_NONE,   /* none will be */
	DUE_URGENT, /* of the urgent keys */
	DUE_ALL
};

struct flush {
	const struct settings *settings;
	struct worker_segment *segment;
	const struct master_shared *master;
	struct store *store;
	struct retention retention;
	struct round round;
	struct table_row batch[DB_ROWS_MAX];
	size_t max_rows;  /* of one transaction */
	uint64_t enough;  /* so many dirty keys do not wait: the table fills */
	uint64_t last_ms; /* when the last sweep began */
	uint64_t urgent_ms; /* when urgent keys were last taken */
	uint64_t left_ms;   /* when rows that were left are due; 0: none were */
	pthread_t thread;
	pthread_mutex_t mutex;  /* of this process alone, for the conditions */
	pthread_cond_t wake;    /* the flush waits for work */
	pthread_cond_t settled; /* the drain waits for room */
	/* The flush sleeps until so many keys are dirty; 0: it is awake.  Or
	   until a key is urgent: table_urgent() is more than this. */
	_Atomic uint64_t wake_at, wake_urgent;
	_Atomic bool crowded; /* the drain waits for room */
	_Atomic bool finish, stop, ended;
};

/* ----------------------------------------------------------- waiting ------ */

/* Whether there is what the flush sleeps for. */
static bool
flush_wanted(const struct flush *f, uint64_t dirty)
{
	const struct table *table = &f->segment->table;

	return table_pending(table) >= dirty ||
	       table_urgent(table) >
		   atomic_load_explicit(&f->wake_urgent, memory_order_relaxed);
}

/* Sleep until `dirty` keys are pending, keys became urgent more than `urgent`
   times, timeout_ms are over, the drain waits for room, or the thread is asked
   to finish or stop. */
static void
flush_sleep(struct flush *f, uint64_t dirty, uint64_t urgent, int timeout_ms)
{
	struct timespec until = monotonic_after((uint32_t)timeout_ms);

	pthread_mutex_lock(&f->mutex);
	atomic_store_explicit(&f->wake_urgent, urgent, memory_order_relaxed);
	atomic_store_explicit(&f->wake_at, dirty, memory_order_relaxed);
	/* With the fence in flush_notify(): either we see the new key, or the
	   drain sees that we sleep. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!flush_wanted(f, dirty) && !f->stop && !f->finish && !f->crowded)
		pthread_cond_clockwait(
		    &f->wake, &f->mutex, CLOCK_MONOTONIC, &until);
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

	if (at != 0 && flush_wanted(f, at))
		flush_signal(f, NULL, &f->wake);
}

void
flush_wait_room(struct flush *f, int timeout_ms)
{
	struct timespec until = monotonic_after((uint32_t)timeout_ms);

	pthread_mutex_lock(&f->mutex);
	/* Room may be short long before the table fills: where all slots that
	   a key may take are dirty. */
	f->crowded = true;
	pthread_cond_signal(&f->wake);
	pthread_cond_clockwait(&f->settled, &f->mutex, CLOCK_MONOTONIC, &until);
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

/* Milliseconds until `interval` has passed since then; 0: it has. */
static uint64_t
time_left(uint64_t since_ms, uint64_t interval)
{
	uint64_t past = monotonic_ms() - since_ms;

	return past >= interval ? 0 : interval - past;
}

/* Milliseconds until urgent keys are due; UINT64_MAX: there are none. */
static uint64_t
urgent_left(const struct flush *f)
{
	if (round_urgent(&f->round, &f->segment->table) == 0)
		return UINT64_MAX;
	return time_left(f->urgent_ms, f->settings->urgent_interval);
}

/* Write the next rows of a run in one statement.  Returns how many. */
static size_t
batch_store(struct flush *f, struct run *run)
{
	size_t n = run->end - run->begin;

	if (n > f->max_rows)
		n = f->max_rows;
	for (size_t i = 0; i < n; i++)
		f->batch[i] = f->round.rows[f->round.order[run->begin + i].row];
	n = store_rows(f->store, f->batch, n);
	run->begin += n;
	flush_signal(f, NULL, &f->settled);
	return n;
}

/* Which urgent keys go in between, after this row: all if there are no more
   than n.  Many that are no more urgent than the row are better written in the
   order of a round: the next one. */
static unsigned
between_marks(const struct flush *f, const struct table_row *row, size_t n)
{
	if (round_urgent(&f->round, &f->segment->table) <= n)
		return URGENT;
	return row->mark == DIRTY ? URGENT : row->mark == NEW ? CHANGED : 0;
}

/* Write one part of the round to the database, batch by batch; urgent keys in
   between, no more than a batch had, so that each kind has its share. */
static void
run_store(struct flush *f, struct run run)
{
	const struct round *round = &f->round;

	while (run.begin < run.end && !f->stop) {
		size_t n = batch_store(f, &run);
		unsigned marks = 0;

		if (n > 0 && urgent_left(f) == 0)
			marks = between_marks(f,
			    &round->rows[round->order[run.begin - 1].row], n);
		if (marks == 0)
			continue;
		f->urgent_ms = monotonic_ms();
		struct run between =
		    round_between(&f->round, &f->segment->table, marks, n);
		while (between.begin < between.end && !f->stop)
			batch_store(f, &between);
	}
}

/* Returns whether it found anything to store. */
static bool
round_run(struct flush *f, enum due due)
{
	const struct segment_header *header = &f->segment->map.header;
	bool found = false;

	f->urgent_ms = monotonic_ms();
	if (due == DUE_URGENT) {
		round_collect_urgent(&f->round, &f->segment->table);
	} else {
		f->crowded = false;
		if (f->round.sweep == 0)
			f->last_ms = f->urgent_ms;
		round_collect(&f->round, &f->segment->table, header->slot,
		    header->workers);
	}
	FAULT_POINT("flush_collected");
	for (int i = 0; i < ROUND_RUNS; i++) {
		struct run run = f->round.runs[i];

		found = found || run.begin < run.end;
		run_store(f, run);
	}
	return found;
}

/* Whether no older generation has records left: see struct master_shared. */
static bool
older_stored(const struct flush *f)
{
	return counter_acquire(&f->master->oldest_generation) >=
	       f->segment->map.header.generation;
}

/* Whether a newer generation waits until we have stored all. */
static bool
flush_retired(const struct flush *f)
{
	return counter_get(&f->master->generation) >
	       f->segment->map.header.generation;
}

/* Show since when keys that are due wait for the database: each commit resets
   it. */
static void
note_waiting(struct flush *f, bool due)
{
	counter *since = &f->segment->shared->flush.waiting_since;

	if (!due)
		counter_set(since, 0);
	else if (counter_get(since) == 0)
		counter_set(since, monotonic_ms());
}

/* Whether calm keys do not wait for flush_interval, or not any more. */
static bool
all_due(const struct flush *f, uint64_t pending)
{
	return f->finish || f->crowded || pending >= f->enough ||
	       f->round.sweep > 0 ||
	       (f->left_ms != 0 && monotonic_ms() >= f->left_ms) ||
	       time_left(f->last_ms, f->settings->flush_interval) == 0;
}

/* Sleep until a round may be due. */
static void
due_sleep(struct flush *f, uint64_t held)
{
	uint64_t wait = time_left(f->last_ms, f->settings->flush_interval);
	uint64_t urgent = urgent_left(f);
	/* Once there are urgent keys, others do not make them more so. */
	uint64_t more =
	    urgent == UINT64_MAX ? f->round.urgent_seen : UINT64_MAX;

	if (wait > urgent)
		wait = urgent;
	if (f->left_ms != 0 && wait > DIVIDE_WAIT_MS)
		wait = DIVIDE_WAIT_MS;
	int timeout = store_idle(f->store, wait < 1000 ? (int)wait : 1000);

	/* A statement of it would keep urgent keys waiting. */
	if (urgent == UINT64_MAX)
		timeout = retention_idle(&f->retention, timeout);
	flush_sleep(f, held + f->enough, more, timeout);
}

/* Wait until a round is due. */
static enum due
round_due(struct flush *f)
{
	while (!f->stop) {
		uint64_t held = store_retry(f->store);
		uint64_t pending = table_pending(&f->segment->table);

		if (pending <= held) {
			note_waiting(f, false);
			if (f->finish) {
				store_finish(f->store, flush_retired(f));
				return DUE_NONE;
			}
			/* The room that the drain waits for is there. */
			if (f->crowded)
				flush_signal(f, NULL, &f->settled);
			f->crowded = false;
			flush_sleep(f, held + 1, UINT64_MAX,
			    retention_idle(
				&f->retention, store_idle(f->store,
						   held > 0 ? 1000 : IDLE_MS)));
			continue;
		}
		if (!older_stored(f)) {
			note_waiting(f, true);
			store_wait(f->store, OLDER_MS);
			continue;
		}
		bool all = all_due(f, pending - held);
		if (all || urgent_left(f) == 0) {
			note_waiting(f, true);
			return all ? DUE_ALL : DUE_URGENT;
		}
		note_waiting(f, false);
		due_sleep(f, held);
	}
	return DUE_NONE;
}

static void *
flush_main(void *arg)
{
	struct flush *f = arg;
	enum due due;

	while ((due = round_due(f)) != DUE_NONE) {
		/* The drain counts a key before it marks it. */
		if (!round_run(f, due))
			store_wait(f->store, OLDER_MS);
		f->left_ms = store_left(f->store);
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
	/* Time to store some before the drain has to wait. */
	f->enough = segment->table.keys - segment->table.keys / 8;
	/* The first record goes at once, whatever the interval. */
	f->last_ms = monotonic_ms() - settings->flush_interval;
	f->urgent_ms = monotonic_ms() - settings->urgent_interval;
	f->store = store_new(settings, password, segment);
	retention_init(&f->retention, settings, segment, master, f->store);
	if (f->store != NULL)
		store_trial(f->store, trial);
	if (f->store == NULL ||
	    !round_open(&f->round, ROUND_ROWS, f->max_rows)) {
		flush_free(f);
		return NULL;
	}
	pthread_cond_init(&f->wake, NULL);
	pthread_cond_init(&f->settled, NULL);
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
	while (!f->ended && pthread_cond_clockwait(&f->settled, &f->mutex,
				CLOCK_MONOTONIC, &until) == 0)
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
