/* SPDX-License-Identifier: MIT */
#include "shm/history.h"

#include <string.h>

#define TRIES 100
#define RATE_MIN_MS 100 /* closer samples give no useful rate */

const char *
history_name(enum history_count count)
{
	static const char *const names[HISTORY_COUNTS] = {
		[HISTORY_REPORTS] = "reports",
		[HISTORY_RECEIVED] = "received",
		[HISTORY_REJECTED] = "rejected",
		[HISTORY_DROPPED] = "dropped",
		[HISTORY_SUPERSEDED] = "superseded",
		[HISTORY_STORED] = "stored",
		[HISTORY_DEAD_LETTER] = "dead_letter",
	};

	return NAME_OF(names, count);
}

void
history_reset(struct history *history)
{
	counter_release(&history->taken, 0);
}

void
history_put(struct history *history, const struct history_sample *sample)
{
	uint64_t taken = counter_get(&history->taken);
	struct history_slot *slot = &history->slots[taken % HISTORY_SAMPLES];

	/* Release fence: whoever sees a word of the new sample sees that the
	   one before was taken, and so that this slot is no longer the old
	   sample's. */
	atomic_thread_fence(memory_order_release);
	words_copy(slot, sample, sizeof(*sample));
	/* Release: licenses readers to look at the sample. */
	counter_release(&history->taken, taken + 1);
}

/* The number of the sample closest to at_ms, of those that are not
   being overwritten.  taken: 1 or more. */
static uint64_t
history_find(const struct history *history, uint64_t taken, uint64_t at_ms)
{
	uint64_t best = taken - 1, min = UINT64_MAX;

	for (uint64_t i = 0; i < HISTORY_SAMPLES - 1 && i < taken; i++) {
		uint64_t n = taken - 1 - i;
		const struct history_slot *slot =
		    &history->slots[n % HISTORY_SAMPLES];
		uint64_t at = counter_get(&slot->at_ms);
		uint64_t away = at > at_ms ? at - at_ms : at_ms - at;

		if (away < min) {
			min = away;
			best = n;
		}
	}
	return best;
}

bool
history_nearest(const struct history *history, uint64_t at_ms,
    struct history_sample *sample)
{
	for (int try = 0; try < TRIES; try++) {
		/* Acquire: all samples up to here are whole. */
		uint64_t taken = counter_acquire(&history->taken);
		if (taken == 0)
			return false;
		uint64_t n = history_find(history, taken, at_ms);
		const struct history_slot *slot =
		    &history->slots[n % HISTORY_SAMPLES];

		words_copy(sample, slot, sizeof(*sample));
		/* Acquire fence: if any word was newer, so is `taken` now. */
		atomic_thread_fence(memory_order_acquire);
		uint64_t now = counter_get(&history->taken);
		if (now >= taken && now - n < HISTORY_SAMPLES)
			return true;
	}
	return false;
}

const unsigned rates_spans[RATES_SPANS] = { 1, 10, 60 };

void
rates_over(struct rates *rates, const struct history *history,
    const struct history_sample *now, unsigned seconds)
{
	uint64_t span = (uint64_t)seconds * 1000;
	uint64_t then_ms = now->at_ms > span ? now->at_ms - span : 0;
	struct history_sample then;

	memset(rates, 0, sizeof(*rates));
	if (!history_nearest(history, then_ms, &then) ||
	    now->at_ms < then.at_ms + RATE_MIN_MS)
		return;
	rates->seconds = (double)(now->at_ms - then.at_ms) / 1000;
	for (int i = 0; i < HISTORY_COUNTS; i++)
		if (now->counts[i] > then.counts[i])
			rates->per_second[i] =
			    (double)(now->counts[i] - then.counts[i]) /
			    rates->seconds;
}
