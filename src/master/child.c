/* SPDX-License-Identifier: MIT
 *
 * The children: starting workers, noticing their deaths, burying them and
 * removing the segments that they emptied.  Owns the workers' processes and
 * the master's mappings of their segments.  Called by the master's loop; what
 * fails is logged and tried again at the next tick.
 */
#include "config.h"

#include "master/child.h"
#include "lib/clock.h"
#include "shm/faultpoint.h"
#include "lib/log.h"
#include "privilege/privilege.h"
#include "master/retire.h"
#include "privilege/sandbox.h"
#include "worker/worker.h"
#include "worker/worker_files.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 1000
#define TICK_STARTING_MS 20
#define STOP_GRACE_MS 5000 /* for a statement under way, after the timeout */

/* Loops over the children in use. */
#define CHILDREN_EACH(c, children) \
	for (__typeof__(&(children)->child[0]) c = (children)->child; \
	     c < (children)->child + CHILDREN_MAX; c++) \
		if (c->segment.map.base != NULL)

static void
child_set_state(struct child *child, enum child_state state)
{
	atomic_store_explicit(
	    &child->entry->state, state, memory_order_relaxed);
}

static enum child_state
child_state(const struct child *child)
{
	return atomic_load_explicit(&child->entry->state, memory_order_relaxed);
}

static uint64_t
child_left(const struct child *child)
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
	for (int i = 0; i < CHILDREN_MAX; i++) {
		children->child[i].entry = &shared->children[i];
		child_set_state(&children->child[i], CHILD_NONE);
	}
}

struct child *
child_adopt(struct children *children, const struct worker_segment *segment,
    bool retiring)
{
	for (int i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &children->child[i];
		struct child_entry *entry = child->entry;

		if (child->segment.map.base != NULL)
			continue;
		memset(child, 0, sizeof(*child));
		child->entry = entry;
		child->segment = *segment;
		child->generation = segment->shared->header.generation;
		child->slot = segment->shared->header.slot;
		child->retiring = retiring;
		counter_set(&entry->generation, child->generation);
		atomic_store_explicit(
		    &entry->slot, child->slot, memory_order_relaxed);
		atomic_store_explicit(&entry->pid, 0, memory_order_relaxed);
		atomic_store_explicit(
		    &entry->restarts, 0, memory_order_relaxed);
		counter_set(&entry->not_before, 0);
		child_set_state(child, CHILD_WAITING);
		return child;
	}
	return NULL;
}

/* ----------------------------------------------------------------- birth -- */

static enum ring_command
child_command(const struct child *child)
{
	return child->retiring ? RING_FINISH : RING_RUN;
}

/* In the new process: be a worker, and nothing of the master. */
static void __attribute__((noreturn))
child_live(struct children *children, const struct worker_birth *birth)
{
	int keep = log_fd();
	sigset_t usr1;

	/* An inherited agent socket would keep an agent's connection half open
	   after the master closed it. */
	if (keep > STDERR_FILENO) {
		if (keep > STDERR_FILENO + 1)
			close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0);
		close_range((unsigned)keep + 1, ~0U, 0);
	} else {
		close_range(STDERR_FILENO + 1, ~0U, 0);
	}
	children_leave(children);
	if (privilege_hide() < 0)
		_exit(WORKER_FAILED);
	/* The master speaks through the ring's command.  A signal meant for
	   the whole process group must not cut a flush short. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* SIGUSR1 stays blocked: the worker asks for it. */
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	if (birth->settings->sandbox == SANDBOX_ON &&
	    (worker_files_confine(birth) < 0 ||
		sandbox_enter(SANDBOX_WORKER) < 0))
		_exit(WORKER_FAILED);
	_exit(worker_main(birth));
}

static void
child_start(struct children *children, struct child *child, uint64_t now_ms)
{
	struct worker_shared *shared = child->segment.shared;
	struct worker_birth birth = {
		.settings = children->settings,
		.path = children->path,
		.master_pid = getpid(),
		.slot = child->slot,
		.generation = child->generation,
		.crashed = child->crashed,
	};

	memcpy(birth.segment, child->segment.map.name, sizeof(birth.segment));
	ring_command(&child->segment.ring, child_command(child));
	child->flushes = counter_get(&shared->flush.flushes);
	child->stopped_by_us = false;

	pid_t pid = fork();
	if (pid == 0)
		child_live(children, &birth);
	if (pid < 0) {
		uint64_t delay = respawn_death(&child->respawn, false, now_ms);
		log_error("worker %u cannot be started: fork: %s; tried again "
			  "in %llu ms",
		    child->slot, strerror(errno), (unsigned long long)delay);
		return;
	}
	child->pid = pid;
	atomic_store_explicit(&child->entry->pid, pid, memory_order_relaxed);
	child_set_state(child, CHILD_STARTING);
}

