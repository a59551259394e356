/* SPDX-License-Identifier: MIT
 *
 * A rate limiter: so many events a second, evenly.  A token bucket that
 * holds a tenth of a second's tokens, at least one.  Pure functions, the clock
 * is passed in.
 */
#pragma once

#include <stdint.h>

/* All zero: no limit. */
struct limiter {
	uint64_t rate;    /* events a second; 0: no limit */
	uint64_t left;    /* thousandths of events that may come now */
	uint64_t when_ms; /* of the clock, when `left` was true */
};

/* limiter_set - from now on so many events a second; 0: no limit.  The rate
   that is set already changes nothing. */
void limiter_set(struct limiter *limiter, uint64_t rate, uint64_t now_ms);

/* limiter_wait - milliseconds until the next event may come; 0: now. */
uint64_t limiter_wait(struct limiter *limiter, uint64_t now_ms);

/* limiter_take - it has come; limiter_wait() returned 0 before. */
void limiter_take(struct limiter *limiter);
