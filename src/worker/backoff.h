/* SPDX-License-Identifier: MIT
 *
 * Waits between tries: doubled each time, capped, with jitter, so that many
 * workers do not come back at one instant.  Pure.
 */
#ifndef REPORTER_BACKOFF_H
#define REPORTER_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t first_ms, cap_ms;
	uint32_t tries;  /* so far; 0 starts anew */
	uint64_t random; /* state of the jitter; any seed */
};

/* backoff_next - milliseconds to wait before the next try: first_ms doubled
   with each try up to cap_ms, less up to a quarter. */
uint32_t backoff_next(struct backoff *backoff);

#endif
