/* SPDX-License-Identifier: MIT
 *
 * Connections that an ark carries from one master to the next: all but those
 * with TLS, whose state cannot leave OpenSSL.  Belongs to the master's loop.
 */
#pragma once

#include "edge/ark.h"
#include "edge/server.h"

/* carry_out - add the connections to an ark, as far as there is room; they stay
   open here, and must not be read until it is known who continues them.
   Returns 0, or -1 with errno: the ark is to be given up. */
int carry_out(const struct server *server, struct ark_writer *ark);

/* carry_close - close our side of the first n, or all if there are fewer, that
   carry_out() has added.  For their agents they stay open. */
void carry_close(struct server *server, uint64_t n);

/* carry_in - continue the connections of an ark, as far as the rules allow, and
   process their buffered bytes.  The rings must be set. */
void carry_in(struct server *server, struct ark_reader *ark);
