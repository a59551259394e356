/* SPDX-License-Identifier: MIT
 *
 * The reporter's counters and the CPU time of its processes.  Owns read-only
 * mappings, so that a benchmark cannot change what it measures.
 */
#include "config.h"

#include "t/bench/bench.h"
#include "status/scan.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define WAIT_TIMEOUT 120 /* seconds without any progress */
#define START_TIMEOUT 10 /* seconds until all workers have checked in */
#define PAUSE 50e-6      /* seconds between two checks */

struct watch watch;
static struct segment segment;
static struct scan scan; /* the newest generation comes first */

static const char not_running[] = "not all of its workers are running";

/* Take what is fixed.  Returns false unless each worker of the generation in
   use runs and is mapped: without one of them, no sum is right.  Segments of
   other generations are behind theirs. */
static bool
workers_take(void)
{
	const struct master_shared *master = segment_master(&segment);
	uint64_t generation = counter_get(&master->generation);
	uint64_t bytes = 0;
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
	watch = (struct watch){ .pids[0] = atomic_load(&master->pid) };
	for (unsigned i = 0; i < scan.count; i++) {
		const struct worker_segment *w = &scan.segments[i];

		if (w->shared->header.generation != generation)
			break;
		watch.pids[++watch.workers] = atomic_load(&w->shared->info.pid);
		watch.keys += w->table.keys;
		bytes +=
		    w->map.size - (w->ring.mask + 1) * sizeof(struct record);
	}
	watch.key_bytes = (double)bytes / (double)watch.keys;
	return n > 0 && watch.workers == n;
}

static const char *
watch_try(const char *instance)
{
	scan_close(&scan);
	if (segment.base != NULL)
		segment_close(&segment);
	enum shm_status status =
	    segment_open_master(&segment, instance, SEGMENT_READ);
	if (status == SHM_OK)
		status = scan_open(&scan, instance);
	if (status != SHM_OK)
		return shm_strerror(status, errno);
	return workers_take() ? NULL : not_running;
}

void
watch_open(const char *instance)
{
	struct wait wait = { NULL, START_TIMEOUT, 10e-3, 0, 0 };
	const char *why;

	while ((why = watch_try(instance)) != NULL &&
	       (why == not_running || parameter("self")) && wait_more(&wait, 1))
		continue;
	if (why != NULL)
		fail("instance %s: %s", instance, why);
}

void
watch_check(void)
{
	if (watch.workers > 0 && kill(watch.pids[0], 0) < 0 && errno == ESRCH)
		fail("the reporter has ended");
}

uint64_t
watch_drained(void)
{
	uint64_t records = 0;

	for (unsigned i = 0; i < watch.workers; i++) {
		const struct drain_counters *drain =
		    &scan.segments[i].shared->drain;

		records += counter_get(&drain->added) +
			   counter_get(&drain->superseded) -
			   counter_get(&drain->replayed);
	}
	return records;
}

uint64_t
watch_rows(void)
{
	uint64_t rows = 0;

	for (unsigned i = 0; i < watch.workers; i++)
		rows += counter_get(&scan.segments[i].shared->flush.rows);
	return rows;
}

struct counts
watch_counts(void)
{
	const struct master_shared *master = segment_master(&segment);
	const struct input_counters *input = &master->input;
	struct counts counts = { 0 };

	for (unsigned i = 0; i < watch.workers; i++)
		counts.queued += ring_queued(&scan.segments[i].ring);
	/* Against the direction of travel, so that none is missed. */
	for (unsigned i = 0; i < watch.workers; i++) {
		const struct worker_shared *shared = scan.segments[i].shared;
		uint64_t dead = counter_get(&shared->flush.dead_letter);

		counts.lost += dead;
		counts.pending -= counter_get(&shared->flush.stored) + dead;
		atomic_thread_fence(memory_order_acquire);
		counts.pending += counter_get(&shared->drain.added);
	}
	counts.drained = watch_drained();
	atomic_thread_fence(memory_order_acquire);
	counts.lost += counter_get(&input->dropped) +
		       counter_sum(input->rejected, REJECT_REASONS);
	counts.connections = counter_get(&input->connections);
	counts.accepted = counter_get(&input->accepted);
	counts.refused = counter_sum(input->refused, REFUSALS);
	counts.closed = counter_sum(input->closed, CLOSINGS);
	counts.throttles = counter_get(&input->throttles);
	for (int i = 0; i < CHILDREN_MAX; i++)
		counts.restarts += atomic_load_explicit(
		    &master->children[i].restarts, memory_order_relaxed);
	return counts;
}

/* How much is missing until the counter of the wait has grown by n. */
static uint64_t
left(enum await await, const struct counts *before, uint64_t n)
{
	struct counts now = watch_counts();

	watch_check();
	if (now.lost != before->lost)
		fail("%" PRIu64 " records were rejected, dropped or set aside",
		    now.lost - before->lost);
	if (now.restarts != before->restarts)
		fail("a worker died unexpectedly");
	if (await == AWAIT_ACCEPTED && now.refused != before->refused)
		fail("reporter refused a connection: see its log");
	/* Fewer pending is progress: where others report, something is stored
	   for ever. */
	if (await == AWAIT_SETTLED)
		return now.pending;
	uint64_t more = await == AWAIT_DRAINED ? now.drained - before->drained
			: await == AWAIT_ACCEPTED
			    ? now.accepted - before->accepted
			    : now.closed - before->closed;
	return more < n ? n - more : 0;
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
	struct wait wait = { what[await], WAIT_TIMEOUT, PAUSE, 0, 0 };

	while (wait_more(&wait, left(await, before, n)))
		continue;
}

double
process_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
		fail("process %d has ended", (int)pid);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct cpu
cpu_read(void)
{
	struct cpu cpu = { .database = NAN };
	pid_t database = (pid_t)parameter("database");

	if (watch.workers > 0)
		cpu.master = process_cpu(watch.pids[0]);
	for (unsigned i = 1; i <= watch.workers; i++)
		cpu.workers += process_cpu(watch.pids[i]);
	if (database > 0)
		cpu.database = process_cpu(database);
	return cpu;
}
