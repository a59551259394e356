/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/queue.h"

void
queue_join(
    struct server *server, struct conn *conn, uint32_t slot, uint32_t need)
{
	if (conn->turn > 0 && conn->slot == slot) {
		TAILQ_INSERT_HEAD(&server->queue[slot], conn, queue);
	} else {
		TAILQ_INSERT_TAIL(&server->queue[slot], conn, queue);
		conn->turn = INTAKE_PIECE;
	}
	conn->need = need;
	conn->slot = slot;
}

uint64_t
queue_awaited(const struct server *server)
{
	uint64_t slots = 0;

	for (int i = 0; server->throttled > 0 && i < WORKERS_MAX; i++)
		if (!TAILQ_EMPTY(&server->queue[i]))
			slots |= UINT64_C(1) << i;
	return slots;
}

void
queue_count_closed(struct server *server, struct conn *conn, enum closing why)
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

void
queue_release(struct server *server, struct conn *conn, enum closing why)
{
	if (server->gone >= server->gone_max)
		return;
	queue_count_closed(server, conn, why);
	conn->gone = true;
	server->gone++;
	server->admission.open--;
}

void
queue_leave(struct server *server, struct conn *conn)
{
	if (conn->need > 0)
		TAILQ_REMOVE(&server->queue[conn->slot], conn, queue);
	if (!conn->gone)
		return;
	server->gone--;
	server->admission.open++;
}
