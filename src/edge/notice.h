/* SPDX-License-Identifier: MIT
 *
 * Log lines about misconfigured agents, at a limited rate.  Belongs to the
 * master's loop.
 *
 * An agent of ELB or Lars reports the address of its host name as its caller.
 * Where that is 127.0.1.1, Debian's default, the agents of all hosts overwrite
 * each other's rows.
 */
#pragma once

#include "lib/log.h"

#include <stddef.h>
#include <sys/socket.h>

#define NOTICE_STRANGERS 5  /* kinds of what a connection begins with */
#define NOTICE_CALLERS 1024 /* remembered, by hash */

struct notices {
	struct log_limiter stranger[NOTICE_STRANGERS], loopback, shared;
	struct {
		uint32_t caller, address; /* address 0: none */
	} last[NOTICE_CALLERS];
};

/* notices_init - set the rate limits; all else must be zero. */
void notices_init(struct notices *notices);

/* notice_stranger - log what the bytes look like that this peer's connection
   begins with; they are no report, and the connection is closed.  length: 1 or
   more. */
void notice_stranger(struct notices *notices, const struct sockaddr *peer,
    const uint8_t *bytes, size_t length);

/* notice_caller - this peer's connection begins to report as this caller.  Log
   if that is a loopback address, or if another address reported as the same
   caller.  Nothing is logged of peers on this machine, which may report for
   others. */
void notice_caller(
    struct notices *notices, const struct sockaddr *peer, uint32_t caller);
