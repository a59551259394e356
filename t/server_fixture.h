/* SPDX-License-Identifier: MIT
 *
 * What the suites of connections share: a server, the ring of its one worker,
 * and an agent on the loopback interface.  One agent at a time.
 */
#pragma once

#include "edge/server.h"

#define RING_MAX 65536 /* records */

extern struct settings settings;
extern struct input_counters count;
extern struct server *server;
extern struct ring *rings[1]; /* the view of the server */
extern int epoll, agent;      /* descriptors; agent: the end of the agent */

/* server_begin - a server with a copy of these settings, whose ring holds
   capacity records, a power of 2 up to RING_MAX.  server_end - close
   everything. */
void server_begin(const struct settings *wanted, uint64_t capacity);
void server_end(void);

/* agent_connect - returns the agent's connection, owned by the server. */
struct conn *agent_connect(bool proxy, bool tls);

/* drain - the worker takes up to max records out of the ring. */
void drain(uint64_t max);
