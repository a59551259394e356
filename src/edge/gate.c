/* SPDX-License-Identifier: MIT
 *
 * The gate: what lies between a connection's socket and its stream of reports,
 * where `listen` says so: the PROXY header at first, TLS all the time.  Owns
 * the state of both.  Called by the master's loop; a fault is logged, counted,
 * and closes this connection at the most.
 *
 * OpenSSL's memory for one connection is bounded by its own limits: some 10
 * KiB, and 16 KiB more while a record is on its way; in a handshake a message
 * may have 128 KiB, and a peer may declare that much.  So a peer that has not
 * sent a byte gets none of it, and the handshake has message_timeout to end.
 *
 * A plain connection never comes here.  One that had a PROXY header only goes
 * on as a plain one behind it.
 */
#include "config.h"

#include "conn_set.h"
#include "address.h"
#include "clock.h"
#include "proxy.h"
#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum gate_stage {
	GATE_HEADER,    /* the PROXY header is being read */
	GATE_HANDSHAKE, /* TLS begins */
	GATE_OPEN       /* reports come through TLS */
};

struct gate {
	enum gate_stage stage;
	bool tls;                    /* TLS comes behind the header */
	bool writes;                 /* the handshake waits to write */
	struct tls_session *session; /* NULL until the peer has sent a byte */
};

bool
gate_enter(struct conns *conns, struct conn *conn, bool proxy, bool tls)
{
	conn->gate = calloc(1, sizeof(*conn->gate));
	if (conn->gate == NULL)
		return false;
	conn->gate->stage = proxy ? GATE_HEADER : GATE_HANDSHAKE;
	conn->gate->tls = tls;
	conn->detour |= DETOUR_GATE;
	/* All before the first report is to be done in the time of one
	   message, from now on. */
	chain_join(&conns->begun, &conn->begun, conn, monotonic_ms());
	return true;
}

void
gate_leave(struct conn *conn)
{
	if (conn->gate->session != NULL)
		tls_close(conn->gate->session);
	free(conn->gate);
	conn->gate = NULL;
	conn->detour &= ~DETOUR_GATE;
}

size_t
gate_pending(const struct conn *conn)
{
	return conn->gate->session == NULL ? 0
					   : tls_pending(conn->gate->session);
}

static enum read_end
gate_close(struct conns *conns, struct conn *conn, enum closing why)
{
	conn_close(conns, conn, why);
	return READ_CLOSED;
}

static enum read_end
gate_fault(
    struct conns *conns, struct conn *conn, enum closing why, const char *fault)
{
	char peer[ADDRESS_TEXT];

	log_braked(&conns->faults, "agent %s: %s: %s: closed",
	    conn_peer(conn, peer), closing_name(why), fault);
	return gate_close(conns, conn, why);
}

/* ------------------------------------------------------ the PROXY header -- */

/* The balancer has told who it is: what holds for that address holds now. */
static enum read_end
gate_identify(
    struct conns *conns, struct conn *conn, const struct proxy_header *header)
{
	char balancer[ADDRESS_TEXT], peer[ADDRESS_TEXT];
	enum refusal why;

	conn_peer(conn, balancer);
	memset(&conn->peer, 0, sizeof(conn->peer));
	if (header->source.any.sa_family == AF_INET)
		memcpy(
		    &conn->peer, &header->source.in, sizeof(header->source.in));
	else
		conn->peer = header->source.in6;
	conn->origin = admission_identify(
	    &conns->admission, (const struct sockaddr *)&conn->peer, &why);
	if (conn->origin != NULL)
		return READ_TAKEN;
	counter_add(&conns->count->refused[why], 1);
	log_braked(&conns->refusals, "agent %s: refused: %s; passed on by %s",
	    conn_peer(conn, peer), refusal_name(why), balancer);
	return gate_close(conns, conn, CLOSING_REFUSED);
}

/* The header is whole: go on with what comes behind it. */
static enum read_end
gate_header_done(
    struct conns *conns, struct conn *conn, const struct proxy_header *header)
{
	if (header->verdict == PROXY_TOLD &&
	    gate_identify(conns, conn, header) == READ_CLOSED)
		return READ_CLOSED;
	held_free(&conn->held);
	if (conn->gate->tls) {
		conn->gate->stage = GATE_HANDSHAKE;
		return READ_TAKEN;
	}
	gate_leave(conn);
	chain_leave(&conn->begun);
	conn_touch(conns, conn);
	return READ_TAKEN;
}

/* Read no byte that does not belong to the header. */
static enum read_end
gate_read_header(struct conns *conns, struct conn *conn)
{
	size_t held = conn->held.length, wanted = PROXY_FIXED;
	struct proxy_header header;

	if (held >= PROXY_FIXED)
		wanted = proxy_parse(held_bytes(&conn->held), held).wanted;
	ssize_t n = read(conn->fd, conns->buffer, wanted - held);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return READ_EMPTY;
	if (n <= 0)
		return gate_close(conns, conn, CLOSING_BY_AGENT);
	if (!held_append(&conn->held, conns->buffer, (size_t)n)) {
		conn_expel(conns, conn, CLOSING_NO_MEMORY);
		return READ_CLOSED;
	}
	header = proxy_parse(held_bytes(&conn->held), conn->held.length);
	if (header.verdict == PROXY_WRONG)
		return gate_fault(
		    conns, conn, CLOSING_PROXY_HEADER, header.fault);
	if (header.verdict == PROXY_SHORT)
		return READ_TAKEN;
	return gate_header_done(conns, conn, &header);
}

