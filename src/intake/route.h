/* SPDX-License-Identifier: MIT
 *
 * Routing: which worker a service belongs to.  Pure functions; a struct routes,
 * which caches their results, belongs to one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* murmur3_x64_128 - MurmurHash3 in its x64 128-bit form (Austin Appleby,
   public domain).  out: 16 bytes as two words, in the reference's order. */
void murmur3_x64_128(
    const void *key, size_t length, uint32_t seed, uint64_t out[2]);

/* jump_hash - jump consistent hash: a bucket of 0 to buckets - 1 (Lamping and
   Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014).
   buckets: 1 or more. */
int32_t jump_hash(uint64_t key, int32_t buckets);

/* route - the slot of the worker that has this service, 0 to workers - 1:
   the first word of the MurmurHash3 of modid and cmdid, each four bytes
   little-endian, seed 0; then jump_hash(). */
uint32_t route(int32_t modid, int32_t cmdid, uint32_t workers);

/* Routes that were found, since the same services come again and again. */
#define ROUTES_BITS 12
#define ROUTES (1 << ROUTES_BITS)
struct routes {
	uint32_t workers;
	struct {
		int32_t modid, cmdid;
		uint32_t slot;
	} found[ROUTES];
};

/* routes_set - empty the cache; from now on there are so many workers, 1 or
   more. */
void routes_set(struct routes *routes, uint32_t workers);

/* routes_find - the result of route(), from the cache if it is there. */
uint32_t routes_find(struct routes *routes, int32_t modid, int32_t cmdid);
