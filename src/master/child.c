/* SPDX-License-Identifier: MIT
 *
 * The children: fork workers, reap them, command them to end.  Owns the
 * workers' processes and the master's mappings of their segments.  A fork that
 * fails is logged and retried.
 */
#include "config.h"

#include "lib/log.h"
#include "lib/process.h"
#include "master/child.h"
#include "master/retire.h"
#include "privilege/sandbox.h"
#include "worker/worker.h"
#include "worker/worker_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 1000
#define TICK_STARTING_MS 20
#define RENEW_RETRY_MS 60000

/* Release: pairs with the acquire in read_child() (status.c), which then reads
   the entry's generation, slot and pid. */
static void
child_publish(struct child *child, enum child_state state)
{
	child->state = state;
	counter_release(&child->entry->state, state);
}

static void
child_set_pid(struct child *child, pid_t pid)
{
	child->pid = pid;
	counter_set(&child->entry->pid, pid);
}

/* Set the time of the next start, and publish it in shared memory. */
static void
child_set_respawn(struct child *child, struct respawn respawn)
{
	child->respawn = respawn;
	counter_set(&child->entry->not_before, respawn.not_before);
}

/* Its worker died or could not be forked: delay the next start.  Returns ms. */
static uint64_t
child_back_off(struct child *child, bool served, uint64_t now_ms)
{
	struct respawn respawn = child->respawn;
	uint64_t delay = respawn_death(&respawn, served, now_ms);

	child_set_respawn(child, respawn);
	return delay;
}

/* Apply an event to the state machine of child_state.c, and do the actions that
   need only the child.  Returns the action; the caller does the others. */
static enum child_action
child_take(struct child *child, enum child_event event)
{
	struct child_step step = child_step(child->state, event);

	/* For a child that is removed retire_segment() publishes CHILD_NONE. */
	if (step.action != ACTION_REMOVE)
		child_publish(child, step.state);
	if (step.action == ACTION_FINISH)
		ring_command(&child->segment.ring, RING_FINISH);
	if (step.action == ACTION_STOP)
		ring_command(&child->segment.ring, RING_STOP);
	if (step.action == ACTION_STOP || step.action == ACTION_RESET)
		child_set_respawn(child, (struct respawn){ 0, 0 });
	return step.action;
}

/* Whether no more records are put into its ring. */
static bool
child_retired(const struct children *children, const struct child *child)
{
	return children->ending || child->generation != children->newest;
}

/* The records of its segment that are not stored yet. */
static uint64_t
child_records(const struct child *child)
{
	return ring_queued(&child->segment.ring) +
	       table_pending(&child->segment.table);
}

void
children_init(struct children *children, struct master_shared *shared,
    const struct settings *settings, const char *path)
{
	memset(children, 0, sizeof(*children));
	children->shared = shared;
	children->settings = settings;
	children->path = path;
	children->readers = (gid_t)-1;
	for (int i = 0; i < CHILDREN_MAX; i++) {
		children->child[i].entry = &shared->children[i];
		child_publish(&children->child[i], CHILD_NONE);
	}
}

struct child *
child_adopt(struct children *children, const struct worker_segment *segment)
{
	struct child *child = children->child;

	while (child->state != CHILD_NONE)
		if (++child == children->child + CHILDREN_MAX)
			return NULL;
	*child = (struct child){
		.segment = *segment,
		.entry = child->entry,
		.generation = segment->map.header.generation,
		.slot = segment->map.header.slot,
	};
	/* For its workers: they can lock it without its name. */
	segment_lock_open(&child->segment.map);
	counter_set(&child->entry->generation, child->generation);
	counter_set(&child->entry->slot, child->slot);
	counter_set(&child->entry->restarts, 0);
	child_set_respawn(child, (struct respawn){ 0, 0 });
	child_set_pid(child, 0);
	child_publish(child, CHILD_WAITING);
	lost_note(child);
	return child;
}

