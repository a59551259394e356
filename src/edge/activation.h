/* SPDX-License-Identifier: MIT
 *
 * Listening sockets that this process does not open: those that a service
 * manager holds and passes in (socket activation), and those of an ark.  So no
 * agent is refused while reporter is restarted.  The master's, at its start.
 */
#pragma once

#include "edge/ark.h"

#include <sys/socket.h>

/* activation_open - look what was passed in to this process.  What does not
   listen for TCP is closed, with a line in the log.  ark: gets the parts of an
   ark, if there is one. */
void activation_open(struct ark *ark);

/* activation_add - one more listening socket; inherited: of an ark.  To be
   called after activation_open(): of two for one address the first is taken. */
void activation_add(int fd, bool inherited);

/* activation_take - the socket that listens on exactly this address, if it was
   passed in; from now on it is the caller's.  It is non-blocking and
   close-on-exec.  address: IPv4 or IPv6.  Returns -1 if there is none. */
int activation_take(const struct sockaddr *address);

/* activation_close - close what nobody took, with a line in the log for each.
 */
void activation_close(void);
