/* SPDX-License-Identifier: MIT
 *
 * Origins: the C library's balanced tree, whose entries are owned here.
 */
#include "config.h"

#include "edge/origin.h"
#include "lib/prefix.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct origin {
	/* The upper half of an IPv6 address; an IPv4 one stands as
	   ::ffff:a.b.c.d. */
	uint8_t key[16];
	uint32_t open; /* connections, 1 or more */
};

static int
origin_compare(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

static struct origin
origin_of(const struct sockaddr *peer)
{
	struct origin origin = { .open = 0 };
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);

	if (bytes != NULL && family == AF_INET6) {
		memcpy(origin.key, bytes, sizeof(origin.key) / 2);
	} else if (bytes != NULL) {
		origin.key[10] = origin.key[11] = 0xff;
		memcpy(&origin.key[12], bytes, 4);
	}
	return origin;
}

uint64_t
origins_open(const struct origins *origins, const struct sockaddr *peer)
{
	struct origin key = origin_of(peer);
	struct origin **found = tfind(&key, &origins->tree, origin_compare);

	return found == NULL ? 0 : (*found)->open;
}

struct origin *
origins_enter(struct origins *origins, const struct sockaddr *peer)
{
	struct origin key = origin_of(peer), *origin;
	struct origin **found = tfind(&key, &origins->tree, origin_compare);

	if (found != NULL) {
		(*found)->open++;
		return *found;
	}
	origin = malloc(sizeof(*origin));
	if (origin == NULL)
		return NULL;
	*origin = key;
	if (tsearch(origin, &origins->tree, origin_compare) == NULL) {
		free(origin);
		return NULL;
	}
	origin->open = 1;
	return origin;
}

void
origins_leave(struct origins *origins, struct origin *origin)
{
	if (--origin->open > 0)
		return;
	tdelete(origin, &origins->tree, origin_compare);
	free(origin);
}

void
origins_free(struct origins *origins)
{
	tdestroy(origins->tree, free);
	origins->tree = NULL;
}
