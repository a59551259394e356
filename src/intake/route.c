/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "intake/route.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define MURMUR_C1 UINT64_C(0x87c37b91114253d5)
#define MURMUR_C2 UINT64_C(0x4cf5ad432745937f)

static inline uint64_t
rotate_left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* load_word - up to eight bytes, little-endian; the missing ones are 0. */
static inline uint64_t
load_word(const uint8_t *p, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, p, length);
	return le64toh(word);
}

static inline uint64_t
mix_first(uint64_t k)
{
	return rotate_left(k * MURMUR_C1, 31) * MURMUR_C2;
}

static inline uint64_t
mix_second(uint64_t k)
{
	return rotate_left(k * MURMUR_C2, 33) * MURMUR_C1;
}

/* avalanche - let every bit of h depend on all of them. */
static inline uint64_t
avalanche(uint64_t h)
{
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

void
murmur3_x64_128(const void *key, size_t length, uint32_t seed, uint64_t out[2])
{
	const uint8_t *p = key;
	size_t left = length;
	uint64_t a = seed, b = seed;

	for (; left >= 16; left -= 16, p += 16) {
		a = rotate_left(a ^ mix_first(load_word(p, 8)), 27) + b;
		a = a * 5 + 0x52dce729;
		b = rotate_left(b ^ mix_second(load_word(p + 8, 8)), 31) + a;
		b = b * 5 + 0x38495ab5;
	}
	if (left > 8)
		b ^= mix_second(load_word(p + 8, left - 8));
	if (left > 0)
		a ^= mix_first(load_word(p, left < 8 ? left : 8));

	a ^= length;
	b ^= length;
	a += b;
	b += a;
	a = avalanche(a);
	b = avalanche(b);
	a += b;
	b += a;
	out[0] = a;
	out[1] = b;
}

int32_t
jump_hash(uint64_t key, int32_t buckets)
{
	int64_t bucket, next = 0;

	assert(buckets >= 1);
	/* Follow the key through the growing number of buckets, from one jump
	   to the next; the last one inside is the answer. */
	do {
		bucket = next;
		key = key * UINT64_C(2862933555777941757) + 1;
		next = (int64_t)((double)(bucket + 1) *
				 ((double)(INT64_C(1) << 31) /
				     (double)((key >> 33) + 1)));
	} while (next < buckets);
	return (int32_t)bucket;
}

uint32_t
route(int32_t modid, int32_t cmdid, uint32_t workers)
{
	uint32_t key[2] = { htole32((uint32_t)modid),
		htole32((uint32_t)cmdid) };
	uint64_t hash[2];

	murmur3_x64_128(key, sizeof(key), 0, hash);
	return (uint32_t)jump_hash(hash[0], (int32_t)workers);
}

void
routes_set(struct routes *routes, uint32_t workers)
{
	uint32_t slot = route(0, 0, workers);

	routes->workers = workers;
	/* Each entry must be valid. */
	for (size_t i = 0; i < ROUTES; i++) {
		routes->found[i].modid = routes->found[i].cmdid = 0;
		routes->found[i].slot = slot;
	}
}

uint32_t
routes_find(struct routes *routes, int32_t modid, int32_t cmdid)
{
	/* Fibonacci hashing: Knuth, "The Art of Computer Programming", 6.4. */
	uint64_t service = (uint64_t)(uint32_t)modid << 32 | (uint32_t)cmdid;
	uint32_t at = (uint32_t)(service * UINT64_C(0x9e3779b97f4a7c15) >>
				 (64 - ROUTES_BITS));

	if (routes->found[at].modid != modid ||
	    routes->found[at].cmdid != cmdid) {
		routes->found[at].slot = route(modid, cmdid, routes->workers);
		routes->found[at].modid = modid;
		routes->found[at].cmdid = cmdid;
	}
	return routes->found[at].slot;
}
