/* SPDX-License-Identifier: MIT
 *
 * The server: all connections of agents, and what they share.  Belongs to the
 * master's loop; nothing here blocks.  Only src/edge accesses its members.
 */
#pragma once

#include "edge/admission.h"
#include "edge/ark.h"
#include "edge/conn.h"
#include "edge/limiter.h"
#include "edge/notice.h"
#include "edge/tarpit.h"
#include "lib/log.h"
#include "shm/agents.h"

struct server {
	struct intake *intake;
	const struct settings *settings;
	struct admission admission;
	SSL_CTX *tls; /* the master's; NULL: no listener has it */
	struct input_counters *count;
	struct agents *agents; /* NULL: connections are not shown */
	struct agent unlisted; /* of connections without a row */
	int epoll;
	/* Watches connections that begin with TLS; itself watched by `epoll`,
	   with the server as the event's pointer. */
	int handshakes;
	/* Spare descriptor, closed to accept and refuse one connection when
	   there are no others. */
	int reserve;
	struct tarpit tarpit;     /* refused and faulty agents */
	struct limiter accepting; /* connections a second */
	uint64_t hold_until_ms; /* no connection is accepted before this time */
	uint64_t alert_ms;      /* no worker is woken before this time */
	uint64_t open, throttled;
	/* Throttled ones whose agent is gone, up to gone_max: they count as
	   closed, and their descriptors are beyond max_connections. */
	uint64_t gone, gone_max;
	uint64_t retired_ms;     /* when max_connection_age was last applied */
	uint64_t aging_ms;       /* and when it was set */
	struct conn_list all;    /* by age */
	struct conn_list active; /* by active_ms; idle_timeout applies */
	struct conn_list begun;  /* by begun_ms */
	/* By ring: connections that wait for room in it.  Each has a turn of
	   INTAKE_PIECE records, then goes to the end if it has more. */
	struct conn_list queue[WORKERS_MAX];
	/* faults: what closes a connection; reports: what does not.  A scanner
	   must not silence the lines about agents. */
	struct log_limiter refusals, closings, faults, reports, throttles,
	    holds, shortages;
	struct notices notices;
	/* What is read goes to the second half; bytes buffered before are put
	   in front of it. */
	uint8_t buffer[2 * MESSAGE_MAX];
};

#define HOLD_FULL_MS 1 /* when the tarpit is full */

/* server_hold - accept nothing for so many milliseconds: connections wait in
   the kernel.  Listeners are not watched meanwhile, since epoll would report
   them all the time. */
static inline void
server_hold(struct server *server, uint64_t now_ms, uint64_t ms)
{
	if (server->hold_until_ms < now_ms + ms)
		server->hold_until_ms = now_ms + ms;
}

/* server_new - no connections yet.  epoll: where they are to be added; events
   whose pointer is not the caller's go to server_process().  agents: rows in
   which connections are shown to readers, the caller's, or NULL.  Returns NULL
   with errno. */
struct server *server_new(
    int epoll, struct input_counters *count, struct agents *agents);

/* server_process - epoll reported these events with this pointer.  TLS
   handshakes take 3 ms at most, and the rest of the last of them. */
void server_process(struct server *server, void *pointer, uint32_t events);

/* server_configure - use these settings, and `tls` (NULL: no listener has TLS)
   for handshakes that begin from now on; the caller owns both, and must keep
   them until the next call.  Connections that are no longer allowed are closed.
   Readers are shown what is in use since now. */
void server_configure(
    struct server *server, const struct settings *settings, SSL_CTX *tls);

/* server_route - from now on routes lead to these rings, one for each worker.
   Everything put into the previous rings must have been published. */
void server_route(
    struct server *server, struct ring *const *rings, uint32_t workers);

/* server_retry - try again with the throttled connections, since `overflow` has
   changed. */
void server_retry(struct server *server);

/* server_tick - resume throttled connections whose ring has room, and
   disconnect those over idle_timeout, message_timeout or max_connection_age.
   Returns the maximum number of milliseconds until the next call. */
int server_tick(struct server *server, uint64_t now_ms);

/* server_drain - during shutdown: read what has arrived on each connection, and
   close those that have nothing left to read.  keep: those without TLS stay
   open, to be carried over, and are not waited for while they send.  To be
   called again, after server_tick(), until nothing is left or time is up.
   Returns how many connections are left: throttled, or still sending. */
uint64_t server_drain(struct server *server, bool keep);

/* server_close - close all connections, and free. */
void server_close(struct server *server);

/* Accepting: accept.c.  Refusals are counted and logged. */

/* accept_agents - accept what waits on a listening socket; spec: what comes
   before the reports there. */
void accept_agents(
    struct server *server, int listening, const struct listen_spec *spec);

/* accept_open - admit a peer and add its connection, which then owns the
   socket.  Returns NULL if it is refused: counted, logged, and the socket is
   closed or in the tarpit. */
struct conn *accept_open(struct server *server, const struct listen_spec *spec,
    int fd, const struct sockaddr *peer, socklen_t length);

/* accept_is_open - whether listening sockets are to be watched now: not while
   accepting is limited to a rate, or out of descriptors. */
bool accept_is_open(const struct server *server, uint64_t now_ms);

/* accept_reserve - open the reserve descriptor, if it can be opened. */
void accept_reserve(struct server *server);

/* Connections that an ark carries from one master to the next: carry.c.  All
   but those with TLS, whose state cannot leave OpenSSL. */

/* carry_out - add the connections to an ark, as far as there is room; they stay
   open here, and must not be read until it is known who continues them.
   Returns 0, or -1 with errno: the ark is to be given up. */
int carry_out(const struct server *server, struct ark_writer *ark);

/* carry_close - close our side of the first n, or all if there are fewer, that
   carry_out() has added.  For their agents they stay open. */
void carry_close(struct server *server, uint64_t n);

/* carry_in - continue the connections of an ark, as far as the rules allow, and
   process their buffered bytes.  The rings must be set. */
void carry_in(struct server *server, struct ark_reader *ark);
