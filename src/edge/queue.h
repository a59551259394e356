/* SPDX-License-Identifier: MIT
 *
 * The queues of throttled connections, one for each ring, and the counting of
 * those whose agent is gone.  Belongs to the master's loop.
 */
#pragma once

#include "edge/server.h"

/* queue_join - wait until the ring of this slot has room for `need` records, 1
   or more: first in the queue if its turn is not over, else last. */
void queue_join(
    struct server *server, struct conn *conn, uint32_t slot, uint32_t need);

/* queue_awaited - the rings that connections wait for, one bit for each slot.
 */
uint64_t queue_awaited(const struct server *server);

/* queue_count_closed - count a connection as closed, and no longer show it,
   unless this was done before. */
void queue_count_closed(
    struct server *server, struct conn *conn, enum closing why);

/* queue_release - the agent of a throttled connection is gone: from now on the
   connection counts as closed, for this reason, and towards
   max_connections_per_address only; if gone_max is reached, nothing changes. */
void queue_release(struct server *server, struct conn *conn, enum closing why);

/* queue_leave - the connection closes: it no longer waits. */
void queue_leave(struct server *server, struct conn *conn);
