/* SPDX-License-Identifier: MIT
 *
 * Collecting the status.  Owns its mappings for the length of a call.  Any
 * process that may open the segments, one thread; failures are returned.
 *
 * Records travel while we look.  Reading against their direction, the
 * workers' side first and the master's last, finds every record at most once,
 * and what is under way counts as queued.
 */
#include "config.h"

#include "status/status.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define READS 4 /* the first, and three more if segments come and go */

/* ------------------------------------------------------------- who lives -- */

static bool
process_lives(int32_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

bool
status_running(const struct segment *segment)
{
	const struct master_shared *master = segment_master(segment);
	int32_t pid = atomic_load_explicit(&master->pid, memory_order_relaxed);

	/* Only then try the lock: a reporter that starts, which could miss
	   it, has not written its pid yet. */
	if (!process_lives(pid))
		return false;
	int fd = shm_open(segment->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

/* --------------------------------------------------------------- workers -- */

/* Whatever the database said, it must not steer a terminal. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void
read_flush(struct status_worker *w, const struct flush_counters *flush)
{
	w->dead_lost = counter_get(&flush->dead_lost);
	w->rows = counter_get(&flush->rows);
	w->flushes = counter_get(&flush->flushes);
	w->clamped = counter_get(&flush->clamped);
	w->connects = counter_get(&flush->connects);
	w->last_flush_ts = counter_get(&flush->last_flush_ts);
	w->last_flush_us = counter_get(&flush->last_flush_us);
	w->flush_us = counter_get(&flush->flush_us);
	w->connected = counter_get(&flush->connected) != 0;
	w->last_error_ts = counter_get(&flush->last_error_ts);
	w->waiting_since = counter_get(&flush->waiting_since);
	for (int i = 0; i < FLUSH_BUCKETS; i++)
		w->buckets[i] = counter_get(&flush->buckets[i]);
	for (int i = 0; i < DB_CLASSES; i++)
		w->errors[i] = counter_get(&flush->errors[i]);
}

static void
read_worker(struct status_worker *w, const struct worker_segment *segment)
{
	const struct worker_shared *shared = segment->shared;
	const struct drain_counters *drain = &shared->drain;

	/* Against the direction of travel.  Acquire: a record that was counted
	   as stored is also seen as added. */
	w->stored = counter_get(&shared->flush.stored);
	w->dead_letter = counter_get(&shared->flush.dead_letter);
	atomic_thread_fence(memory_order_acquire);
	w->added = counter_get(&drain->added);
	w->superseded = counter_get(&drain->superseded);
	atomic_thread_fence(memory_order_acquire);
	w->replayed = counter_get(&drain->replayed);
	w->queued = ring_queued(&segment->ring);
	w->pending = (int64_t)(w->added - w->stored - w->dead_letter);

	w->keys = counter_get(&drain->used);
	w->evicted = counter_get(&drain->evicted);
	w->full = counter_get(&drain->full);
	w->skewed = counter_get(&drain->skewed);
	w->poisoned = counter_get(&shared->info.poisoned);
	w->ring_records = shared->header.ring_records;
	w->table_keys = shared->header.table_keys;
	read_flush(w, &shared->flush);
	w->last_error_number = last_error_get(
	    &shared->flush, w->last_error, sizeof(w->last_error));
	make_printable(w->last_error);
}

/* Read a segment by name, if it is the instance's owner's.  Returns its
   worker's pid, 0 if it cannot be read. */
static int32_t
read_segment(
    struct status_worker *w, const char *name, const struct status *status)
{
	struct worker_segment segment;
	enum shm_status found =
	    segment_view_worker(&segment, name, status->owner);

	if (found != SHM_OK) {
		w->trouble = shm_strerror(found, errno);
		return 0;
	}
	read_worker(w, &segment);
	w->slot = segment.shared->header.slot;
	w->generation = segment.shared->header.generation;
	int32_t pid = atomic_load_explicit(
	    &segment.shared->info.pid, memory_order_relaxed);
	segment_close(&segment.map);
	return pid;
}

/* A worker without a master ends by itself when all is in the database. */
static void
state_of_orphan(struct status_worker *w, int32_t pid)
{
	bool lives = process_lives(pid);

	w->pid = lives ? pid : 0;
	w->state = lives ? child_state_name(CHILD_FINISHING) : "left";
}

/* Read what the master tells of one worker, and the worker's segment. */
static void
read_child(struct status *status, const struct child_entry *entry)
{
	enum child_state state = (enum child_state)atomic_load_explicit(
	    &entry->state, memory_order_acquire);
	struct status_worker *w = &status->workers[status->count];
	char name[SEGMENT_NAME_MAX];

	if (state == CHILD_NONE)
		return;
	memset(w, 0, sizeof(*w));
	w->generation = counter_get(&entry->generation);
	w->slot = atomic_load_explicit(&entry->slot, memory_order_relaxed);
	w->pid = atomic_load_explicit(&entry->pid, memory_order_relaxed);
	w->restarts =
	    atomic_load_explicit(&entry->restarts, memory_order_relaxed);
	w->state = child_state_name(state);
	segment_name(name, status->instance, w->generation, w->slot);
	int32_t pid = read_segment(w, name, status);
	if (!status->running)
		state_of_orphan(w, pid);
	status->count++;
}

static bool
is_listed(const struct status *status, const char *name)
{
	char known[SEGMENT_NAME_MAX];

	for (unsigned i = 0; i < status->count; i++) {
		segment_name(known, status->instance,
		    status->workers[i].generation, status->workers[i].slot);
		if (strcmp(known, name) == 0)
			return true;
	}
	return false;
}

/* Segments that no entry speaks of. */
static void
read_left(struct status *status)
{
	static char names[STATUS_WORKERS_MAX][SEGMENT_NAME_MAX];
	int n = segment_list_of(
	    status->instance, status->owner, names, STATUS_WORKERS_MAX);

	for (int i = 0; i < n && i < STATUS_WORKERS_MAX; i++) {
		if (status->count == STATUS_WORKERS_MAX ||
		    is_listed(status, names[i]))
			continue;
		struct status_worker *w = &status->workers[status->count++];
		memset(w, 0, sizeof(*w));
		/* An instance's name has no dot. */
		sscanf(strchr(strchr(names[i], '.') + 1, '.'),
		    ".%" SCNu64 ".%u", &w->generation, &w->slot);
		state_of_orphan(w, read_segment(w, names[i], status));
	}
}

/* ---------------------------------------------------------- the instance -- */

static void
read_input(struct status *status, const struct input_counters *input)
{
	status->reports = counter_get(&input->reports);
	status->skewed = counter_get(&input->skewed);
	status->foreign = counter_get(&input->foreign);
	status->bytes = counter_get(&input->bytes);
	status->connections = counter_get(&input->connections);
	status->accepted = counter_get(&input->accepted);
	status->accept_holds = counter_get(&input->accept_holds);
	for (int i = 0; i < REFUSALS; i++)
		status->refused[i] = counter_get(&input->refused[i]);
	for (int i = 0; i < CLOSINGS; i++)
		status->closed[i] = counter_get(&input->closed[i]);
	status->throttled = counter_get(&input->throttled);
	status->throttles = counter_get(&input->throttles);
	status->reloads = counter_get(&input->reloads);
	status->reload_errors = counter_get(&input->reload_errors);
	status->last_dead_letter_ts = counter_get(&input->last_dead_letter_ts);
	status->last_dropped_ts = counter_get(&input->last_dropped_ts);
	for (int i = 0; i < REJECT_REASONS; i++)
		status->rejected[i] = counter_get(&input->rejected[i]);
}

/* The terms of the identity; the workers have been read.  Sums are unsigned:
   what a damaged segment tells may go over the top, and then just shows. */
static void
read_records(struct status *status, const struct input_counters *input)
{
	struct status_records *r = &status->records;
	uint64_t superseded = counter_get(&input->retired_superseded);
	uint64_t replayed = counter_get(&input->retired_replayed);
	uint64_t stored = counter_get(&input->retired_stored);
	uint64_t dead_letter = counter_get(&input->retired_dead_letter);
	/* What an emptied segment had added was stored or set aside. */
	uint64_t added = stored + dead_letter, rejected = 0, dropped, received;

	status->clamped = 0;
	for (unsigned i = 0; i < status->count; i++) {
		const struct status_worker *w = &status->workers[i];

		added += w->added;
		superseded += w->superseded;
		replayed += w->replayed;
		stored += w->stored;
		dead_letter += w->dead_letter;
		status->clamped += w->clamped;
	}
	for (int i = 0; i < REJECT_REASONS; i++)
		rejected += counter_get(&input->rejected[i]);
	dropped = counter_get(&input->dropped);
	/* received is the master's first word of a record, so it comes last. */
	atomic_thread_fence(memory_order_acquire);
	received = counter_get(&input->received);
	*r = (struct status_records){
		.received = (int64_t)received,
		.replayed = (int64_t)replayed,
		.rejected = (int64_t)rejected,
		.dropped = (int64_t)dropped,
		.queued = (int64_t)(received + replayed - rejected - dropped -
				    added - superseded),
		.pending = (int64_t)(added - stored - dead_letter),
		.superseded = (int64_t)superseded,
		.stored = (int64_t)stored,
		.dead_letter = (int64_t)dead_letter,
	};
}

/* Changes whenever a segment's totals move to the master's. */
static uint64_t
retired(const struct input_counters *input)
{
	return counter_get(&input->retired_stored) +
	       counter_get(&input->retired_dead_letter) +
	       counter_get(&input->retired_superseded);
}

/* Read everything once.  Returns false if a segment went meanwhile. */
static bool
collect_once(struct status *status, const struct master_shared *master)
{
	uint64_t before = retired(&master->input);

	status->count = 0;
	for (int i = 0; i < CHILDREN_MAX; i++)
		read_child(status, &master->children[i]);
	if (!status->running)
		read_left(status);
	atomic_thread_fence(memory_order_acquire);
	read_records(status, &master->input);
	read_input(status, &master->input);
	return retired(&master->input) == before && status->records.queued >= 0;
}

/* How fast the counts grew until now, and when the master last noted them. */
static void
read_rates(struct status *status, const struct history *history)
{
	const struct status_records *r = &status->records;
	const struct history_sample now = {
		.at_ms = monotonic_ms(),
		.counts = {
			[HISTORY_REPORTS] = status->reports,
			[HISTORY_RECEIVED] = (uint64_t)r->received,
			[HISTORY_REJECTED] = (uint64_t)r->rejected,
			[HISTORY_DROPPED] = (uint64_t)r->dropped,
			[HISTORY_SUPERSEDED] = (uint64_t)r->superseded,
			[HISTORY_STORED] = (uint64_t)r->stored,
			[HISTORY_DEAD_LETTER] = (uint64_t)r->dead_letter,
		},
	};

	struct history_sample last;

	status->master_age = 0;
	if (status->running && history_nearest(history, now.at_ms, &last) &&
	    last.at_ms < now.at_ms)
		status->master_age = (double)(now.at_ms - last.at_ms) / 1000;
	memset(status->rates, 0, sizeof(status->rates));
	for (int i = 0; status->running && i < RATES_SPANS; i++)
		rates_over(&status->rates[i], history, &now, rates_spans[i]);
}

uint64_t
status_lag(const struct status *status, const struct status_worker *worker)
{
	if (worker->waiting_since == 0 || worker->pending <= 0 ||
	    status->now < worker->waiting_since)
		return 0;
	return status->now - worker->waiting_since;
}

enum shm_status
status_collect(struct status *status, const char *instance)
{
	const struct timespec nap = { 0, 1000000L };
	struct segment segment;
	enum shm_status found =
	    segment_open_master(&segment, instance, SEGMENT_READ);

	if (found != SHM_OK)
		return found;
	const struct master_shared *master = segment_master(&segment);
	snprintf(status->instance, sizeof(status->instance), "%s", instance);
	snprintf(status->version, sizeof(status->version), "%.*s",
	    (int)sizeof(master->software), master->software);
	make_printable(status->version);
	status->now = (uint64_t)time(NULL);
	status->running = status_running(&segment);
	status->owner = segment.owner;
	status->pid = atomic_load_explicit(&master->pid, memory_order_relaxed);
	status->started = counter_get(&master->started);
	status->generation = counter_get(&master->generation);
	status->reload_failed = atomic_load_explicit(&master->reload_failed,
				    memory_order_relaxed) != 0;
	for (int i = 0; i < READS && !collect_once(status, master); i++)
		nanosleep(&nap, NULL);
	read_rates(status, &master->history);
	segment_close(&segment);
	return SHM_OK;
}

uint64_t
status_refused(const struct status *status)
{
	uint64_t sum = 0;

	for (int i = 0; i < REFUSALS; i++)
		sum += status->refused[i];
	return sum;
}

uint64_t
status_closed(const struct status *status)
{
	uint64_t sum = 0;

	for (int i = 0; i < CLOSINGS; i++)
		sum += status->closed[i];
	return sum;
}
