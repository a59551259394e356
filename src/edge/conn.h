/* SPDX-License-Identifier: MIT
 *
 * Connections of agents: reading, telling the dialect, decoding, routing into
 * rings, and back-pressure.  All of it belongs to the master's loop; nothing
 * here waits.
 */
#ifndef REPORTER_CONN_H
#define REPORTER_CONN_H

#include "conf/listen_spec.h"
#include "shm/ring.h"
#include "conf/settings.h"
#include "edge/tls.h"

#include <sys/socket.h>

struct conn;
struct conns;

/* conns_new - no connections yet.  epoll: where they are to be added, with
   their struct conn as the event's pointer.  NULL: no memory. */
struct conns *conns_new(int epoll, struct input_counters *count);

/* conns_prepare - make what a configuration needs memory for, beside what is in
   force.  Returns false when memory is short: then nothing has changed. */
bool conns_prepare(struct conns *conns, const struct settings *settings);

/* conns_configure - take the settings that were prepared: limits and overflow.
   They are the caller's and outlive their use.  Connections that are no
   longer allowed are closed. */
void conns_configure(struct conns *conns, const struct settings *settings);

/* conns_secure - connections that begin TLS from now on do so by these
   certificates, the caller's; NULL: no listener has TLS. */
void conns_secure(struct conns *conns, struct tls *tls);

/* conns_route - from now on routes lead to these rings, one for each worker.
   Everything put into the rings of before is published. */
void conns_route(
    struct conns *conns, struct ring *const *rings, uint32_t workers);

/* conns_retry - try again with those that wait for room: overflow may say now
   that they do not. */
void conns_retry(struct conns *conns);

/* conns_accept - accept what waits on a listening socket, of which spec says
   what comes before the reports. */
void conns_accept(
    struct conns *conns, int listening, const struct listen_spec *spec);

/* conns_accepting - whether listening sockets are to be watched now: not while
   accepting is held to a rate, or descriptors are out. */
bool conns_accepting(const struct conns *conns, uint64_t now_ms);

/* conn_ready - epoll said this of a connection: EPOLLIN, EPOLLHUP, ... */
void conn_ready(struct conns *conns, struct conn *conn, uint32_t events);

/*
 * conns_tick - go on with throttled connections whose ring has room again,
 * close those that were idle, or at one message, for too long.
 * Returns the milliseconds until it wants to be called again.
 */
int conns_tick(struct conns *conns, uint64_t now_ms);

/* conns_throttled - how many connections are not read now. */
uint64_t conns_throttled(const struct conns *conns);

/* conns_close - read what has arrived on each connection a last time, then
   close all and free. */
void conns_close(struct conns *conns);

#endif