/* ------------------------------------------------------------------ TLS --- */

/* Have epoll speak of what TLS waits for. */
static void
gate_watch(struct conns *conns, struct conn *conn, bool writes)
{
	struct epoll_event event = { .events = writes ? EPOLLOUT : EPOLLIN,
		.data.ptr = conn };

	if (conn->gate->writes != writes)
		epoll_ctl(conns->epoll, EPOLL_CTL_MOD, conn->fd, &event);
	conn->gate->writes = writes;
}

/* A record of which a part is there holds a message begun, for all we know. */
static void
gate_note_begun(struct conns *conns, struct conn *conn)
{
	if (conn->held.length == 0 && !tls_begun(conn->gate->session))
		chain_leave(&conn->begun);
	else if (conn->begun.in == NULL)
		chain_join(&conns->begun, &conn->begun, conn, monotonic_ms());
}

/* What is to be done when TLS has nothing for us. */
static enum read_end
gate_follow(struct conns *conns, struct conn *conn, enum tls_status status)
{
	char fault[TLS_REASON_MAX];

	switch (status) {
	case TLS_WANTS_READ:
	case TLS_WANTS_WRITE:
		gate_watch(conns, conn, status == TLS_WANTS_WRITE);
		if (conn->gate->stage == GATE_OPEN)
			gate_note_begun(conns, conn);
		return READ_EMPTY;
	case TLS_ENDED:
		/* Half a report at the end was not taken. */
		if (conn->held.length == 0)
			tls_say_end(conn->gate->session);
		return gate_close(conns, conn, CLOSING_BY_AGENT);
	case TLS_FAILED:
		return gate_fault(conns, conn, CLOSING_TLS,
		    tls_fault(conn->gate->session, fault, sizeof(fault)));
	default:
		return gate_close(conns, conn, CLOSING_BY_AGENT);
	}
}

/* Nothing is kept for a peer that has not sent a byte. */
static bool
gate_begin_tls(struct conns *conns, struct conn *conn)
{
	struct gate *gate = conn->gate;

	if (gate->session == NULL && conns->tls != NULL)
		gate->session = tls_accept(conns->tls, conn->fd);
	return gate->session != NULL;
}

static enum read_end
gate_shake_hands(struct conns *conns, struct conn *conn)
{
	enum tls_status status;

	if (!gate_begin_tls(conns, conn)) {
		conn_expel(conns, conn, CLOSING_NO_MEMORY);
		return READ_CLOSED;
	}
	status = tls_handshake(conn->gate->session);
	if (status != TLS_DONE)
		return gate_follow(conns, conn, status);
	conn->gate->stage = GATE_OPEN;
	gate_watch(conns, conn, false);
	chain_leave(&conn->begun);
	conn_touch(conns, conn);
	return READ_TAKEN;
}

static enum read_end
gate_read_stream(struct conns *conns, struct conn *conn)
{
	uint8_t *fresh = conns->buffer + MESSAGE_MAX;
	size_t room = conn_room(conns, conn), n;
	enum tls_status status;

	if (room == 0)
		return conn_take_held(conns, conn) ? READ_TAKEN : READ_CLOSED;
	status = tls_read(conn->gate->session, fresh, room, &n);
	if (status != TLS_DONE)
		return gate_follow(conns, conn, status);
	gate_watch(conns, conn, false);
	return conn_received(conns, conn, n);
}

/* ------------------------------------------------------------- all of it -- */

static enum read_end
gate_step(struct conns *conns, struct conn *conn)
{
	switch (conn->gate->stage) {
	case GATE_HEADER:
		return gate_read_header(conns, conn);
	case GATE_HANDSHAKE:
		return gate_shake_hands(conns, conn);
	case GATE_OPEN:
		break;
	}
	return gate_read_stream(conns, conn);
}

/*
 * What TLS has decrypted no event tells of, so it is taken at once; that is the
 * rest of one record, 16 KiB at the most.
 */
enum read_end
gate_read(struct conns *conns, struct conn *conn)
{
	enum read_end end = gate_step(conns, conn);

	while (end == READ_TAKEN && conn->detour == DETOUR_GATE &&
	       gate_pending(conn) > 0)
		end = gate_step(conns, conn);
	return end;
}

/* The same for one that was throttled: what it had at hand then waits still.
   One whose peer is gone gets no more events: it is read to its end. */
void
gate_resume(struct conns *conns, struct conn *conn)
{
	enum read_end end = READ_TAKEN;

	while (end == READ_TAKEN && conn->detour == DETOUR_GATE &&
	       (conn->gone || gate_pending(conn) > 0))
		end = gate_step(conns, conn);
	if (end == READ_EMPTY && conn->gone)
		conn_close(conns, conn, CLOSING_BY_AGENT);
}