static bool
child_checked_in(const struct child *child)
{
	const struct worker_info *info = &child->segment.shared->info;

	return atomic_load_explicit(&info->checked_in, memory_order_acquire) &&
	       atomic_load_explicit(&info->pid, memory_order_relaxed) ==
		   child->pid;
}

int
children_tick(struct children *children, uint64_t now_ms)
{
	int wait = TICK_MS;

	CHILDREN_EACH(child, children)
	{
		if (child->pid == 0 && !child->hopeless &&
		    !children->stopping) {
			if (respawn_due(&child->respawn, now_ms))
				child_start(children, child, now_ms);
			else if (child->respawn.not_before - now_ms <
				 (uint64_t)wait)
				wait =
				    (int)(child->respawn.not_before - now_ms);
		}
		if (child_state(child) == CHILD_STARTING) {
			if (child_checked_in(child))
				child_set_state(child, child->retiring
							   ? CHILD_FINISHING
							   : CHILD_RUNNING);
			else if (wait > TICK_STARTING_MS)
				wait = TICK_STARTING_MS;
		}
	}
	return wait;
}

/* ----------------------------------------------------------------- death -- */

/* The segment is empty and nobody writes to it. */
static void
child_remove(struct children *children, struct child *child)
{
	char name[SEGMENT_NAME_MAX];

	memcpy(name, child->segment.map.name, sizeof(name));
	if (retire_segment(children->shared, &child->segment, child->entry) < 0)
		log_warn(
		    "segment %s cannot be removed: %s", name, strerror(errno));
	if (!children->stopping)
		log_info("generation %llu, slot %u: all records stand in the "
			 "database, segment removed",
		    (unsigned long long)child->generation, child->slot);
}

static void
child_cause(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d (%s%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS
			? ": see reporter.sandbox in the manual"
			: "");
	else
		snprintf(
		    text, size, "exited with status %d", WEXITSTATUS(status));
}

/* Whether the worker's own code went wrong, not somebody's kill. */
static bool
cause_is_fault(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGILL:
	case SIGFPE:
		return true;
	default:
		return false;
	}
}

static void
child_bury(
    struct children *children, struct child *child, int status, uint64_t now_ms)
{
	pid_t pid = child->pid;
	bool clean =
	    WIFEXITED(status) && (WEXITSTATUS(status) == WORKER_FINISHED ||
				     WEXITSTATUS(status) == WORKER_LEFT);
	bool hopeless =
	    WIFEXITED(status) && WEXITSTATUS(status) == WORKER_BAD_CONFIG;
	char cause[96];

	child->pid = 0;
	child->crashed = cause_is_fault(status);
	atomic_store_explicit(&child->entry->pid, 0, memory_order_relaxed);
	child_set_state(child, CHILD_WAITING);

	if (clean && child->retiring && child_left(child) == 0) {
		child_remove(children, child);
		return;
	}
	/* What a hopeless one says is of the settings of before. */
	if (child->stopped_by_us && (clean || hopeless)) {
		child->respawn = (struct respawn){ 0, now_ms };
		return;
	}
	child_cause(status, cause, sizeof(cause));
	if (hopeless) {
		child->hopeless = true;
		child_set_state(child, CHILD_FAILED);
		log_error("worker %u (pid %d) cannot work with this "
			  "configuration; %llu records wait; not started "
			  "again until a reload",
		    child->slot, (int)pid,
		    (unsigned long long)child_left(child));
		return;
	}
	bool served = counter_get(&child->segment.shared->flush.flushes) !=
		      child->flushes;
	uint64_t delay = respawn_death(&child->respawn, served, now_ms);
	counter_set(&child->entry->not_before, child->respawn.not_before);
	atomic_fetch_add_explicit(
	    &child->entry->restarts, 1, memory_order_relaxed);
	log_warn("worker %u (pid %d) %s; %llu queued, %llu pending; %s %llu ms",
	    child->slot, (int)pid, cause,
	    (unsigned long long)ring_queued(&child->segment.ring),
	    (unsigned long long)table_pending(&child->segment.table),
	    children->stopping ? "not started again, after"
			       : "started again in",
	    (unsigned long long)delay);
}

