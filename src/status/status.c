/* SPDX-License-Identifier: MIT
 *
 * Owns its mappings for the length of a call.  Records travel meanwhile:
 * reading against their direction, the workers' side first and the master's
 * last, finds every record at most once, and what is under way counts as
 * queued.
 */
#include "config.h"

#include "status/status.h"
#include "lib/clock.h"
#include "lib/text.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <time.h>

/* Scans for workers that take nothing from their rings. */
#define SCANS 20
#define SCAN_MS 100
#define READS 4 /* the first, and three more if segments come and go */

/* ------------------------------------------------------------- who lives -- */

bool
status_running(const struct segment *segment)
{
	const struct master_shared *master = segment_master(segment);

	/* One that starts has not written its pid yet, one that ends has set it
	   to 0.  Acquire: see status_collect(). */
	return atomic_load_explicit(&master->pid, memory_order_acquire) > 0 &&
	       segment_holder(segment->name) != 0;
}

/* --------------------------------------------------------------- workers -- */

/* Copy counters in their order.  Acquire: the flush thread releases stored and
   dead_letter, so what they count is then seen as added.  The others are plain
   figures: if they contradict each other, it is repeated. */
static void
copy_words(counter *to, const counter *from, size_t n)
{
	for (; n > 0; n--)
		counter_set(to++, counter_acquire(from++));
}

#define COPY_COUNTERS(to, from) \
	copy_words((counter *)(to), (const counter *)(from), \
	    sizeof(*(to)) / sizeof(counter))

/* Turn points of time of the monotonic clock into seconds since 1970, as the
   clock has it now: the time since then is right even if it was set. */
static void
date_words(const struct status *status, counter *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (counter_get(words[i]) != 0)
			counter_set(words[i],
			    (counter_get(words[i]) + status->began_ms) / 1000);
}

#define DATE_WORDS(status, ...) \
	date_words(status, (counter *const[]){ __VA_ARGS__ }, \
	    sizeof((counter *const[]){ __VA_ARGS__ }) / sizeof(counter *))

static void
read_worker(const struct status *status, struct status_worker *w,
    const struct worker_segment *segment)
{
	const struct worker_shared *shared = segment->shared;
	char error[sizeof(w->flush.last_error)];

	/* Against the direction of travel. */
	COPY_COUNTERS(&w->flush, &shared->flush);
	COPY_COUNTERS(&w->drain, &shared->drain);
	COPY_COUNTERS(&w->process, &shared->info.process);
	/* By difference: in another time namespace both may be below 0. */
	if (w->flush.recovered_ts == 0 ||
	    (int64_t)(w->flush.recovered_ts - w->flush.last_error_ts) <= 0)
		w->flush.recovered_ts = 0;
	DATE_WORDS(status, &w->flush.last_flush_ts, &w->flush.last_error_ts,
	    &w->flush.recovered_ts, &w->flush.waiting_since,
	    &w->flush.retention_ts, &w->flush.apart_since,
	    &w->flush.blocked_since);
	/* Acquire: released by the drain when the outcome is set. */
	w->reopens = counter_acquire(&shared->info.reopens);
	w->reopen_error = counter_get(&shared->info.reopen_error);
	w->queued = ring_queued(&segment->ring);
	w->pending =
	    (int64_t)(w->drain.added - w->flush.stored - w->flush.dead_letter);
	if (w->flush.waiting_since != 0 && w->pending > 0)
		w->lag = status_since(status, w->flush.waiting_since);
	counter started = counter_get(&shared->info.started);
	DATE_WORDS(status, &started);
	w->started = started;
	w->poisoned = counter_get(&shared->info.poisoned);
	w->ring_records = segment->map.header.ring_records;
	w->table_keys = segment->map.header.table_keys;
	w->segment_bytes = segment->map.size;
	w->huge_bytes = (uint64_t)segment->map.header.huge_mib << 20;
	w->flush.last_error_number =
	    last_error_get(&shared->flush, error, sizeof(error));
	text_escape(w->flush.last_error, sizeof(w->flush.last_error), error);
}

