/* SPDX-License-Identifier: MIT
 *
 * Who reports as which caller.  An agent takes the address of its host name for
 * its caller; where that is 127.0.1.1, as by Debian's default, the agents of
 * all hosts overwrite each other's rows.  That is noticed here, and logged.
 * Belongs to the master's loop.
 */
#ifndef REPORTER_CALLERS_H
#define REPORTER_CALLERS_H

#include "lib/log.h"

#include <sys/socket.h>

#define CALLERS_MAX 1024 /* that are remembered, by hash; a power of two */

/* All zero but `lines`: none is known. */
struct callers {
	struct log_limiter lines;
	struct {
		uint32_t caller, address; /* address 0: none */
	} last[CALLERS_MAX];
};

/*
 * callers_note - a connection of this peer begins to report as this caller.
 * Logs that the caller is a loopback address, or that another address reported
 * as the same one before.  Peers on this machine may report for others.
 */
void callers_note(
    struct callers *callers, const struct sockaddr *peer, uint32_t caller);

#endif
