/* SPDX-License-Identifier: MIT
 *
 * A pace: so many events a second and no more, evenly.  A token bucket that
 * holds a tenth of a second's tokens, at least one.  Pure functions, the clock
 * is passed in.
 */
#ifndef REPORTER_PACE_H
#define REPORTER_PACE_H

#include <stdint.h>

/* All zero: no limit. */
struct pace {
	uint64_t rate;    /* events a second; 0: no limit */
	uint64_t left;    /* thousandths of events that may come now */
	uint64_t when_ms; /* of the clock, when `left` was true */
};

/* pace_set - from now on so many events a second; 0: no limit.  The rate that
   is set already changes nothing. */
void pace_set(struct pace *pace, uint64_t rate, uint64_t now_ms);

/* pace_wait - how long until the next event may come, in milliseconds; 0: now.
 */
uint64_t pace_wait(struct pace *pace, uint64_t now_ms);

/* pace_take - it has come; pace_wait() returned 0 before. */
void pace_take(struct pace *pace);

#endif
