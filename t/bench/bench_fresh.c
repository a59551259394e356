/* SPDX-License-Identifier: MIT
 *
 * fresh and backlog, with a load at a given rate: one agent that reports a key
 * set over and over.
 *
 * fresh: a probe is a report of a key of its own with a count of calls that the
 * key never had; the table is polled for it.  With flaps, keys of the load
 * change their overload, so does each probe, and the rows written are counted.
 * backlog: the database is stopped
 * (SIGSTOP) while reports come.  They end when it goes on, so that the table
 * can be checked: each row must hold the number of the last pass that reported
 * its key.
 */
#include "config.h"

#include "t/bench/bench.h"
#include "sql/batch.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#define BURST_REPORTS 256 /* of one write at the most */

/* The load.  The pass, from 1, is the count of calls of its records. */
static struct load {
	struct keyset set;
	uint64_t flaps; /* passes until a key's overload changes; 0: never */
	struct pacer pacer;
	struct sender sender;
} load;

/* Each report changes its overload in another pass. */
static void
load_flap(uint64_t number, struct record records[KEYSET_RESULTS])
{
	uint64_t reports = keyset_reports(&load.set);
	uint64_t turn = number % reports + number / reports;

	for (uint32_t i = 0; i < KEYSET_RESULTS; i++)
		records[i].overload = turn / load.flaps % 2;
}

static void
load_report(uint64_t number, uint64_t ts)
{
	uint64_t reports = keyset_reports(&load.set);
	struct record records[KEYSET_RESULTS];

	keyset_report(&load.set, number % reports,
	    (uint32_t)(number / reports + 1), ts, records);
	if (load.flaps > 0)
		load_flap(number, records);
	agent_send(&load.sender, records, KEYSET_RESULTS);
}

static void
load_turn(void)
{
	agent_flush(&load.sender);
}

/* The set is filled in. */
static void
load_start(void)
{
	agent_open(&load.sender, &site.reporter);
	load.pacer.rate = (double)parameter("rate") / KEYSET_RESULTS;
	load.pacer.burst = BURST_REPORTS;
	load.pacer.report = load_report;
	load.pacer.turn = load_turn;
	pacer_start(&load.pacer);
}

/* ----------------------------------------------------------------- fresh -- */

#define PROBE_MODID 200   /* above those of the key set */
#define REFERENCE_CMDID 2 /* of the row of the reference */
#define SUCC_MIN 1000000  /* of the first probe */

static struct sender agent;
static struct record probe;

/* Returns the milliseconds until it was visible. */
static double
probe_run(void)
{
	probe.succ++;
	probe.overload ^= load.flaps > 0;
	return agent_probe(&agent, &probe);
}

/* The reference: such a row, written straight to the database. */
static double
direct_run(void)
{
	double began = clock_now();

	base_run("INSERT INTO %s (" BATCH_COLUMNS ") VALUES (%" PRId32
		 ",%d,%" PRIu32 ",%u,%" PRIu32 ",%" PRIu32 ",%" PRIu32
		 ",%" PRIu64
		 ",'%u') ON DUPLICATE KEY UPDATE succ_cnt = VALUES(succ_cnt), "
		 "err_cnt = VALUES(err_cnt), overload = VALUES(overload), "
		 "ts = VALUES(ts)",
	    base_table, probe.modid, REFERENCE_CMDID, probe.ip, probe.port,
	    probe.caller, probe.succ, probe.err, record_ts(&probe),
	    probe.overload);
	return (clock_now() - began) * 1e3;
}

/* Between two probes is more than flush_interval for a lone report, else any
   part of it, not to keep step with flushes. */
static void
probes_run(int64_t n, bool lone)
{
	double interval =
	    (double)(load.flaps > 0 ? site.settings->urgent_interval
				    : site.settings->flush_interval) /
	    1e3;

	probe_run();
	for (int64_t i = 0; i < n; i++) {
		double part = (double)random() / RAND_MAX;

		if (i % 10 == 0)
			progress("probe %" PRId64 " of %" PRId64, i, n);
		clock_sleep(interval * (lone ? 1.1 + part / 10 : part));
		figure(0, "visible after", "ms", probe_run());
		figure(0, "one INSERT", "ms", direct_run());
	}
}

