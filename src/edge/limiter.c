/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/limiter.h"

#define ONE 1000    /* an event, in the unit of `left` */
#define FULL_MS 100 /* in which an empty bucket fills up */

static uint64_t
limiter_max(const struct limiter *limiter)
{
	uint64_t max = limiter->rate * FULL_MS;

	return max < ONE ? ONE : max;
}

void
limiter_set(struct limiter *limiter, uint64_t rate, uint64_t now_ms)
{
	if (limiter->rate == rate)
		return;
	limiter->rate = rate;
	limiter->left = limiter_max(limiter);
	limiter->when_ms = now_ms;
}

uint64_t
limiter_wait(struct limiter *limiter, uint64_t now_ms)
{
	uint64_t max = limiter_max(limiter),
		 elapsed = now_ms - limiter->when_ms;

	if (limiter->rate == 0)
		return 0;
	/* After so long it is full at any rate; and no product overflows. */
	if (elapsed > ONE)
		elapsed = ONE;
	limiter->left += elapsed * limiter->rate;
	if (limiter->left > max)
		limiter->left = max;
	limiter->when_ms = now_ms;
	if (limiter->left >= ONE)
		return 0;
	return (ONE - limiter->left + limiter->rate - 1) / limiter->rate;
}

void
limiter_take(struct limiter *limiter)
{
	if (limiter->rate != 0)
		limiter->left -= ONE;
}
