/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/server.h"
#include "lib/address.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define ACCEPT_BURST 256  /* connections accepted in one go */
#define HOLD_MIN_MS 10    /* the shortest hold for accept_rate */
#define HOLD_SHORT_MS 100 /* when out of descriptors or memory */

static void
accept_refuse(struct server *server, int fd, const struct sockaddr *peer,
    enum refusal why)
{
	uint64_t now = monotonic_ms();
	char text[ADDRESS_TEXT];

	counter_add(&server->count->refused[why], 1);
	log_limited(&server->refusals, "agent %s: refused: %s",
	    address_text(peer, text), refusal_text(why));
	if (why == REFUSAL_NO_DESCRIPTORS)
		close(fd);
	else if (!tarpit_add(&server->tarpit, fd, now))
		server_hold(server, now, HOLD_FULL_MS);
}

struct conn *
accept_open(struct server *server, const struct listen_spec *spec, int fd,
    const struct sockaddr *peer, socklen_t length)
{
	struct admission *admission = &server->admission;
	struct origin *origin = NULL;
	struct conn *conn;
	enum refusal why;
	bool admitted;

	if (spec->proxy) {
		admitted = admission_enter_balancer(admission, peer, &why);
	} else {
		origin = admission_enter(admission, peer, monotonic_ms(), &why);
		admitted = origin != NULL;
	}
	if (!admitted) {
		accept_refuse(server, fd, peer, why);
		return NULL;
	}
	conn = conn_new(server, spec, fd, peer, length, origin);
	if (conn == NULL) {
		admission_leave(admission, origin);
		accept_refuse(server, fd, peer, REFUSAL_NO_MEMORY);
	}
	return conn;
}

/* -------------------------------------------------------------- holding --- */

bool
accept_is_open(const struct server *server, uint64_t now_ms)
{
	return now_ms >= server->hold_until_ms;
}

/* Whether one more connection may be accepted now; if not, accepting is held.
 */
static bool
accept_may(struct server *server)
{
	uint64_t now = monotonic_ms(), wait;

	if (!accept_is_open(server, now))
		return false;
	wait = limiter_wait(&server->accepting, now);
	if (wait == 0)
		return true;
	counter_add(&server->count->accept_holds, 1);
	log_limited(&server->holds,
	    "accept rate limited to %" PRIu64 " per second "
	    "(limits.accept_rate)",
	    server->accepting.rate);
	server_hold(server, now, wait > HOLD_MIN_MS ? wait : HOLD_MIN_MS);
	return false;
}

void
accept_reserve(struct server *server)
{
	if (server->reserve < 0)
		server->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Out of descriptors: give up the reserve to accept one and close it.
   Returns false when there is no reserve, or nobody to accept. */
static bool
accept_shed(struct server *server, int listening)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(peer);
	int fd;

	if (server->reserve >= 0)
		close(server->reserve);
	fd = accept(listening, (struct sockaddr *)&peer, &length);
	if (fd >= 0)
		accept_refuse(server, fd, (struct sockaddr *)&peer,
		    REFUSAL_NO_DESCRIPTORS);
	server->reserve = -1;
	accept_reserve(server);
	return fd >= 0;
}

/* accept4() failed.  Returns whether to try the next one now. */
static bool
accept_failed(struct server *server, int listening)
{
	int error = errno;

	switch (error) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
		if (tarpit_drop(&server->tarpit) ||
		    accept_shed(server, listening))
			return true;
		break;
	case ENOBUFS:
	case ENOMEM:
		break;
	default:
		/* That connection has failed already: the next one. */
		return true;
	}
	log_limited(&server->shortages, "cannot accept: %s; retrying soon",
	    strerror(error));
	server_hold(server, monotonic_ms(), HOLD_SHORT_MS);
	return false;
}

void
accept_agents(
    struct server *server, int listening, const struct listen_spec *spec)
{
	/* The reserve is more important than a connection that waits. */
	accept_reserve(server);
	for (int i = 0; i < ACCEPT_BURST && accept_may(server); i++) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof(peer);
		int fd = accept4(listening, (struct sockaddr *)&peer, &length,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && !accept_failed(server, listening))
			return;
		/* Refused ones do not count: one address could use up the
		   rate with them.  One that was shed counts. */
		if (fd < 0 || accept_open(server, spec, fd,
				  (struct sockaddr *)&peer, length) != NULL)
			limiter_take(&server->accepting);
	}
}
