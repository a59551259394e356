/* SPDX-License-Identifier: MIT
 *
 * Connections with a gate: reading through it, and what follows from what it
 * finds.  A plain connection never comes here; one that had a PROXY header only
 * goes on as a plain one behind it.  Owns nothing.  Called by the master's
 * loop; a fault is logged, counted, and closes this connection at the most.
 */
#include "config.h"

#include "edge/conn_set.h"
#include "lib/address.h"
#include "lib/clock.h"

#include <string.h>
#include <sys/epoll.h>

bool
gated_enter(struct conns *conns, struct conn *conn, bool proxy, bool tls)
{
	conn->gate = gate_new(proxy, tls);
	if (conn->gate == NULL)
		return false;
	conn->detour |= DETOUR_GATE;
	/* All before the first report is to be done in the time of one
	   message, from now on. */
	chain_join(&conns->begun, &conn->begun, conn, monotonic_ms());
	return true;
}

static enum read_end
gated_close(struct conns *conns, struct conn *conn, enum closing why)
{
	conn_close(conns, conn, why);
	return READ_CLOSED;
}

static enum read_end
gated_fault(
    struct conns *conns, struct conn *conn, enum closing why, const char *fault)
{
	char peer[ADDRESS_TEXT];

	log_limited(&conns->faults, "agent %s: %s: %s: closed",
	    conn_peer(conn, peer), closing_name(why), fault);
	return gated_close(conns, conn, why);
}

/* ------------------------------------------------- before the stream ------ */

/* Its reports may come now. */
static enum read_end
gated_open(struct conns *conns, struct conn *conn)
{
	chain_leave(&conn->begun);
	conn_touch(conns, conn);
	return READ_TAKEN;
}

/* The balancer has told who it is: what holds for that address holds now. */
static enum read_end
gated_identify(
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
	log_limited(&conns->refusals, "agent %s: refused: %s; passed on by %s",
	    conn_peer(conn, peer), refusal_name(why), balancer);
	conn_refuse(conns, conn);
	return READ_CLOSED;
}

/* The PROXY header is whole: go on with what comes behind it. */
static enum read_end
gated_named(
    struct conns *conns, struct conn *conn, const struct proxy_header *header)
{
	if (header->verdict == PROXY_TOLD &&
	    gated_identify(conns, conn, header) == READ_CLOSED)
		return READ_CLOSED;
	if (!gate_passed(conn->gate))
		return READ_TAKEN;
	gate_free(conn->gate);
	conn->gate = NULL;
	conn->detour &= ~DETOUR_GATE;
	return gated_open(conns, conn);
}

/* ------------------------------------------------------------ reading ----- */

/* Have epoll speak of what the gate waits for. */
static void
gated_watch(struct conns *conns, struct conn *conn)
{
	bool writes = gate_writes(conn->gate);

	if (conn->writes != writes)
		conn_watch(conns, conn, writes ? EPOLLOUT : EPOLLIN);
	conn->writes = writes;
}

static enum read_end
gated_empty(struct conns *conns, struct conn *conn)
{
	if (conn->inflow.held.length == 0 && !gate_begun(conn->gate))
		chain_leave(&conn->begun);
	else if (conn->begun.in == NULL)
		chain_join(&conns->begun, &conn->begun, conn, monotonic_ms());
	return READ_EMPTY;
}

/* Read once. */
static enum read_end
gated_step(struct conns *conns, struct conn *conn)
{
	size_t room = inflow_room(&conn->inflow, conns->settings->max_message);
	struct gate_result result;

	if (room == 0)
		return conn_take_held(conns, conn);
	gate_read(conn->gate, conn->fd, conns->tls, conns_fresh(conns), room,
	    &result);
	gated_watch(conns, conn);
	switch (result.status) {
	case GATE_BYTES:
		return conn_received(conns, conn, result.n);
	case GATE_PART:
		return READ_TAKEN;
	case GATE_NAMED:
		return gated_named(conns, conn, &result.header);
	case GATE_OPEN:
		return gated_open(conns, conn);
	case GATE_EMPTY:
		return gated_empty(conns, conn);
	case GATE_SAID_END:
		/* Half a report at the end was not taken. */
		if (conn->inflow.held.length == 0)
			gate_say_end(conn->gate);
		break;
	case GATE_ENDED:
		break;
	case GATE_BAD_PROXY:
		return gated_fault(
		    conns, conn, CLOSING_PROXY_HEADER, result.fault);
	case GATE_BAD_TLS:
		return gated_fault(conns, conn, CLOSING_TLS, result.fault);
	case GATE_NO_MEMORY:
		conn_expel(conns, conn, CLOSING_NO_MEMORY);
		return READ_CLOSED;
	}
	return gated_close(conns, conn, CLOSING_BY_AGENT);
}

/*
 * What TLS has decrypted no event tells of, so it is taken at once; that is the
 * rest of one record, 16 KiB at the most.
 */
enum read_end
gated_read(struct conns *conns, struct conn *conn)
{
	enum read_end end = gated_step(conns, conn);

	while (end == READ_TAKEN && conn->detour == DETOUR_GATE &&
	       gate_pending(conn->gate) > 0)
		end = gated_step(conns, conn);
	return end;
}

/* The same for one that was throttled: what it had at hand then waits still.
   One whose peer is gone gets no more events: it is read to its end. */
void
gated_resume(struct conns *conns, struct conn *conn)
{
	enum read_end end = READ_TAKEN;

	while (end == READ_TAKEN && conn->detour == DETOUR_GATE &&
	       (conn->gone || gate_pending(conn->gate) > 0))
		end = gated_step(conns, conn);
	if (end == READ_EMPTY && conn->gone)
		conn_close(conns, conn, CLOSING_BY_AGENT);
}
