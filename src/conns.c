/* SPDX-License-Identifier: MIT
 *
 * All connections of agents: accepting, limits, idleness, the end.  Owns the
 * set and its settings.  Called by the master's loop; whoever is refused is
 * counted and logged.
 */
#include "config.h"

#include "conn_set.h"
#include "clock.h"
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TICK_MS 1000
#define TICK_THROTTLED_MS 2 /* how often to look for room in full rings */
#define ACCEPT_BURST 256    /* connections accepted in one go */
#define LAST_READS 64       /* of each connection, when all are closed */

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
	conns->refusals = (struct log_brake){ .most = 10, .period_ms = 60000 };
	conns->faults = (struct log_brake){ .most = 60, .period_ms = 60000 };
	conns->throttles = (struct log_brake){ .most = 5, .period_ms = 60000 };
	counter_set(&count->connections, 0);
	counter_set(&count->throttled, 0);
	return conns;
}

/* ---------------------------------------------------------- accepting ----- */

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
conn_open(
    struct conns *conns, int fd, const struct sockaddr *peer, socklen_t length)
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

/* --------------------------------------------------------- all of them ---- */

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
	throttle_tick(conns);
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
	prefix_list_make(
	    &conns->allow, settings->allow.words, settings->allow.count);
	while (conn != NULL) {
		struct conn *newer = conn->newer;

		if (!prefix_list_match(
			&conns->allow, (const struct sockaddr *)&conn->peer))
			conn_close(conns, conn);
		conn = newer;
	}
}

void
conns_route(struct conns *conns, struct ring *const *rings, uint32_t workers)
{
	memcpy(conns->intake.rings, rings, workers * sizeof(*rings));
	conns->intake.workers = workers;
	throttle_reroute(conns);
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

		for (int i = 0;
		     i < LAST_READS && end == READ_TAKEN && !conn->throttled;
		     i++)
			end = conn_read(conns, conn);
		if (end != READ_CLOSED)
			conn_close(conns, conn);
	}
	close(conns->reserve);
	prefix_list_free(&conns->allow);
	free(conns);
}