void
child_drop(struct child *child)
{
	child_publish(child, CHILD_NONE);
	segment_close(&child->segment.map);
}

/* ----------------------------------------------------------------- spawn -- */

/* In the new process: close and unmap what is not the worker's. */
static void
child_release_master(struct children *children, const struct segment *own)
{
	int keep[] = { log_fd(), own->fd, own->lock };

	/* An inherited socket would keep a closed connection open. */
	process_close_others(keep, sizeof(keep) / sizeof(*keep));
	CHILDREN_EACH(child, children)
		if (child->segment.map.base != own->base)
			munmap(
			    child->segment.map.base, child->segment.map.size);
	/* A worker only reads the master's words. */
	munmap(children->shared, sizeof(*children->shared));
}

/* In the new process: release what is the master's, and run the worker. */
static void __attribute__((noreturn))
child_main(struct children *children, const struct worker_start *start)
{
	sigset_t none;

	child_release_master(children, &start->segment.map);
	/* The master's commands are in the ring's header.  A signal sent to the
	   whole process group must not interrupt a flush. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGBUS, SIG_DFL);
	/* SIGUSR1 wakes it when the master dies; until it has its ring it needs
	   no such signal. */
	signal(SIGUSR1, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (start->settings->sandbox && (worker_files_confine(start) < 0 ||
					    sandbox_enter(SANDBOX_WORKER) < 0))
		_exit(WORKER_FAILED);
	_exit(worker_main(start));
}

/* A delay for the log, until the next call: "retrying in 100 ms". */
static const char *
delay_text(const char *verb, uint64_t delay)
{
	static char text[64];

	if (delay == 0)
		snprintf(text, sizeof(text), "%s now", verb);
	else
		snprintf(
		    text, sizeof(text), "%s in %" PRIu64 " ms", verb, delay);
	return text;
}

static void
child_spawn(struct children *children, struct child *child, uint64_t now_ms)
{
	const struct worker_segment *segment = &child->segment;
	struct worker_start start = {
		.settings = children->settings,
		.path = children->path,
		.master_pid = getpid(),
		.segment = *segment,
		.master = segment_master(&children->view),
		.slot = child->slot,
		.crashed = child->crashed,
		.reopens = counter_get(&children->shared->input.reopens),
	};

	ring_command(&child->segment.ring,
	    child_retired(children, child) ? RING_FINISH : RING_RUN);
	child->flushes = counter_get(&segment->shared->flush.flushes);

	pid_t pid = fork();
	if (pid == 0)
		child_main(children, &start);
	if (pid < 0) {
		uint64_t delay = child_back_off(child, false, now_ms);
		log_error("cannot start worker %u: fork: %m; %s", child->slot,
		    delay_text("retrying", delay));
		return;
	}
	child_set_pid(child, pid);
	child_take(child, CHILD_SPAWNED);
}

/* Whether the worker runs.  Acquire: pairs with the release stores in
   worker_take_over() and worker_main(). */
static bool
child_checked_in(const struct child *child)
{
	const struct worker_info *info = &child->segment.shared->info;

	/* Read the pid first: a new worker clears checked_in before it stores
	   its pid (release), so a check-in left by its predecessor is never
	   taken for its own. */
	return counter_acquire(&info->pid) == child->pid &&
	       counter_acquire(&info->checked_in);
}

/* Milliseconds until its next start may be tried. */
static uint64_t
child_delay(const struct child *child, uint64_t now_ms)
{
	uint64_t not_before = child->respawn.not_before;

	return not_before > now_ms ? not_before - now_ms : 0;
}

/* ----------------------------------------------- segments that are lost -- */

int
children_look(struct children *children, uint64_t now_ms)
{
	int found = 0;

	CHILDREN_EACH(child, children)
		if (child->renew_ms == 0 &&
		    segment_named(&child->segment.map) == SHM_MISSING) {
			child->renew_ms = now_ms;
			found++;
		}
	return found;
}

/* Create the segment again.  Nobody else may write to it: only without a
   worker. Returns whether it is there; if not, that is logged. */
static bool
child_renew(const struct children *children, struct child *child)
{
	struct segment *map = &child->segment.map;
	enum shm_status status =
	    segment_renew(map, child->segment.table.secret);

	if (status == SHM_OK)
		status = segment_share(map, children->readers);
	child->renew_ms = 0;
	if (status != SHM_OK)
		log_error("cannot create segment %s again: %s", map->name,
		    shm_strerror(status, errno));
	return status == SHM_OK;
}

/* If its segment was removed: end its worker, then create the segment again. */
static void
child_keep_named(
    const struct children *children, struct child *child, uint64_t now_ms)
{
	if (child->renew_ms == 0 || now_ms < child->renew_ms)
		return;
	if (child->pid != 0)
		child_take(child, CHILD_RESTART);
	else if (!child_renew(children, child))
		child->renew_ms = now_ms + RENEW_RETRY_MS;
}

/* Its segment has lost its memory: end its worker, begin with a new segment. */
static void
child_give_up(struct children *children, struct child *child, uint64_t now_ms)
{
	enum shm_status status;
	uint64_t records;

	if (child->pid != 0) {
		kill(child->pid, SIGKILL);
		return;
	}
	if (child_delay(child, now_ms) > 0)
		return;
	if (lost_replace(children, child, &status, &records) < 0) {
		const char *why = shm_strerror(status, errno);
		uint64_t delay = child_back_off(child, false, now_ms);

		log_error("cannot create segment %s again: %s; %s",
		    child->segment.map.name, why,
		    delay_text("retrying", delay));
		return;
	}
	log_error("segment %s lost its memory, as if truncated by another "
		  "process; up to %" PRIu64 " records lost; starting worker "
		  "%u with a new segment",
	    child->segment.map.name, records, child->slot);
	child->renew_ms = 0;
	child_take(child, CHILD_RESTART);
}

int
children_tick(struct children *children, uint64_t now_ms)
{
	uint64_t wait = TICK_MS;

	CHILDREN_EACH(child, children) {
		if (child->lost) {
			child_give_up(children, child, now_ms);
			if (child->lost) {
				wait = TICK_STARTING_MS;
				continue;
			}
		}
		if (!children->ending)
			child_keep_named(children, child, now_ms);
		if (child->state == CHILD_WAITING && !children->ending) {
			uint64_t delay = child_delay(child, now_ms);

			if (delay == 0)
				child_spawn(children, child, now_ms);
			/* If the fork failed, it is still waiting. */
			delay = child_delay(child, now_ms);
			if (child->state == CHILD_WAITING && delay < wait)
				wait = delay;
		}
		if (child->state == CHILD_STARTING && child_checked_in(child)) {
			child_take(child, CHILD_CHECKED_IN);
			if (child_retired(children, child))
				child_take(child, CHILD_RETIRE);
		}
		if (child->state == CHILD_STARTING && wait > TICK_STARTING_MS)
			wait = TICK_STARTING_MS;
	}
	return (int)wait;
}

/* ------------------------------------------------------------------ reap -- */

/* Remove its segment, which is empty and has no worker, and free the slot. */
static void
child_remove(struct children *children, struct child *child)
{
	char name[SEGMENT_NAME_MAX];

	memcpy(name, child->segment.map.name, sizeof(name));
	if (retire_segment(children->shared, &child->segment, child->entry) < 0)
		log_warn("cannot remove segment %s: %m", name);
	child->state = CHILD_NONE;
	if (!children->ending)
		log_info("generation %" PRIu64 ", slot %u: all records stored, "
			 "segment removed",
		    child->generation, child->slot);
}

/* Its worker died unexpectedly: log that, and delay the restart. */
static void
child_died(
    struct children *children, struct child *child, int status, uint64_t now_ms)
{
	bool served = counter_get(&child->segment.shared->flush.flushes) !=
		      child->flushes;
	uint64_t delay = child_back_off(child, served, now_ms);
	char cause[96];

	atomic_fetch_add_explicit(
	    &child->entry->restarts, 1, memory_order_relaxed);
	if (WIFSIGNALED(status))
		snprintf(cause, sizeof(cause), "killed by signal %d (%s%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS
			? ": see sandbox in reporter.conf(5)"
			: "");
	else
		snprintf(cause, sizeof(cause), "exited with status %d",
		    WEXITSTATUS(status));
	log_warn("worker %u (pid %d) died unexpectedly: %s; %" PRIu64
		 " queued, %" PRIu64 " pending; %s",
	    child->slot, (int)child->pid, cause,
	    ring_queued(&child->segment.ring),
	    table_pending(&child->segment.table),
	    children->ending ? "not restarted during shutdown"
			     : delay_text("restarting", delay));
}

static void
child_ended(
    struct children *children, struct child *child, int status, uint64_t now_ms)
{
	enum child_event event = child_exit(status, &child->crashed);

	if (event == CHILD_LEFT && child_retired(children, child) &&
	    !child->lost && child_records(child) == 0)
		event = CHILD_EMPTIED;
	counter_set(&child->entry->pid, 0);
	enum child_action action = child_take(child, event);
	if (action == ACTION_REMOVE)
		child_remove(children, child);
	/* At shutdown it may leave rows that it holds. */
	if (action == ACTION_DELAY &&
	    (!children->ending || event != CHILD_LEFT))
		child_died(children, child, status, now_ms);
	if (action == ACTION_FAIL)
		log_error("worker %u (pid %d) failed: see its preceding error; "
			  "records waiting: %" PRIu64 "; fix the cause, then "
			  "reload",
		    child->slot, (int)child->pid, child_records(child));
	child->pid = 0;
}

void
children_reap(struct children *children, uint64_t now_ms)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		CHILDREN_EACH(child, children)
			if (child->pid == pid) {
				child_ended(children, child, status, now_ms);
				break;
			}
	}
}

