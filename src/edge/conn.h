/* SPDX-License-Identifier: MIT
 *
 * One connection of an agent: a state machine from the socket to the intake.
 * Belongs to the master's loop; nothing here waits.  Faults are logged,
 * counted, and close this connection only.
 *
 *	[HEADER -->] [HANDSHAKE -->] READING <--> THROTTLED --> ENDED
 *
 * and from each of them to CLOSING.
 *
 * The budget of one connection and turn of the loop: one read() of at most
 * max_message bytes, those buffered from before counted.  A record takes two
 * bytes of them or more (a Lars result without fields), so a turn reads fewer
 * than MESSAGE_MAX / 2 = REPORT_RECORDS_MAX records.  The memory of a
 * connection is at most twice max_message, rounded up to a power of two;
 * nothing is allocated by what a peer declares, only by what it has sent.
 * t/unit_work holds us to all of that.
 *
 * OpenSSL's memory for one connection is bounded by its own limits: some 10
 * KiB, and 16 KiB more while a record is on its way; in a handshake a message
 * may have 128 KiB, and a peer may declare that much.  So a peer that has not
 * sent a byte gets none of it.
 */
#ifndef REPORTER_CONN_H
#define REPORTER_CONN_H

#include "conf/listen_spec.h"
#include "edge/inbuf.h"
#include "edge/origin.h"
#include "edge/tls.h"
#include "shm/counters.h"

#include <netinet/in.h>
#include <sys/queue.h>

struct server;

enum conn_state {
	CONN_HEADER,    /* the PROXY header is being read */
	CONN_HANDSHAKE, /* TLS begins */
	CONN_READING,   /* reports are read */
	CONN_THROTTLED, /* its next report waits for room in a ring: not read */
	CONN_ENDED,     /* likewise, after the peer closed: no events come */
	CONN_CLOSING    /* to be closed by conn_read() or conn_resume() */
};

struct conn {
	int fd;
	enum conn_state state;
	enum closing why; /* CONN_CLOSING */
	uint32_t watched; /* events that epoll reports */
	uint32_t need;    /* records of the report that waits; 0: none does */
	uint32_t slot;    /* of the ring that it waits for */
	TAILQ_ENTRY(conn) all;
	TAILQ_ENTRY(conn) active; /* up to CONN_READING */
	TAILQ_ENTRY(conn) begun;  /* unless begun_ms is 0 */
	TAILQ_ENTRY(conn) queue;  /* unless need is 0 */
	uint64_t active_ms;       /* when its last bytes arrived */
	uint64_t begun_ms;     /* when its incomplete message began; 0: none */
	struct origin *origin; /* NULL: a balancer, or not known yet */
	struct inbuf inbuf;
	bool secure;              /* the listener has TLS */
	bool complained;          /* its first rejection was logged */
	bool foreign;             /* its first foreign report was logged */
	struct tls_session *tls;  /* NULL: no TLS, or no byte of it yet */
	struct sockaddr_in6 peer; /* or sockaddr_in */
};

TAILQ_HEAD(conn_list, conn);

/* conn_new - add a connection, which then owns the socket.  spec: its listener,
   with or without PROXY header and TLS.  origin: from admission_enter(); NULL
   for a balancer.  Returns NULL with errno: the socket is still the caller's.
 */
struct conn *conn_new(struct server *server, const struct listen_spec *spec,
    int fd, const struct sockaddr *peer, socklen_t length,
    struct origin *origin);

/* conn_close - close and free, and count why. */
void conn_close(struct server *server, struct conn *conn, enum closing why);

/* conn_disconnect - the same, and log it. */
void conn_disconnect(
    struct server *server, struct conn *conn, enum closing why);

/* conn_process - epoll reported these events of it. */
void conn_process(struct server *server, struct conn *conn, uint32_t events);

/* What became of an attempt to read. */
enum progress {
	PROGRESS_MADE,  /* bytes were read */
	PROGRESS_NONE,  /* nothing to read, or it is throttled */
	PROGRESS_CLOSED /* it is closed and freed */
};

/* conn_read - read once, unless it is throttled, and process what was read. */
enum progress conn_read(struct server *server, struct conn *conn);

/* conn_resume - continue a throttled connection, which the caller removed from
   its queue, since its ring has room or the rings were replaced. */
void conn_resume(struct server *server, struct conn *conn);

#endif
