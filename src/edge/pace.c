/* SPDX-License-Identifier: MIT
 *
 * A pace.  Owns nothing; any process and thread.  Nothing here fails.
 */
#include "config.h"

#include "edge/pace.h"

#define ONE 1000    /* an event, in the unit of `left` */
#define FULL_MS 100 /* in which an empty bucket fills up */

static uint64_t
pace_max(const struct pace *pace)
{
	uint64_t max = pace->rate * FULL_MS;

	return max < ONE ? ONE : max;
}

void
pace_set(struct pace *pace, uint64_t rate, uint64_t now_ms)
{
	if (pace->rate == rate)
		return;
	pace->rate = rate;
	pace->left = pace_max(pace);
	pace->when_ms = now_ms;
}

uint64_t
pace_wait(struct pace *pace, uint64_t now_ms)
{
	uint64_t max = pace_max(pace), elapsed = now_ms - pace->when_ms;

	if (pace->rate == 0)
		return 0;
	/* After so long it is full at any rate; and no product overflows. */
	if (elapsed > ONE)
		elapsed = ONE;
	pace->left += elapsed * pace->rate;
	if (pace->left > max)
		pace->left = max;
	pace->when_ms = now_ms;
	if (pace->left >= ONE)
		return 0;
	return (ONE - pace->left + pace->rate - 1) / pace->rate;
}

void
pace_take(struct pace *pace)
{
	if (pace->rate != 0)
		pace->left -= ONE;
}
