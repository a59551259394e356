/* SPDX-License-Identifier: MIT
 *
 * Absorbing, measured: the part that the benchmarks absorb, flat and targets
 * share.
 */
#ifndef REPORTER_BENCH_ABSORB_H
#define REPORTER_BENCH_ABSORB_H

#include "bench/bench.h"

/* One case, and what was found: medians. */
struct absorb_case {
	enum encode_dialect dialect;
	uint64_t keys, connections;
	uint64_t chunk; /* bytes of one write */
	double rate;    /* records a second */
	double ratio;   /* to the raw sink, same bytes */
};

/*
 * absorb_cases - measure the cases against one another: each round runs all of
 * them, each once at the server and once at the raw sink.  The site has been
 * set up.  bench_name: whose results they are.
 */
void absorb_cases(struct bench *bench, const char *bench_name,
    struct absorb_case *cases, size_t n, unsigned rounds, double seconds);

/* absorb_setup - set up the site for so many keys and connections. */
void absorb_setup(struct bench *bench, uint64_t keys, uint64_t connections);

#endif
