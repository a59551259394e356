/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/server.h"
#include "lib/clock.h"
#include "privilege/privilege.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static_assert(TARPIT_MAX == FDLIMIT_REFUSED,
    "fdlimit reserves one descriptor per tarpit socket");

#define TICK_MS 1000
#define TICK_THROTTLED_MS 1 /* how often to look for room in full rings */
#define HANDSHAKES_MS 3     /* in one turn of the loop */
#define RESUME_MS 2         /* for one ring, in one turn of the loop */
#define WAKES_PER_MS 8      /* of workers */
#define LAST_READS 64       /* of a connection in one turn of its end */
/* How long a connection over max_connection_age may take to complete a message,
   and then how long its agent to close. */
#define GRACE_MS 5000

static void
server_free(struct server *server)
{
	if (server->reserve >= 0)
		close(server->reserve);
	if (server->handshakes >= 0)
		close(server->handshakes);
	free(server->intake);
	free(server);
}

struct server *
server_new(int epoll, struct input_counters *count, struct agents *agents)
{
	struct server *server = calloc(1, sizeof(*server));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = server };

	if (server == NULL)
		return NULL;
	server->reserve = -1;
	server->epoll = epoll;
	server->intake = intake_new(count);
	server->handshakes = epoll_create1(EPOLL_CLOEXEC);
	if (server->intake == NULL || server->handshakes < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, server->handshakes, &event) < 0) {
		server_free(server);
		return NULL;
	}
	server->count = count;
	server->agents = agents;
	accept_reserve(server);
	TAILQ_INIT(&server->all);
	TAILQ_INIT(&server->active);
	TAILQ_INIT(&server->begun);
	for (int i = 0; i < WORKERS_MAX; i++)
		TAILQ_INIT(&server->queue[i]);
	server->refusals = LOG_PER_MINUTE(10);
	server->closings = LOG_PER_MINUTE(10);
	server->faults = LOG_PER_MINUTE(30);
	server->reports = LOG_PER_MINUTE(30);
	server->throttles = LOG_PER_MINUTE(5);
	server->holds = LOG_PER_MINUTE(1);
	server->shortages = LOG_PER_MINUTE(1);
	notices_init(&server->notices);
	/* Connections of a master that was killed. */
	counter_add(
	    &count->closed[CLOSING_STOP], counter_get(&count->connections));
	counter_set(&count->connections, 0);
	counter_set(&count->throttled, 0);
	return server;
}

/* ------------------------------------------------------- configuration ---- */

/* Disconnect those that the rules do not allow any more.  A balancer is subject
   to proxy_from alone, when it connects. */
static void
server_enforce(struct server *server)
{
	struct conn *conn, *next;
	enum refusal why;

	for (conn = TAILQ_FIRST(&server->all); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		if (conn->origin != NULL &&
		    !admission_allows(
			&server->admission, &conn->peer.any, &why))
			conn_disconnect(server, conn,
			    why == REFUSAL_DENIED ? CLOSING_DENIED
						  : CLOSING_NOT_ALLOWED);
	}
}

void
server_configure(
    struct server *server, const struct settings *settings, SSL_CTX *tls)
{
	uint64_t spare = fdlimit_spare(settings->max_connections);

	if (server->settings == NULL || server->settings->max_connection_age !=
					    settings->max_connection_age)
		server->aging_ms = monotonic_ms();
	server->settings = settings;
	server->tls = tls;
	intake_configure(server->intake, settings);
	counter_set(&server->count->connections_max, settings->max_connections);
	counter_set(&server->count->configured_ts, monotonic_ms());
	counter_set(&server->count->certificate_expires, tls_expires(tls));
	limiter_set(&server->accepting, settings->accept_rate, monotonic_ms());
	server->hold_until_ms = 0;
	server->admission.settings = settings;
	tarpit_resize(&server->tarpit, spare);
	spare -= server->tarpit.capacity;
	server->gone_max = spare < FDLIMIT_GONE ? spare : FDLIMIT_GONE;
	server_enforce(server);
}

void
server_route(struct server *server, struct ring *const *rings, uint32_t workers)
{
	intake_set_rings(server->intake, rings, workers);
	server_retry(server);
}

/* -------------------------------------------------------- back-pressure --- */

