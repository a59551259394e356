/* SPDX-License-Identifier: MIT
 *
 * What the files of the connections (conn.c, conns.c, throttle.c) share; of no
 * use to others.
 */
#ifndef REPORTER_CONN_SET_H
#define REPORTER_CONN_SET_H

#include "conn.h"
#include "intake.h"
#include "log.h"
#include "native.h"
#include "prefix.h"

#include <netinet/in.h>

struct conn {
	int fd;
	enum dialect dialect;
	struct conn *newer, *older; /* by activity */
	struct conn *behind;        /* in the queue for a full ring */
	uint64_t active_ms;
	uint64_t offset;           /* bytes of the stream taken so far */
	uint8_t *held;             /* bytes read and not taken, NULL: none */
	uint32_t length, capacity; /* of held */
	uint32_t need;             /* records of the report that waits */
	bool throttled;
	bool ended;      /* the peer is gone, but held bytes wait */
	bool complained; /* its first rejection was logged */
	struct native_scan scan;
	struct sockaddr_in6 peer; /* large enough for IPv4's */
};

/* Connections that wait for room in one ring, first come, first served. */
struct queue {
	struct conn *first, **last;
};

struct conns {
	struct intake intake;
	const struct settings *settings;
	struct prefix_list allow;
	struct input_counters *count;
	int epoll;
	int reserve; /* given up to accept and close when descriptors are out */
	uint64_t open, throttled;
	uint64_t idle_checked_ms;
	struct conn *newest, *oldest;
	struct queue queue[WORKERS_MAX];
	struct log_brake refusals, faults, throttles;
	/* What is read lies behind as much room as a message may need, so that
	   held bytes can be put before it. */
	uint8_t buffer[2 * MESSAGE_MAX];
};

enum read_end {
	READ_TAKEN, /* something came */
	READ_EMPTY, /* nothing there for now */
	READ_CLOSED /* the connection is closed and freed */
};

/* --------------------------------------------------------------- conn.c --- */

/* conn_link - make it the most recently active one; conn_touch - it is active
   now. */
void conn_link(struct conns *conns, struct conn *conn);
void conn_touch(struct conns *conns, struct conn *conn);

/* conn_close - close and free. */
void conn_close(struct conns *conns, struct conn *conn);

/* conn_peer - who it is; text has ADDRESS_TEXT bytes. */
const char *conn_peer(const struct conn *conn, char *text);

/* conn_read - read once, and take what can be taken. */
enum read_end conn_read(struct conns *conns, struct conn *conn);

/* conn_take_held - take what can be taken of the bytes held.  Returns false
   when the connection was closed. */
bool conn_take_held(struct conns *conns, struct conn *conn);

/* ----------------------------------------------------------- throttle.c --- */

/* throttle_enter - read no more of it until the ring of this slot has room for
   `need` records. */
void throttle_enter(
    struct conns *conns, struct conn *conn, uint32_t slot, uint32_t need);

/* throttle_leave - it is about to be closed. */
void throttle_leave(struct conns *conns, struct conn *conn);

/* throttle_tick - go on with those whose ring has room. */
void throttle_tick(struct conns *conns);

/* throttle_reroute - there are other rings now: have all try again. */
void throttle_reroute(struct conns *conns);

#endif
