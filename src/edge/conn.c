/* SPDX-License-Identifier: MIT
 *
 * One connection of an agent: reading, holding the beginning of a message,
 * handing bytes to the intake, closing.  Owns the socket and what is held of
 * the stream.  Called by the master's loop; a fault is logged, counted, and
 * closes this connection at the most.
 */
#include "config.h"

#include "conn_set.h"
#include "address.h"
#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
conn_leave_detour(struct conns *conns, struct conn *conn)
{
	if (conn_throttled(conn))
		throttle_leave(conns, conn);
	if (conn->gate != NULL)
		gate_leave(conn);
}

void
conn_close(struct conns *conns, struct conn *conn, enum closing why)
{
	if (conn->detour != 0)
		conn_leave_detour(conns, conn);
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
	close(conn->fd);
	held_free(&conn->held);
	free(conn);
}

void
conn_expel(struct conns *conns, struct conn *conn, enum closing why)
{
	char peer[ADDRESS_TEXT];

	log_braked(&conns->closings, "agent %s: closed: %s",
	    conn_peer(conn, peer), closing_name(why));
	conn_close(conns, conn, why);
}

/* ------------------------------------------------------------- taking ----- */

static void
conn_complain(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	char peer[ADDRESS_TEXT];

	if (result->verdict == VERDICT_CLOSE)
		log_braked(&conns->faults,
		    "agent %s: %s at byte %llu of its stream: closed",
		    conn_peer(conn, peer), reject_name(result->reason),
		    (unsigned long long)(conn->offset + result->fault));
	else if (!conn->complained)
		log_braked(&conns->faults,
		    "agent %s: %s before byte %llu of its stream: rejected; "
		    "said once for each connection",
		    conn_peer(conn, peer), reject_name(result->reason),
		    (unsigned long long)(conn->offset + result->used));
	conn->complained = true;
}

static void
conn_foreign(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	char peer[ADDRESS_TEXT];

	if (!conn->foreign)
		log_braked(&conns->faults,
		    "agent %s: reports as caller %u.%u.%u.%u; said once for "
		    "each connection",
		    conn_peer(conn, peer), result->caller >> 24,
		    result->caller >> 16 & 0xff, result->caller >> 8 & 0xff,
		    result->caller & 0xff);
	conn->foreign = true;
}

/* Hand bytes of the stream to the intake. */
static struct intake_result
conn_intake(
    struct conns *conns, struct conn *conn, const uint8_t *bytes, size_t length)
{
	struct intake *intake = &conns->intake;
	struct intake_result result;

	intake->report.now = (uint64_t)time(NULL);
	intake->report.horizon =
	    intake->report.now + conns->settings->max_clock_skew / 1000;
	intake_peer(intake, (const struct sockaddr *)&conn->peer);
	result = intake_bytes(intake, &conn->dialect, bytes, length);
	intake_publish(intake);
	if (result.rejected > 0)
		conn_complain(conns, conn, &result);
	if (result.foreign > 0)
		conn_foreign(conns, conn, &result);
	conn->offset += result.used;
	/* Bytes held from before were looked through up to scan.offset. */
	if (result.used > 0)
		conn->scan = (struct native_scan){ 0, 0 };
	return result;
}

/* Note since when the message at the front of the held bytes is begun.  One
   that waits for room in its ring is not the agent's fault. */
static void
conn_note_begun(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	bool begun =
	    conn->held.length > 0 && result->verdict != VERDICT_BLOCKED;

	if (!begun || result->used > 0)
		chain_leave(&conn->begun);
	if (begun && conn->begun.in == NULL)
		chain_join(&conns->begun, &conn->begun, conn, monotonic_ms());
}

/* What the intake did not take is held: go on as its verdict says.  Returns
   false when the connection was closed. */
static bool
conn_follow(
    struct conns *conns, struct conn *conn, const struct intake_result *result)
{
	if (result->verdict == VERDICT_CLOSE) {
		conn_close(conns, conn, CLOSING_BAD_STREAM);
		return false;
	}
	if (conn->ended && result->verdict == VERDICT_MORE) {
		conn_close(conns, conn, CLOSING_BY_AGENT);
		return false;
	}
	conn_note_begun(conns, conn, result);
	if (result->verdict == VERDICT_BLOCKED)
		throttle_enter(conns, conn, result->slot, result->need);
	return true;
}

bool
conn_take_held(struct conns *conns, struct conn *conn)
{
	struct intake_result result = conn_intake(
	    conns, conn, held_bytes(&conn->held), conn->held.length);

	held_take(&conn->held, result.used);
	return conn_follow(conns, conn, &result);
}

