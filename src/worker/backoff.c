/* SPDX-License-Identifier: MIT
 *
 * Waits between tries.  Pure: no clock; nothing here fails.
 */
#include "worker/backoff.h"

uint32_t
backoff_next(struct backoff *backoff)
{
	uint64_t wait = backoff->cap_ms;

	if (backoff->tries < 31 &&
	    (uint64_t)backoff->first_ms << backoff->tries < wait)
		wait = (uint64_t)backoff->first_ms << backoff->tries;
	backoff->tries++;
	/* Marsaglia's xorshift64 ("Xorshift RNGs", 2003); 0 is its one fixed
	   point. */
	uint64_t x = backoff->random != 0 ? backoff->random : 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	backoff->random = x;
	return (uint32_t)(wait - x % (wait / 4 + 1));
}
