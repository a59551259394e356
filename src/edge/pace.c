/* SPDX-License-Identifier: MIT
 *
 * A pace.  Owns nothing; any process and thread.  Nothing here fails.
 */
#include "config.h"

#include "pace.h"

#define ONE 1000    /* an event, in the unit of `left` */
#define FULL_MS 100 /* in which an empty bucket fills up */

static uint64_t
pace_most(const struct pace *pace)
{
	uint64_t most = pace->rate * FULL_MS;

	return most < ONE ? ONE : most;
}

void
pace_set(struct pace *pace, uint64_t rate, uint64_t now_ms)
{
	if (pace->rate == rate)
		return;
	pace->rate = rate;
	pace->left = pace_most(pace);
	pace->when_ms = now_ms;
}

uint64_t
pace_wait(struct pace *pace, uint64_t now_ms)
{
	uint64_t most = pace_most(pace), elapsed = now_ms - pace->when_ms;

	if (pace->rate == 0)
		return 0;
	/* After so long it is full at any rate; and no product overflows. */
	if (elapsed > ONE)
		elapsed = ONE;
	pace->left += elapsed * pace->rate;
	if (pace->left > most)
		pace->left = most;
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