void
server_retry(struct server *server)
{
	struct conn_list waiting = TAILQ_HEAD_INITIALIZER(waiting);
	struct conn *conn;

	for (int i = 0; i < WORKERS_MAX; i++)
		TAILQ_CONCAT(&waiting, &server->queue[i], queue);
	while ((conn = TAILQ_FIRST(&waiting)) != NULL) {
		TAILQ_REMOVE(&waiting, conn, queue);
		/* Those that wait again keep their order. */
		conn->turn = 0;
		conn_resume(server, conn);
	}
}

/* Resume connections that wait for this ring, while it has room, but not for
   long: a worker may make room as fast as it is taken. */
static void
server_resume(struct server *server, uint32_t slot)
{
	struct conn_list *queue = &server->queue[slot];
	uint64_t until_ms = monotonic_ms() + RESUME_MS;
	struct conn *conn;

	while ((conn = TAILQ_FIRST(queue)) != NULL &&
	       intake_has_room(server->intake, slot, conn->need) &&
	       monotonic_ms() <= until_ms) {
		TAILQ_REMOVE(queue, conn, queue);
		conn_resume(server, conn);
	}
}

/* --------------------------------------------------------------- events --- */

void
server_process(struct server *server, void *pointer, uint32_t events)
{
	uint64_t until_ms = monotonic_ms() + HANDSHAKES_MS;
	struct epoll_event event;

	if (pointer != server) {
		conn_process(server, pointer, events);
		return;
	}
	while (epoll_wait(server->handshakes, &event, 1, 0) == 1 &&
	       monotonic_ms() < until_ms)
		conn_process(server, event.data.ptr, event.events);
}

/* --------------------------------------------------------- time limits ---- */

/* A connection that is over a time limit, and which one; or NULL. */
static struct conn *
server_overdue(
    const struct server *server, uint64_t now_ms, enum closing *limit)
{
	uint64_t message_timeout = server->settings->message_timeout;
	uint64_t idle_timeout = server->settings->idle_timeout;
	struct conn *conn = TAILQ_FIRST(&server->begun);

	*limit = CLOSING_MESSAGE_TIMEOUT;
	if (message_timeout != 0 && conn != NULL &&
	    conn->begun_ms + message_timeout <= now_ms)
		return conn;
	conn = TAILQ_FIRST(&server->active);
	*limit = CLOSING_IDLE;
	if (idle_timeout != 0 && conn != NULL &&
	    conn->active_ms + idle_timeout <= now_ms)
		return conn;
	return NULL;
}

/* Read what has arrived. */
static enum progress
server_read(struct server *server, struct conn *conn)
{
	enum progress progress = PROGRESS_MADE;

	for (int i = 0; i < LAST_READS && progress == PROGRESS_MADE; i++)
		progress = conn_read(server, conn);
	return progress;
}

/* A connection is over max_connection_age: close our direction between two
   messages, so that the agent closes the other one and connects again; until
   then it is read.  Before its reports message_timeout applies, and a throttled
   connection has reports that cannot be read yet. */
static void
server_retire_one(struct server *server, struct conn *conn, uint64_t now_ms)
{
	enum progress progress;

	if (conn->state != CONN_READING)
		return;
	if (conn->retire_ms == 0)
		conn->retire_ms = now_ms;
	uint64_t waited = now_ms - conn->retire_ms;
	if (!conn->half_closed && (conn->begun_ms == 0 || waited >= GRACE_MS)) {
		tls_shutdown(conn->tls);
		shutdown(conn->fd, SHUT_WR);
		conn->half_closed = true;
		conn->retire_ms = now_ms;
	} else if (conn->half_closed && waited >= GRACE_MS) {
		progress = server_read(server, conn);
		if (progress != PROGRESS_CLOSED &&
		    conn->state == CONN_READING &&
		    ((progress == PROGRESS_NONE && conn->begun_ms == 0) ||
			waited >= 2 * GRACE_MS))
			conn_disconnect(server, conn, CLOSING_AGE);
	}
}

/* Apply max_connection_age, give or take a tenth.  An age counts from when the
   limit was set at the earliest: those that were open then must not all close
   at once. */
