/* SPDX-License-Identifier: MIT
 *
 * Rates from the history.
 */
#include "config.h"

#include "status/rates.h"

#include <string.h>

const unsigned rates_spans[RATES_SPANS] = { 1, 10, 60 };

#define MIN_MS 100 /* closer samples tell nothing about a rate */

void
rates_over(struct rates *rates, const struct history *history,
    const struct history_sample *now, unsigned seconds)
{
	uint64_t span = (uint64_t)seconds * 1000;
	uint64_t then_ms = now->at_ms > span ? now->at_ms - span : 0;
	struct history_sample then;

	memset(rates, 0, sizeof(*rates));
	if (!history_nearest(history, then_ms, &then) ||
	    now->at_ms < then.at_ms + MIN_MS)
		return;
	rates->seconds = (double)(now->at_ms - then.at_ms) / 1000;
	for (int i = 0; i < HISTORY_COUNTS; i++)
		if (now->counts[i] > then.counts[i])
			rates->per_second[i] =
			    (double)(now->counts[i] - then.counts[i]) /
			    rates->seconds;
}
