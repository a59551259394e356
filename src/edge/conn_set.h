/* SPDX-License-Identifier: MIT
 *
 * What the files of the connections share; of no use to others.  Calls lead
 * one way, through the parts of this header from its end to its beginning:
 * conns.c and accept.c, throttle.c, gated.c, conn.c, and from there to inflow.h
 * and gate.h, which know of no connection.
 *
 * The budget of one connection and turn of the loop: one read() of at most
 * max_message bytes, those held from before counted.  A record takes two bytes
 * of them or more (a Lars result without fields), so a turn brings fewer than
 * MESSAGE_MAX / 2 = REPORT_RECORDS_MAX records.  The memory of a connection is
 * at most twice max_message, rounded up to a power of two; nothing is allocated
 * by what a peer declares, only by what it has sent.  t/unit_work holds us to
 * all of that.  TLS takes memory of its own: see gate.h.
 */
#ifndef REPORTER_CONN_SET_H
#define REPORTER_CONN_SET_H

#include "edge/admission.h"
#include "edge/chain.h"
#include "edge/conn.h"
#include "edge/gate.h"
#include "lib/log.h"
#include "edge/pace.h"
#include "edge/inflow.h"
#include "edge/tarpit.h"

#include <netinet/in.h>

struct conn {
	int fd;
	uint32_t need;            /* records of the report that waits */
	struct chain_link all;    /* in conns->all */
	struct chain_link active; /* in conns->active, unless throttled */
	struct chain_link begun;  /* in conns->begun, if a message is */
	struct chain_link queue;  /* in the queue for a full ring */
	struct origin *origin;    /* NULL: a balancer, or not known yet */
	struct inflow inflow;
	/* What keeps it from being read as a plain connection is; one test of
	   the whole of it for those that nothing does. */
	uint8_t detour;    /* DETOUR_... */
	bool gone;         /* the peer is, but TLS has bytes at hand */
	bool ended;        /* the peer is gone, but held bytes wait */
	bool writes;       /* epoll tells when it can be written to */
	bool complained;   /* its first rejection was logged */
	bool foreign;      /* its first report of another caller was logged */
	struct gate *gate; /* with DETOUR_GATE */
	struct sockaddr_in6 peer; /* large enough for IPv4's */
};

#define DETOUR_THROTTLED 1 /* it waits for room in a ring */
#define DETOUR_GATE 2      /* a PROXY header or TLS, see gate.h */

static inline bool
conn_throttled(const struct conn *conn)
{
	return conn->detour & DETOUR_THROTTLED;
}

struct conns {
	struct intake intake;
	const struct settings *settings;
	struct admission admission;
	struct prefix_list proxy_from, next_proxy_from; /* in force; prepared */
	struct tls *tls; /* the master's; NULL: no listener has it */
	struct input_counters *count;
	int epoll;
	int reserve; /* given up to accept and close when descriptors are out */
	struct tarpit tarpit;   /* refused agents */
	struct pace pace;       /* of accepting */
	uint64_t hold_until_ms; /* nothing is accepted before */
	uint64_t open, throttled;
	struct chain all;    /* by age */
	struct chain active; /* by the time of the last bytes */
	struct chain begun;  /* by the time of a message's first bytes */
	/* Those that wait for room in one ring, first come, first served. */
	struct chain queue[WORKERS_MAX];
	struct log_limiter refusals, closings, faults, throttles, holds,
	    shortages;
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

/* conn_touch - it is active now. */
void conn_touch(struct conns *conns, struct conn *conn);

/* conn_close - close and free, and count why. */
void conn_close(struct conns *conns, struct conn *conn, enum closing why);

/* conn_expel - the same, and say so in the log. */
void conn_expel(struct conns *conns, struct conn *conn, enum closing why);

/* conn_refuse - close and free, as refused; the socket goes to the tarpit. */
void conn_refuse(struct conns *conns, struct conn *conn);

/* conn_peer - who it is; text has ADDRESS_TEXT bytes. */
const char *conn_peer(const struct conn *conn, char *text);

/* conn_watch - have epoll tell of these events, unless the peer is gone. */
void conn_watch(struct conns *conns, struct conn *conn, uint32_t events);

/* conn_unblock - it is not throttled any more, and in no queue. */
void conn_unblock(struct conns *conns, struct conn *conn);

/* conn_received - take n bytes of its stream, 1 to inflow_room(), that were
   read to conns_fresh().  One whose next report finds no room in its ring is
   throttled: in the queue of that ring. */
enum read_end conn_received(struct conns *conns, struct conn *conn, size_t n);

/* conn_take_held - take what can be taken of the bytes held. */
enum read_end conn_take_held(struct conns *conns, struct conn *conn);

/* conn_read_plain - read once, of one without a gate, and take what can be
   taken. */
enum read_end conn_read_plain(struct conns *conns, struct conn *conn);

/* conns_fresh - where bytes are read to. */
static inline uint8_t *
conns_fresh(struct conns *conns)
{
	return conns->buffer + MESSAGE_MAX;
}

/* -------------------------------------------------------------- gated.c --- */

/* gated_enter - a PROXY header, or TLS, or both come before its reports.
   Returns false when memory is short. */
bool gated_enter(struct conns *conns, struct conn *conn, bool proxy, bool tls);

/* gated_read - conn_read_plain() for one with a gate. */
enum read_end gated_read(struct conns *conns, struct conn *conn);

/* gated_resume - it is not throttled any more. */
void gated_resume(struct conns *conns, struct conn *conn);

/* ----------------------------------------------------------- throttle.c --- */

/* throttle_tick - go on with those whose ring has room. */
void throttle_tick(struct conns *conns);

/* throttle_reroute - there are other rings now: have all try again. */
void throttle_reroute(struct conns *conns);

/* ------------------------------------------------------------- accept.c --- */

/* conns_reserve - have the reserve descriptor, if it can be had. */
void conns_reserve(struct conns *conns);

#endif
