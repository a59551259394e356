/* SPDX-License-Identifier: MIT
 *
 * The watch.  Owns its read-only mappings.  Main thread; every failure is
 * fatal.
 */
#include "config.h"

#include "bench/watch.h"

#include "bench/fail.h"

#include <errno.h>
#include <string.h>

#define PATIENCE 120      /* seconds without any progress */
#define START_PATIENCE 10 /* seconds until all workers have checked in */
#define PAUSE 50e-6       /* seconds between two looks */

/* ------------------------------------------------------------- attaching -- */

static void
watch_attach(struct watch *watch, const char *instance, uint64_t generation,
    uint32_t slot)
{
	char name[SEGMENT_NAME_MAX];

	if (watch->workers == WORKERS_MAX)
		fail("instance %s has too many workers", instance);
	segment_name(name, instance, generation, slot);
	enum shm_status status = segment_open_worker(
	    &watch->worker[watch->workers], name, SEGMENT_READ);
	if (status != SHM_OK)
		fail("segment %s: %s", name, shm_strerror(status, errno));
	watch->workers++;
}

/* Whether all workers of the generation in use have checked in: without one of
   them, no sum is right. */
static bool
workers_run(const struct master_shared *master)
{
	uint64_t generation = counter_get(&master->generation);
	unsigned running = 0, others = 0;

	for (int i = 0; i < CHILDREN_MAX; i++) {
		const struct child_entry *entry = &master->children[i];
		uint32_t state = atomic_load(&entry->state);

		if (counter_get(&entry->generation) != generation)
			continue;
		running += state == CHILD_RUNNING;
		others += state != CHILD_RUNNING && state != CHILD_NONE;
	}
	return running > 0 && others == 0;
}

void
watch_open(struct watch *watch, const char *instance)
{
	enum shm_status status =
	    segment_open_master(&watch->master, instance, SEGMENT_READ);

	if (status != SHM_OK)
		fail("instance %s: %s", instance, shm_strerror(status, errno));
	const struct master_shared *master = segment_master(&watch->master);
	double deadline = clock_now() + START_PATIENCE;

	while (!workers_run(master)) {
		if (clock_now() > deadline)
			fail("instance %s: not all workers run", instance);
		clock_sleep(10e-3);
	}
	watch->workers = 0;
	uint64_t generation = counter_get(&master->generation);
	for (int i = 0; i < CHILDREN_MAX; i++) {
		const struct child_entry *entry = &master->children[i];

		if (atomic_load(&entry->state) == CHILD_RUNNING &&
		    counter_get(&entry->generation) == generation)
			watch_attach(watch, instance, generation,
			    atomic_load(&entry->slot));
	}
}

void
watch_close(struct watch *watch)
{
	for (unsigned i = 0; i < watch->workers; i++)
		segment_close(&watch->worker[i].map);
	watch->workers = 0;
	segment_close(&watch->master);
}

/* --------------------------------------------------------------- looking -- */

/* Against the direction of travel, as the status tool does. */
static void
worker_count(struct counts *counts, const struct worker_segment *worker)
{
	const struct flush_counters *flush = &worker->shared->flush;
	const struct drain_counters *drain = &worker->shared->drain;
	uint64_t stored = counter_get(&flush->stored);
	uint64_t dead = counter_get(&flush->dead_letter);

	counts->flushes += counter_get(&flush->flushes);
	atomic_thread_fence(memory_order_acquire);
	uint64_t added = counter_get(&drain->added);
	uint64_t superseded = counter_get(&drain->superseded);

	counts->stored += stored;
	counts->lost += dead;
	counts->superseded += superseded;
	counts->drained += added + superseded - counter_get(&drain->replayed);
	counts->pending += added - stored - dead;
}

struct counts
watch_counts(const struct watch *watch)
{
	const struct master_shared *master = segment_master(&watch->master);
	const struct input_counters *input = &master->input;
	struct counts counts = { 0 };

	for (unsigned i = 0; i < watch->workers; i++)
		worker_count(&counts, &watch->worker[i]);
	atomic_thread_fence(memory_order_acquire);
	counts.received = counter_get(&input->received);
	counts.lost += counter_get(&input->dropped);
	for (int i = 0; i < REJECT_REASONS; i++)
		counts.lost += counter_get(&input->rejected[i]);
	counts.accepted = counter_get(&input->accepted);
	for (int i = 0; i < REFUSALS; i++)
		counts.refused += counter_get(&input->refused[i]);
	for (int i = 0; i < CLOSINGS; i++)
		counts.closed += counter_get(&input->closed[i]);
	counts.throttles = counter_get(&input->throttles);
	for (int i = 0; i < CHILDREN_MAX; i++)
		counts.restarts += atomic_load_explicit(
		    &master->children[i].restarts, memory_order_relaxed);
	return counts;
}

