/* SPDX-License-Identifier: MIT
 *
 * Origins: how many connections are open from each address.  An IPv4 address
 * is an origin, also when it arrives at an IPv6 socket; of an IPv6 address the
 * first 64 bits are, since a host has all the others to itself.  Belongs to
 * the master's loop.
 *
 * There are never more origins than connections, and each step takes time in
 * the logarithm of their number, whatever addresses somebody chooses.
 */
#ifndef REPORTER_ORIGIN_H
#define REPORTER_ORIGIN_H

#include <stdint.h>
#include <sys/socket.h>

struct origin;

/* All zero: none yet. */
struct origins {
	void *tree; /* of tsearch(3) */
};

/* origins_open - how many connections are open from this address. */
uint64_t origins_open(
    const struct origins *origins, const struct sockaddr *peer);

/* origins_enter - one more is open.  Returns its origin, for origins_leave();
   NULL with errno. */
struct origin *origins_enter(
    struct origins *origins, const struct sockaddr *peer);

/* origins_leave - one of them is closed. */
void origins_leave(struct origins *origins, struct origin *origin);

/* origins_free - forget all, and what is still counted with it. */
void origins_free(struct origins *origins);

#endif
