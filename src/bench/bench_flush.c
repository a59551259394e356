/* SPDX-License-Identifier: MIT
 *
 * The benchmarks flush and cost: from the pending table to the database,
 * against LOAD DATA LOCAL INFILE ... REPLACE of the same rows on one
 * connection.
 *
 * One round: the table is locked, so that a flush has to wait; every key is
 * sent with a newer ts; when all of them are pending the lock is released, and
 * the time begins.  It ends when nothing is pending.  Then the table must hold
 * exactly the rows of this round.  The reference writes the same rows, with a
 * ts newer still, in the order of the primary key; the two take turns at being
 * first.
 */
#include "config.h"

#include "bench/bench.h"

#define ROUNDS 5
#define CONNECTIONS 10
#define COST_KEYS 300000
#define INTERVAL 10 /* flush_interval, ms: no figure holds any of it */

enum {
	ROWS,
	LOAD,
	RATIO,
	MASTER,
	WORKERS,
	DATABASE,
	LOAD_DATABASE,
	COST
};
static const struct figure figures[] = {
	[ROWS] = { "reporter", "rows/s", 0, 0 },
	[LOAD] = { "LOAD DATA", "rows/s", 0, 0 },
	[RATIO] = { "ratio", "ratio", 0, 0 },
	[MASTER] = { "master", "CPU s/M rows", 0, 0 },
	[WORKERS] = { "workers", "CPU s/M rows", 0, 0 },
	[DATABASE] = { "database", "CPU s/M rows", 0, 0 },
	[LOAD_DATABASE] = { "database, LOAD DATA", "CPU s/M rows", 0, 0 },
	[COST] = { "reporter / database", "ratio", 0, 0 },
	{ NULL, NULL, 0, 0 },
};

static bool locks, loads; /* what the database user may do */

/* Returns rows a second.  r NULL: to warm up. */
static double
round_reporter(
    struct result *r, const struct keyset *set, struct stream *stream)
{
	uint64_t ts = site_time();
	double millions = (double)set->keys / 1e6;
	struct generator g;
	struct sent sent;

	stream_make(stream, ENCODE_NATIVE, set, ts);
	generator_open(&g, &site.reporter, CONNECTIONS);
	base_rest();
	struct counts before = watch_counts();
	struct cpu used = cpu_read();
	if (locks)
		base_run("LOCK TABLES %s WRITE", base_table);
	double began = clock_now();
	generator_send(&g, stream, 0, &sent);
	watch_wait(AWAIT_DRAINED, &before, set->keys);
	if (locks) {
		began = clock_now();
		base_run("UNLOCK TABLES");
	}
	watch_wait(AWAIT_SETTLED, &before, 0);
	double rate = (double)set->keys / (clock_now() - began);
	struct cpu after = cpu_read();
	generator_close(&g);
	base_check(set, ts);

	double master = after.master - used.master;
	double workers = after.workers - used.workers;
	double database = after.database - used.database;
	result_put(r, ROWS, rate);
	result_put(r, MASTER, master / millions);
	result_put(r, WORKERS, workers / millions);
	if (options.self) {
		result_put(r, DATABASE, database / millions);
		result_put(r, COST, (master + workers) / database);
	}
	return rate;
}

static double
round_load(struct result *r, const struct keyset *set)
{
	uint64_t ts = site_time();

	base_prepare(set, ts);
	base_rest();
	struct cpu used = cpu_read();
	double began = clock_now();
	loads = base_load();
	double rate = (double)set->keys / (clock_now() - began);
	if (!loads)
		return 0;
	result_put(r, LOAD, rate);
	if (options.self)
		result_put(r, LOAD_DATABASE,
		    (cpu_read().database - used.database) /
			((double)set->keys / 1e6));
	base_check(set, ts);
	return rate;
}

static void
flush_measure(uint64_t keys, uint64_t workers)
{
	uint64_t rounds = number_or(&options.rounds, ROUNDS);
	struct setup setup = { .workers = workers,
		.keys = keys,
		.connections = CONNECTIONS + 16,
		.interval_ms = INTERVAL,
		.database = true };
	struct keyset set = site_keyset(keys);
	struct stream stream = { 0 };
	double load = 0;

	progress("flush: %" PRIu64 " keys: setting up", keys);
	site_setup(&setup);
	workers = watch_workers();
	struct result *r = result_new("flush", figures,
	    "%" PRIu64 " keys, %" PRIu64 " worker%s", set.keys, workers,
	    workers == 1 ? "" : "s");
	result_number(r, "keys", (double)set.keys);
	result_number(r, "workers", (double)workers);
	locks = base_may("LOCK TABLES %s WRITE", base_table);
	if (locks)
		base_run("UNLOCK TABLES");
	round_load(NULL, &set);
	if (!loads)
		result_note(r, "no reference, LOAD DATA: %s", base_error());
	round_reporter(NULL, &set, &stream);
	for (uint64_t round = 1; round <= rounds; round++) {
		progress("flush: %" PRIu64 " keys, %" PRIu64
			 " workers: round %" PRIu64 " of %" PRIu64,
		    keys, workers, round, rounds);
		if (round % 2 == 0 && loads)
			load = round_load(r, &set);
		double rate = round_reporter(r, &set, &stream);
		if (round % 2 == 1 && loads)
			load = round_load(r, &set);
		if (loads)
			result_put(r, RATIO, rate / load);
	}
	if (!options.self)
		result_note(
		    r, "a wait of up to flush_interval may be included");
	if (!locks)
		result_note(r, "this user cannot lock the table: timed from "
			       "the first byte sent");
	result_end(r);
	stream_free(&stream);
}

void
flush_run(void)
{
	const struct list three = { 3, { 1, 2, 4 } }, as_it_is = { 1, { 0 } };
	struct list keys = list_or(
	    &options.keys, (struct list){ 3, { 10000, 100000, 1000000 } });
	struct list workers =
	    options.self ? list_or(&options.workers, three) : as_it_is;

	for (size_t k = 0; k < keys.n; k++)
		for (size_t w = 0; w < workers.n; w++)
			flush_measure(keys.value[k], workers.value[w]);
}

void
cost_run(void)
{
	flush_measure(number_or(&options.keys, COST_KEYS),
	    number_or(&options.workers, 1));
}
