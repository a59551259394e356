/* SPDX-License-Identifier: MIT
 *
 * The worker process: it drains one ring into one pending table, and
 * flushes that table to MySQL.
 */
#pragma once

#include "shm/segment.h"
#include "conf/settings.h"

/* How a worker ends, beside by a signal. */
enum worker_exit {
	WORKER_FINISHED = 0,   /* nothing is left in its segment */
	WORKER_FAILED = 71,    /* a shortage of the system; start it again */
	WORKER_LEFT = 75,      /* stopped as commanded; records are left */
	WORKER_BAD_CONFIG = 78 /* unusable configuration or segment: reload */
};

/* What a worker needs to start.  All of it is copied by the fork. */
struct worker_start {
	const struct settings *settings;
	const char *path; /* of the configuration, for what is secret in it */
	pid_t master_pid;
	char segment[SEGMENT_NAME_MAX];
	uint32_t slot;
	uint64_t
	    reopens;  /* of the log that it inherits: struct input_counters */
	bool crashed; /* the previous worker ended by a fault of its own */
};

/* worker_main - run as a worker.  Called in the forked child, which has no
   descriptors but the standard ones and the log's.
   Returns the exit status, enum worker_exit. */
int worker_main(const struct worker_start *start);
