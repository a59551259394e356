/* SPDX-License-Identifier: MIT
 *
 * All connections of agents: the set of them, its settings, time limits, the
 * end.  Owns the set.  Called by the master's loop; whoever is closed is
 * counted and logged.
 */
#include "config.h"

#include "edge/conn_set.h"
#include "privilege/account.h"
#include "lib/clock.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static_assert(TARPIT_MAX == ACCOUNT_REFUSED, "what is kept is asked for");

#define TICK_MS 1000
#define TICK_THROTTLED_MS 1 /* how often to look for room in full rings */
#define LAST_READS 64       /* of a connection, before it is closed */

struct conns *
conns_new(int epoll, struct input_counters *count)
{
	struct conns *conns = calloc(1, sizeof(*conns));

	if (conns == NULL)
		return NULL;
	conns->epoll = epoll;
	conns->count = count;
	conns->intake.count = count;
	conns->reserve = -1;
	conns_reserve(conns);
	conns->refusals = (struct log_limiter){ .max = 10, .period_ms = 60000 };
	conns->closings = (struct log_limiter){ .max = 10, .period_ms = 60000 };
	conns->faults = (struct log_limiter){ .max = 30, .period_ms = 60000 };
	conns->throttles = (struct log_limiter){ .max = 5, .period_ms = 60000 };
	conns->holds = (struct log_limiter){ .max = 1, .period_ms = 60000 };
	conns->shortages = (struct log_limiter){ .max = 1, .period_ms = 60000 };
	/* Those of a master that was killed. */
	counter_add(
	    &count->closed[CLOSING_STOP], counter_get(&count->connections));
	counter_set(&count->connections, 0);
	counter_set(&count->throttled, 0);
	return conns;
}

/* ------------------------------------------------------- configuration ---- */

bool
conns_prepare(struct conns *conns, const struct settings *settings)
{
	struct prefix_list proxy_from;

	if (!prefix_list_make(&proxy_from, settings->proxy_from.words,
		settings->proxy_from.count))
		return false;
	if (!admission_prepare(&conns->admission, settings)) {
		prefix_list_free(&proxy_from);
		return false;
	}
	prefix_list_free(&conns->next_proxy_from);
	conns->next_proxy_from = proxy_from;
	return true;
}

/* Close those that may not be connected any more. */
static void
conns_expel(struct conns *conns)
{
	struct chain_link *link = conns->all.first;

	while (link != NULL) {
		struct conn *conn = link->conn;
		enum refusal why;

		link = link->behind;
		/* Of a balancer nothing but proxy_from is asked. */
		if (conn->origin != NULL &&
		    !admission_allows(&conns->admission,
			(const struct sockaddr *)&conn->peer, &why))
			conn_expel(conns, conn,
			    why == REFUSAL_DENIED ? CLOSING_DENIED
						  : CLOSING_NOT_ALLOWED);
	}
}

void
conns_configure(struct conns *conns, const struct settings *settings)
{
	conns->settings = settings;
	conns->intake.drop = settings->overflow == OVERFLOW_DROP;
	conns->intake.check_caller = (enum check_caller)settings->check_caller;
	conns->intake.report.max_message = settings->max_message;
	pace_set(&conns->pace, settings->accept_rate, monotonic_ms());
	conns->hold_until_ms = 0;
	prefix_list_free(&conns->proxy_from);
	conns->proxy_from = conns->next_proxy_from;
	conns->next_proxy_from = (struct prefix_list){ NULL, 0 };
	admission_take(&conns->admission);
	tarpit_resize(&conns->tarpit, account_spare(settings->max_connections));
	conns_expel(conns);
}

void
conns_secure(struct conns *conns, struct tls *tls)
{
	conns->tls = tls;
}

void
conns_route(struct conns *conns, struct ring *const *rings, uint32_t workers)
{
	intake_rings(&conns->intake, rings, workers);
	throttle_reroute(conns);
}

void
conns_retry(struct conns *conns)
{
	throttle_reroute(conns);
}

