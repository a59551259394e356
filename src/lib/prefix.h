/* SPDX-License-Identifier: MIT
 *
 * Address prefixes, IPv4 and IPv6.  Any process, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct prefix {
	int family;          /* AF_INET or AF_INET6 */
	unsigned bits;       /* 0 to 32, 0 to 128 */
	uint8_t address[16]; /* network order; the rest is zero */
};

struct prefix_list {
	struct prefix *prefixes;
	size_t count;
};

/* prefix_parse - parse ADDRESS/BITS or ADDRESS.  Bits beyond the prefix must be
   zero.  ::ffff:a.b.c.d/96+BITS is a.b.c.d/BITS.
   Returns NULL; or the fault, as in "is not an IPv4 or IPv6 address", valid
   until the thread's next call. */
const char *prefix_parse(struct prefix *prefix, const char *text);

/* prefix_list_make - parse count words that prefix_parse() takes; the list is
   freed by prefix_list_free().  Returns 0; or -1 with errno, ENOMEM or EINVAL
   for an invalid word, and an empty list. */
int prefix_list_make(
    struct prefix_list *list, char *const *words, size_t count);

/* prefix_list_free - free a list; it is empty then. */
void prefix_list_free(struct prefix_list *list);

/* prefix_list_match - whether a peer's address lies in a prefix of the list;
   an empty list has none.  An IPv4 peer that arrives at an IPv6 socket
   (::ffff:a.b.c.d) is an IPv4 peer.  Peers of other families match no
   prefix. */
bool prefix_list_match(
    const struct prefix_list *list, const struct sockaddr *peer);

/* prefix_peer_bytes - the bytes of a peer's address, in network order; *family
   is AF_INET for an IPv4 peer at an IPv6 socket.  NULL for other families. */
const uint8_t *prefix_peer_bytes(const struct sockaddr *peer, int *family);
