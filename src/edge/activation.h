/* SPDX-License-Identifier: MIT
 *
 * Listening sockets that a service manager holds and passes in (socket
 * activation).  With them no agent is refused while reporter is restarted.
 */
#pragma once

#include "edge/ark.h"
#include "edge/listener.h"

/* activation_open - take the descriptors that were passed in to this process,
   at the start of the master: listening TCP sockets as of listeners_pass(), and
   *ark gets the parts of an ark, if there is one.  All others are logged and
   closed. */
void activation_open(struct listeners *listeners, struct ark *ark, int epoll);
