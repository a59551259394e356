/* SPDX-License-Identifier: MIT
 *
 * The worker process: taking over its segment, the drain (this process's
 * first thread), and the end.  Owns the segment's lock and all words of it
 * but the producer's.  A fatal error is logged and ends the process: with
 * WORKER_FAILED when another start may succeed, else with WORKER_BAD_CONFIG.
 */
#include "config.h"

#include "worker/worker.h"
#include "conf/reload.h"
#include "lib/clock.h"
#include "shm/faultpoint.h"
#include "worker/flush.h"
#include "worker/store.h"
#include "lib/log.h"
#include "lib/process.h"
#include "privilege/daemon.h"
#include "worker/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DRAIN_RECORDS 512 /* passed over at once */
#define DRAIN_BATCHES 16  /* before a look at commands and signals */
#define FINISH_MS 200  /* how often to check whether the flush has finished */
#define ROOM_MS 20     /* how long to wait for room in the table at once */
#define ORPHAN_MS 5000 /* what an orphan may take to finish */
#define WORKER_MEMORY (256u << 20) /* what it may take, besides segments */
#define LOCK_MS 60000 /* how long another worker may hold the segment */

struct worker {
	const struct worker_start *start;
	struct worker_segment segment;
	struct secret password; /* the flush's, once that runs */
	struct flush *flush;
	struct trial trial;
	uint64_t orphaned_ms; /* since when the master is gone; 0: it lives */
	uint64_t note_ms;     /* when to note the figures of this process */
};

/* -------------------------------------------------------- the password ---- */

/* The master checks at its start that the password can be read, and erases it:
   an error that comes later shows here only. */
static enum secret_status
worker_read_password(struct worker *w)
{
	enum secret_status status = SECRET_SHORTAGE;
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);

	w->password = (struct secret){ .path = w->start->path };
	if (errors == NULL) {
		log_error("cannot read the password: %m");
		return status;
	}
	status = secret_read(&w->password, errors);
	fclose(errors);
	if (status != SECRET_READ)
		log_error_lines(text);
	free(text);
	if (status == SECRET_REFUSED)
		log_error("cannot read the password from %s: it must be valid "
			  "and readable by the user that reporter runs as",
		    w->start->path);
	return status;
}

/* --------------------------------------------------------- taking over ---- */

/* A worker of a killed master may still have the segment, for a short time. */
static enum shm_status
worker_lock(struct worker *w)
{
	enum shm_status status = segment_lock(&w->segment.map, LOCK_MS);

	if (status == SHM_OK)
		status = segment_intact(&w->segment);
	if (status != SHM_OK) {
		log_error("cannot open segment %s: %s", w->segment.map.name,
		    shm_strerror(status, errno));
		return status;
	}
	/* With it an attacker in this process could fill /dev/shm. */
	close(w->segment.map.fd);
	w->segment.map.fd = -1;
	/* While we waited, that one drained on: read the indices again. */
	struct ring *ring = &w->segment.ring;
	ring_attach(ring, ring->producer, ring->consumer, ring->records,
	    ring->mask + 1);
	return SHM_OK;
}

static enum shm_status
worker_take_over(struct worker *w)
{
	struct worker_info *info;
	uint64_t dirty, queued;
	enum shm_status status = worker_lock(w);

	if (status != SHM_OK)
		return status;
	FAULT_POINT("worker_locked");
	info = &w->segment.shared->info;
	atomic_store_explicit(&info->checked_in, 0, memory_order_relaxed);
	/* Release: who sees our pid does not see the check-in of the worker
	   before. */
	atomic_store_explicit(&info->pid, getpid(), memory_order_release);
	counter_set(&info->started, monotonic_ms());
	/* Release: the log is the one that the master had. */
	counter_set(&info->reopen_error, 0);
	counter_release(&info->reopens, w->start->reopens);
	queued = ring_queued(&w->segment.ring);
	dirty = table_recover(
	    &w->segment.table, counter_get(&w->segment.ring.consumer->tail));
	if (queued + dirty > 0)
		log_info("continuing with unstored records: queued: %" PRIu64
			 ", pending: %" PRIu64,
		    queued, dirty);
	FAULT_POINT("worker_recovered");
	trial_open(
	    &w->trial, &w->segment, w->start->crashed, w->start->settings);
	return SHM_OK;
}

/* --------------------------------------------------------------- drain ---- */

/* Whether the master is gone; then we have ORPHAN_MS to finish. */
static bool
worker_orphaned(struct worker *w)
{
	if (w->orphaned_ms == 0 && getppid() != w->start->master_pid)
		w->orphaned_ms = monotonic_ms();
	return w->orphaned_ms != 0;
}

static bool
orphan_late(struct worker *w)
{
	return worker_orphaned(w) &&
	       monotonic_ms() - w->orphaned_ms > ORPHAN_MS;
}

/* Drain queued records into the table.  Returns whether to call it again now.
 */
