/* SPDX-License-Identifier: MIT
 *
 * Listening sockets that this process does not open: those that a service
 * manager holds and passes in (socket activation), and those of an ark.  With
 * them no agent is refused while reporter is restarted.  Called by the master
 * at its start.
 */
#pragma once

#include "edge/ark.h"

#include <sys/socket.h>

/* activation_open - take the descriptors that were passed in to this process.
   Those that are not listening TCP sockets are logged and closed.  *ark gets
   the parts of an ark, if there is one. */
void activation_open(struct ark *ark);

/* activation_add - add a listening socket, which is activation's now.
   inherited: it comes from an ark.  To be called after activation_open(): of
   two for one address the first one added is taken. */
void activation_add(int fd, bool inherited);

/* activation_take - the socket that listens on exactly this address, if it was
   passed in; from now on it is the caller's.  It is non-blocking and
   close-on-exec.  address: IPv4 or IPv6.  Returns -1 if there is none. */
int activation_take(const struct sockaddr *address);

/* activation_release - close inherited sockets that nobody took and that have
   the port of this address: it is to be bound.  Returns whether there were
   any. */
bool activation_release(const struct sockaddr *address);

/* activation_close - close what nobody took, and log it. */
void activation_close(void);
