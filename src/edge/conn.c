/* SPDX-License-Identifier: MIT
 *
 * Connections.  Each owns its socket, its input buffer and its TLS session.
 *
 * A step of the state machine never frees the connection: it sets CONN_CLOSING,
 * and its caller, conn_read() or conn_resume(), closes it.
 */
#include "config.h"

#include "edge/server.h"
#include "lib/address.h"
#include "lib/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- lists --- */

/* Whether its next report waits for room in a ring. */
static bool
conn_waits(const struct conn *conn)
{
	return conn->state == CONN_THROTTLED || conn->state == CONN_ENDED;
}

/* Data arrived, or the state changed: restart the idle timeout, or stop it.
   Agents of ELB and Lars are silent while nobody calls: TCP detects those whose
   host was lost. */
static void
conn_touch(struct server *server, struct conn *conn)
{
	enum dialect dialect = conn->inbuf.stream.dialect;

	if (conn->active_ms != 0)
		TAILQ_REMOVE(&server->active, conn, active);
	conn->active_ms = 0;
	if (conn->state > CONN_READING || dialect == DIALECT_ELB ||
	    dialect == DIALECT_LARS)
		return;
	TAILQ_INSERT_TAIL(&server->active, conn, active);
	conn->active_ms = monotonic_ms();
}

/* Start message_timeout, for a message or for the PROXY header and the TLS
   handshake. */
static void
conn_start_timer(struct server *server, struct conn *conn)
{
	if (conn->begun_ms != 0)
		return;
	conn->begun_ms = monotonic_ms();
	TAILQ_INSERT_TAIL(&server->begun, conn, begun);
}

static void
conn_stop_timer(struct server *server, struct conn *conn)
{
	if (conn->begun_ms != 0)
		TAILQ_REMOVE(&server->begun, conn, begun);
	conn->begun_ms = 0;
}

/* Change the state.  Up to CONN_READING the idle timeout applies; from then on,
   until CONN_CLOSING, the connection counts as throttled. */
static void
conn_set_state(struct server *server, struct conn *conn, enum conn_state state)
{
	bool waited = conn_waits(conn),
	     was_active = conn->state <= CONN_READING;

	conn->state = state;
	if (was_active != (state <= CONN_READING))
		conn_touch(server, conn);
	if (conn_waits(conn) == waited)
		return;
	server->throttled += waited ? UINT64_MAX : 1;
	counter_set(&server->count->throttled, server->throttled);
	agent_set(&conn->agent->throttled_since,
	    waited ? AGENT_NONE : monotonic_ms());
}

