/* SPDX-License-Identifier: MIT
 *
 * What the master owns.  Of master.c and change.c.
 */
#ifndef REPORTER_MASTER_STATE_H
#define REPORTER_MASTER_STATE_H

#include "edge/conn.h"
#include "edge/listener.h"
#include "master/generation.h"

/* The modes of the loop, in their order. */
enum master_mode {
	MASTER_SERVING,
	MASTER_SETTLING,  /* throttled connections wait for room in rings */
	MASTER_FINISHING, /* workers store what is left */
	MASTER_STOPPING,  /* workers end a statement under way */
	MASTER_KILLING,   /* workers are killed */
	MASTER_ENDED
};

struct master {
	const char *path; /* of the configuration */
	int epoll, signals;
	struct segment segment;
	struct master_shared *shared;
	struct children children;
	struct conns *conns; /* NULL from MASTER_FINISHING on */

	/* What a reload replaces, see change.c. */
	struct settings *settings;
	struct listeners listeners;
	struct generation generation;
	struct tls *tls; /* NULL: no listener has it */

	enum master_mode mode;
	uint64_t mode_over_ms, ended_ms; /* of the mode, of the service */
	bool stop, reap, reload, reopen; /* requested by signals */
};

#endif
