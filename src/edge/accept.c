/* SPDX-License-Identifier: MIT
 *
 * Accepting connections of agents: who is let in, at which pace, and what to
 * do when descriptors are out.  Owns the reserve descriptor.  Called by the
 * master's loop; whoever is refused is counted and logged.
 */
#include "config.h"

#include "edge/conn_set.h"
#include "lib/address.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPT_BURST 256  /* connections accepted in one go */
#define HOLD_PACE_MS 10   /* the shortest hold for the sake of the pace */
#define HOLD_SHORT_MS 100 /* when descriptors or memory are out */

static void
accept_refuse(struct conns *conns, int fd, const struct sockaddr *peer,
    socklen_t length, enum refusal why)
{
	char text[ADDRESS_TEXT];

	counter_add(&conns->count->refused[why], 1);
	log_limited(&conns->refusals, "agent %s: refused: %s",
	    address_text(peer, length, text, sizeof(text)), refusal_name(why));
	if (why == REFUSAL_NO_DESCRIPTORS)
		close(fd);
	else
		tarpit_add(&conns->tarpit, fd, monotonic_ms());
}

/* Make the connection of an agent that is let in.  Returns NULL when memory is
   short. */
static struct conn *
conn_new(
    struct conns *conns, int fd, const struct sockaddr *peer, socklen_t length)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

	if (conn == NULL ||
	    epoll_ctl(conns->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(conn);
		return NULL;
	}
	conn->fd = fd;
	memcpy(&conn->peer, peer,
	    length < sizeof(conn->peer) ? length : sizeof(conn->peer));
	chain_join(&conns->all, &conn->all, conn, 0);
	conn_touch(conns, conn);
	conns->open++;
	counter_set(&conns->count->connections, conns->open);
	counter_add(&conns->count->accepted, 1);
	return conn;
}

/* Whether a peer may be connected, and *origin, which a balancer has none of:
   whom it speaks for is not known yet. */
static bool
conn_admit(struct conns *conns, const struct listen_spec *spec,
    const struct sockaddr *peer, struct origin **origin, enum refusal *why)
{
	*origin = NULL;
	if (spec->proxy) {
		*why = REFUSAL_NOT_TRUSTED;
		return prefix_list_match(&conns->proxy_from, peer) &&
		       admission_guest(&conns->admission, why);
	}
	*origin = admission_enter(&conns->admission, peer, why);
	return *origin != NULL;
}

static void
conn_open(struct conns *conns, const struct listen_spec *spec, int fd,
    const struct sockaddr *peer, socklen_t length)
{
	enum refusal why;
	struct origin *origin;
	struct conn *conn;
	int on = 1;

	if (!conn_admit(conns, spec, peer, &origin, &why)) {
		accept_refuse(conns, fd, peer, length, why);
		return;
	}
	conn = conn_new(conns, fd, peer, length);
	if (conn == NULL) {
		admission_leave(&conns->admission, origin);
		accept_refuse(conns, fd, peer, length, REFUSAL_NO_MEMORY);
		return;
	}
	conn->origin = origin;
	if ((spec->proxy || spec->tls) &&
	    !gated_enter(conns, conn, spec->proxy, spec->tls)) {
		conn_expel(conns, conn, CLOSING_NO_MEMORY);
		return;
	}
	/* An agent's host that vanished is noticed in the end. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* -------------------------------------------------------------- holding --- */

/* Accept nothing for a while: connections wait in the kernel, and listeners
   are not watched, or they would wake us for ever. */
static void
accept_hold(struct conns *conns, uint64_t ms)
{
	conns->hold_until_ms = monotonic_ms() + ms;
}

bool
conns_accepting(const struct conns *conns, uint64_t now_ms)
{
	return now_ms >= conns->hold_until_ms;
}

/* Whether one more may be accepted now.  If not, it is held. */
static bool
accept_may(struct conns *conns)
{
	uint64_t now = monotonic_ms(), wait;

	if (!conns_accepting(conns, now))
		return false;
	wait = pace_wait(&conns->pace, now);
	if (wait == 0)
		return true;
	counter_add(&conns->count->accept_holds, 1);
	log_limited(&conns->holds,
	    "accepting is held to limits.accept_rate: %llu a second",
	    (unsigned long long)conns->pace.rate);
	accept_hold(conns, wait > HOLD_PACE_MS ? wait : HOLD_PACE_MS);
	return false;
}

void
conns_reserve(struct conns *conns)
{
	if (conns->reserve < 0)
		conns->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Descriptors are out: give up the reserve to accept one and close it.
   Returns false when there is no reserve to be had, or nobody to accept. */
static bool
conns_shed(struct conns *conns, int listening)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(peer);
	int fd;

	if (conns->reserve >= 0)
		close(conns->reserve);
	fd = accept(listening, (struct sockaddr *)&peer, &length);
	if (fd >= 0)
		accept_refuse(conns, fd, (struct sockaddr *)&peer, length,
		    REFUSAL_NO_DESCRIPTORS);
	conns->reserve = -1;
	conns_reserve(conns);
	return fd >= 0;
}

/* accept4() failed.  Returns whether it is worth to try the next one now. */
static bool
accept_failed(struct conns *conns, int listening)
{
	int error = errno;

	switch (error) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
		if (tarpit_drop(&conns->tarpit) || conns_shed(conns, listening))
			return true;
		break;
	case ENOBUFS:
	case ENOMEM:
		break;
	default:
		/* That connection has failed already: the next one. */
		return true;
	}
	log_limited(&conns->shortages, "cannot accept: %s; tried again soon",
	    strerror(error));
	accept_hold(conns, HOLD_SHORT_MS);
	return false;
}

void
conns_accept(struct conns *conns, int listening, const struct listen_spec *spec)
{
	/* It comes before those who wait. */
	conns_reserve(conns);
	for (int i = 0; i < ACCEPT_BURST && accept_may(conns); i++) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof(peer);
		int fd = accept4(listening, (struct sockaddr *)&peer, &length,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && !accept_failed(conns, listening))
			return;
		/* One that was shed has had its turn, too. */
		pace_take(&conns->pace);
		if (fd >= 0)
			conn_open(
			    conns, spec, fd, (struct sockaddr *)&peer, length);
	}
}
