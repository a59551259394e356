/* SPDX-License-Identifier: MIT
 *
 * Admission: who may be connected, by address: deny, allow, and how many at one
 * time, in all and from one address.  Knows nothing of sockets, so the address
 * may be that of the peer or that in a PROXY header.  Belongs to the master's
 * loop.
 *
 * An origin is an IPv4 address, also at an IPv6 socket, or the first 64 bits of
 * an IPv6 address, since one host may use all others.  There are never more
 * origins than connections, and each step takes time in the logarithm of their
 * number, whatever the addresses are.
 */
#pragma once

#include "conf/settings.h"
#include "shm/counters.h"

#define ADMISSION_SHARES 4096  /* a power of two */
#define ADMISSION_SHARE_PART 4 /* of accept_rate, for one address */

/* What the origins of one hash have used of accept_rate in one second. */
struct admission_share {
	uint32_t second, taken;
};

struct origin; /* and how many connections it has */

/* All zero, but for the settings. */
struct admission {
	const struct settings *settings; /* those in force, the owner's */
	bool unlimited;  /* maximum numbers of connections do not count */
	void *tree;      /* of tsearch(3): a struct origin for each */
	uint64_t open;   /* connections let in that have not left, less those in
			    server->gone */
	uint64_t secret; /* of the hash; 0: not made yet */
	struct admission_share shares[ADMISSION_SHARES];
};

/* admission_allows - whether deny and allow let this address be connected; if
   not, *why is REFUSAL_DENIED or REFUSAL_NOT_ALLOWED. */
bool admission_allows(const struct admission *admission,
    const struct sockaddr *peer, enum refusal *why);

/* admission_enter - let a connection in, unless a rule is against it, or its
   address had its share of accept_rate in this second of now_ms (monotonic);
   addresses that share a hash share that.  Returns its origin, for
   admission_leave() when the connection closes; or NULL, and *why. */
struct origin *admission_enter(struct admission *admission,
    const struct sockaddr *peer, uint64_t now_ms, enum refusal *why);
void admission_leave(struct admission *admission, struct origin *origin);

/* admission_enter_balancer - let a balancer in, whose connection counts as one
   of all: the agent's address is not known yet.  admission_leave() without an
   origin ends it.  Returns false, and *why. */
bool admission_enter_balancer(struct admission *admission,
    const struct sockaddr *peer, enum refusal *why);

/* admission_open_from - how many connections are open from this address. */
uint64_t admission_open_from(
    const struct admission *admission, const struct sockaddr *peer);

/* admission_free - nobody is connected any more. */
void admission_free(struct admission *admission);
