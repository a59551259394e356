/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/prefix.h"
#include "lib/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96 /* ::ffff:0:0, before an IPv4 address */

/* Clear the bits of an address from number `bits` on; whether any was set. */
static bool
clear_rest(uint8_t *address, unsigned size, unsigned bits)
{
	bool were_set = false;

	for (unsigned i = 0; i < size; i++) {
		unsigned keep = bits < 8 * i ? 0 : bits - 8 * i;
		uint8_t mask = keep >= 8 ? 0xff : (uint8_t)(0xff00u >> keep);

		were_set = were_set || (address[i] & ~mask) != 0;
		address[i] &= mask;
	}
	return were_set;
}

/* An IPv4 prefix in IPv6's form is the IPv4 one: agents are looked up by their
   IPv4 address, so that nobody would ever lie in the other. */
static void
unmap(struct prefix *prefix)
{
	struct in6_addr address;

	memcpy(&address, prefix->address, sizeof(address));
	if (prefix->family != AF_INET6 || prefix->bits < MAPPED_BITS ||
	    !IN6_IS_ADDR_V4MAPPED(&address))
		return;
	memset(prefix->address, 0, sizeof(prefix->address));
	memcpy(prefix->address, address.s6_addr + MAPPED_BITS / 8,
	    sizeof(struct in_addr));
	prefix->family = AF_INET;
	prefix->bits -= MAPPED_BITS;
}

const char *
prefix_parse(struct prefix *prefix, const char *text)
{
	static _Thread_local char fault[128];
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
	int64_t max, bits;

	memset(prefix, 0, sizeof(*prefix));
	prefix->family = memchr(text, ':', length) ? AF_INET6 : AF_INET;
	if (length < sizeof(address)) {
		memcpy(address, text, length);
		address[length] = '\0';
	}
	if (length >= sizeof(address) ||
	    inet_pton(prefix->family, address, prefix->address) != 1)
		return "is not an IPv4 or IPv6 address";
	max = bits = prefix->family == AF_INET ? 32 : 128;
	if (slash != NULL && (strlen(slash) > sizeof("128") ||
				 !text_number(slash + 1, 0, max, &bits)))
		return max == 32 ? "has an invalid prefix length, not 0 to 32"
				 : "has an invalid prefix length, not 0 to 128";
	prefix->bits = (unsigned)bits;
	if (clear_rest(prefix->address, (unsigned)max / 8, prefix->bits)) {
		inet_ntop(
		    prefix->family, prefix->address, address, sizeof(address));
		snprintf(fault, sizeof(fault),
		    "has bits set after its prefix; did you mean %s/%u?",
		    address, prefix->bits);
		return fault;
	}
	unmap(prefix);
	return NULL;
}

int
prefix_list_make(struct prefix_list *list, char *const *words, size_t count)
{
	list->count = 0;
	list->prefixes = NULL;
	if (count == 0)
		return 0;
	list->prefixes = calloc(count, sizeof(*list->prefixes));
	if (list->prefixes == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (prefix_parse(&list->prefixes[i], words[i]) != NULL) {
			prefix_list_free(list);
			errno = EINVAL;
			return -1;
		}
	}
	list->count = count;
	return 0;
}

void
prefix_list_free(struct prefix_list *list)
{
	free(list->prefixes);
	list->prefixes = NULL;
	list->count = 0;
}

const uint8_t *
prefix_peer_bytes(const struct sockaddr *peer, int *family)
{
	const struct in6_addr *in6;

	*family = peer->sa_family;
	if (*family == AF_INET) {
		return (const uint8_t *)&(
		    (const struct sockaddr_in *)(const void *)peer)
		    ->sin_addr;
	}
	if (*family != AF_INET6)
		return NULL;
	in6 = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		*family = AF_INET;
		return in6->s6_addr + 12;
	}
	return in6->s6_addr;
}

static bool
prefix_match(const struct prefix *prefix, const uint8_t *address, int family)
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	if (prefix->family != family)
		return false;
	if (memcmp(prefix->address, address, whole) != 0)
		return false;
	return rest == 0 ||
	       ((prefix->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool
prefix_list_match(const struct prefix_list *list, const struct sockaddr *peer)
{
	const uint8_t *address;
	int family;

	address = prefix_peer_bytes(peer, &family);
	if (address == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (prefix_match(&list->prefixes[i], address, family))
			return true;
	}
	return false;
}
