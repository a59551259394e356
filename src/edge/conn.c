/* SPDX-License-Identifier: MIT
 *
 * One connection of an agent: its life, its reports, its waiting for room, and
 * reading it when nothing lies before its stream.  Owns the socket, the inflow
 * and the gate.  Called by the master's loop; a fault is logged, counted, and
 * closes this connection at the most.
 */
#include "config.h"

#include "edge/conn_set.h"
#include "lib/address.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------- life and death --- */

const char *
conn_peer(const struct conn *conn, char *text)
{
	return address_text((const struct sockaddr *)&conn->peer,
	    conn->peer.sin6_family == AF_INET ? sizeof(struct sockaddr_in)
					      : sizeof(conn->peer),
	    text, ADDRESS_TEXT);
}

void
conn_touch(struct conns *conns, struct conn *conn)
{
	chain_leave(&conn->active);
	chain_join(&conns->active, &conn->active, conn, monotonic_ms());
}

static void
conn_set_throttled(struct conns *conns, struct conn *conn, bool throttled)
{
	if (throttled)
		conn->detour |= DETOUR_THROTTLED;
	else
		conn->detour &= ~DETOUR_THROTTLED;
	conns->throttled += throttled ? 1 : -1;
	counter_set(&conns->count->throttled, conns->throttled);
}

