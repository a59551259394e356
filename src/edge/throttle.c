/* SPDX-License-Identifier: MIT
 *
 * Back-pressure: connections whose next report finds no room in its ring are
 * not read until there is some, first come, first served; TCP tells the
 * agents.  Owns the queues, one for each ring.  Called by the master's loop;
 * nothing here fails.
 */
#include "config.h"

#include "conn_set.h"
#include "address.h"
#include "clock.h"

#include <sys/epoll.h>

static void
conn_watch(struct conns *conns, struct conn *conn, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	if (!conn->ended && !conn->gone)
		epoll_ctl(conns->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

void
throttle_enter(
    struct conns *conns, struct conn *conn, uint32_t slot, uint32_t need)
{
	char peer[ADDRESS_TEXT];

	conn->need = need;
	chain_join(&conns->queue[slot], &conn->queue, conn, monotonic_ms());
	if (conn_throttled(conn))
		return;
	conn->detour |= DETOUR_THROTTLED;
	chain_leave(&conn->active);
	conn_watch(conns, conn, 0);
	conns->throttled++;
	counter_set(&conns->count->throttled, conns->throttled);
	counter_add(&conns->count->throttles, 1);
	log_braked(&conns->throttles,
	    "agent %s: not read for now: the ring of worker %u is full",
	    conn_peer(conn, peer), slot);
}

static void
throttle_end(struct conns *conns, struct conn *conn)
{
	conn->detour &= ~DETOUR_THROTTLED;
	conn_touch(conns, conn);
	conn_watch(conns, conn, EPOLLIN);
	conns->throttled--;
	counter_set(&conns->count->throttled, conns->throttled);
	if (conn->gate != NULL)
		gate_resume(conns, conn);
}

void
throttle_leave(struct conns *conns, struct conn *conn)
{
	chain_leave(&conn->queue);
	conns->throttled--;
	counter_set(&conns->count->throttled, conns->throttled);
}

/* Take what a connection held back; it is in no queue now. */
static void
conn_resume(struct conns *conns, struct conn *conn)
{
	conn->need = 0;
	if (conn_take_held(conns, conn) && conn->need == 0)
		throttle_end(conns, conn);
}

/* Go on with connections that wait for this ring, as far as there is room. */
static void
queue_resume(struct conns *conns, uint32_t slot)
{
	struct chain *queue = &conns->queue[slot];
	struct ring *ring = conns->intake.rings[slot];

	while (queue->first != NULL) {
		struct conn *conn = queue->first->conn;

		if (ring_room(ring, conn->need) < conn->need)
			return;
		chain_leave(&conn->queue);
		conn_resume(conns, conn);
	}
}

void
throttle_tick(struct conns *conns)
{
	for (uint32_t slot = 0;
	     conns->throttled > 0 && slot < conns->intake.routes.workers;
	     slot++)
		queue_resume(conns, slot);
}

void
throttle_reroute(struct conns *conns)
{
	struct chain waiting = { NULL, NULL };

	for (int i = 0; i < WORKERS_MAX; i++) {
		while (conns->queue[i].first != NULL) {
			struct conn *conn = conns->queue[i].first->conn;

			chain_leave(&conn->queue);
			chain_join(&waiting, &conn->queue, conn, 0);
		}
	}
	while (waiting.first != NULL) {
		struct conn *conn = waiting.first->conn;

		chain_leave(&conn->queue);
		conn_resume(conns, conn);
	}
}
