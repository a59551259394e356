/* SPDX-License-Identifier: MIT
 *
 * Flushing, measured: the part that the benchmarks flush, cost and targets
 * share.
 */
#ifndef REPORTER_BENCH_FLUSH_BENCH_H
#define REPORTER_BENCH_FLUSH_BENCH_H

#include "bench/bench.h"

/* What was found: medians. */
struct flush_found {
	double rate;  /* rows a second */
	double ratio; /* to LOAD DATA ... REPLACE; NAN: not measured */
	double cost;  /* CPU of reporter to CPU of the database; NAN likewise */
};

/* flush_measure - bring so many keys, all of them changed in each round, to
   the database with so many workers (0: as many as it has). */
struct flush_found flush_measure(
    struct bench *bench, uint64_t keys, uint64_t workers, unsigned rounds);

#endif
