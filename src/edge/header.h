/* SPDX-License-Identifier: MIT
 *
 * The PROXY header of a connection: reading it, and the rules for the agent's
 * address in it.  Belongs to the master's loop.
 */
#pragma once

#include "edge/conn.h"

/* header_read - read what has arrived of the header, and nothing behind it,
   since TLS may follow.  Faults and refusals are logged.
   Returns PROGRESS_MADE when it is complete: the peer is the agent, or the
   balancer for its own connections; PROGRESS_NONE while it is not;
   PROGRESS_CLOSED if the connection is to be closed: conn->why. */
enum progress header_read(struct server *server, struct conn *conn);
