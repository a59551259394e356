/* SPDX-License-Identifier: MIT
 *
 * Connections of agents: accepting, reading, holding the beginning of a
 * message, back-pressure, closing.  Owns the sockets and what is held of each
 * stream.  Called by the master's loop; a fault of one connection is logged,
 * counted, and closes that one at the most.
 */
#include "config.h"

#include "conn.h"
#include "intake.h"
#include "listener.h"
#include "log.h"
#include "native.h"
#include "prefix.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 1000
#define TICK_THROTTLED_MS 2 /* how often to look for room in full rings */
#define ACCEPT_BURST 256    /* connections accepted in one go */
#define LAST_READS 64	    /* of each connection, when all are closed */
#define HELD_LEAST 256	    /* bytes allocated for the beginning of a message */

struct conn {
	int fd;
	enum dialect dialect;
	struct conn *newer, *older; /* by activity */
	struct conn *behind;	    /* in the queue for a full ring */
	uint64_t active_ms;
	uint64_t offset; /* bytes of the stream taken so far */
	uint8_t *held;	 /* bytes read and not taken, NULL: none */
	uint32_t length, capacity; /* of held */
	uint32_t need;		   /* records of the report that waits */
	bool throttled;
	bool ended;	 /* the peer is gone, but held bytes wait */
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

/* ------------------------------------------------------ life and death ---- */

struct conns *
conns_new(int epoll, struct input_counters *count)
{
	struct conns *conns = calloc(1, sizeof(*conns));

	if (conns == NULL)
		return NULL;
	conns->epoll = epoll;
	conns->count = count;
	conns->intake.count = count;
	conns->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < WORKERS_MAX; i++)
		conns->queue[i].last = &conns->queue[i].first;
	conns->refusals = (struct log_brake) { .most = 10,
		.period_ms = 60000 };
	conns->faults = (struct log_brake) { .most = 60, .period_ms = 60000 };
	conns->throttles = (struct log_brake) { .most = 5, .period_ms = 60000 };
	counter_set(&count->connections, 0);
	counter_set(&count->throttled, 0);
	return conns;
}

static const char *
conn_peer(const struct conn *conn, char *text)
{
	return address_text((const struct sockaddr *)&conn->peer,
	    conn->peer.sin6_family == AF_INET ? sizeof(struct sockaddr_in)
					      : sizeof(conn->peer),
	    text, ADDRESS_TEXT);
}

/* Make it the most recently active one. */
static void
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

static void
conn_touch(struct conns *conns, struct conn *conn)
{
	conn->active_ms = monotonic_ms();
	conn_unlink(conns, conn);
	conn_link(conns, conn);
}

static void
queue_leave(struct queue *queue, struct conn *conn)
{
	struct conn **at = &queue->first;

	while (*at != NULL && *at != conn)
		at = &(*at)->behind;
	if (*at == NULL)
		return;
	*at = conn->behind;
	if (*at == NULL)
		queue->last = at;
}

