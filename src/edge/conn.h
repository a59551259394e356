/* SPDX-License-Identifier: MIT
 *
 * One connection of an agent: a state machine from the socket to the intake.
 * Belongs to the master's loop; nothing here blocks.  Faults are logged,
 * counted, and close this connection only.
 *
 *	[HEADER -->] [HANDSHAKE -->] READING <--> THROTTLED --> ENDED
 *
 * and from each of them to CLOSING.
 *
 * Budget per connection and turn: one read() of at most max_message bytes, less
 * what is buffered.  A record has at least two bytes (a Lars result without
 * fields), so a read has fewer than MESSAGE_MAX / 2 = REPORT_RECORDS_MAX
 * records.  Two cases take more reads: with TLS the rest of the TLS record that
 * was decrypted (up to 16 KiB, however small max_message is), and in CONN_ENDED
 * all that is left in the socket, until it is empty or a ring is full.
 * server_expire() and server_drain() repeat conn_read(), up to 64 times per
 * connection.
 *
 * The input buffer has at most twice max_message, rounded up to a power of two.
 * It grows with what a peer has sent, never with what it declares.  t/unit_work
 * checks this.
 *
 * OpenSSL has its own limits for a connection: about 10 KiB, 16 KiB more while
 * a record is incomplete, and in a handshake up to the 128 KiB that a peer may
 * declare.  The session is therefore allocated only after the peer's first
 * byte.
 */
#pragma once

#include "lib/address.h"
#include "edge/inbuf.h"
#include "edge/proxy.h"
#include "edge/tls.h"
#include "shm/counters.h"

#include <sys/queue.h>

struct origin;
struct server;

enum conn_state {
	CONN_HEADER,    /* the PROXY header is being read */
	CONN_HANDSHAKE, /* TLS begins */
	CONN_READING,   /* reports are read */
	CONN_THROTTLED, /* its next report waits for room in a ring: not read */
	CONN_ENDED,  /* throttled, and its agent closed it or is lost: what is
			left to read is taken; removed from epoll */
	CONN_CLOSING /* to be closed by conn_read() or conn_resume() */
};

struct conn {
	int fd;
	int epoll; /* that watches it */
	enum conn_state state;
	enum closing why; /* CONN_CLOSING */
	uint32_t watched; /* events that epoll reports */
	uint32_t need;    /* records that wait for room; 0: none do */
	uint32_t slot;    /* of the ring that they wait for */
	uint32_t turn;    /* records that it may put before others who wait */
	TAILQ_ENTRY(conn) all;
	TAILQ_ENTRY(conn) active; /* on the list if active_ms is not 0 */
	TAILQ_ENTRY(conn) begun;  /* on the list if begun_ms is not 0 */
	TAILQ_ENTRY(conn) queue;  /* on the list if need is not 0 */
	uint64_t active_ms;    /* when its last bytes arrived; 0: may be idle */
	uint64_t begun_ms;     /* when its incomplete message began; 0: none */
	uint64_t born_ms;      /* when it was accepted */
	uint64_t retire_ms;    /* when it was found too old; 0: it was not */
	uint32_t jitter;       /* its place in the range of max ages */
	bool half_closed;      /* our direction is closed */
	bool gone;             /* counted as closed, in server->gone */
	struct origin *origin; /* NULL: a balancer, or not known yet */
	struct inbuf inbuf;
	struct agent *agent; /* what readers see, or server.unlisted */
	bool secure;         /* the listener has TLS */
	bool foreign;        /* its first foreign report was logged */
	bool named;          /* notice_caller() was called for it */
	uint32_t caller;     /* with this caller, the last one */
	SSL *tls;            /* NULL: no TLS, or no byte of it yet */
	union peer peer;
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

/* conn_open - what comes before the reports is complete: start reading them.
   Returns PROGRESS_MADE. */
enum progress conn_open(struct server *server, struct conn *conn);

/* conn_read - read once, and all that TLS has already decrypted, and process
   it; nothing if it is throttled. */
enum progress conn_read(struct server *server, struct conn *conn);

/* conn_resume - continue a throttled connection, which the caller removed from
   its queue, since its ring has room or the rings were replaced. */
void conn_resume(struct server *server, struct conn *conn);

/* header_read - in header.c, for conn.c: read what has arrived of the header,
   and nothing behind it, since TLS may follow.  Faults and refusals are logged.
   Returns PROGRESS_MADE when it is complete: the peer is the agent, or the
   balancer for its own connections; PROGRESS_NONE while it is not;
   PROGRESS_CLOSED if the connection is to be closed: conn->why. */
enum progress header_read(struct server *server, struct conn *conn);
