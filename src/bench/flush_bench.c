/* SPDX-License-Identifier: MIT
 *
 * The benchmarks flush and cost: from the pending table to the database,
 * against LOAD DATA LOCAL INFILE ... REPLACE of the same rows on one
 * connection.  Main thread; failures are fatal.
 *
 * One round: the table is locked, so that a flush has to wait; every key is
 * sent with a newer ts; when all of them are pending the lock is given up, and
 * the time begins.  It ends when nothing is pending.  Then the table must hold
 * exactly the rows of this round.  The reference brings the same rows, with a
 * ts newer still, in the order of the primary key; the two take turns at being
 * first.
 */
#include "config.h"

#include "bench/flush_bench.h"

#include "bench/fail.h"
#include "bench/results.h"
#include "bench/site.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5
#define CONNECTIONS 10
#define COST_KEYS 300000

/* flush_interval, ms: so short that no figure holds any of it. */
#define INTERVAL 10

/* Figures of each round. */
struct figures {
	double *rows, *load, *ratio; /* rows a second, and their ratio */
	double *master, *workers, *database; /* CPU seconds a million rows */
	double *load_database, *cost;
};

struct flushing {
	struct bench *bench;
	struct site *site;
	struct base *base;
	struct keyset set;
	struct stream stream;
	bool locks;        /* the database user may lock the table */
	bool loads;        /* and run LOAD DATA */
	char refusal[256]; /* why not */
};

/* ------------------------------------------------------------------ CPU --- */

struct cpu {
	double master, workers, database;
};

static struct cpu
cpu_read(struct site *site)
{
	pid_t pids[1 + WORKERS_MAX];
	unsigned n = watch_pids(&site->watch, pids);
	struct cpu cpu = { .master = process_cpu(pids[0]), .database = NAN };

	for (unsigned i = 1; i < n; i++)
		cpu.workers += process_cpu(pids[i]);
	if (site->self != NULL)
		cpu.database = process_cpu(site->self->database);
	return cpu;
}

/* ---------------------------------------------------------------- rounds -- */

static void
round_reporter(struct flushing *f, struct figures *figures, unsigned round)
{
	struct site *site = f->site;
	uint64_t ts = site_time(site);
	double millions = (double)f->set.keys / 1e6;
	struct generator g;
	struct sent sent;

	stream_make(&f->stream, ENCODE_NATIVE, &f->set, ts);
	generator_open(&g, "reporter", site->host, site->port, CONNECTIONS);
	base_rest(f->base);
	struct counts before = watch_counts(&site->watch);
	struct cpu used = cpu_read(site);
	if (f->locks)
		base_run(f->base, "LOCK TABLES %s WRITE", f->base->table);
	double began = clock_now();
	generator_send(&g, &f->stream, 0, &sent);
	watch_drained(&site->watch, &before, f->set.keys);
	if (f->locks) {
		began = clock_now();
		base_run(f->base, "UNLOCK TABLES");
	}
	watch_settled(&site->watch, &before);
	double took = clock_now() - began;
	struct cpu after = cpu_read(site);
	generator_close(&g);
	base_check(f->base, &f->set, ts, site->self != NULL);

	double reporter =
	    after.master - used.master + after.workers - used.workers;
	figures->rows[round] = (double)f->set.keys / took;
	figures->master[round] = (after.master - used.master) / millions;
	figures->workers[round] = (after.workers - used.workers) / millions;
	figures->database[round] = (after.database - used.database) / millions;
	figures->cost[round] = reporter / (after.database - used.database);
}

static void
round_load(struct flushing *f, struct figures *figures, unsigned round)
{
	struct site *site = f->site;
	uint64_t ts = site_time(site);

	base_prepare(f->base, &f->set, ts);
	base_rest(f->base);
	struct cpu used = cpu_read(site);
	double began = clock_now();
	f->loads = base_load(f->base);
	double took = clock_now() - began;
	if (!f->loads) {
		snprintf(
		    f->refusal, sizeof(f->refusal), "%s", base_error(f->base));
		return;
	}
	figures->load[round] = (double)f->set.keys / took;
	figures->load_database[round] =
	    (cpu_read(site).database - used.database) /
	    ((double)f->set.keys / 1e6);
	base_check(f->base, &f->set, ts, site->self != NULL);
}

/* Fill the table and warm everything up; find out what we may do. */
static void
flushing_prepare(struct flushing *f, struct figures *figures)
{
	f->locks = base_may(f->base, "LOCK TABLES %s WRITE", f->base->table);
	if (f->locks)
		base_run(f->base, "UNLOCK TABLES");
	round_load(f, figures, 0);
	round_reporter(f, figures, 0);
}

