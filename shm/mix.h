/* SPDX-License-Identifier: MIT
 *
 * The step of keyed hashes.  Any process, any thread.
 */
#pragma once

#include <stdint.h>

__extension__ typedef unsigned __int128 uint128;

/* mix - both halves of a product, laid over each other: the step of Wang Yi's
   wyhash (public domain). */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	uint128 product = (uint128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}