/* Have epoll report only these events, and errors. */
static void
conn_watch(struct conn *conn, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	if (conn->watched == events || conn->state == CONN_ENDED)
		return;
	conn->watched = events;
	epoll_ctl(conn->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

/* ------------------------------------------------------- open and close --- */

/* Count a connection as closed, and no longer show it, unless this was done
   before. */
static void
conn_count_closed(struct server *server, struct conn *conn, enum closing why)
{
	if (conn->gone)
		return;
	if (server->agents != NULL)
		agents_free(server->agents,
		    conn->agent != &server->unlisted ? conn->agent : NULL);
	conn->agent = &server->unlisted;
	server->open--;
	counter_set(&server->count->connections, server->open);
	counter_add(&server->count->closed[why], 1);
}

/* Show it, or its new peer, to readers. */
static void
conn_show(struct server *server, struct conn *conn)
{
	struct agent agent = { .since = monotonic_ms(),
		.clock_offset = AGENT_NONE,
		.caller = AGENT_NONE,
		.throttled_since = AGENT_NONE };

	memcpy(agent.peer, &conn->peer, sizeof(conn->peer));
	if (conn->agent == NULL && server->agents != NULL) {
		conn->agent = agents_take(server->agents, &agent);
	} else if (conn->agent != NULL && conn->agent != &server->unlisted) {
		agent.since = conn->agent->since;
		agents_change(conn->agent, &agent);
	}
	if (conn->agent == NULL)
		conn->agent = &server->unlisted;
}

struct conn *
conn_new(struct server *server, const struct listen_spec *spec, int fd,
    const struct sockaddr *peer, socklen_t length, struct origin *origin)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
	int epoll = spec->tls ? server->handshakes : server->epoll;

	if (conn == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(conn);
		return NULL;
	}
	conn->fd = fd;
	conn->epoll = epoll;
	conn->watched = EPOLLIN;
	conn->origin = origin;
	conn->secure = spec->tls;
	memcpy(&conn->peer, peer,
	    length < sizeof(conn->peer) ? length : sizeof(conn->peer));
	TAILQ_INSERT_TAIL(&server->all, conn, all);
	conn->born_ms = monotonic_ms();
	/* Multiples of the golden ratio, modulo 1: connections that come
	   together end evenly spread. */
	conn->jitter = (uint32_t)counter_get(&server->count->accepted) *
		       UINT32_C(0x9e3779b9);
	conn->state = spec->proxy ? CONN_HEADER
		      : spec->tls ? CONN_HANDSHAKE
				  : CONN_READING;
	conn_touch(server, conn);
	if (conn->state != CONN_READING)
		conn_start_timer(server, conn);
	conn_show(server, conn);
	server->open++;
	counter_set(&server->count->connections, server->open);
	counter_add(&server->count->accepted, 1);
	return conn;
}

void
conn_close(struct server *server, struct conn *conn, enum closing why)
{
	uint64_t now = monotonic_ms();
	bool kept = true;

	conn_set_state(server, conn, CONN_CLOSING);
	conn_stop_timer(server, conn);
	if (conn->need > 0)
		TAILQ_REMOVE(&server->queue[conn->slot], conn, queue);
	TAILQ_REMOVE(&server->all, conn, all);
	admission_leave(&server->admission, conn->origin);
	/* Closing is not enough: a worker that was just forked may still have
	   the socket open, and epoll would report a connection that is freed.
	 */
	epoll_ctl(conn->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	/* Count before the socket is closed, so that the counters are correct
	   when the peer sees the connection close. */
	conn_count_closed(server, conn, why);
	if (conn->gone) {
		server->gone--;
		server->admission.open++;
	}
	tls_close(conn->tls);
	/* These agents would reconnect at once. */
	if (why == CLOSING_REFUSED)
		kept = tarpit_add(&server->tarpit, conn->fd, now);
	else if (why == CLOSING_PROXY_HEADER || why == CLOSING_TLS ||
		 why == CLOSING_BAD_STREAM || why == CLOSING_NO_MEMORY)
		kept = tarpit_add_faulty(&server->tarpit, conn->fd, now);
	else
		close(conn->fd);
	if (!kept)
		server_hold(server, now, HOLD_FULL_MS);
	inbuf_free(&conn->inbuf);
	free(conn);
}

static const char *
conn_name(const struct conn *conn, char *text)
{
	return address_text(&conn->peer.any, text);
}

static void
conn_log_closed(struct server *server, struct conn *conn, enum closing why)
{
	char peer[ADDRESS_TEXT];

	log_limited(&server->closings, "agent %s: closed: %s",
	    conn_name(conn, peer), closing_text(why));
}

void
conn_disconnect(struct server *server, struct conn *conn, enum closing why)
{
	conn_log_closed(server, conn, why);
	conn_close(server, conn, why);
}

/* End a step of the state machine: its caller closes the connection. */
static enum progress
conn_end(struct server *server, struct conn *conn, enum closing why)
{
	if (why == CLOSING_NO_MEMORY)
		conn_log_closed(server, conn, why);
	conn_set_state(server, conn, CONN_CLOSING);
	conn->why =
	    why == CLOSING_BY_AGENT && conn->half_closed ? CLOSING_AGE : why;
	return PROGRESS_NONE;
}

/* ------------------------------------------------------ taking reports ---- */

/* Stop reading until the ring of this slot has room for `need` records; TCP
   makes the agent wait.  If its turn is not over it is the first to go on. */
static void
conn_throttle(
    struct server *server, struct conn *conn, uint32_t slot, uint32_t need)
{
	char peer[ADDRESS_TEXT];

	if (conn->turn > 0 && conn->slot == slot) {
		TAILQ_INSERT_HEAD(&server->queue[slot], conn, queue);
	} else {
		TAILQ_INSERT_TAIL(&server->queue[slot], conn, queue);
		conn->turn = INTAKE_PIECE;
	}
	conn->need = need;
	conn->slot = slot;
	if (conn_waits(conn))
		return;
	conn_set_state(server, conn, CONN_THROTTLED);
	conn_watch(conn, EPOLLRDHUP);
	counter_add(&server->count->throttles, 1);
	log_limited(&server->throttles,
	    "agent %s: throttled: the ring of worker %u is full",
	    conn_name(conn, peer), slot);
}

static void
conn_complain(struct server *server, struct conn *conn,
    const struct intake_result *result)
{
	struct stream *stream = &conn->inbuf.stream;
	char peer[ADDRESS_TEXT], caller[DOTTED_TEXT];

	if (result->reason == REJECT_UNKNOWN_PROTOCOL)
		notice_stranger(&server->notices, &conn->peer.any,
		    inbuf_bytes(&conn->inbuf), conn->inbuf.length);
	else if (result->verdict == VERDICT_CLOSE)
		log_limited(&server->faults,
		    "agent %s: %s at byte %" PRIu64
		    " of its stream: closed; %s",
		    conn_name(conn, peer), reject_text(result->reason),
		    result->fault, result->explanation);
	else if (result->explanation != NULL)
		stream->explained = log_limited(&server->reports,
		    "agent %s: report at byte %" PRIu64
		    " of its stream rejected: %s: %s; logged once per "
		    "connection",
		    conn_name(conn, peer), result->fault,
		    reject_text(result->reason), result->explanation);
	else if (result->rejected > 0 && !stream->explained)
		server->reports.suppressed++;
	if (result->ahead > 0)
		stream->skewed = log_limited(&server->reports,
		    "agent %s: its clock is %" PRIu64
		    " s ahead: storing the time of arrival instead; logged "
		    "once per connection",
		    conn_name(conn, peer), result->ahead);
	if (result->foreign > 0 && !conn->foreign)
		conn->foreign = log_limited(&server->reports,
		    "agent %s: reports as caller %s; logged once per "
		    "connection",
		    conn_name(conn, peer), dotted(result->caller, caller));
}

static struct intake *
conn_intake(struct server *server, struct conn *conn)
{
	uint64_t awaited = 0;

	for (int i = 0; server->throttled > 0 && i < WORKERS_MAX; i++)
		if (!TAILQ_EMPTY(&server->queue[i]))
			awaited |= UINT64_C(1) << i;
	intake_begin(server->intake, &conn->peer.any, (uint64_t)time(NULL),
	    conn->agent, log_limited_passes(&server->reports));
	intake_queue(server->intake, awaited, conn->turn);
	return server->intake;
}

/* Publish the records that were put into rings, and act on the verdict. */
static enum progress
conn_follow(struct server *server, struct conn *conn,
    const struct intake_result *result)
{
	intake_publish(server->intake);
	conn->turn = result->turn;
	agent_set(&conn->agent->dialect, conn->inbuf.stream.dialect);
	agent_set(&conn->agent->held, conn->inbuf.length);
	if (result->rejected > 0 || result->ahead > 0 || result->foreign > 0)
		conn_complain(server, conn, result);
	/* Usually once per connection. */
	if (result->named &&
	    (!conn->named || conn->caller != result->last_caller)) {
		conn->named = true;
		conn->caller = result->last_caller;
		notice_caller(&server->notices, &conn->peer.any, conn->caller);
	}
	if (result->verdict == VERDICT_CLOSE)
		return conn_end(server, conn, CLOSING_BAD_STREAM);
	/* message_timeout ends when the message is complete, or waits for its
	   ring, which is not the agent's fault; a part of the next message
	   restarts it. */
	if (conn->inbuf.length == 0 || result->used > 0 ||
	    result->verdict == VERDICT_BLOCKED)
		conn_stop_timer(server, conn);
	if (result->verdict == VERDICT_BLOCKED)
		conn_throttle(server, conn, result->slot, result->need);
	else if (conn->inbuf.length > 0)
		conn_start_timer(server, conn);
	return PROGRESS_MADE;
}

static enum progress
conn_take_buffered(struct server *server, struct conn *conn)
{
	struct intake_result result =
	    inbuf_retry(&conn->inbuf, conn_intake(server, conn));

	return conn_follow(server, conn, &result);
}

/* Process n bytes of the stream that were read into `fresh`. */
static enum progress
conn_take(struct server *server, struct conn *conn, uint8_t *fresh, size_t n)
{
	struct intake_result result;
	int error;

	counter_add(&server->count->bytes, (uint64_t)n);
	error = inbuf_receive(
	    &conn->inbuf, conn_intake(server, conn), fresh, n, &result);
	conn_touch(server, conn);
	if (error == 0)
		return conn_follow(server, conn, &result);
	intake_publish(server->intake);
	return conn_end(server, conn, CLOSING_NO_MEMORY);
}

/* ----------------------------------------------- before the reports, TLS -- */

enum progress
conn_open(struct server *server, struct conn *conn)
{
	conn_set_state(server, conn, CONN_READING);
	conn_stop_timer(server, conn);
	conn_touch(server, conn);
	return PROGRESS_MADE;
}

static enum progress
conn_read_header(struct server *server, struct conn *conn)
{
	enum progress progress = header_read(server, conn);

	if (progress == PROGRESS_CLOSED)
		return conn_end(server, conn, conn->why);
	if (progress == PROGRESS_NONE)
		return PROGRESS_NONE;
	conn_show(server, conn);
	if (!conn->secure)
		return conn_open(server, conn);
	conn_set_state(server, conn, CONN_HANDSHAKE);
	return PROGRESS_MADE;
}

/* Handle a TLS call that did not complete. */
static enum progress
conn_tls_not_done(
    struct server *server, struct conn *conn, enum tls_status status)
{
	char text[TLS_REASON_MAX], peer[ADDRESS_TEXT];

	switch (status) {
	case TLS_WANTS_READ:
	case TLS_WANTS_WRITE:
		return PROGRESS_NONE;
	case TLS_ENDED:
		/* close_notify confirms that all reports were read, so do not
		   send it if the last one is incomplete. */
		if (conn->inbuf.length == 0)
			tls_shutdown(conn->tls);
		return conn_end(server, conn, CLOSING_BY_AGENT);
	case TLS_FAILED:
		log_limited(&server->faults, "agent %s: TLS failed: %s: closed",
		    conn_name(conn, peer),
		    tls_fault(conn->tls, text, sizeof(text)));
		return conn_end(server, conn, CLOSING_TLS);
	case TLS_NO_MEMORY:
		return conn_end(server, conn, CLOSING_NO_MEMORY);
	case TLS_LOST:
	case TLS_DONE:
		break;
	}
	return conn_end(server, conn, CLOSING_BY_AGENT);
}

static enum progress
conn_shake_hands(struct server *server, struct conn *conn)
{
	enum tls_status status = tls_accept(server->tls, conn->fd, &conn->tls);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

	conn_watch(conn, status == TLS_WANTS_WRITE ? EPOLLOUT : EPOLLIN);
	if (status != TLS_DONE)
		return conn_tls_not_done(server, conn, status);
	epoll_ctl(conn->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	conn->epoll = server->epoll;
	if (epoll_ctl(conn->epoll, EPOLL_CTL_ADD, conn->fd, &event) < 0)
		return conn_end(server, conn, CLOSING_NO_MEMORY);
	return conn_open(server, conn);
}

static enum progress
conn_read_tls(
    struct server *server, struct conn *conn, uint8_t *fresh, size_t room)
{
	size_t n = 0;
	enum tls_status status = tls_read(conn->tls, fresh, room, &n);

	conn_watch(conn, status == TLS_WANTS_WRITE ? EPOLLOUT : EPOLLIN);
	if (status == TLS_DONE)
		return conn_take(server, conn, fresh, n);
	/* A part of a TLS record may be the beginning of a message. */
	if (conn->inbuf.length > 0 || tls_begun(conn->tls))
		conn_start_timer(server, conn);
	else
		conn_stop_timer(server, conn);
	return conn_tls_not_done(server, conn, status);
}

/* -------------------------------------------------------------- reading --- */

static enum progress
conn_read_reports(struct server *server, struct conn *conn)
{
	size_t room = inbuf_room(&conn->inbuf, server->settings->max_message);
	uint8_t *fresh = server->buffer + MESSAGE_MAX;

	if (room == 0)
		return conn_take_buffered(server, conn);
	if (conn->tls != NULL)
		return conn_read_tls(server, conn, fresh, room);
	ssize_t n = read(conn->fd, fresh, room);
	if (n > 0)
		return conn_take(server, conn, fresh, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return PROGRESS_NONE;
	return conn_end(server, conn, CLOSING_BY_AGENT);
}

/* Run one step of the state machine. */
static enum progress
conn_step(struct server *server, struct conn *conn)
{
	switch (conn->state) {
	case CONN_READING:
		return conn_read_reports(server, conn);
	case CONN_HEADER:
		return conn_read_header(server, conn);
	case CONN_HANDSHAKE:
		return conn_shake_hands(server, conn);
	case CONN_ENDED:
		if (conn->need == 0)
			return conn_read_reports(server, conn);
		break;
	case CONN_THROTTLED:
	case CONN_CLOSING:
		break;
	}
	return PROGRESS_NONE;
}

enum progress
conn_read(struct server *server, struct conn *conn)
{
	enum progress progress = conn_step(server, conn);

	while (progress == PROGRESS_MADE && tls_pending(conn->tls) > 0)
		progress = conn_step(server, conn);
	if (conn->state != CONN_CLOSING)
		return progress;
	conn_close(server, conn, conn->why);
	return PROGRESS_CLOSED;
}

void
conn_process(struct server *server, struct conn *conn, uint32_t events)
{
	if (conn->state <= CONN_READING) {
		conn_read(server, conn);
	} else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
		/* Process what is in the input buffer and left in the socket,
		   then close.  That may take long, so it counts as closed from
		   now on, and towards max_connections_per_address only. */
		epoll_ctl(server->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
		conn_set_state(server, conn, CONN_ENDED);
		if (server->gone >= server->gone_max)
			return;
		conn_count_closed(server, conn,
		    conn->half_closed ? CLOSING_AGE : CLOSING_BY_AGENT);
		conn->gone = true;
		server->gone++;
		server->admission.open--;
	}
}

void
conn_resume(struct server *server, struct conn *conn)
{
	enum progress progress;

	conn->need = 0;
	progress = conn_take_buffered(server, conn);
	if (conn->state == CONN_THROTTLED && conn->need == 0) {
		conn_set_state(server, conn, CONN_READING);
		conn_watch(conn, EPOLLIN);
		conn->turn = 0;
	}
	/* epoll does not report bytes that TLS has already decrypted.  A closed
	   connection is no longer in epoll, so read its socket here. */
	while (progress == PROGRESS_MADE &&
	       (conn->state == CONN_ENDED || tls_pending(conn->tls) > 0))
		progress = conn_step(server, conn);
	if (conn->state == CONN_ENDED && conn->need == 0)
		conn_end(server, conn, CLOSING_BY_AGENT);
	if (conn->state == CONN_CLOSING)
		conn_close(server, conn, conn->why);
}
