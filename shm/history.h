/* SPDX-License-Identifier: MIT
 *
 * The history: what stood in the counters at each of the last seconds, so that
 * whoever looks at an instance knows its rates at once and need not wait.
 *
 * It lies in the master's segment.  The master alone writes it; any process
 * that has the segment mapped may read.  Part of the segment format: see "if
 * you change this" in segment.h.
 */
#pragma once

#include "shm/counters.h"

#include <stdbool.h>

#define HISTORY_SAMPLES 64 /* a power of two; one a second */

/* What is kept of each moment: totals since the start. */
enum history_count {
	HISTORY_REPORTS, /* reports accepted; all others are records */
	HISTORY_RECEIVED,
	HISTORY_REJECTED,
	HISTORY_DROPPED,
	HISTORY_SUPERSEDED,
	HISTORY_STORED,
	HISTORY_DEAD_LETTER,
	HISTORY_COUNTS
};

/* history_name - the count's name in status and manual. */
const char *history_name(enum history_count count);

/* A sample as it stands in shared memory. */
struct history_slot {
	alignas(CACHE_LINE) counter at_ms;
	counter counts[HISTORY_COUNTS];
};
static_assert(sizeof(struct history_slot) == 64, "part of the format");

/* Sample number n, from 0, is in slot n % HISTORY_SAMPLES. */
struct history {
	alignas(CACHE_LINE) counter taken; /* samples taken by this master */
	struct history_slot slots[HISTORY_SAMPLES];
};
static_assert(sizeof(struct history) == 64 * 65, "part of the format");

/* A sample as a process has it for itself, laid out as in a slot. */
struct history_sample {
	uint64_t at_ms; /* CLOCK_MONOTONIC, milliseconds */
	uint64_t counts[HISTORY_COUNTS];
};

/* history_reset - forget all samples: a new master's counters need not go on
   from those of the one before.  The master's. */
void history_reset(struct history *history);

/* history_put - add a sample; the oldest one goes.  The master's. */
void history_put(struct history *history, const struct history_sample *sample);

/* history_nearest - the sample whose time comes closest to at_ms.  Any
   process.  Returns false when there is none, or the history was never found
   at rest. */
bool history_nearest(const struct history *history, uint64_t at_ms,
    struct history_sample *sample);

#define RATES_SPANS 3

/* rates_spans - the spans that are shown, in seconds: 1, 10, 60. */
extern const unsigned rates_spans[RATES_SPANS];

struct rates {
	/* The actual span: less than requested if the master has not run so
	   long, more if it did not respond.  0: no rates, all are 0. */
	double seconds;
	double per_second[HISTORY_COUNTS];
};

/* rates_over - the rates from about `seconds` before NOW until NOW.  A count
   that went back, which only a master's restart does, has rate 0. */
void rates_over(struct rates *rates, const struct history *history,
    const struct history_sample *now, unsigned seconds);
