/* SPDX-License-Identifier: MIT
 *
 * The children: one slot for each worker's segment, with the process that
 * works on it, if one does.  Segments of the newest generation are written
 * to; those of older ones are retired: their workers store what is left and
 * end, and the segment is removed.  Called by the master's loop alone.
 */
#pragma once

#include "conf/settings.h"
#include "master/child_state.h"
#include "shm/segment.h"

#include <signal.h>
#include <sys/types.h>

struct child {
	enum child_state state; /* CHILD_NONE: the slot is free */
	struct worker_segment segment;
	struct child_entry *entry; /* its entry in shared memory */
	struct respawn respawn;
	uint64_t generation;
	uint32_t slot;
	pid_t pid;        /* 0: no process */
	uint64_t flushes; /* its segment's count when it was forked */
	bool crashed;     /* the previous process, by a fault of its own */
	uint64_t
	    renew_ms; /* its segment was removed: when to create it again */
	volatile sig_atomic_t lost; /* its segment has no memory: retire.h */
	struct totals totals;       /* of its segment, when last noted */
};

struct children {
	struct child child[CHILDREN_MAX];
	struct master_shared *shared;
	struct segment view;             /* the same, read-only, for workers */
	const struct settings *settings; /* of workers forked from now on */
	const char *path;                /* of the configuration */
	gid_t readers;   /* group of the segments, see segment_share() */
	uint64_t newest; /* the generation that is written to */
	bool ending;     /* shutdown: all are retired, none is forked */
	uint64_t lost;   /* records, see children_close() */
};

/* Loops over the slots in use.  The body has no else of its own. */
#define CHILDREN_EACH(c, children) \
	for (__typeof__(&(children)->child[0]) c = (children)->child; \
	     c < (children)->child + CHILDREN_MAX; c++) \
		if (c->state != CHILD_NONE)

/* children_init - no children, no group of readers.  Pointers: the caller's. */
void children_init(struct children *children, struct master_shared *shared,
    const struct settings *settings, const char *path);

/* child_adopt - take over a segment.  Returns its child, which waits to be
   forked; or NULL when there are CHILDREN_MAX, and it stays the caller's. */
struct child *child_adopt(
    struct children *children, const struct worker_segment *segment);

/* child_drop - free the slot of a child never forked, and unmap its segment. */
void child_drop(struct child *child);

/* children_retire - this generation is the newest now; all others finish. */
void children_retire(struct children *children, uint64_t newest);

/* children_look - look for segments whose names were removed; children_tick()
   creates them again, once their workers have ended.  Returns how many. */
int children_look(struct children *children, uint64_t now_ms);

/* children_tick - fork those that are due, see which have checked in.  now_ms
   is monotonic.  Returns the milliseconds until the next call. */
int children_tick(struct children *children, uint64_t now_ms);

/* children_reap - collect the processes that ended; log unexpected ends. */
void children_reap(struct children *children, uint64_t now_ms);

/* children_configure - workers have these settings from now on.  restart:
   restart all; else only those that failed, or cannot connect. */
void children_configure(
    struct children *children, const struct settings *settings, bool restart);

/* children_signal - send all workers a signal. */
void children_signal(const struct children *children, int number);

/* children_oldest - the oldest generation still there; UINT64_MAX: none. */
uint64_t children_oldest(const struct children *children);

/* children_running - whether any worker runs. */
bool children_running(const struct children *children);

/* children_end - shutdown: workers store what is left (CHILD_FINISH), or end
   at once (CHILD_STOP). */
void children_end(struct children *children, enum child_event event);

/* children_close - after shutdown: remove empty segments, unmap the others.
   Returns the number of records in those.  children->lost: records of segments
   that were removed and cannot be created again, which is logged. */
uint64_t children_close(struct children *children);