/* ------------------------------------------------------------ reading ----- */

/* Read once, and take what can be taken. */
static enum read_end
conn_read(struct conns *conns, struct conn *conn)
{
	return conn->gate != NULL ? gated_read(conns, conn)
				  : conn_read_plain(conns, conn);
}

/* The peer of one that is not read now is gone.  What was read of it still
   counts; then it is closed. */
static void
conn_ended(struct conns *conns, struct conn *conn)
{
	epoll_ctl(conns->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	if (conn->gate != NULL && gate_pending(conn->gate) > 0)
		conn->gone = true;
	else
		conn->ended = true;
}

/* Away from the path of plain connections that are read. */
static void __attribute__((noinline))
conn_ready_detour(struct conns *conns, struct conn *conn, uint32_t events)
{
	if (!conn_throttled(conn))
		gated_read(conns, conn);
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

/* --------------------------------------------------------- time limits ---- */

/* Close those that have been in this chain for too long. */
static void
conns_expire(struct conns *conns, struct chain *chain, uint64_t timeout_ms,
    enum closing why, uint64_t now_ms)
{
	while (timeout_ms != 0 && chain_over(chain, timeout_ms, now_ms)) {
		const struct chain_link *first = chain->first;
		struct conn *conn = first->conn;
		enum read_end end = READ_TAKEN;
		bool late = true;

		/* What has come while we were busy, or stopped, counts; by TLS
		   a message may take some reads. */
		for (int i = 0; i < LAST_READS && end == READ_TAKEN && late;
		     i++) {
			end = conn_read(conns, conn);
			late = end != READ_CLOSED && chain->first == first &&
			       chain_over(chain, timeout_ms, now_ms);
		}
		if (late)
			conn_expel(conns, conn, why);
	}
}

/* The time of the next tick: when something will be over, at the latest. */
static int
conns_wait(const struct conns *conns, uint64_t now_ms)
{
	uint64_t timeout = conns->settings->message_timeout, wait = TICK_MS;

	if (conns->throttled > 0)
		wait = TICK_THROTTLED_MS;
	if (timeout != 0 && chain_over(&conns->begun, timeout, now_ms + wait))
		wait = conns->begun.first->since_ms + timeout - now_ms;
	if (!conns_accepting(conns, now_ms + wait))
		return (int)wait;
	if (!conns_accepting(conns, now_ms))
		wait = conns->hold_until_ms - now_ms;
	return (int)wait;
}

int
conns_tick(struct conns *conns, uint64_t now_ms)
{
	const struct settings *settings = conns->settings;

	throttle_tick(conns);
	conns_expire(conns, &conns->begun, settings->message_timeout,
	    CLOSING_MESSAGE_TIMEOUT, now_ms);
	conns_expire(conns, &conns->active, settings->idle_timeout,
	    CLOSING_IDLE, now_ms);
	intake_alert(&conns->intake);
	return (int)tarpit_expire(
	    &conns->tarpit, now_ms, (uint64_t)conns_wait(conns, now_ms));
}

uint64_t
conns_throttled(const struct conns *conns)
{
	return conns->throttled;
}

/* -------------------------------------------------------------- the end --- */

void
conns_close(struct conns *conns)
{
	while (conns->all.first != NULL) {
		struct conn *conn = conns->all.first->conn;
		enum read_end end = READ_TAKEN;

		for (int i = 0; i < LAST_READS && end == READ_TAKEN &&
				!conn_throttled(conn);
		     i++)
			end = conn_read(conns, conn);
		if (end != READ_CLOSED)
			conn_close(conns, conn, CLOSING_STOP);
	}
	intake_alert(&conns->intake);
	tarpit_close(&conns->tarpit);
	if (conns->reserve >= 0)
		close(conns->reserve);
	prefix_list_free(&conns->proxy_from);
	prefix_list_free(&conns->next_proxy_from);
	admission_free(&conns->admission);
	free(conns);
}