static void
server_retire(struct server *server, uint64_t now_ms)
{
	uint64_t age = server->settings->max_connection_age;
	struct conn *conn, *next;

	if (age == 0 || now_ms < server->retired_ms + TICK_MS)
		return;
	server->retired_ms = now_ms;
	for (conn = TAILQ_FIRST(&server->all); conn != NULL; conn = next) {
		uint64_t since = conn->born_ms > server->aging_ms
				     ? conn->born_ms
				     : server->aging_ms;
		uint64_t shortest = since + age - age / 10;

		next = TAILQ_NEXT(conn, all);
		if (shortest > now_ms)
			break;
		if (shortest + (age / 5 * conn->jitter >> 32) <= now_ms)
			server_retire_one(server, conn, now_ms);
	}
}

static void
server_expire(struct server *server, uint64_t now_ms)
{
	struct conn *conn;
	enum closing limit;

	while ((conn = server_overdue(server, now_ms, &limit)) != NULL) {
		enum progress progress = PROGRESS_MADE;
		bool overdue = true;

		/* Read what arrived while the master was busy or stopped; with
		   TLS a message may need several reads.  A handshake would not
		   end with that, and many would take too long. */
		for (int i = 0; i < LAST_READS && progress == PROGRESS_MADE &&
				overdue && conn->state != CONN_HANDSHAKE;
		     i++) {
			progress = conn_read(server, conn);
			overdue =
			    progress != PROGRESS_CLOSED &&
			    server_overdue(server, now_ms, &limit) == conn;
		}
		if (overdue)
			conn_disconnect(server, conn, limit);
	}
}

/* Milliseconds until the next timeout or tick. */
static uint64_t
server_wait(const struct server *server, uint64_t now_ms)
{
	uint64_t timeout = server->settings->message_timeout;
	uint64_t wait = server->throttled > 0 ? TICK_THROTTLED_MS : TICK_MS;
	const struct conn *conn = TAILQ_FIRST(&server->begun);

	if (timeout != 0 && conn != NULL &&
	    conn->begun_ms + timeout <= now_ms + wait)
		wait = conn->begun_ms + timeout - now_ms;
	if (accept_is_open(server, now_ms + wait) &&
	    !accept_is_open(server, now_ms))
		wait = server->hold_until_ms - now_ms;
	return wait;
}

/* Wake workers, but not many all the time: for few records that costs more than
   the records.  What has filled a part of a ring does not wait for this.
   Returns the milliseconds to wait, `wait` at most. */
static uint64_t
server_alert(struct server *server, uint64_t now_ms, uint64_t wait)
{
	if (now_ms < server->alert_ms)
		return wait < server->alert_ms - now_ms
			   ? wait
			   : server->alert_ms - now_ms;
	server->alert_ms = now_ms + intake_alert(server->intake) / WAKES_PER_MS;
	return wait;
}

int
server_tick(struct server *server, uint64_t now_ms)
{
	for (uint32_t i = 0; server->throttled > 0 && i < WORKERS_MAX; i++)
		server_resume(server, i);
	server_expire(server, now_ms);
	server_retire(server, now_ms);
	return (int)tarpit_expire(&server->tarpit, now_ms,
	    server_alert(server, now_ms, server_wait(server, now_ms)));
}

/* -------------------------------------------------------------- the end --- */

uint64_t
server_drain(struct server *server, bool keep)
{
	struct conn *conn, *next;
	uint64_t left = 0;

	for (conn = TAILQ_FIRST(&server->all); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		enum progress progress = server_read(server, conn);
		/* A worker that sleeps would let its ring fill up. */
		intake_alert(server->intake);
		if (progress == PROGRESS_CLOSED)
			continue;
		if (conn->need != 0 ||
		    (progress == PROGRESS_MADE && (!keep || conn->secure))) {
			left++;
		} else if (!keep || conn->secure) {
			/* Nothing is left to read, which close_notify confirms
			   after whole messages. */
			if (conn->state == CONN_READING && conn->begun_ms == 0)
				tls_shutdown(conn->tls);
			conn_close(server, conn, CLOSING_STOP);
		}
	}
	return left;
}

void
server_close(struct server *server)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&server->all)) != NULL)
		conn_close(server, conn, CLOSING_STOP);
	tarpit_resize(&server->tarpit, 0);
	admission_free(&server->admission);
	server_free(server);
}