/* --------------------------------------------------------------- figures -- */

static struct figures
figures_open(unsigned rounds)
{
	double *v = memory(8 * (size_t)rounds, sizeof(*v));

	return (struct figures){ v, v + rounds, v + 2 * rounds, v + 3 * rounds,
		v + 4 * rounds, v + 5 * rounds, v + 6 * rounds,
		v + 7 * rounds };
}

static struct flush_found
flushing_results(struct flushing *f, struct figures *figures, unsigned rounds)
{
	struct results *r = f->bench->results;
	struct flush_found found = { .ratio = NAN, .cost = NAN };
	bool own = f->site->self != NULL;
	const char *unit = "CPU s/M rows";

	results_begin(r, "flush", "%" PRIu64 " keys, %u worker%s", f->set.keys,
	    f->site->watch.workers, f->site->watch.workers == 1 ? "" : "s");
	results_parameter(r, "keys", (double)f->set.keys);
	results_parameter(r, "workers", f->site->watch.workers);
	found.rate =
	    results_series(r, "reporter", "rows/s", figures->rows, rounds);
	if (f->loads) {
		results_series(r, "LOAD DATA", "rows/s", figures->load, rounds);
		found.ratio =
		    results_series(r, "ratio", "ratio", figures->ratio, rounds);
	} else {
		results_note(r, "no reference, LOAD DATA: %s", f->refusal);
	}
	results_series(r, "master", unit, figures->master, rounds);
	results_series(r, "workers", unit, figures->workers, rounds);
	if (own) {
		results_series(r, "database", unit, figures->database, rounds);
		results_series(r, "database, LOAD DATA", unit,
		    figures->load_database, rounds);
		found.cost = results_series(
		    r, "reporter / database", "ratio", figures->cost, rounds);
	}
	if (!own)
		results_note(r, "a wait of up to flush_interval may be in it");
	if (!f->locks)
		results_note(r, "the table cannot be locked by this user: "
				"timed from the first byte sent");
	results_end(r);
	return found;
}

struct flush_found
flush_measure(
    struct bench *bench, uint64_t keys, uint64_t workers, unsigned rounds)
{
	struct setup setup = { .workers = workers,
		.keys = keys,
		.connections = CONNECTIONS + 16,
		.interval_ms = INTERVAL,
		.database = true };
	struct flushing f = { .bench = bench, .site = bench->site };
	struct figures figures = figures_open(rounds);

	progress("flush: %" PRIu64 " keys: setting up", keys);
	site_setup(bench->site, &setup);
	f.set = site_keyset(bench->site, keys);
	f.base = site_base(bench->site);
	flushing_prepare(&f, &figures);
	for (unsigned round = 0; round < rounds; round++) {
		progress("flush: %" PRIu64 " keys, %u workers: round %u of %u",
		    keys, bench->site->watch.workers, round + 1, rounds);
		if (round % 2 == 1 && f.loads)
			round_load(&f, &figures, round);
		round_reporter(&f, &figures, round);
		if (round % 2 == 0 && f.loads)
			round_load(&f, &figures, round);
		figures.ratio[round] =
		    figures.rows[round] / figures.load[round];
	}
	struct flush_found found = flushing_results(&f, &figures, rounds);
	stream_free(&f.stream);
	free(figures.rows);
	return found;
}

/* ----------------------------------------------------------- the benches -- */

void
flush_run(struct bench *bench)
{
	const struct options *o = bench->options;
	const uint64_t all_keys[] = { 10000, 100000, 1000000 };
	const uint64_t all_workers[] = { 1, 2, 4 };
	const uint64_t as_they_are[] = { 0 };
	struct list keys = list_or(&o->keys, 3, all_keys);
	struct list workers =
	    bench->site->self != NULL
		? list_or(&o->workers, 3, all_workers)
		: list_or(&(struct list){ 0 }, 1, as_they_are);

	for (size_t k = 0; k < keys.n; k++)
		for (size_t w = 0; w < workers.n; w++)
			flush_measure(bench, keys.value[k], workers.value[w],
			    bench_rounds(bench, ROUNDS));
}

void
cost_run(struct bench *bench)
{
	const struct options *o = bench->options;

	flush_measure(bench, o->keys.n > 0 ? o->keys.value[0] : COST_KEYS,
	    o->workers.n > 0 ? o->workers.value[0] : 1,
	    bench_rounds(bench, ROUNDS));
}
