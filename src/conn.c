/* SPDX-License-Identifier: MIT
 *
 * One connection of an agent: reading, holding the beginning of a message,
 * handing bytes to the intake, closing.  Owns the socket and what is held of
 * the stream.  Called by the master's loop; a fault is logged, counted, and
 * closes this connection at the most.
 */
#include "config.h"

#include "conn_set.h"
#include "clock.h"
#include "listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define HELD_LEAST 256 /* bytes allocated for the beginning of a message */

/* ------------------------------------------------------- life and death --- */

const char *
conn_peer(const struct conn *conn, char *text)
{
	return address_text((const struct sockaddr *)&conn->peer,
	    conn->peer.sin6_family == AF_INET ? sizeof(struct sockaddr_in)
					      : sizeof(conn->peer),
	    text, ADDRESS_TEXT);
}

/* Make it the most recently active one. */
void
conn_link(struct conns *conns, struct conn *conn)
{
	conn->newer = NULL;
	conn->older = conns->newest;
	if (conns->newest != NULL)
		conns->newest->newer = conn;
	else
		conns->oldest = conn;
	conns->newest = conn;
}

static void
conn_unlink(struct conns *conns, struct conn *conn)
{
	if (conn->newer != NULL)
		conn->newer->older = conn->older;
	else
		conns->newest = conn->older;
	if (conn->older != NULL)
		conn->older->newer = conn->newer;
	else
		conns->oldest = conn->newer;
}

void
conn_touch(struct conns *conns, struct conn *conn)
{
	conn->active_ms = monotonic_ms();
	conn_unlink(conns, conn);
	conn_link(conns, conn);
}

void
conn_close(struct conns *conns, struct conn *conn)
{
	if (conn->throttled)
		throttle_leave(conns, conn);
	conn_unlink(conns, conn);
	/* Closing is not enough: a worker that was forked just now may hold
	   the socket for another moment, and epoll would go on to speak of a
	   connection that is freed. */
	epoll_ctl(conns->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	close(conn->fd);
	free(conn->held);
	free(conn);
	conns->open--;
	counter_set(&conns->count->connections, conns->open);
}

/* ------------------------------------------------------- held bytes ------- */

/* Keep length bytes for later.  Returns false when memory is short. */
static bool
conn_hold(struct conn *conn, const uint8_t *bytes, size_t length)
{
	if (conn->capacity < length) {
		size_t capacity =
		    conn->capacity != 0 ? conn->capacity : HELD_LEAST;
		while (capacity < length)
			capacity *= 2;
		uint8_t *held = realloc(conn->held, capacity);
		if (held == NULL)
			return false;
		/* The bytes may lie in the buffer that has just moved: callers
		   pass such bytes only when it need not grow. */
		conn->held = held;
		conn->capacity = (uint32_t)capacity;
	}
	memmove(conn->held, bytes, length);
	conn->length = (uint32_t)length;
	return true;
}

static void
conn_release(struct conn *conn)
{
	free(conn->held);
	conn->held = NULL;
	conn->length = conn->capacity = 0;
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

/*
 * Take what can be taken of these bytes and hold the rest.  They may be the
 * held ones.  Returns false when the connection was closed.
 */
static bool
conn_take(
    struct conns *conns, struct conn *conn, const uint8_t *bytes, size_t length)
{
	struct intake *intake = &conns->intake;

	intake->report.now = (uint64_t)time(NULL);
	intake->report.horizon =
	    intake->report.now + conns->settings->max_clock_skew / 1000;
	struct intake_result result =
	    intake_bytes(intake, &conn->dialect, bytes, length);
	intake_publish(intake);

	if (result.rejected > 0)
		conn_complain(conns, conn, &result);
	conn->offset += result.used;
	if (result.verdict == VERDICT_CLOSE ||
	    (conn->ended && result.verdict == VERDICT_MORE)) {
		conn_close(conns, conn);
		return false;
	}
	/* Bytes held from before were looked through up to scan.offset. */
	if (result.used > 0)
		conn->scan = (struct native_scan){ 0, 0 };
	if (result.used == length) {
		conn_release(conn);
	} else if (!conn_hold(
		       conn, bytes + result.used, length - result.used)) {
		log_error("no memory to hold %zu bytes: connection closed",
		    length - result.used);
		conn_close(conns, conn);
		return false;
	}
	if (result.verdict == VERDICT_BLOCKED)
		throttle_enter(conns, conn, result.slot, result.need);
	return true;
}

bool
conn_take_held(struct conns *conns, struct conn *conn)
{
	return conn_take(conns, conn, conn->held, conn->length);
}

/* Whether held bytes are worth decoding: the end of the message is there, or
   it is certain to come too late. */
static bool
conn_whole(struct conn *conn, size_t max_message)
{
	if (conn->dialect != DIALECT_NATIVE || conn->length >= max_message)
		return true;
	return native_scan(conn->held, conn->length, &conn->scan) !=
		   DECODE_SHORT ||
	       conn->scan.offset + conn->scan.wanted > max_message;
}

static enum read_end
conn_end(struct conns *conns, struct conn *conn)
{
	conn_close(conns, conn);
	return READ_CLOSED;
}

/* Put new bytes behind the held ones.  Returns false when memory is short. */
static bool
conn_append(struct conn *conn, const uint8_t *bytes, size_t n)
{
	if (conn->length + n > conn->capacity) {
		/* n is less than what is held, so twice is enough. */
		uint8_t *grown = realloc(conn->held, 2 * conn->capacity);

		if (grown == NULL)
			return false;
		conn->held = grown;
		conn->capacity *= 2;
	}
	memcpy(conn->held + conn->length, bytes, n);
	conn->length += (uint32_t)n;
	return true;
}

/*
 * Read once.  Held bytes and new ones are joined by moving the smaller part,
 * so that the cost stays linear in the bytes received however they come.
 */
enum read_end
conn_read(struct conns *conns, struct conn *conn)
{
	uint8_t *fresh = conns->buffer + MESSAGE_MAX;
	size_t most = conns->settings->max_message, held = conn->length;
	bool open;

	/* As much as one message may have, also if a reload lowered it. */
	ssize_t n = held < most ? read(conn->fd, fresh, most - held) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return READ_EMPTY;
	if (n <= 0)
		return conn_end(conns, conn);
	counter_add(&conns->count->bytes, (uint64_t)n);
	if ((size_t)n >= held) {
		if (held > 0)
			memcpy(fresh - held, conn->held, held);
		open = conn_take(conns, conn, fresh - held, held + (size_t)n);
	} else if (!conn_append(conn, fresh, (size_t)n)) {
		log_error("no memory to hold %zu bytes: connection closed",
		    held + (size_t)n);
		return conn_end(conns, conn);
	} else {
		open = !conn_whole(conn, most) || conn_take_held(conns, conn);
	}
	return open ? READ_TAKEN : READ_CLOSED;
}

void
conn_ready(struct conns *conns, struct conn *conn, uint32_t events)
{
	if (conn->throttled) {
		/* Not read now, so this is the end of it.  What is held still
		   counts; then it is closed. */
		if (events & (EPOLLHUP | EPOLLERR)) {
			epoll_ctl(conns->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
			conn->ended = true;
		}
		return;
	}
	conn_touch(conns, conn);
	conn_read(conns, conn);
}
