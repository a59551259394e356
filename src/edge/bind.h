/* SPDX-License-Identifier: MIT
 *
 * Words of `listen` to addresses and sockets.  spec_resolve() may block.
 */
#ifndef REPORTER_BIND_H
#define REPORTER_BIND_H

#include "conf/listen_spec.h"

#include <netdb.h>
#include <netinet/in.h>

/* Kinds of words, the more specific first. */
enum spec_kind {
	SPEC_ADDRESS,
	SPEC_NAME,
	SPEC_ASTERISK,
	SPEC_KINDS
};

/* spec_kind - by the address alone; nothing is resolved. */
enum spec_kind spec_kind(const struct listen_spec *spec);

/*
 * spec_resolve - the addresses that a word stands for.
 * address: ADDRESS:PORT.  flags: AI_NUMERICHOST, or 0 to resolve names.
 * Returns 0, and *found to be freed with freeaddrinfo(); or an error of
 * getaddrinfo().
 */
int spec_resolve(const char *address, int flags, struct addrinfo **found);

/* socket_listen - bind and listen.  ipv6_only: [::] does not serve IPv4.
   Returns a non-blocking descriptor, or -1 with errno. */
int socket_listen(const struct addrinfo *ai, bool ipv6_only);

/* socket_serves_both - whether a socket bound to this address (or sockaddr_in)
   serves both IPv6 and IPv4, as [::] that was passed in may. */
bool socket_serves_both(int fd, const struct sockaddr_in6 *address);

#endif
