/* SPDX-License-Identifier: MIT
 *
 * The handover: a new process (reporter -r) takes over from the running master,
 * over a Unix socket in the runtime directory, INSTANCE.ark, which only root
 *and the same user may use:
 *
 *	new: connects        running: sends the ark, and keeps all of it as well
 *	new: TAKEN           running: closes its side, stops as usual, exits
 *	new: sees the connection end, and starts
 *
 * Without TAKEN within HANDOVER_MS the running one sends CANCELLED and
 * continues.
 */
#pragma once

#include "conf/settings.h"
#include "edge/ark.h"

#include <sys/un.h>

#define HANDOVER_MS 5000

struct handover {
	int listening;   /* -1: none */
	int peer;        /* the process that takes over, or -1; in the new
			    process the running one, until it has exited */
	bool adopts;     /* the new process can read our segments */
	uint64_t end_ms; /* how long the running one may take to exit */
	struct sockaddr_un address;
};

/* handover_prepare - create the runtime directory, owned by reporter.user, if
   it is missing.  If that fails, handover_listen() logs it.  Called before
   privileges are dropped. */
void handover_prepare(const struct settings *settings);

/* handover_listen - from now on a new process can connect.  Returns 0, or -1:
   logged, or runtime_directory is empty.  Called by the owner of the instance:
   the file of a killed process is removed. */
int handover_listen(struct handover *handover, const struct settings *settings);

/* handover_accept - accept a process that has connected, as the peer.  Returns
   false if none has, or if it may not take over: logged and disconnected. */
bool handover_accept(struct handover *handover);

/* handover_give - send the ark to the peer, and wait until it was taken, for
   HANDOVER_MS at most.  end_ms: how long we may take to exit afterwards.
   Returns 0; or -1: logged, and handover_cancel() is to be called. */
int handover_give(
    struct handover *handover, const struct ark *ark, uint64_t end_ms);

/* handover_cancel - notify the peer that we continue, and disconnect it. */
void handover_cancel(struct handover *handover);

/* handover_close - nobody can connect any more.  A peer waits for our exit. */
void handover_close(struct handover *handover);

/* handover_ask - in the new process: receive the ark of the running one, which
   waits HANDOVER_MS for handover_confirm().  Blocks.  Returns 0, and *arrived
   and a peer; or 0 without a peer: there is nothing to take over, which is
   logged.  Or -1: logged. */
int handover_ask(struct handover *handover, const struct settings *settings,
    struct ark_reader *arrived);

/* handover_confirm - take what was received, and wait until the running process
   has exited; one that does not is killed.  Blocks.  Returns 0; or -1: logged,
   the running process continues. */
int handover_confirm(struct handover *handover);
