/* SPDX-License-Identifier: MIT
 *
 * Back-pressure: connections whose next report found no room in its ring go on
 * when there is some, first come, first served.  The queues, one for each ring,
 * are filled by conn.c.  Called by the master's loop; nothing here fails.
 */
#include "config.h"

#include "edge/conn_set.h"

/* Take what a connection held back; it is in no queue now. */
static void
conn_resume(struct conns *conns, struct conn *conn)
{
	conn->need = 0;
	if (conn_take_held(conns, conn) == READ_CLOSED || conn->need > 0)
		return;
	conn_unblock(conns, conn);
	if (conn->gate != NULL)
		gated_resume(conns, conn);
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
