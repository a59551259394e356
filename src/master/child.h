/* SPDX-License-Identifier: MIT
 *
 * The children: the master's view of its workers' lives.  Each child has one
 * segment; those of the newest generation are written to, those of older ones
 * only bring what they have to MySQL and go.  Called by the master's loop.
 */
#ifndef REPORTER_CHILD_H
#define REPORTER_CHILD_H

#include "master/respawn.h"
#include "shm/segment.h"
#include "conf/settings.h"

#include <sys/types.h>

struct child {
	struct worker_segment segment; /* base NULL: the entry is free */
	struct child_entry *entry;     /* its public words */
	struct respawn respawn;
	uint64_t generation;
	uint32_t slot;
	pid_t pid;          /* 0: does not run */
	uint64_t flushes;   /* its segment's count when it was started */
	bool crashed;       /* its last life ended by a fault of its own */
	bool stopped_by_us; /* told to stop: no death to be sorry about */
	bool retiring;      /* of an older generation: it goes when empty */
	bool hopeless;
};

struct children {
	struct child child[CHILDREN_MAX];
	struct master_shared *shared;
	const struct settings *settings; /* of workers started from now on */
	const char *path;                /* of the configuration */
	bool stopping;                   /* nobody is started any more */
};

/* children_init - no children yet. */
void children_init(struct children *children, struct master_shared *shared,
    const struct settings *settings, const char *path);

/*
 * child_adopt - take a segment into the care of a child.  retiring: it is not
 * written to any more, and is removed once it is empty.
 * Returns the child, or NULL when there are CHILDREN_MAX already (then the
 * segment stays the caller's).
 */
struct child *child_adopt(struct children *children,
    const struct worker_segment *segment, bool retiring);

/* child_drop - forget a child that was never started; its segment is
   unmapped, not removed. */
void child_drop(struct child *child);

/* child_retire - a child whose segment is written to no more: it finishes. */
void child_retire(struct child *child);

/* children_tick - start those that are due, see who has checked in.  Returns
   the milliseconds until it wants to be called again. */
int children_tick(struct children *children, uint64_t now_ms);

/* children_reap - bury those that died; one log line for each. */
void children_reap(struct children *children, uint64_t now_ms);

/* children_restart - have all workers started again with new settings, on the
   segments that they have. */
void children_restart(
    struct children *children, const struct settings *settings);

/* children_retry - at a reload that leaves workers alone: those that gave up,
   and those that cannot get to the database, are started again. */
void children_retry(struct children *children);

/* children_signal - send all workers a signal. */
void children_signal(const struct children *children, int number);

/* children_oldest - the oldest generation that is still there. */
uint64_t children_oldest(const struct children *children);

/*
 * children_stop - end all workers: they bring what they have to MySQL within
 * timeout_ms, else leave it.  Waits for them.  Returns the number of records
 * that stay in shared memory; empty segments are removed.
 */
uint64_t children_stop(struct children *children, uint64_t timeout_ms);

/* children_leave - in a forked child: unmap all segments that the master
   has mapped. */
void children_leave(struct children *children);

#endif
