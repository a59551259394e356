/* SPDX-License-Identifier: MIT
 *
 * How flat the figures stay: the part that the benchmarks flat and targets
 * share.
 */
#ifndef REPORTER_BENCH_FLAT_H
#define REPORTER_BENCH_FLAT_H

#include "bench/bench.h"

/* flat_connections - absorb with each of these numbers of connections.
   Returns the rate of the last to that of the first, NAN when one of them
   cannot be had here. */
double flat_connections(struct bench *bench, const struct list *connections,
    unsigned rounds, double seconds);

/* flat_keys - absorb with each of these numbers of keys; likewise. */
double flat_keys(struct bench *bench, const struct list *keys, unsigned rounds,
    double seconds);

/* flat_memory - bytes of an idle connection and of a key.  NAN when they
   cannot be had. */
void flat_memory(
    struct bench *bench, uint64_t connections, double *connection, double *key);

#endif
