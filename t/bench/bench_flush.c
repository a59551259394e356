/* SPDX-License-Identifier: MIT
 *
 * From the pending table to the database, against LOAD DATA LOCAL INFILE ...
 * REPLACE of the same rows on one connection.
 *
 * One round: the table is locked, so that a flush has to wait; every key is
 * sent with a newer ts; when all of them are pending the lock is released, and
 * the time begins.  It ends when nothing is pending.  Then the table must hold
 * exactly the rows of this round.  The reference writes the same rows, with a
 * ts newer still, in the order of the primary key; the two take turns at being
 * first.
 */
#include "config.h"

#include "t/bench/bench.h"

#define CONNECTIONS 10

static bool locks, loads; /* what the database user may do */

/* Returns rows a second.  warm_up: nothing is kept. */
static double
round_reporter(bool warm_up, const struct keyset *set, struct stream *stream)
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
	if (warm_up)
		return rate;

	double master = after.master - used.master;
	double workers = after.workers - used.workers;
	double database = after.database - used.database;
	figure(0, "reporter", "rows/s", rate);
	figure(0, "master", "CPU s/M rows", master / millions);
	figure(0, "workers", "CPU s/M rows", workers / millions);
	if (site_self()) {
		figure(0, "database", "CPU s/M rows", database / millions);
		figure(0, "reporter / database", "ratio",
		    (master + workers) / database);
	}
	return rate;
}

static double
round_load(bool warm_up, const struct keyset *set)
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
	if (!warm_up)
		figure(0, "LOAD DATA", "rows/s", rate);
	if (!warm_up && site_self())
		figure(0, "database, LOAD DATA", "CPU s/M rows",
		    (cpu_read().database - used.database) /
			((double)set->keys / 1e6));
	base_check(set, ts);
	return rate;
}

void
flush_run(void)
{
	uint64_t rounds = (uint64_t)parameter("rounds");
	struct keyset set = site_keyset((uint64_t)parameter("keys"));
	struct stream stream = { 0 };
	double load = 0;

	locks = base_try("LOCK TABLES %s WRITE", base_table);
	if (locks)
		base_run("UNLOCK TABLES");
	else
		note(0, "this user cannot lock the table: timed from the first "
			"byte sent");
	round_load(true, &set);
	if (!loads)
		note(0, "no reference, LOAD DATA: %s", base_error());
	round_reporter(true, &set, &stream);
	for (uint64_t round = 1; round <= rounds; round++) {
		progress("round %" PRIu64 " of %" PRIu64, round, rounds);
		if (round % 2 == 0 && loads)
			load = round_load(false, &set);
		double rate = round_reporter(false, &set, &stream);
		if (round % 2 == 1 && loads)
			load = round_load(false, &set);
		if (loads)
			figure(0, "ratio", "ratio", rate / load);
	}
	stream_free(&stream);
}
