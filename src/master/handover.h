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
	int listening; /* -1: none */
	int peer;      /* the process that takes over, or -1 */
	struct sockaddr_un address;
};

/* handover_prepare - create the runtime directory for reporter.user, if it is
   missing; handover_listen() logs what fails.  Called with the privileges of
   the start. */
void handover_prepare(const struct settings *settings);

/* handover_listen - from now on a new process can connect.  Returns 0, or -1:
   logged, or not configured.  Called by the owner of the instance. */
int handover_listen(struct handover *handover, const struct settings *settings);

/* handover_accept - whether a process has connected that may take over: it is
   the peer.  Others are logged and disconnected. */
bool handover_accept(struct handover *handover);

/* handover_give - send the ark to the peer, and wait until it was taken, for
   HANDOVER_MS at most.  end_ms: how long we may then take to exit.  Returns 0;
   or -1: logged, and handover_cancel() is to be called. */
int handover_give(
    struct handover *handover, const struct ark *ark, uint64_t end_ms);

/* handover_cancel - notify the peer that we continue, and disconnect it. */
void handover_cancel(struct handover *handover);

/* handover_close - no process can connect any more.  A peer stays connected: it
   sees our exit. */
void handover_close(struct handover *handover);

/* handover_take - the new process: take the ark of the running one, and wait
   until that has exited.  Blocks.  Returns 0, and *arrived; all zero if there
   is nothing to take over, which is logged.  Or -1: logged; the running process
   continues, or does not exit. */
int handover_take(const struct settings *settings, struct ark_reader *arrived);