void
children_reap(struct children *children, uint64_t now_ms)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		CHILDREN_EACH(child, children)
		{
			if (child->pid == pid) {
				child_bury(children, child, status, now_ms);
				break;
			}
		}
	}
}

/* ------------------------------------------------------ change and end ---- */

void
child_drop(struct child *child)
{
	child_set_state(child, CHILD_NONE);
	segment_close(&child->segment.map);
}

void
child_retire(struct child *child)
{
	child->retiring = true;
	if (child_state(child) == CHILD_RUNNING)
		child_set_state(child, CHILD_FINISHING);
	if (!child->stopped_by_us)
		ring_command(&child->segment.ring, RING_FINISH);
}

static void
child_restart(struct child *child)
{
	child->hopeless = false;
	child->respawn = (struct respawn){ 0, 0 };
	if (child->pid != 0) {
		child->stopped_by_us = true;
		ring_command(&child->segment.ring, RING_STOP);
	}
}

void
children_restart(struct children *children, const struct settings *settings)
{
	children->settings = settings;
	CHILDREN_EACH(child, children)
	child_restart(child);
}

void
children_retry(struct children *children)
{
	CHILDREN_EACH(child, children)
	{
		/* It may be the password or a file that was mended: nothing
		   that we would see. */
		if (child->hopeless ||
		    (table_pending(&child->segment.table) > 0 &&
			!counter_get(&child->segment.shared->flush.connected)))
			child_restart(child);
	}
}

void
children_signal(const struct children *children, int number)
{
	CHILDREN_EACH(child, children)
	{
		if (child->pid != 0)
			kill(child->pid, number);
	}
}

uint64_t
children_oldest(const struct children *children)
{
	uint64_t oldest = UINT64_MAX;

	CHILDREN_EACH(child, children)
	{
		if (child->generation < oldest)
			oldest = child->generation;
	}
	return oldest;
}

/* Wait until no child runs, or the time is over.  Returns whether none runs. */
static bool
children_wait(struct children *children, uint64_t deadline_ms)
{
	const struct timespec nap = { 0, 5 * 1000000L };

	for (;;) {
		uint64_t now = monotonic_ms();
		bool runs = false;

		children_reap(children, now);
		CHILDREN_EACH(child, children)
		runs |= child->pid != 0;
		if (!runs || now >= deadline_ms)
			return !runs;
		/* An older generation that ended lets the next one flush. */
		counter_set(&children->shared->oldest_generation,
		    children_oldest(children));
		nanosleep(&nap, NULL);
	}
}

uint64_t
children_stop(struct children *children, uint64_t timeout_ms)
{
	uint64_t left = 0;

	children->stopping = true;
	CHILDREN_EACH(child, children)
	{
		child->retiring = true;
		if (child->pid == 0)
			continue;
		child_set_state(child, CHILD_FINISHING);
		ring_command(&child->segment.ring, RING_FINISH);
	}
	if (!children_wait(children, monotonic_ms() + timeout_ms)) {
		CHILDREN_EACH(child, children)
		{
			child->stopped_by_us = true;
			ring_command(&child->segment.ring, RING_STOP);
		}
		if (!children_wait(children, monotonic_ms() + STOP_GRACE_MS)) {
			CHILDREN_EACH(child, children)
			{
				if (child->pid != 0)
					kill(child->pid, SIGKILL);
			}
			children_wait(children, UINT64_MAX);
		}
	}
	CHILDREN_EACH(child, children)
	{
		uint64_t records = child_left(child);

		if (records == 0)
			child_remove(children, child);
		else
			segment_close(&child->segment.map);
		left += records;
	}
	return left;
}

void
children_leave(struct children *children)
{
	CHILDREN_EACH(child, children)
	munmap(child->segment.map.base, child->segment.map.size);
	/* A mapping keeps the file open, and with it the master's lock, which
	   must end with the master. */
	munmap(children->shared, children->shared->header.size);
}
