/* SPDX-License-Identifier: MIT
 *
 * Rates: how fast the counters grow, from the history in shared memory.  Pure
 * functions; any process.
 */
#ifndef REPORTER_RATES_H
#define REPORTER_RATES_H

#include "shm/history.h"

#define RATES_SPANS 3

/* rates_spans - the spans that are shown, in seconds: 1, 10, 60. */
extern const unsigned rates_spans[RATES_SPANS];

struct rates {
	/* The actual span: less than requested if the master has not run so
	   long, more if it did not respond.  0: no rates, all are 0. */
	double seconds;
	double per_second[HISTORY_COUNTS];
};

/*
 * rates_over - the rates from about `seconds` before NOW until NOW.  A count
 * that went back, which only a master's restart does, has rate 0.
 */
void rates_over(struct rates *rates, const struct history *history,
    const struct history_sample *now, unsigned seconds);

#endif