static void
conn_close(struct conns *conns, struct conn *conn)
{
	if (conn->throttled) {
		for (int i = 0; i < WORKERS_MAX; i++)
			queue_leave(&conns->queue[i], conn);
		conns->throttled--;
		counter_set(&conns->count->throttled, conns->throttled);
	}
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
		size_t capacity = conn->capacity != 0 ? conn->capacity
						      : HELD_LEAST;
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

/* ------------------------------------------------------ back-pressure ----- */

static void
conn_watch(struct conns *conns, struct conn *conn, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	if (!conn->ended)
		epoll_ctl(conns->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

static void
conn_throttle(struct conns *conns, struct conn *conn, uint32_t slot,
    uint32_t need)
{
	struct queue *queue = &conns->queue[slot];
	char peer[ADDRESS_TEXT];

	conn->need = need;
	conn->behind = NULL;
	*queue->last = conn;
	queue->last = &conn->behind;
	if (conn->throttled)
		return;
	conn->throttled = true;
	conn_watch(conns, conn, 0);
	conns->throttled++;
	counter_set(&conns->count->throttled, conns->throttled);
	counter_add(&conns->count->throttles, 1);
	log_braked(&conns->throttles,
	    "agent %s: not read for now: the ring of worker %u is full",
	    conn_peer(conn, peer), slot);
}

static void
conn_unthrottle(struct conns *conns, struct conn *conn)
{
	conn->throttled = false;
	conn_touch(conns, conn);
	conn_watch(conns, conn, EPOLLIN);
	conns->throttled--;
	counter_set(&conns->count->throttled, conns->throttled);
}

/* ----------------------------------------------------------- taking ------- */

static void
conn_complain(struct conns *conns, struct conn *conn,
    const struct intake_result *result)
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
conn_take(struct conns *conns, struct conn *conn, const uint8_t *bytes,
    size_t length)
{
	struct intake *intake = &conns->intake;

	intake->report.now = (uint64_t)time(NULL);
	intake->report.horizon
	    = intake->report.now + conns->settings->max_clock_skew / 1000;
	struct intake_result result
	    = intake_bytes(intake, &conn->dialect, bytes, length);
	intake_publish(intake);

	if (result.rejected > 0)
		conn_complain(conns, conn, &result);
	conn->offset += result.used;
	if (result.verdict == VERDICT_CLOSE
	    || (conn->ended && result.verdict == VERDICT_MORE)) {
		conn_close(conns, conn);
		return false;
	}
	/* Bytes held from before were looked through up to scan.offset. */
	if (result.used > 0)
		conn->scan = (struct native_scan) { 0, 0 };
	if (result.used == length) {
		conn_release(conn);
	} else if (!conn_hold(conn, bytes + result.used,
		       length - result.used)) {
		log_error("no memory to hold %zu bytes: connection closed",
		    length - result.used);
		conn_close(conns, conn);
		return false;
	}
	if (result.verdict == VERDICT_BLOCKED)
		conn_throttle(conns, conn, result.slot, result.need);
	return true;
}

/* Whether held bytes are worth decoding: the end of the message is there, or
   it is certain to come too late. */
static bool
conn_whole(struct conn *conn, size_t max_message)
{
	if (conn->dialect != DIALECT_NATIVE || conn->length >= max_message)
		return true;
	return native_scan(conn->held, conn->length, &conn->scan)
	    != DECODE_SHORT
	    || conn->scan.offset + conn->scan.wanted > max_message;
}

enum read_end {
	READ_TAKEN, /* something came */
	READ_EMPTY, /* nothing there for now */
	READ_CLOSED /* the connection is closed and freed */
};

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
static enum read_end
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
		open = !conn_whole(conn, most)
		    || conn_take(conns, conn, conn->held, conn->length);
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

/* -------------------------------------------------------- accepting ------- */

static void
conn_refuse(struct conns *conns, int fd, const struct sockaddr *peer,
    socklen_t length, const char *why)
{
	char text[ADDRESS_TEXT];

	counter_add(&conns->count->refused, 1);
	log_braked(&conns->refusals, "agent %s: refused: %s",
	    address_text(peer, length, text, sizeof(text)), why);
	close(fd);
}

static void
conn_open(struct conns *conns, int fd, const struct sockaddr *peer,
    socklen_t length)
{
	struct conn *conn = NULL;
	struct epoll_event event = { .events = EPOLLIN };
	int on = 1;

	if (!prefix_list_match(&conns->allow, peer)) {
		conn_refuse(conns, fd, peer, length, "not in allow");
		return;
	}
	if (conns->open < conns->settings->max_connections)
		conn = calloc(1, sizeof(*conn));
	if (conn == NULL) {
		conn_refuse(conns, fd, peer, length,
		    conns->open < conns->settings->max_connections
			? "no memory"
			: "max_connections are open");
		return;
	}
	event.data.ptr = conn;
	if (epoll_ctl(conns->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		conn_refuse(conns, fd, peer, length, strerror(errno));
		free(conn);
		return;
	}
	/* An agent's host that vanished is noticed in the end. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	conn->fd = fd;
	conn->active_ms = monotonic_ms();
	memcpy(&conn->peer, peer,
	    length < sizeof(conn->peer) ? length : sizeof(conn->peer));
	conn_link(conns, conn);
	conns->open++;
	counter_set(&conns->count->connections, conns->open);
	counter_add(&conns->count->accepted, 1);
}

/* Descriptors are out: give up the reserve to accept one and close it, or it
   would wake us for ever. */
static void
conns_shed(struct conns *conns, int listening)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(peer);

	close(conns->reserve);
	int fd = accept(listening, (struct sockaddr *)&peer, &length);
	if (fd >= 0)
		conn_refuse(conns, fd, (struct sockaddr *)&peer, length,
		    "no descriptors are left");
	conns->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void
conns_accept(struct conns *conns, int listening)
{
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof(peer);
		int fd = accept4(listening, (struct sockaddr *)&peer, &length,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			conn_open(conns, fd, (struct sockaddr *)&peer, length);
		} else if (errno == EMFILE || errno == ENFILE) {
			conns_shed(conns, listening);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

/* ------------------------------------------------------- all of them ------ */

/* Take what a connection held back; it is in no queue now. */
static void
conn_resume(struct conns *conns, struct conn *conn)
{
	conn->need = 0;
	if (conn_take(conns, conn, conn->held, conn->length)
	    && conn->need == 0)
		conn_unthrottle(conns, conn);
}

/* Go on with connections that wait for this ring, as far as there is room. */
static void
queue_resume(struct conns *conns, uint32_t slot)
{
	struct queue *queue = &conns->queue[slot];
	struct conn *conn;

	while ((conn = queue->first) != NULL
	    && ring_room(conns->intake.rings[slot], conn->need)
		>= conn->need) {
		queue->first = conn->behind;
		if (queue->first == NULL)
			queue->last = &queue->first;
		conn_resume(conns, conn);
	}
}

static void
conns_idle(struct conns *conns, uint64_t now_ms)
{
	uint64_t timeout = conns->settings->idle_timeout;
	struct conn *conn = conns->oldest;

	if (timeout == 0 || now_ms < conns->idle_checked_ms + TICK_MS)
		return;
	conns->idle_checked_ms = now_ms;
	while (conn != NULL && conn->active_ms + timeout <= now_ms) {
		struct conn *newer = conn->newer;

		/* One that we do not read is not to blame. */
		if (!conn->throttled) {
			counter_add(&conns->count->closed_idle, 1);
			conn_close(conns, conn);
		}
		conn = newer;
	}
}

int
conns_tick(struct conns *conns, uint64_t now_ms)
{
	for (uint32_t slot = 0;
	     conns->throttled > 0 && slot < conns->intake.workers; slot++)
		queue_resume(conns, slot);
	conns_idle(conns, now_ms);
	return conns->throttled > 0 ? TICK_THROTTLED_MS : TICK_MS;
}

void
conns_configure(struct conns *conns, const struct settings *settings)
{
	struct conn *conn = conns->oldest;

	conns->settings = settings;
	conns->intake.drop = settings->overflow == OVERFLOW_DROP;
	conns->intake.report.max_message = settings->max_message;
	prefix_list_free(&conns->allow);
	prefix_list_make(&conns->allow, settings->allow.words,
	    settings->allow.count);
	while (conn != NULL) {
		struct conn *newer = conn->newer;

		if (!prefix_list_match(&conns->allow,
			(const struct sockaddr *)&conn->peer))
			conn_close(conns, conn);
		conn = newer;
	}
}

void
conns_route(struct conns *conns, struct ring *const *rings, uint32_t workers)
{
	struct conn *waiting = NULL, **last = &waiting;

	/* Those that wait for a ring of before have their route found anew. */
	for (int i = 0; i < WORKERS_MAX; i++) {
		*last = conns->queue[i].first;
		while (*last != NULL)
			last = &(*last)->behind;
		conns->queue[i].first = NULL;
		conns->queue[i].last = &conns->queue[i].first;
	}
	memcpy(conns->intake.rings, rings, workers * sizeof(*rings));
	conns->intake.workers = workers;
	while (waiting != NULL) {
		struct conn *conn = waiting;

		waiting = conn->behind;
		conn_resume(conns, conn);
	}
}

uint64_t
conns_throttled(const struct conns *conns)
{
	return conns->throttled;
}

void
conns_close(struct conns *conns)
{
	struct conn *conn;

	while ((conn = conns->oldest) != NULL) {
		enum read_end end = READ_TAKEN;

		for (int i = 0; i < LAST_READS && end == READ_TAKEN
		     && !conn->throttled;
		     i++)
			end = conn_read(conns, conn);
		if (end != READ_CLOSED)
			conn_close(conns, conn);
	}
	close(conns->reserve);
	prefix_list_free(&conns->allow);
	free(conns);
}