/* ------------------------------------------------------- change and stop -- */

void
children_retire(struct children *children, uint64_t newest)
{
	children->newest = newest;
	CHILDREN_EACH(child, children)
		if (child_retired(children, child))
			child_take(child, CHILD_RETIRE);
}

void
children_configure(
    struct children *children, const struct settings *settings, bool restart)
{
	children->settings = settings;
	CHILDREN_EACH(child, children) {
		/* Those that failed or have no connection, even if no option
		   changed: the cause may have been a password or another file,
		   whose changes the comparison of settings does not see. */
		if (restart || child->state == CHILD_FAILED ||
		    counter_get(&child->segment.shared->flush.apart_since) != 0)
			child_take(child, CHILD_RESTART);
	}
}

void
children_signal(const struct children *children, int number)
{
	CHILDREN_EACH(child, children)
		if (child->pid != 0)
			kill(child->pid, number);
}

uint64_t
children_oldest(const struct children *children)
{
	uint64_t oldest = UINT64_MAX;

	CHILDREN_EACH(child, children)
		if (child->generation < oldest)
			oldest = child->generation;
	return oldest;
}

bool
children_running(const struct children *children)
{
	CHILDREN_EACH(child, children)
		if (child->pid != 0)
			return true;
	return false;
}

void
children_end(struct children *children, enum child_event event)
{
	children->ending = true;
	CHILDREN_EACH(child, children)
		child_take(child, event);
}

uint64_t
children_close(struct children *children)
{
	uint64_t left = 0;

	CHILDREN_EACH(child, children) {
		uint64_t records = child->lost ? 0 : child_records(child);

		if (child->lost) {
			children->lost += lost_count(children, child);
			segment_remove(child->segment.map.name);
		} else if (records == 0) {
			child_remove(children, child);
			continue;
		} else if (child->renew_ms == 0 ||
			   child_renew(children, child)) {
			left += records;
		} else {
			children->lost += records;
		}
		segment_close(&child->segment.map);
	}
	return left;
}
