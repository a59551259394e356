/* SPDX-License-Identifier: MIT
 *
 * Origins: a hash of linked buckets, which it owns.
 */
#include "config.h"

#include "edge/origin.h"
#include "lib/prefix.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_MIN 256

/* The halves of an IPv6 address; an IPv4 one stands as ::ffff:a.b.c.d. */
struct origin_key {
	uint64_t high, low;
};

struct origin {
	struct origin *next; /* in its bucket */
	struct origin_key key;
	uint32_t open; /* connections, 1 or more */
};

static struct origin_key
key_of(const struct sockaddr *peer)
{
	struct origin_key key = { 0, 0 };
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);
	uint32_t word;

	if (bytes == NULL)
		return key;
	if (family == AF_INET6) {
		memcpy(&key.high, bytes, sizeof(key.high));
		return key;
	}
	memcpy(&word, bytes, sizeof(word));
	key.low = UINT64_C(0xffff00000000) | be32toh(word);
	return key;
}

/* The end of splitmix64: each bit of x turns half of the result's. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static struct origin **
bucket_of(const struct origins *origins, struct origin_key key)
{
	uint64_t hash = mix(mix(origins->seed ^ key.high) ^ key.low);

	return &origins->buckets[hash & (origins->count - 1)];
}

static struct origin *
origin_find(const struct origins *origins, struct origin_key key)
{
	struct origin *origin = *bucket_of(origins, key);

	while (origin != NULL &&
	       (origin->key.high != key.high || origin->key.low != key.low))
		origin = origin->next;
	return origin;
}

static void
origin_link(struct origins *origins, struct origin *origin)
{
	struct origin **bucket = bucket_of(origins, origin->key);

	origin->next = *bucket;
	*bucket = origin;
}

/* A random number; where the machine has none yet, so early in its life, what
   a loader that lays out memory at random gives. */
static uint64_t
seed_new(const void *somewhere)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = mix((uint64_t)(uintptr_t)somewhere);
	return seed;
}

int
origins_reserve(struct origins *origins, uint64_t connections)
{
	struct origins next = { .count = BUCKETS_MIN };

	while (next.count < connections)
		next.count *= 2;
	if (next.count == origins->count)
		return 0;
	next.buckets = calloc(next.count, sizeof(struct origin *));
	if (next.buckets == NULL)
		return -1;
	next.seed = seed_new(next.buckets);
	for (size_t i = 0; i < origins->count; i++) {
		struct origin *origin;

		while ((origin = origins->buckets[i]) != NULL) {
			origins->buckets[i] = origin->next;
			origin_link(&next, origin);
		}
	}
	free(origins->buckets);
	*origins = next;
	return 0;
}

uint64_t
origins_open(const struct origins *origins, const struct sockaddr *peer)
{
	const struct origin *origin = origin_find(origins, key_of(peer));

	return origin == NULL ? 0 : origin->open;
}

struct origin *
origins_enter(struct origins *origins, const struct sockaddr *peer)
{
	struct origin_key key = key_of(peer);
	struct origin *origin = origin_find(origins, key);

	if (origin == NULL) {
		origin = calloc(1, sizeof(*origin));
		if (origin == NULL)
			return NULL;
		origin->key = key;
		origin_link(origins, origin);
	}
	origin->open++;
	return origin;
}

void
origins_leave(struct origins *origins, struct origin *origin)
{
	struct origin **at;

	if (--origin->open > 0)
		return;
	at = bucket_of(origins, origin->key);
	while (*at != origin)
		at = &(*at)->next;
	*at = origin->next;
	free(origin);
}

void
origins_free(struct origins *origins)
{
	for (size_t i = 0; i < origins->count; i++) {
		struct origin *origin;

		while ((origin = origins->buckets[i]) != NULL) {
			origins->buckets[i] = origin->next;
			free(origin);
		}
	}
	free(origins->buckets);
	*origins = (struct origins){ 0 };
}