/* Forget and free the connection.  Returns its socket, now the caller's. */
static int
conn_forget(struct conns *conns, struct conn *conn, enum closing why)
{
	int fd = conn->fd;

	if (conn_throttled(conn))
		conn_set_throttled(conns, conn, false);
	chain_leave(&conn->queue);
	chain_leave(&conn->all);
	chain_leave(&conn->active);
	chain_leave(&conn->begun);
	admission_leave(&conns->admission, conn->origin);
	/* Closing is not enough: a worker that was forked just now may hold
	   the socket for another moment, and epoll would go on to speak of a
	   connection that is freed. */
	epoll_ctl(conns->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	/* Who sees its end finds it counted. */
	conns->open--;
	counter_set(&conns->count->connections, conns->open);
	counter_add(&conns->count->closed[why], 1);
	gate_free(conn->gate);
	held_free(&conn->inflow.held);
	free(conn);
	return fd;
}

void
conn_close(struct conns *conns, struct conn *conn, enum closing why)
{
	close(conn_forget(conns, conn, why));
}

void
conn_refuse(struct conns *conns, struct conn *conn)
{
	tarpit_add(&conns->tarpit, conn_forget(conns, conn, CLOSING_REFUSED),
	    monotonic_ms());
}

void
conn_expel(struct conns *conns, struct conn *conn, enum closing why)
{
	char peer[ADDRESS_TEXT];

	log_limited(&conns->closings, "agent %s: closed: %s",
	    conn_peer(conn, peer), closing_name(why));
	conn_close(conns, conn, why);
}

/* ------------------------------------------------- waiting for room ------ */

void
conn_watch(struct conns *conns, struct conn *conn, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	if (!conn->ended && !conn->gone)
		epoll_ctl(conns->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

/* Read no more of it until the ring of this slot has room for `need` records:
   then TCP tells the agent. */
static void
conn_block(struct conns *conns, struct conn *conn, uint32_t slot, uint32_t need)
{
	char peer[ADDRESS_TEXT];

	conn->need = need;
	chain_join(&conns->queue[slot], &conn->queue, conn, monotonic_ms());
	if (conn_throttled(conn))
		return;
	chain_leave(&conn->active);
	conn_watch(conns, conn, 0);
	conn_set_throttled(conns, conn, true);
	counter_add(&conns->count->throttles, 1);
	log_limited(&conns->throttles,
	    "agent %s: not read for now: the ring of worker %u is full",
	    conn_peer(conn, peer), slot);
}

void
conn_unblock(struct conns *conns, struct conn *conn)
{
	conn_set_throttled(conns, conn, false);
	conn_touch(conns, conn);
	conn_watch(conns, conn, conn->writes ? EPOLLOUT : EPOLLIN);
}

/* ------------------------------------------------------------- taking ----- */

static void
conn_complain(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	char peer[ADDRESS_TEXT];

	if (result->verdict == VERDICT_CLOSE)
		log_limited(&conns->faults,
		    "agent %s: %s at byte %llu of its stream: closed",
		    conn_peer(conn, peer), reject_name(result->reason),
		    (unsigned long long)result->fault);
	else if (!conn->complained)
		log_limited(&conns->faults,
		    "agent %s: %s before byte %llu of its stream: rejected; "
		    "said once for each connection",
		    conn_peer(conn, peer), reject_name(result->reason),
		    (unsigned long long)conn->inflow.offset);
	conn->complained = true;
}

static void
conn_foreign(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	char peer[ADDRESS_TEXT];

	if (!conn->foreign)
		log_limited(&conns->faults,
		    "agent %s: reports as caller %u.%u.%u.%u; said once for "
		    "each connection",
		    conn_peer(conn, peer), result->caller >> 24,
		    result->caller >> 16 & 0xff, result->caller >> 8 & 0xff,
		    result->caller & 0xff);
	conn->foreign = true;
}

/* Tell the intake whose bytes come next, and when. */
static struct intake *
conn_intake(struct conns *conns, struct conn *conn)
{
	struct intake *intake = &conns->intake;

	intake->report.now = (uint64_t)time(NULL);
	intake->report.horizon =
	    intake->report.now + conns->settings->max_clock_skew / 1000;
	intake_peer(intake, (const struct sockaddr *)&conn->peer);
	return intake;
}

/* Note since when the message at the front of the held bytes is begun.  One
   that waits for room in its ring is not the agent's fault. */
static void
conn_note_begun(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	bool begun =
	    conn->inflow.held.length > 0 && result->verdict != VERDICT_BLOCKED;

	if (!begun || result->used > 0)
		chain_leave(&conn->begun);
	if (begun && conn->begun.in == NULL)
		chain_join(&conns->begun, &conn->begun, conn, monotonic_ms());
}

/* The intake has taken what it could: go on as its verdict says. */
static enum read_end
conn_follow(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	if (result->rejected > 0)
		conn_complain(conns, conn, result);
	if (result->foreign > 0)
		conn_foreign(conns, conn, result);
	if (result->verdict == VERDICT_CLOSE) {
		conn_close(conns, conn, CLOSING_BAD_STREAM);
		return READ_CLOSED;
	}
	if (conn->ended && result->verdict == VERDICT_MORE) {
		conn_close(conns, conn, CLOSING_BY_AGENT);
		return READ_CLOSED;
	}
	conn_note_begun(conns, conn, result);
	if (result->verdict == VERDICT_BLOCKED)
		conn_block(conns, conn, result->slot, result->need);
	return READ_TAKEN;
}

enum read_end
conn_take_held(struct conns *conns, struct conn *conn)
{
	struct intake *intake = conn_intake(conns, conn);
	struct intake_result result = inflow_take_held(&conn->inflow, intake);

	intake_publish(intake);
	return conn_follow(conns, conn, &result);
}

enum read_end
conn_received(struct conns *conns, struct conn *conn, size_t n)
{
	struct intake *intake = conn_intake(conns, conn);
	struct intake_result result;
	bool kept;

	counter_add(&conns->count->bytes, (uint64_t)n);
	conn_touch(conns, conn);
	kept =
	    inflow_take(&conn->inflow, intake, conns_fresh(conns), n, &result);
	intake_publish(intake);
	if (kept)
		return conn_follow(conns, conn, &result);
	conn_expel(conns, conn, CLOSING_NO_MEMORY);
	return READ_CLOSED;
}

enum read_end
conn_read_plain(struct conns *conns, struct conn *conn)
{
	size_t room = inflow_room(&conn->inflow, conns->settings->max_message);

	if (room == 0)
		return conn_take_held(conns, conn);
	ssize_t n = read(conn->fd, conns_fresh(conns), room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return READ_EMPTY;
	if (n <= 0) {
		conn_close(conns, conn, CLOSING_BY_AGENT);
		return READ_CLOSED;
	}
	return conn_received(conns, conn, (size_t)n);
}
