/* SPDX-License-Identifier: MIT
 *
 * Waits between tries: doubled each time, capped, with jitter, so that many
 * workers do not come back at one instant.
 */
#pragma once

#include <stdint.h>

struct backoff {
	uint32_t first_ms, cap_ms;
	uint32_t tries;  /* so far; 0: no failure yet */
	uint64_t random; /* state of the jitter; any seed */
};

/* backoff_next - milliseconds to wait before the next try: first_ms doubled
   with each try up to cap_ms, less up to a quarter. */
static inline uint32_t
backoff_next(struct backoff *backoff)
{
	uint64_t wait = backoff->cap_ms;

	if (backoff->tries < 31 &&
	    (uint64_t)backoff->first_ms << backoff->tries < wait)
		wait = (uint64_t)backoff->first_ms << backoff->tries;
	backoff->tries++;
	/* Marsaglia's xorshift64, 2003; 0 is its one fixed point. */
	uint64_t x = backoff->random != 0 ? backoff->random : 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	backoff->random = x;
	return (uint32_t)(wait - x % (wait / 4 + 1));
}
