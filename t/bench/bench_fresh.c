/* SPDX-License-Identifier: MIT
 *
 * fresh and backlog, with a load at a given rate: one agent that
 * reports a key set over and over from a thread of its own, the pacer.
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
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define RATE_REACHED 0.95

/* ----------------------------------------------------------------- pacer -- */

#define TURN 2e-3         /* seconds between two writes */
#define BURST_REPORTS 256 /* of one write at the most */

/* The pass, from 1, is the count of calls of its records. */
static struct pacer {
	struct keyset set;
	double rate;     /* records a second */
	uint64_t flaps;  /* passes until a key's overload changes; 0: never */
	uint64_t min_ts; /* no record is older */
	uint64_t sent;   /* reports; valid when the thread has ended */
	double began;
	_Atomic bool stop;
	pthread_t thread;
	struct sender sender;
} pacer;

static void
send_records(struct sender *sender, const struct record *records, size_t n)
{
	bool good = true;

	for (size_t i = 0; good && i < n; i++)
		good = sender_add(sender, &records[i]);
	if (!good)
		fail("connection to reporter lost: %s", sender->error);
}

static void
send_now(struct sender *sender)
{
	if (!sender_flush(sender))
		fail("connection to reporter lost: %s", sender->error);
}

/* Each report changes its overload in another pass. */
static void
pacer_flap(struct record records[KEYSET_RESULTS])
{
	uint64_t reports = keyset_reports(&pacer.set);
	uint64_t turn = pacer.sent % reports + pacer.sent / reports;

	for (uint32_t i = 0; i < KEYSET_RESULTS; i++)
		records[i].overload = turn / pacer.flaps % 2;
}

static void *
pacer_main(void *arg)
{
	uint64_t reports = keyset_reports(&pacer.set);
	struct record records[KEYSET_RESULTS];

	while (!atomic_load(&pacer.stop)) {
		double past = clock_now() - pacer.began;
		uint64_t due = (uint64_t)(past * pacer.rate / KEYSET_RESULTS);
		uint64_t ts = (uint64_t)time(NULL);

		if (due > pacer.sent + BURST_REPORTS)
			due = pacer.sent + BURST_REPORTS;
		if (ts < pacer.min_ts)
			ts = pacer.min_ts;
		for (; pacer.sent < due; pacer.sent++) {
			keyset_report(&pacer.set, pacer.sent % reports,
			    (uint32_t)(pacer.sent / reports + 1), ts, records);
			if (pacer.flaps > 0)
				pacer_flap(records);
			send_records(&pacer.sender, records, KEYSET_RESULTS);
		}
		send_now(&pacer.sender);
		clock_sleep(TURN);
	}
	return arg;
}

/* set, rate and min_ts are filled in. */
static void
pacer_start(void)
{
	pacer.sent = 0;
	atomic_store(&pacer.stop, false);
	agent_open(&pacer.sender, &site.reporter);
	pacer.began = clock_now();
	if (pthread_create(&pacer.thread, NULL, pacer_main, NULL) != 0)
		fail("cannot create a thread");
}

/* Returns the rate that was reached.  The connection stays open. */
static double
pacer_stop(void)
{
	atomic_store(&pacer.stop, true);
	pthread_join(pacer.thread, NULL);
	double reached =
	    (double)(pacer.sent * KEYSET_RESULTS) / (clock_now() - pacer.began);
	if (reached < RATE_REACHED * pacer.rate)
		note(0, "the given rate was not reached");
	return reached;
}

/* ----------------------------------------------------------------- fresh -- */

#define PAUSE 200e-6      /* seconds between two polls */
#define PROBE_MODID 200   /* above those of the key set */
#define REFERENCE_CMDID 2 /* of the row of the reference */
#define SUCC_MIN 1000000  /* of the first probe */

static struct sender agent;
static struct record probe;