/* Read a worker's segment, if it is the instance's owner's. */
static void
read_segment(const struct status *status, struct status_worker *w)
{
	char name[SEGMENT_NAME_MAX];
	struct worker_segment segment;
	int32_t pid = 0;

	segment_name(name, status->instance, w->generation, w->slot);
	enum shm_status found =
	    segment_open_worker(&segment, name, SEGMENT_READ, status->owner);
	if (found == SHM_OK) {
		read_worker(status, w, &segment);
		w->slot = segment.map.header.slot;
		w->generation = segment.map.header.generation;
		/* Acquire: released by the worker at its start. */
		pid = atomic_load_explicit(
		    &segment.shared->info.pid, memory_order_acquire);
		segment_close(&segment.map);
	} else {
		w->trouble = shm_strerror(found, errno);
	}
	/* A worker without a master exits when all records are stored. */
	if (!status->running) {
		w->pid = segment_holder(name) != 0 ? pid : 0;
		w->state =
		    w->pid > 0 ? child_state_name(CHILD_FINISHING) : "left";
	}
	w->connected = w->pid > 0 && w->flush.connected != 0;
	if (w->connected) {
		/* In a damaged segment it may have no 0 at its end. */
		char host[sizeof(w->flush.host) + 1] = "";
		memcpy(host, w->flush.host, sizeof(w->flush.host));
		text_escape(w->host, sizeof(w->host), host);
	} else if (w->pid > 0 && w->flush.apart_since != 0) {
		w->apart = status_since(status, w->flush.apart_since);
	}
}

static const struct status_worker *
find_worker(const struct status *s, uint64_t generation, uint32_t slot)
{
	STATUS_WORKERS(w, s)
		if (w->generation == generation && w->slot == slot)
			return w;
	return NULL;
}

/* Returns a worker to be filled in. */
static struct status_worker *
add_worker(struct status *status, uint64_t generation, uint32_t slot)
{
	struct status_worker *w = &status->workers[status->count++];

	*w = (struct status_worker){ .generation = generation, .slot = slot };
	return w;
}

/* Read what the master notes of one worker, and the worker's segment. */
static void
read_child(struct status *status, const struct child_entry *entry)
{
	/* Acquire: released when the words beside it are set. */
	enum child_state state = (enum child_state)atomic_load_explicit(
	    &entry->state, memory_order_acquire);

	if (state == CHILD_NONE)
		return;
	struct status_worker *w =
	    add_worker(status, counter_get(&entry->generation),
		atomic_load_explicit(&entry->slot, memory_order_relaxed));
	w->pid = atomic_load_explicit(&entry->pid, memory_order_relaxed);
	w->restarts =
	    atomic_load_explicit(&entry->restarts, memory_order_relaxed);
	w->state = child_state_name(state);
	w->running = state == CHILD_RUNNING && status->running;
	read_segment(status, w);
}

/* Segments that no entry speaks of. */
static void
read_left(struct status *status)
{
	static _Thread_local char names[STATUS_WORKERS_MAX][SEGMENT_NAME_MAX];
	int n = segment_list(
	    status->instance, status->owner, names, STATUS_WORKERS_MAX);

	for (int i = 0; i < n && i < STATUS_WORKERS_MAX; i++) {
		uint64_t generation = 0;
		uint32_t slot = 0;

		/* An instance's name has no dot. */
		sscanf(strchr(strchr(names[i], '.') + 1, '.'),
		    ".%" SCNu64 ".%" SCNu32, &generation, &slot);
		if (status->count < STATUS_WORKERS_MAX &&
		    find_worker(status, generation, slot) == NULL)
			read_segment(
			    status, add_worker(status, generation, slot));
	}
}

/* ---------------------------------------------------------- the instance -- */

/* The terms of the identity; the workers have been read.  Sums are unsigned:
   those of a damaged segment may wrap, and are shown as they are. */