static bool
drain_batch(struct worker *w)
{
	struct worker_info *info = &w->segment.shared->info;
	struct ring *ring = &w->segment.ring;
	uint64_t tail = counter_get(&ring->consumer->tail);
	bool trial = tail < w->trial.drain_end;
	uint64_t n = trial ? 1 : DRAIN_RECORDS;
	const struct record *records = ring_peek(ring, &n);

	/* Damaged: the next worker does not get the segment, and logs that. */
	if (records == NULL)
		_exit(WORKER_FAILED);
	if (n == 0)
		return false;
	if (trial)
		trial_drain(info, tail);
	size_t put = table_put(
	    &w->segment.table, records, n, store_horizon(w->start->settings));
	FAULT_POINT("worker_drain_put");
	if (trial)
		trial_drained(info);
	if (put > 0) {
		ring_advance(ring, put);
		flush_notify(w->flush);
	}
	if (put < n)
		flush_wait_room(w->flush, ROOM_MS);
	return put == n;
}

static void
drain_turn(struct worker *w)
{
	for (int i = 0; i < DRAIN_BATCHES && drain_batch(w); i++)
		continue;
}

/* If the master has reopened its log, reopen ours; not if we are to stop, since
   Landlock may not allow us the directory of the new one. */
static void
worker_log_follow(const struct worker *w)
{
	struct worker_info *info = &w->segment.shared->info;
	/* Acquire: the master's file was opened before ours. */
	uint64_t reopens = counter_acquire(&w->start->master->input.reopens);

	if (reopens % 2 != 0 || reopens == counter_get(&info->reopens) ||
	    ring_asked(&w->segment.ring) == RING_STOP)
		return;
	counter_set(&info->reopen_error,
	    reload_log(w->start->settings) < 0 ? (uint64_t)errno : 0);
	counter_release(&info->reopens, reopens);
}

/* Note the figures of this process when they are due.  Returns the
   milliseconds until the next time. */
static int
worker_note(struct worker *w)
{
	uint64_t now = monotonic_ms();

	if (now >= w->note_ms) {
		w->note_ms = now + PROCESS_NOTE_MS;
		process_note(&w->segment.shared->info.process, 0);
	}
	return (int)(w->note_ms - now);
}

static struct ring *drained;

/* The signal that the kernel sends when the master dies: it may arrive right
   before ring_wait() sleeps, which this prevents. */
static void
master_died(int number)
{
	(void)number;
	ring_wake(drained);
}

/* Drain until there is a reason to end: RING_FINISH or RING_STOP. */
static enum ring_command
worker_drain(struct worker *w)
{
	struct ring *ring = &w->segment.ring;

	for (;;) {
		enum ring_command command = ring_asked(ring);

		worker_log_follow(w);
		int wait = worker_note(w);
		if (command == RING_STOP || orphan_late(w))
			return RING_STOP;
		drain_turn(w);
		if (ring_queued(ring) > 0)
			continue;
		if (command == RING_FINISH || worker_orphaned(w))
			return RING_FINISH;
		ring_wait(ring, wait);
	}
}

/* ----------------------------------------------------------------- end ---- */

/* Records that are not stored. */
static uint64_t
worker_left(const struct worker *w)
{
	return ring_queued(&w->segment.ring) + table_pending(&w->segment.table);
}

/* Flush all pending records, until that is done or the worker is to stop. */
static void
worker_finish(struct worker *w)
{
	flush_finish(w->flush);
	while (!flush_ended(w->flush, FINISH_MS)) {
		worker_log_follow(w);
		/* With no record left the thread only logs in. */
		if (ring_asked(&w->segment.ring) == RING_STOP ||
		    worker_left(w) == 0)
			break;
		if (orphan_late(w)) {
			log_warn(
			    "the master died and the database is slow; the "
			    "next start stores the remaining records");
			break;
		}
	}
}

static int
worker_end(struct worker *w)
{
	flush_stop(w->flush);
	/* A server that does not answer a login must not delay us. */
	if (worker_left(w) == 0 && !flush_ended(w->flush, FINISH_MS))
		return WORKER_FINISHED;
	flush_join(w->flush);
	uint64_t left = worker_left(w);
	secret_wipe(&w->password);
	segment_close(&w->segment.map);
	return left == 0 ? WORKER_FINISHED : WORKER_LEFT;
}

int
worker_main(const struct worker_start *start)
{
	struct worker w = { .start = start, .segment = start->segment };
	char role[32];

	snprintf(role, sizeof(role), "worker %u", start->slot);
	log_role(role);
	title_set(role);
	memory_limit(WORKER_MEMORY);
	enum secret_status read = worker_read_password(&w);
	if (read != SECRET_READ)
		return read == SECRET_SHORTAGE ? WORKER_FAILED
					       : WORKER_BAD_CONFIG;
	enum shm_status status = worker_take_over(&w);
	if (status != SHM_OK)
		return status == SHM_SYSTEM || status == SHM_BUSY
			   ? WORKER_FAILED
			   : WORKER_BAD_CONFIG;
	w.flush = flush_start(start->settings, &w.password, &w.segment,
	    start->master, w.trial.flush);
	if (w.flush == NULL) {
		log_error("cannot start the flush thread: %m");
		return WORKER_FAILED;
	}
	drained = &w.segment.ring;
	signal(SIGUSR1, master_died);
	FAULT_POINT("worker_unready");
	/* Release: the master may count on all that was written before. */
	atomic_store_explicit(
	    &w.segment.shared->info.checked_in, 1, memory_order_release);
	if (worker_drain(&w) == RING_FINISH)
		worker_finish(&w);
	return worker_end(&w);
}