/* Returns the milliseconds until it was visible. */
static double
probe_run(void)
{
	struct wait wait = { "a report to be visible", 60, PAUSE, 0, 0 };
	double began = clock_now();

	probe.succ++;
	probe.overload ^= pacer.flaps > 0;
	send_records(&agent, &probe, 1);
	send_now(&agent);
	while (wait_more(
	    &wait, base_number(-1,
		       "SELECT succ_cnt FROM %s WHERE modid = %" PRId32
		       " AND cmdid = %" PRId32 " AND ip = %" PRIu32
		       " AND port = %u AND caller = %" PRIu32,
		       base_table, probe.modid, probe.cmdid, probe.ip,
		       probe.port, probe.caller) != (int64_t)probe.succ))
		watch_check();
	return (clock_now() - began) * 1e3;
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
	    (double)(pacer.flaps > 0 ? site.settings->urgent_interval
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
load_start(void)
{
	pacer.min_ts = site_time();
	base_prepare(&pacer.set, pacer.min_ts - 60);
	base_load();
	pacer_start();
	clock_sleep(
	    (pacer.flaps > 0 ? (double)pacer.set.keys / pacer.rate : 0) +
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
	pacer.set = site_keyset((uint64_t)parameter("keys"));
	pacer.rate = (double)parameter("rate"); /* 0: lone reports */
	bool lone = pacer.rate <= 0;
	if (parameter("flaps") > 0)
		pacer.flaps = 1 + (uint64_t)(60e3 * pacer.rate /
					     (double)parameter("flaps") /
					     (double)pacer.set.keys);
	probe = (struct record){ .modid = pacer.set.base + PROBE_MODID,
		.cmdid = 1,
		.ip = 1,
		.port = 1,
		.caller = 1,
		.succ = SUCC_MIN };
	fact("interval_ms",
	    json_integer((json_int_t)site.settings->flush_interval));
	agent_open(&agent, &site.reporter);
	if (!lone)
		load_start();
	if (pacer.flaps > 0)
		flaps_run(parameter("samples"));
	else
		probes_run(parameter("samples"), lone);
	if (!lone)
		figure(0, "rate of the load", "records/s", pacer_stop());
}

/* --------------------------------------------------------------- backlog -- */

static void
table_check(void)
{
	uint64_t rows, sum = keyset_sum(&pacer.set, pacer.sent, &rows);
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
	pacer.min_ts = site_time();
	if (kill(database, SIGSTOP) < 0)
		fail("cannot stop the database: %m");
	pacer_start();
	clock_sleep((double)parameter("away_ms") / 1e3);
	pacer_stop();
	watch_wait(AWAIT_DRAINED, &before, pacer.sent * KEYSET_RESULTS);
	uint64_t pending = watch_counts().pending;
	double began = clock_now();
	kill(database, SIGCONT);
	watch_wait(AWAIT_SETTLED, &before, 0);
	double took = clock_now() - began;
	sender_close(&pacer.sender);
	table_check();

	/* The reference: as many rows. */
	struct keyset set = pacer.set;
	set.keys = pending / KEYSET_RESULTS * KEYSET_RESULTS;
	base_prepare(&set, site_time());
	began = clock_now();
	if (!base_load())
		fail("database: %s", base_error());
	double load = clock_now() - began;
	figure(0, "keys pending then", "", (double)pending);
	figure(0, "until the table is current", "s", took);
	figure(0, "LOAD DATA of as many rows", "s", load);
	figure(0, "ratio", "ratio", took / load);
}

void
backlog_run(void)
{
	uint64_t rounds = (uint64_t)parameter("rounds");

	pacer.set = site_keyset((uint64_t)parameter("keys"));
	pacer.rate = (double)parameter("rate");
	for (uint64_t round = 1; round <= rounds; round++) {
		progress("round %" PRIu64 " of %" PRIu64, round, rounds);
		backlog_round((pid_t)parameter("database"));
	}
}