/* The keys of the load are in the table before, so that all rows are
   updates. */
static void
load_begin(void)
{
	load.pacer.min_ts = site_time();
	base_prepare(&load.set, load.pacer.min_ts - 60);
	base_load();
	load_start();
	clock_sleep((load.flaps > 0 ? (double)keyset_reports(&load.set) /
					  load.pacer.rate
				    : 0) +
		    2e-3 * (double)site.settings->flush_interval);
}

/* Probes as above, over whole flush_intervals: how many rows are written. */
static void
flaps_run(int64_t n)
{
	double interval = (double)site.settings->flush_interval / 1e3;
	uint64_t rows = watch_rows(), drained = watch_drained();
	double began = clock_now();

	probes_run(n, false);
	clock_sleep(interval - fmod(clock_now() - began, interval));
	figure(0, "rows per record", "ratio",
	    (double)(watch_rows() - rows) /
		(double)(watch_drained() - drained));
}

void
fresh_run(void)
{
	load.set = site_keyset((uint64_t)parameter("keys"));
	bool lone = parameter("rate") <= 0;
	if (parameter("flaps") > 0)
		load.flaps = 1 + (uint64_t)(60e3 * (double)parameter("rate") /
					    (double)parameter("flaps") /
					    (double)load.set.keys);
	probe = (struct record){ .modid = load.set.base + PROBE_MODID,
		.cmdid = 1,
		.ip = 1,
		.port = 1,
		.caller = 1,
		.succ = SUCC_MIN };
	fact("interval_ms",
	    json_integer((json_int_t)site.settings->flush_interval));
	agent_open(&agent, &site.reporter);
	if (!lone)
		load_begin();
	if (load.flaps > 0)
		flaps_run(parameter("samples"));
	else
		probes_run(parameter("samples"), lone);
	if (!lone)
		figure(0, "rate of the load", "records/s",
		    pacer_stop(&load.pacer) * KEYSET_RESULTS);
}

/* --------------------------------------------------------------- backlog -- */

static void
table_check(void)
{
	uint64_t rows, sum = keyset_sum(&load.set, load.pacer.sent, &rows);
	int64_t found = base_number(0, "SELECT COUNT(*) FROM %s", base_table);
	int64_t found_sum =
	    base_number(0, "SELECT SUM(succ_cnt) FROM %s", base_table);

	if ((uint64_t)found != rows || (uint64_t)found_sum != sum)
		fail("invalid table: %" PRId64 " rows, sum %" PRId64
		     ", instead of %" PRIu64 ", %" PRIu64,
		    found, found_sum, rows, sum);
}

static void
backlog_round(pid_t database)
{
	struct counts before = watch_counts();

	base_run("TRUNCATE TABLE %s", base_table);
	load.pacer.min_ts = site_time();
	if (kill(database, SIGSTOP) < 0)
		fail("cannot stop the database: %m");
	load_start();
	clock_sleep((double)parameter("away_ms") / 1e3);
	pacer_stop(&load.pacer);
	watch_wait(AWAIT_DRAINED, &before, load.pacer.sent * KEYSET_RESULTS);
	uint64_t pending = watch_counts().pending;
	double began = clock_now();
	kill(database, SIGCONT);
	watch_wait(AWAIT_SETTLED, &before, 0);
	double took = clock_now() - began;
	sender_close(&load.sender);
	table_check();

	/* The reference: as many rows. */
	struct keyset set = load.set;
	set.keys = pending / KEYSET_RESULTS * KEYSET_RESULTS;
	base_prepare(&set, site_time());
	began = clock_now();
	if (!base_load())
		fail("database: %s", base_error());
	double direct = clock_now() - began;
	figure(0, "keys pending then", "", (double)pending);
	figure(0, "until the table is current", "s", took);
	figure(0, "LOAD DATA of as many rows", "s", direct);
	figure(0, "ratio", "ratio", took / direct);
}

void
backlog_run(void)
{
	uint64_t rounds = (uint64_t)parameter("rounds");

	load.set = site_keyset((uint64_t)parameter("keys"));
	for (uint64_t round = 1; round <= rounds; round++) {
		progress("round %" PRIu64 " of %" PRIu64, round, rounds);
		backlog_round((pid_t)parameter("database"));
	}
}
