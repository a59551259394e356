/* SPDX-License-Identifier: MIT
 *
 * The reporter's counters.  Owns read-only mappings, so that a benchmark cannot
 * change what it measures.
 */
#include "config.h"

#include "bench/bench.h"
#include "status/scan.h"

#include <errno.h>

#define PATIENCE 120      /* seconds without any progress */
#define START_PATIENCE 10 /* seconds until all workers have checked in */
#define PAUSE 50e-6       /* seconds between two checks */

static struct segment segment;
static struct scan scan; /* the newest generation comes first */
static const struct worker_segment *const workers = scan.segments;
static unsigned attached;

static const char not_running[] = "not all of its workers are running";

/* Whether each worker of the generation in use runs and is mapped: without one
   of them, no sum is right.  Those of other generations are put behind. */
static bool
workers_complete(void)
{
	const struct master_shared *master = segment_master(&segment);
	uint64_t generation = counter_get(&master->generation);
	unsigned n = 0;

	for (int i = 0; i < CHILDREN_MAX; i++) {
		const struct child_entry *entry = &master->children[i];
		uint32_t state = atomic_load(&entry->state);

		if (state == CHILD_NONE ||
		    counter_get(&entry->generation) != generation)
			continue;
		if (state != CHILD_RUNNING)
			return false;
		n++;
	}
	attached = 0;
	while (attached < scan.count &&
	       workers[attached].shared->header.generation == generation)
		attached++;
	return n > 0 && attached == n;
}

static const char *
watch_try(const char *instance)
{
	watch_close();
	enum shm_status status =
	    segment_open_master(&segment, instance, SEGMENT_READ);
	if (status == SHM_OK)
		status = scan_open(&scan, instance);
	if (status != SHM_OK)
		return shm_strerror(status, errno);
	if (workers_complete())
		return NULL;
	watch_close();
	return not_running;
}

void
watch_open(const char *instance)
{
	struct wait wait = { NULL, START_PATIENCE, 10e-3, 0, 0 };
	const char *why;

	while ((why = watch_try(instance)) != NULL &&
	       (why == not_running || options.self) && wait_more(&wait, 1))
		continue;
	if (why != NULL)
		fail("instance %s: %s", instance, why);
}

void
watch_close(void)
{
	scan_close(&scan);
	attached = 0;
	if (segment.base != NULL)
		segment_close(&segment);
}

unsigned
watch_workers(void)
{
	return attached;
}

static uint64_t
sum(const counter *counters, size_t n)
{
	uint64_t all = 0;

	while (n-- > 0)
		all += counter_get(&counters[n]);
	return all;
}

uint64_t
watch_records(void)
{
	uint64_t records = 0;

	for (unsigned i = 0; i < attached; i++) {
		const struct drain_counters *drain = &workers[i].shared->drain;

		records += counter_get(&drain->added) +
			   counter_get(&drain->superseded) -
			   counter_get(&drain->replayed);
	}
	return records;
}

/* Against the direction of travel. */
struct counts
watch_counts(void)
{
	const struct master_shared *master = segment_master(&segment);
	const struct input_counters *input = &master->input;
	struct counts counts = { 0 };

	for (unsigned i = 0; i < attached; i++) {
		const struct flush_counters *flush = &workers[i].shared->flush;
		uint64_t dead = counter_get(&flush->dead_letter);

		counts.lost += dead;
		counts.pending -= counter_get(&flush->stored) + dead;
		atomic_thread_fence(memory_order_acquire);
		counts.pending += counter_get(&workers[i].shared->drain.added);
	}
	counts.drained = watch_records();
	atomic_thread_fence(memory_order_acquire);
	counts.lost +=
	    counter_get(&input->dropped) + sum(input->rejected, REJECT_REASONS);
	counts.accepted = counter_get(&input->accepted);
	counts.refused = sum(input->refused, REFUSALS);
	counts.closed = sum(input->closed, CLOSINGS);
	counts.throttles = counter_get(&input->throttles);
	for (int i = 0; i < CHILDREN_MAX; i++)
		counts.restarts += atomic_load_explicit(
		    &master->children[i].restarts, memory_order_relaxed);
	return counts;
}

/* How much is missing until the counter of the wait has grown by n; a worker
   or a record that was lost is fatal. */
static uint64_t
left(enum await await, const struct counts *before, uint64_t n)
{
	struct counts now = watch_counts();

	if (now.lost != before->lost)
		fail("%llu records were rejected, dropped or set aside",
		    (unsigned long long)(now.lost - before->lost));
	if (now.restarts != before->restarts)
		fail("a worker died unexpectedly");
	if (await == AWAIT_ACCEPTED && now.refused != before->refused)
		fail("reporter refused a connection: see its log");
	/* Fewer pending is progress: where others report, something is stored
	   for ever. */
	if (await == AWAIT_SETTLED)
		return now.pending;
	uint64_t grown_by =
	    await == AWAIT_DRAINED    ? now.drained - before->drained
	    : await == AWAIT_ACCEPTED ? now.accepted - before->accepted
				      : now.closed - before->closed;
	return grown_by < n ? n - grown_by : 0;
}

void
watch_wait(enum await await, const struct counts *before, uint64_t n)
{
	static const char *const what[] = {
		[AWAIT_DRAINED] = "records to be absorbed",
		[AWAIT_SETTLED] = "records to be flushed",
		[AWAIT_ACCEPTED] = "connections to be accepted",
		[AWAIT_CLOSED] = "connections to be closed",
	};
	struct wait wait = { what[await], PATIENCE, PAUSE, 0, 0 };

	while (wait_more(&wait, left(await, before, n)))
		continue;
}

uint64_t
watch_connections(void)
{
	return counter_get(&segment_master(&segment)->input.connections);
}

bool
watch_empty(void)
{
	/* Along the way of a record, so that none is missed in between. */
	for (unsigned i = 0; i < attached; i++)
		if (ring_queued(&workers[i].ring) > 0)
			return false;
	return watch_counts().pending == 0;
}

unsigned
watch_pids(pid_t pids[1 + WORKERS_MAX])
{
	if (attached == 0)
		return 0;
	pids[0] = atomic_load(&segment_master(&segment)->pid);
	for (unsigned i = 0; i < attached; i++)
		pids[1 + i] = atomic_load(&workers[i].shared->info.pid);
	return 1 + attached;
}

uint64_t
watch_keys(double *key_bytes)
{
	uint64_t keys = 0, bytes = 0;

	for (unsigned i = 0; i < attached; i++) {
		keys += workers[i].table.keys;
		bytes += workers[i].map.size -
			 (workers[i].ring.mask + 1) * sizeof(struct record);
	}
	if (key_bytes != NULL)
		*key_bytes = (double)bytes / (double)keys;
	return keys;
}