uint64_t
watch_records(const struct watch *watch)
{
	uint64_t records = 0;

	for (unsigned i = 0; i < watch->workers; i++) {
		const struct drain_counters *drain =
		    &watch->worker[i].shared->drain;

		records += counter_get(&drain->added) +
			   counter_get(&drain->superseded) -
			   counter_get(&drain->replayed);
	}
	return records;
}

/* --------------------------------------------------------------- waiting -- */

static void
counts_check(const struct counts *before, const struct counts *now)
{
	if (now->lost != before->lost)
		fail("%llu records were rejected, dropped or set aside",
		    (unsigned long long)(now->lost - before->lost));
	if (now->restarts != before->restarts)
		fail("a worker has died");
}

/* Fail when `progress` has not changed for long. */
struct patience {
	uint64_t progress;
	double since;
};

static void
patience_check(struct patience *patience, uint64_t progress, const char *what)
{
	double now = clock_now();

	if (patience->since == 0 || progress != patience->progress)
		*patience = (struct patience){ progress, now };
	else if (now - patience->since > PATIENCE)
		fail("%s: no progress for %d seconds", what, PATIENCE);
	clock_sleep(PAUSE);
}

void
watch_drained(
    const struct watch *watch, const struct counts *before, uint64_t records)
{
	struct patience patience = { 0 };

	for (;;) {
		struct counts now = watch_counts(watch);

		counts_check(before, &now);
		if (now.drained - before->drained >= records)
			return;
		patience_check(&patience, now.drained, "absorbing");
	}
}

void
watch_settled(const struct watch *watch, const struct counts *before)
{
	struct patience patience = { 0 };
	uint64_t min = UINT64_MAX;

	/* What counts is that fewer are pending: with others who report,
	   something is stored for ever. */
	for (;;) {
		struct counts now = watch_counts(watch);

		counts_check(before, &now);
		if (now.pending == 0)
			return;
		if (now.pending < min)
			min = now.pending;
		patience_check(&patience, min, "flushing");
	}
}

void
watch_accepted(
    const struct watch *watch, const struct counts *before, uint64_t n)
{
	struct patience patience = { 0 };

	for (;;) {
		struct counts now = watch_counts(watch);

		if (now.refused != before->refused)
			fail("reporter refuses connections: its log says why");
		if (now.accepted - before->accepted >= n)
			return;
		patience_check(&patience, now.accepted, "connecting");
	}
}

void
watch_closed(const struct watch *watch, const struct counts *before, uint64_t n)
{
	struct patience patience = { 0 };
	uint64_t closed;

	while ((closed = watch_counts(watch).closed - before->closed) < n)
		patience_check(&patience, closed, "closing connections");
}

/* ------------------------------------------------------------- the rest --- */

uint64_t
watch_connections(const struct watch *watch)
{
	const struct master_shared *master = segment_master(&watch->master);

	return counter_get(&master->input.connections);
}

bool
watch_empty(const struct watch *watch)
{
	/* Along the way of a record, so that none is missed between the two. */
	for (unsigned i = 0; i < watch->workers; i++)
		if (ring_queued(&watch->worker[i].ring) > 0)
			return false;
	return watch_counts(watch).pending == 0;
}

unsigned
watch_pids(const struct watch *watch, pid_t pids[1 + WORKERS_MAX])
{
	const struct master_shared *master = segment_master(&watch->master);
	unsigned n = 0;

	pids[n++] = atomic_load(&master->pid);
	for (unsigned i = 0; i < watch->workers; i++)
		pids[n++] = atomic_load(&watch->worker[i].shared->info.pid);
	return n;
}

uint64_t
watch_keys(const struct watch *watch)
{
	uint64_t keys = 0;

	for (unsigned i = 0; i < watch->workers; i++)
		keys += watch->worker[i].table.keys;
	return keys;
}

double
watch_key_bytes(const struct watch *watch)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < watch->workers; i++) {
		const struct worker_segment *worker = &watch->worker[i];

		bytes += worker->map.size -
			 (worker->ring.mask + 1) * sizeof(struct record);
	}
	return (double)bytes / (double)watch_keys(watch);
}
