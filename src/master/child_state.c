/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "master/child_state.h"
#include "worker/worker.h"

#include <signal.h>
#include <sys/wait.h>

/* What all states with a process have in common, except CHILD_STOPPING. */
#define PROCESS_STEPS \
	[CHILD_RESTART] = { CHILD_STOPPING, ACTION_STOP }, \
	[CHILD_STOP] = { CHILD_STOPPING, ACTION_STOP }, \
	[CHILD_EMPTIED] = { CHILD_NONE, ACTION_REMOVE }, \
	[CHILD_LEFT] = { CHILD_WAITING, ACTION_DELAY }, \
	[CHILD_REFUSED] = { CHILD_FAILED, ACTION_FAIL }, \
	[CHILD_DIED] = { CHILD_WAITING, ACTION_DELAY }

/* An entry of zeros: the event is ignored in this state. */
static const struct child_step steps[][CHILD_EVENTS] = {
	[CHILD_WAITING] = {
		[CHILD_SPAWNED] = { CHILD_STARTING, ACTION_NONE },
		[CHILD_RESTART] = { CHILD_WAITING, ACTION_RESET },
	},
	[CHILD_STARTING] = {
		[CHILD_CHECKED_IN] = { CHILD_RUNNING, ACTION_NONE },
		[CHILD_RETIRE] = { CHILD_STARTING, ACTION_FINISH },
		[CHILD_FINISH] = { CHILD_STARTING, ACTION_FINISH },
		PROCESS_STEPS,
	},
	[CHILD_RUNNING] = {
		[CHILD_RETIRE] = { CHILD_FINISHING, ACTION_FINISH },
		[CHILD_FINISH] = { CHILD_FINISHING, ACTION_FINISH },
		PROCESS_STEPS,
	},
	[CHILD_FINISHING] = {
		PROCESS_STEPS,
	},
	/* CHILD_REFUSED concerns the old configuration, so it is not a failure.
	   CHILD_RETIRE is ignored: it is to restart, not to finish. */
	[CHILD_STOPPING] = {
		[CHILD_FINISH] = { CHILD_STOPPING, ACTION_FINISH },
		[CHILD_STOP] = { CHILD_STOPPING, ACTION_STOP },
		[CHILD_EMPTIED] = { CHILD_NONE, ACTION_REMOVE },
		[CHILD_LEFT] = { CHILD_WAITING, ACTION_RESET },
		[CHILD_REFUSED] = { CHILD_WAITING, ACTION_RESET },
		[CHILD_DIED] = { CHILD_WAITING, ACTION_DELAY },
	},
	[CHILD_FAILED] = {
		[CHILD_RESTART] = { CHILD_WAITING, ACTION_RESET },
	},
};

struct child_step
child_step(enum child_state state, enum child_event event)
{
	struct child_step step = steps[state][event];

	if (step.state == CHILD_NONE && step.action == ACTION_NONE)
		step.state = state;
	return step;
}

enum child_event
child_exit(int status, bool *crashed)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	*crashed = number == SIGSEGV || number == SIGBUS || number == SIGABRT ||
		   number == SIGILL || number == SIGFPE;
	if (number != 0)
		return CHILD_DIED;
	switch (WEXITSTATUS(status)) {
	case WORKER_FINISHED:
	case WORKER_LEFT:
		return CHILD_LEFT;
	case WORKER_BAD_CONFIG:
		return CHILD_REFUSED;
	default:
		return CHILD_DIED;
	}
}

uint64_t
respawn_death(struct respawn *respawn, bool served, uint64_t now_ms)
{
	uint64_t delay = 0;

	respawn->failures = served ? 0 : respawn->failures + 1;
	if (respawn->failures > 1) {
		uint32_t doublings = respawn->failures - 2;

		delay = doublings < 16 ? (uint64_t)RESPAWN_FIRST_MS << doublings
				       : RESPAWN_CAP_MS;
		if (delay > RESPAWN_CAP_MS)
			delay = RESPAWN_CAP_MS;
	}
	respawn->not_before = now_ms + delay;
	return delay;
}