static void
read_records(struct status *s)
{
	const struct input_counters *input = &s->input;
	uint64_t rejected = counter_sum(input->rejected, REJECT_REASONS);
	uint64_t superseded = input->retired.superseded;
	uint64_t replayed = input->retired.replayed;
	uint64_t stored = input->retired.stored;
	uint64_t dead_letter = input->retired.dead_letter;
	/* What an emptied segment had added was stored or set aside. */
	uint64_t added = stored + dead_letter;

	s->refused = counter_sum(input->refused, REFUSALS);
	s->closed = counter_sum(input->closed, CLOSINGS);
	s->clamped = 0;
	STATUS_WORKERS(w, s) {
		added += w->drain.added;
		superseded += w->drain.superseded;
		replayed += w->drain.replayed;
		stored += w->flush.stored;
		dead_letter += w->flush.dead_letter;
		s->clamped += w->flush.clamped;
	}
	s->records = (struct status_records){
		.received = (int64_t)input->received,
		.replayed = (int64_t)replayed,
		.rejected = (int64_t)rejected,
		.dropped = (int64_t)input->dropped,
		.queued = (int64_t)(input->received + replayed - rejected -
				    input->dropped - added - superseded),
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
	return counter_get(&input->retired.stored) +
	       counter_get(&input->retired.dead_letter) +
	       counter_get(&input->retired.superseded);
}

/* Read everything once.  Returns false if a segment went meanwhile. */
static bool
collect_once(struct status *status, const struct master_shared *master)
{
	struct input_counters *input = &status->input;
	uint64_t before = retired(&master->input);

	status->count = 0;
	for (int i = 0; i < CHILDREN_MAX; i++)
		read_child(status, &master->children[i]);
	if (!status->running)
		read_left(status);
	COPY_COUNTERS(input, &master->input);
	/* The first word that the master counts a record in comes last. */
	counter_set(&input->received, counter_get(&master->input.received));
	DATE_WORDS(status, &input->configured_ts, &input->last_dead_letter_ts,
	    &input->last_dropped_ts, &input->last_dead_lost_ts);
	read_records(status);
	return retired(input) == before && status->records.queued >= 0;
}

/* How fast the counts grew until now, and when the master last noted them. */
static void
read_rates(struct status *status, const struct history *history)
{
	const struct status_records *r = &status->records;
	const struct history_sample now = {
		.at_ms = monotonic_ms(),
		.counts = {
			[HISTORY_REPORTS] = status->input.reports,
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

const char *
status_reason(enum shm_status found)
{
	if (found == SHM_MISSING || found == SHM_UNFINISHED)
		return "not running";
	return shm_strerror(found, errno);
}

enum shm_status
status_collect(struct status *status, const char *instance)
{
	const struct timespec nap = { 0, 1000000L };
	struct segment segment;
	char version[sizeof(status->version)];
	enum shm_status found =
	    segment_open_master(&segment, instance, SEGMENT_READ);

	if (found != SHM_OK)
		return found;
	const struct master_shared *master = segment_master(&segment);
	snprintf(status->instance, sizeof(status->instance), "%s", instance);
	snprintf(version, sizeof(version), "%.*s",
	    (int)sizeof(master->software), master->software);
	text_escape(status->version, sizeof(status->version), version);
	status->began_ms = realtime_ms();
	status->now = status->began_ms / 1000;
	status->began_ms -= monotonic_ms();
	status->running = status_running(&segment);
	status->web = NULL;
	status->owner = segment.owner;
	/* Acquire: released by the master when the words beside it are set. */
	status->pid = atomic_load_explicit(&master->pid, memory_order_acquire);
	counter started = counter_get(&master->started);
	DATE_WORDS(status, &started);
	status->started = started;
	status->uptime =
	    status->running ? status_since(status, status->started) : 0;
	status->generation = counter_get(&master->generation);
	status->reload_failed = atomic_load_explicit(&master->reload_failed,
				    memory_order_relaxed) != 0;
	for (int i = 0; i < READS && !collect_once(status, master); i++)
		nanosleep(&nap, NULL);
	read_rates(status, &master->history);
	segment_close(&segment);
	return SHM_OK;
}

/* --------------------------------------------------------------- stalled -- */

/* Records taken from its ring. */
static uint64_t
taken(const struct status_worker *w)
{
	return w->drain.added + w->drain.superseded + w->drain.replayed;
}

void
status_find_stalled(struct status *status, const char *instance)
{
	static struct status later;
	unsigned stalled = 0;

	STATUS_WORKERS(w, status) {
		w->stalled = status->running && w->pid != 0 && w->queued > 0;
		stalled += w->stalled;
	}
	for (int scans = 0; stalled > 0 && scans < SCANS; scans++) {
		poll(NULL, 0, SCAN_MS);
		if (status_collect(&later, instance) != SHM_OK)
			later.count = 0;
		stalled = 0;
		STATUS_WORKERS(w, status) {
			const struct status_worker *l =
			    find_worker(&later, w->generation, w->slot);

			w->stalled &=
			    l != NULL && l->queued > 0 && taken(l) == taken(w);
			stalled += w->stalled;
		}
	}
}

void
status_hosts(const struct status *s, FILE *out)
{
	const char *before = ", database ";

	STATUS_WORKERS(w, s) {
		const struct status_worker *same = s->workers;

		while (strcmp(same->host, w->host) != 0)
			same++;
		if (same == w && *w->host != '\0') {
			fprintf(out, "%s%s", before, w->host);
			before = ", ";
		}
	}
}
