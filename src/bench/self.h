/* SPDX-License-Identifier: MIT
 *
 * A server of one's own: --self starts a private database and a reporter in a
 * temporary folder, and leaves nothing behind.
 *
 * Two processes, see supervise.h: the supervisor, which cleans up, and the
 * runner, its child, which benchmarks and starts the servers as children of
 * its own that die with it.
 */
#ifndef REPORTER_BENCH_SELF_H
#define REPORTER_BENCH_SELF_H

#include "shm/segment.h"

/* How the reporter is to run. */
struct setup {
	uint64_t workers; /* 0: as many as the daemon takes by itself */
	uint64_t keys;    /* that its tables have room for, in all */
	uint64_t connections;
	uint64_t interval_ms; /* flush_interval; 0: the daemon's default */
	bool database;        /* false: the database is away */
};

struct self {
	const char *program; /* the daemon's; NULL: where it is installed */
	char folder[64];
	char instance[INSTANCE_MAX];
	char socket[108]; /* the database's */
	char conf[96];
	char port[8];             /* where the reporter listens */
	pid_t database, reporter; /* 0: does not run */
};

/*
 * self_supervise - make the folder, run `runner` in a child process, clean up.
 * Returns the child's exit status.  When it is BENCH_BROKEN, the ends of the
 * servers' logs are shown.
 */
int self_supervise(struct self *self, int (*runner)(void *arg), void *arg);

/* self_remove_segments - unlink all shared memory of the instance. */
void self_remove_segments(const struct self *self);

/* The rest belongs to the runner; failing is fatal. */

/* self_start_database - start it, unless it runs already, with an empty
   table. */
void self_start_database(struct self *self);

/* self_start_reporter - start it as the setup says, in place of the one that
   runs; wait until it listens and its workers have checked in. */
void self_start_reporter(struct self *self, const struct setup *setup);

/* self_stop_reporter - end it and remove its shared memory. */
void self_stop_reporter(struct self *self);

#endif
