/* SPDX-License-Identifier: MIT
 *
 * What the log says of agents that are misconfigured, at a limited rate.
 * Belongs to the master's loop.
 *
 * An agent of ELB or Lars takes the address of its host name for its caller.
 * Where that is 127.0.1.1, as by Debian's default, the agents of all hosts
 * overwrite each other's rows.
 */
#pragma once

#include "lib/log.h"

#include <stddef.h>
#include <sys/socket.h>

#define NOTICE_STRANGERS 5  /* kinds of what a connection begins with */
#define NOTICE_CALLERS 1024 /* remembered, by hash */

struct notices {
	struct log_limiter stranger[NOTICE_STRANGERS], callers;
	struct {
		uint32_t caller, address; /* address 0: none */
	} last[NOTICE_CALLERS];
};

/* notices_init - nothing was noticed; all is zero. */
void notices_init(struct notices *notices);

/* notice_stranger - this peer's connection begins with these bytes, and with no
   report, and is closed. */
void notice_stranger(struct notices *notices, const struct sockaddr *peer,
    const uint8_t *bytes, size_t length);

/* notice_caller - this peer's connection begins to report as this caller.  Logs
   that it is a loopback address, or that another address reported as the same
   caller.  Peers on this machine may report for others. */
void notice_caller(
    struct notices *notices, const struct sockaddr *peer, uint32_t caller);
