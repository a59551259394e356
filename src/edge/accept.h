/* SPDX-License-Identifier: MIT
 *
 * Accepting connections of agents: who is let in, at which rate, and what is
 * done when out of descriptors.  Belongs to the master's loop; refusals are
 * counted and logged.
 */
#pragma once

#include "edge/server.h"

/* accept_agents - accept what waits on a listening socket; spec: what comes
   before the reports there. */
void accept_agents(
    struct server *server, int listening, const struct listen_spec *spec);

/* accept_open - admit a peer and add its connection, which then owns the
   socket.  Returns NULL if it is refused: counted, logged, and the socket is
   closed or in the tarpit. */
struct conn *accept_open(struct server *server, const struct listen_spec *spec,
    int fd, const struct sockaddr *peer, socklen_t length);

/* accept_is_open - whether listening sockets are to be watched now: not while
   accepting is limited to a rate, or out of descriptors. */
bool accept_is_open(const struct server *server, uint64_t now_ms);

/* accept_reserve - open the reserve descriptor, if it can be opened. */
void accept_reserve(struct server *server);
