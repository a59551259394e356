/* SPDX-License-Identifier: MIT
 *
 * The life of a child as a state machine: which state follows on which event,
 * what the master has to do then, and when it is restarted.  Pure: no process,
 * no memory; the clock is passed in.
 */
#pragma once

#include "shm/segment.h"

enum child_event {
	CHILD_SPAWNED,    /* its worker was forked */
	CHILD_CHECKED_IN, /* its worker runs */
	CHILD_RETIRE,     /* its segment is no longer written to */
	CHILD_FINISH,     /* shutdown: store what is left */
	CHILD_RESTART,    /* the configuration has changed */
	CHILD_STOP,       /* shutdown: shutdown_timeout has passed */
	/* The worker exited: */
	CHILD_EMPTIED, /* nothing left, segment retired */
	CHILD_LEFT,    /* gracefully, records may be left */
	CHILD_REFUSED, /* its configuration or segment is unusable */
	CHILD_DIED,    /* unexpectedly */
	CHILD_EVENTS
};

enum child_action {
	ACTION_NONE,
	ACTION_FINISH, /* command the worker to store everything and end */
	ACTION_STOP,   /* command it to end now; restart without delay */
	ACTION_RESET,  /* restart without delay */
	ACTION_REMOVE, /* remove the segment */
	ACTION_DELAY,  /* log, and restart after a delay */
	ACTION_FAIL    /* log, and wait for a reload */
};

struct child_step {
	enum child_state state;
	enum child_action action;
};

/* child_step - what follows on an event in this state.  An event that means
   nothing in the state leaves it, with ACTION_NONE. */
struct child_step child_step(enum child_state state, enum child_event event);

/* child_exit - the event that a worker's status of waitpid() means: CHILD_LEFT,
   CHILD_REFUSED or CHILD_DIED.  *crashed: of a fault in its own code, and not
   out of a resource or killed by another process. */
enum child_event child_exit(int status, bool *crashed);

#define RESPAWN_FIRST_MS 100
#define RESPAWN_CAP_MS 30000

struct respawn {
	uint32_t failures;   /* deaths in a row before a successful flush */
	uint64_t not_before; /* monotonic ms of the next start */
};

/* respawn_death - a worker died at now_ms.  served: it had a
   successful flush in this life.
   At once after a life that served, and after the first death that did not;
   then RESPAWN_FIRST_MS, doubled with each further one, up to RESPAWN_CAP_MS.
   Returns the delay in milliseconds; respawn->not_before is set. */
uint64_t respawn_death(struct respawn *respawn, bool served, uint64_t now_ms);
