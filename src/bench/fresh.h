/* SPDX-License-Identifier: MIT
 *
 * Freshness, measured: the part that the benchmarks fresh and targets share.
 */
#ifndef REPORTER_BENCH_FRESH_H
#define REPORTER_BENCH_FRESH_H

#include "bench/bench.h"

/* fresh_measure - send single reports and see when each is visible in the
   table, while others come at this rate (records a second, 0: none).
   Returns the 99th percentile in milliseconds; *interval_ms: set to the
   flush_interval in force. */
double fresh_measure(
    struct bench *bench, uint64_t rate, unsigned samples, double *interval_ms);

#endif