/* Whether held bytes are worth decoding: the end of the message is there, or
   it is certain to come too late. */
static bool
conn_whole(struct conn *conn, size_t max_message)
{
	if (conn->dialect != DIALECT_NATIVE || conn->held.length >= max_message)
		return true;
	return native_scan(held_bytes(&conn->held), conn->held.length,
		   &conn->scan) != DECODE_SHORT ||
	       conn->scan.offset + conn->scan.wanted > max_message;
}

static bool
conn_starve(struct conns *conns, struct conn *conn)
{
	conn_expel(conns, conn, CLOSING_NO_MEMORY);
	return false;
}

/* ------------------------------------------------------------ reading ----- */

/* The path of a plain connection is one function, whoever else uses its parts:
   TLS must not cost those that have none. */
#define ON_THE_PATH static inline __attribute__((always_inline))

/* Take n new bytes, which are no fewer than those held: these are put before
   them.  Returns false when the connection was closed. */
ON_THE_PATH bool
conn_take_joined(
    struct conns *conns, struct conn *conn, uint8_t *fresh, size_t n)
{
	size_t held = conn->held.length;
	uint8_t *bytes = fresh - held;
	struct intake_result result;
	bool kept;

	if (held > 0)
		memcpy(bytes, held_bytes(&conn->held), held);
	result = conn_intake(conns, conn, bytes, held + n);
	/* The held ones are the beginning of one message: it is taken whole or
	   not at all. */
	if (result.used == 0)
		kept = held_append(&conn->held, fresh, n);
	else
		kept = held_set(
		    &conn->held, bytes + result.used, held + n - result.used);
	return kept ? conn_follow(conns, conn, &result)
		    : conn_starve(conns, conn);
}

/* Take n new bytes, fewer than those held: they are put behind them. */
static bool
conn_take_appended(
    struct conns *conns, struct conn *conn, const uint8_t *fresh, size_t n)
{
	if (!held_append(&conn->held, fresh, n))
		return conn_starve(conns, conn);
	return !conn_whole(conn, conns->settings->max_message) ||
	       conn_take_held(conns, conn);
}

/* Held bytes and new ones are joined by moving the smaller part, so that the
   cost stays linear in the bytes received however they come. */
ON_THE_PATH enum read_end
conn_take_new(struct conns *conns, struct conn *conn, size_t n)
{
	uint8_t *fresh = conns->buffer + MESSAGE_MAX;
	bool open;

	counter_add(&conns->count->bytes, (uint64_t)n);
	conn_touch(conns, conn);
	open = n >= conn->held.length
		   ? conn_take_joined(conns, conn, fresh, n)
		   : conn_take_appended(conns, conn, fresh, n);
	return open ? READ_TAKEN : READ_CLOSED;
}

enum read_end
conn_received(struct conns *conns, struct conn *conn, size_t n)
{
	return conn_take_new(conns, conn, n);
}

/* Read once, of a plain connection. */
ON_THE_PATH enum read_end
conn_read_plain(struct conns *conns, struct conn *conn)
{
	uint8_t *fresh = conns->buffer + MESSAGE_MAX;
	size_t room = conn_room(conns, conn);

	/* A reload has lowered max_message: it is too long now. */
	if (room == 0)
		return conn_take_held(conns, conn) ? READ_TAKEN : READ_CLOSED;
	ssize_t n = read(conn->fd, fresh, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return READ_EMPTY;
	if (n <= 0) {
		conn_close(conns, conn, CLOSING_BY_AGENT);
		return READ_CLOSED;
	}
	return conn_take_new(conns, conn, (size_t)n);
}

enum read_end
conn_read(struct conns *conns, struct conn *conn)
{
	return conn->gate != NULL ? gate_read(conns, conn)
				  : conn_read_plain(conns, conn);
}

/* The peer of one that is not read now is gone.  What was read of it still
   counts; then it is closed. */
static void
conn_ended(struct conns *conns, struct conn *conn)
{
	epoll_ctl(conns->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	if (conn->gate != NULL && gate_pending(conn) > 0)
		conn->gone = true;
	else
		conn->ended = true;
}

/* Away from the path of plain connections that are read. */
static void __attribute__((noinline))
conn_ready_detour(struct conns *conns, struct conn *conn, uint32_t events)
{
	if (!conn_throttled(conn))
		gate_read(conns, conn);
	else if (events & (EPOLLHUP | EPOLLERR))
		conn_ended(conns, conn);
}

void
conn_ready(struct conns *conns, struct conn *conn, uint32_t events)
{
	if (conn->detour != 0)
		conn_ready_detour(conns, conn, events);
	else
		conn_read_plain(conns, conn);
}
