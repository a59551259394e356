/* SPDX-License-Identifier: MIT
 *
 * Words of `listen` to addresses and sockets.  spec_resolve() may block.
 */
#pragma once

#include "lib/address.h"

#include <netdb.h>
#include <netinet/in.h>

/* spec_resolve - the addresses that a word stands for.
   address: ADDRESS:PORT.  flags: AI_NUMERICHOST, or 0 to resolve names.
   Returns 0, and *found for freeaddrinfo(); or an error of getaddrinfo(). */
int spec_resolve(const char *address, int flags, struct addrinfo **found);

/* socket_listen - bind and listen.  ipv6_only: [::] does not serve IPv4.
   Returns a non-blocking descriptor, or -1 with errno. */
int socket_listen(const struct addrinfo *ai, bool ipv6_only);

/* socket_is_tcp - whether a descriptor is a TCP socket that listens, or is to
   be read and does not block. */
bool socket_is_tcp(int fd, bool listening);

/* socket_keepalive - the connections that a listening socket accepts detect
   within two minutes that the peer's host was lost. */
void socket_keepalive(int fd);
