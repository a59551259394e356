/* SPDX-License-Identifier: MIT
 *
 * The benchmark backlog: the database is stopped (SIGSTOP) while reports come
 * at a given rate; then the time until the table is right.  Needs a database
 * of one's own.  Main thread, beside the pacer's; failures are fatal.
 *
 * Reports end when the database goes on, so that "right" can be checked: each
 * row must hold the number of the last pass that reported its key.
 */
#include "config.h"

#include "bench/bench.h"

#include "bench/fail.h"
#include "bench/pacer.h"
#include "bench/results.h"
#include "bench/site.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>

#define ROUNDS 3
#define KEYS 100000
#define RATE 20000
#define AWAY 10.0 /* seconds */
#define RATE_REACHED 0.95

struct backlog {
	struct bench *bench;
	struct site *site;
	struct base *base;
	struct pacer pacer;
	double away;
	double *seconds, *rows, *load, *ratio; /* of each round */
	bool reached;                          /* the rate, in every round */
};

static void
table_right(struct backlog *b)
{
	uint64_t rows, sum = keyset_sum(&b->pacer.set, b->pacer.sent, &rows);
	int64_t found_rows =
	    base_number(b->base, 0, "SELECT COUNT(*) FROM %s", b->base->table);
	int64_t found_sum = base_number(
	    b->base, 0, "SELECT SUM(succ_cnt) FROM %s", b->base->table);

	if ((uint64_t)found_rows != rows || (uint64_t)found_sum != sum)
		fail("the table is wrong: %" PRId64 " rows, sum %" PRId64
		     ", instead of %" PRIu64 ", %" PRIu64,
		    found_rows, found_sum, rows, sum);
}

/* The reference: as many rows with LOAD DATA. */
static double
load_seconds(struct backlog *b, uint64_t rows)
{
	struct keyset set = b->pacer.set;

	set.keys = rows;
	base_prepare(b->base, &set, site_time(b->site));
	double began = clock_now();
	if (!base_load(b->base))
		fail("database: %s", base_error(b->base));
	return clock_now() - began;
}

static void
backlog_round(struct backlog *b, unsigned round)
{
	struct site *site = b->site;
	pid_t database = site->self->database;
	struct counts before = watch_counts(&site->watch);

	base_run(b->base, "TRUNCATE TABLE %s", b->base->table);
	b->pacer.min_ts = site_time(site);
	if (kill(database, SIGSTOP) < 0)
		fail("the database cannot be stopped");
	pacer_start(&b->pacer, site->host, site->port);
	clock_sleep(b->away);
	double reached = pacer_stop(&b->pacer);
	watch_drained(&site->watch, &before, b->pacer.sent * KEYSET_RESULTS);
	struct counts away = watch_counts(&site->watch);
	double began = clock_now();
	kill(database, SIGCONT);
	watch_settled(&site->watch, &before);
	b->seconds[round] = clock_now() - began;
	pacer_close(&b->pacer);
	table_right(b);

	/* Both sides have the same number of rows to write. */
	b->rows[round] = (double)away.pending;
	b->load[round] =
	    load_seconds(b, away.pending / KEYSET_RESULTS * KEYSET_RESULTS);
	b->ratio[round] = b->seconds[round] / b->load[round];
	b->reached = b->reached && reached >= RATE_REACHED * b->pacer.rate;
}

static void
backlog_results(struct backlog *b, unsigned rounds)
{
	struct results *r = b->bench->results;

	results_begin(r, "backlog",
	    "%g s away, %.0f records/s, %" PRIu64
	    " keys, flush_interval %" PRIu64 " ms",
	    b->away, b->pacer.rate, b->pacer.set.keys,
	    b->bench->options->interval_ms);
	results_parameter(r, "keys", (double)b->pacer.set.keys);
	results_parameter(
	    r, "interval_ms", (double)b->bench->options->interval_ms);
	results_parameter(r, "workers", b->site->watch.workers);
	results_parameter(r, "rate", b->pacer.rate);
	results_parameter(r, "away_s", b->away);
	results_series(r, "keys pending then", "", b->rows, rounds);
	results_series(r, "until the table is right", "s", b->seconds, rounds);
	results_series(r, "LOAD DATA of as many rows", "s", b->load, rounds);
	results_series(r, "ratio", "ratio", b->ratio, rounds);
	if (!b->reached)
		results_note(r, "the given rate was not reached");
	results_end(r);
}

void
backlog_run(struct bench *bench)
{
	const struct options *o = bench->options;
	unsigned rounds = bench_rounds(bench, ROUNDS);
	struct backlog b = { .bench = bench,
		.site = bench->site,
		.away = o->away > 0 ? o->away : AWAY,
		.reached = true };
	struct setup setup = {
		.workers = o->workers.n > 0 ? o->workers.value[0] : 0,
		.keys = o->keys.n > 0 ? o->keys.value[0] : KEYS,
		.connections = 16,
		.interval_ms = o->interval_ms,
		.database = true,
	};
	double *values = memory(4 * (size_t)rounds, sizeof(*values));

	progress("backlog: setting up");
	site_setup(b.site, &setup);
	b.base = site_base(b.site);
	b.seconds = values;
	b.rows = values + rounds;
	b.load = b.rows + rounds;
	b.ratio = b.load + rounds;
	b.pacer.set = site_keyset(b.site, setup.keys);
	b.pacer.rate = (double)(o->rate.n > 0 ? o->rate.value[0] : RATE);
	for (unsigned round = 0; round < rounds; round++) {
		progress("backlog: round %u of %u", round + 1, rounds);
		backlog_round(&b, round);
	}
	backlog_results(&b, rounds);
	free(values);
}
