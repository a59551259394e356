/* SPDX-License-Identifier: MIT
 *
 * Measuring what the targets ask for.  Needs servers of one's own.  Main
 * thread; failures are fatal.
 */
#include "config.h"

#include "bench/absorb.h"
#include "bench/flat.h"
#include "bench/flush_bench.h"
#include "bench/fresh.h"
#include "bench/goal.h"
#include "bench/results.h"
#include "bench/site.h"

#include <math.h>

#define RATE 20000

/* How much is measured: all of it, or a share that a machine that builds and
   tests can afford. */
struct extent {
	uint64_t flush_keys;
	unsigned rounds, samples;
	double seconds; /* of one run of absorb */
};

static const struct extent whole = { 300000, 5, 200, 1.0 };
static const struct extent brief = { 100000, 3, 100, 0.2 };

static void
targets_flush(struct bench *bench, const struct extent *extent, unsigned rounds)
{
	struct flush_found one =
	    flush_measure(bench, extent->flush_keys, 1, rounds);
	struct flush_found two =
	    flush_measure(bench, extent->flush_keys, 2, rounds);

	bench->goal[GOAL_FLUSH_ONE] = one.ratio;
	bench->goal[GOAL_FLUSH_TWO] = two.ratio;
	/* The dearer of the two. */
	bench->goal[GOAL_COST] = fmax(one.cost, two.cost);
}

static void
targets_absorb(struct bench *bench, unsigned rounds, double seconds)
{
	const struct list connections = { 2, { 10, 10000 } };
	const struct list keys = { 2, { 10000, 1000000 } };
	struct absorb_case native = { .keys = 100000,
		.connections = 10,
		.chunk = bench_chunk(bench, GENERATOR_CHUNK) };

	absorb_setup(bench, native.keys, native.connections);
	absorb_cases(bench, "absorb", &native, 1, rounds, seconds);
	bench->goal[GOAL_ABSORB] = native.ratio;
	bench->goal[GOAL_CONNECTIONS] =
	    flat_connections(bench, &connections, rounds, seconds);
	bench->goal[GOAL_KEYS] = flat_keys(bench, &keys, rounds, seconds);
	flat_memory(bench, 10000, &bench->goal[GOAL_CONNECTION],
	    &bench->goal[GOAL_KEY]);
}

static void
targets_fresh(struct bench *bench, unsigned samples)
{
	double interval_ms;

	bench->goal[GOAL_LONE] = fresh_measure(bench, 0, samples, &interval_ms);
	bench->goal[GOAL_RATE] =
	    fresh_measure(bench, RATE, samples, &interval_ms) - interval_ms;
}

void
targets_run(struct bench *bench)
{
	const struct options *o = bench->options;
	const struct extent *extent = o->brief ? &brief : &whole;
	unsigned rounds = bench_rounds(bench, extent->rounds);

	targets_flush(bench, extent, rounds);
	targets_absorb(bench, rounds, bench_seconds(bench, extent->seconds));
	targets_fresh(bench, o->samples != 0 ? o->samples : extent->samples);
	bench->judged = true;
	for (int i = 0; i < GOALS; i++) {
		const struct goal_row *row = &goal_table[i];
		struct goal_line line = { row->number, row->text, row->unit,
			row->at_most, row->bound, bench->goal[i],
			goal_met(row, bench->goal[i]) };

		results_goal(bench->results, &line);
	}
}
