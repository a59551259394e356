/* SPDX-License-Identifier: MIT
 *
 * What the master owns, and what its loop in master.c calls in change.c and
 * shutdown.c.
 */
#pragma once

#include "edge/ark.h"
#include "edge/server.h"
#include "edge/listener.h"
#include "master/generation.h"
#include "master/handover.h"

/* The modes of the loop, in their order. */
enum master_mode {
	MASTER_SERVING,
	MASTER_SETTLING,  /* what agents have sent is read; rings may be full */
	MASTER_FINISHING, /* workers store what is left */
	MASTER_STOPPING,  /* workers end a statement under way */
	MASTER_KILLING,   /* workers are killed */
	MASTER_ENDED
};

struct master {
	const char *path; /* of the configuration */
	int epoll, signals;
	gid_t readers; /* group of the segments, (gid_t)-1: none */
	struct segment segment;
	struct master_shared *shared;
	struct agents agents;
	struct children children;
	struct server *server; /* NULL from MASTER_FINISHING on */
	uint64_t unread; /* in MASTER_SETTLING: connections with more to read */
	bool keep;       /* after it: the service manager keeps connections */
	struct handover handover;
	struct ark_reader arrived; /* from the previous master */

	/* What a reload replaces, see change.c. */
	struct settings *settings;
	struct listeners listeners;
	struct generation generation;
	SSL_CTX *tls; /* NULL: no listener has it */

	enum master_mode mode;
	uint64_t mode_over_ms, ended_ms; /* of the mode, of the service */
	bool stop;                 /* requested by a signal or a handover */
	bool reap, reload, reopen; /* requested by signals */
	bool asked;                /* a process has connected for a handover */
	uint64_t second_ms;        /* when to do what is done once a second */
	uint64_t renew_ms; /* when to create the master's segment again */
	bool renew_half;   /* it was removed, workers have the old one */
	/* The directories of the log and of the dead-letter file, as of
	   file_place(), that workers may write to; whether they are noted. */
	uint64_t places[2];
	bool placed;
};

/* change_route - lead all routes to the rings of the current generation. */
void change_route(struct master *m);

/* change_reload - read the configuration again and go over to it.  Returns 0;
   or -1, then the reasons were logged and nothing has changed. */
int change_reload(struct master *m);

/* removed_begin - map the master's segment for workers: 0, or -1: logged. */
int removed_begin(struct master *m);

/* removed_look - once a second: look for segments that were removed while in
   use, which is logged, and have them created again. */
void removed_look(struct master *m, uint64_t now_ms);
/* change_watch - once a second, and before the log is reopened: if the
   directory of the log or of the dead-letter file is another one than before,
   start workers again, since by Landlock they can write in the former one only.
   Returns whether it is: then the master reopens its log. */
bool change_watch(struct master *m);

/* shutdown_turn - go over to the next mode if the current one is over. */
void shutdown_turn(struct master *m, uint64_t now_ms);

/* shutdown_wait - ms until the next shutdown_turn(), after MASTER_SERVING. */
int shutdown_wait(const struct master *m, uint64_t now_ms);

/* shutdown_hand_over - a new process has connected: give it the listening
   sockets and the connections, and request a stop if it took them. */
void shutdown_hand_over(struct master *m);

/* shutdown_put_back - the start has failed: have the service manager keep the
   connections that it handed over. */
void shutdown_put_back(struct master *m);

/* shutdown_end - in MASTER_ENDED: remove shared memory that is empty. */
void shutdown_end(struct master *m);
