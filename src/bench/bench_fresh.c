/* SPDX-License-Identifier: MIT
 *
 * The benchmarks fresh and backlog, with a load at a given rate: one agent that
 * reports a key set over and over from a thread of its own, the pacer.
 *
 * fresh: a probe is a report of a key of its own with a count of calls that the
 * key never had; the table is polled for it.  backlog: the database is stopped
 * (SIGSTOP) while reports come.  They end when it goes on, so that the table
 * can be checked: each row must hold the number of the last pass that reported
 * its key.
 */
#include "config.h"

#include "bench/bench.h"
#include "sql/batch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEYS 100000
#define RATE 20000
#define INTERVAL 100 /* flush_interval with --self, ms */
#define RATE_REACHED 0.95

/* ----------------------------------------------------------------- pacer -- */

#define TURN 2e-3         /* seconds between two writes */
#define BURST_REPORTS 256 /* of one write at the most */

/* The pass, from 1, is the count of calls of its records. */
static struct pacer {
	struct keyset set;
	double rate;     /* records a second */
	uint64_t min_ts; /* no record is older */
	uint64_t sent;   /* reports; valid when the thread has ended */
	double began, ended;
	_Atomic bool stop;
	pthread_t thread;
	struct sender sender;
} pacer;

/* Send n records, or only buffer them. */
static void
agent_send(
    struct sender *sender, const struct record *records, size_t n, bool flush)
{
	bool good = true;

	for (size_t i = 0; good && i < n; i++)
		good = sender_add(sender, &records[i]);
	if (!good || (flush && !sender_flush(sender)))
		fail("connection to reporter lost: %s", sender->error);
}

static void *
pacer_main(void *arg)
{
	uint64_t reports = keyset_reports(&pacer.set);
	struct record records[KEYSET_RESULTS];

	(void)arg;
	pacer.began = clock_now();
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
			agent_send(
			    &pacer.sender, records, KEYSET_RESULTS, false);
		}
		agent_send(&pacer.sender, NULL, 0, true);
		clock_sleep(TURN);
	}
	pacer.ended = clock_now();
	return NULL;
}

/* set, rate and min_ts are filled in. */
static void
pacer_start(void)
{
	pacer.sent = 0;
	atomic_store(&pacer.stop, false);
	agent_open(&pacer.sender, &site.reporter);
	if (pthread_create(&pacer.thread, NULL, pacer_main, NULL) != 0)
		fail("cannot create a thread");
}

/* Returns the rate that was reached.  The connection stays open. */
static double
pacer_stop(void)
{
	atomic_store(&pacer.stop, true);
	pthread_join(pacer.thread, NULL);
	return (double)(pacer.sent * KEYSET_RESULTS) /
	       (pacer.ended - pacer.began);
}

/* ----------------------------------------------------------------- fresh -- */

#define SAMPLES 1000      /* the 99.9th percentile requires so many */
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
	agent_send(&agent, &probe, 1, true);
	while (wait_more(
	    &wait, base_number(-1,
		       "SELECT succ_cnt FROM %s WHERE modid = %" PRId32
		       " AND cmdid = %" PRId32 " AND ip = %" PRIu32
		       " AND port = %u AND caller = %" PRIu32,
		       base_table, probe.modid, probe.cmdid, probe.ip,
		       probe.port, probe.caller) != (int64_t)probe.succ))
		continue;
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

enum {
	SEEN,
	DIRECT = 4,
	REACHED = 6
};
static const struct figure fresh_figures[] = {
	[SEEN] = { "50 % visible after", "ms", 0.5, SEEN },
	{ "99 %", "ms", 0.99, SEEN },
	{ "99.9 %", "ms", 0.999, SEEN },
	{ "all", "ms", 1, SEEN },
	[DIRECT] = { "one INSERT, 50 %", "ms", 0.5, DIRECT },
	{ "one INSERT, 99 %", "ms", 0.99, DIRECT },
	[REACHED] = { "rate of the load", "records/s", 1, REACHED },
	{ NULL, NULL, 0, 0 },
};

/* Measure n probes.  Between two of them is more than flush_interval for a lone
   report, else any part of it, not to keep step with flushes. */
static void
probes_run(struct result *r, uint64_t rate, double interval, uint64_t n)
{
	probe_run();
	for (uint64_t i = 0; i < n; i++) {
		double part = (double)random() / RAND_MAX;

		if (i % 10 == 0)
			progress("fresh: probe %" PRIu64 " of %" PRIu64, i, n);
		clock_sleep(interval * (rate == 0 ? 1.1 + part / 10 : part));
		result_put(r, SEEN, probe_run());
		result_put(r, DIRECT, direct_run());
	}
	if (!quantile_backed(n, 0.999))
		result_note(r,
		    "%" PRIu64 " samples; a percentile that no sample lies "
		    "beyond is not shown",
		    n);
}

static void
load_start(uint64_t rate, double interval)
{
	pacer.rate = (double)rate;
	/* The keys are in the table before, so that all rows are updates. */
	pacer.min_ts = site_time();
	base_prepare(&pacer.set, pacer.min_ts - 60);
	base_load();
	pacer_start();
	clock_sleep(2 * interval);
}

static void
fresh_measure(uint64_t rate)
{
	uint64_t samples = number_or(&options.samples, SAMPLES);
	uint64_t keys = number_or(&options.keys, KEYS);
	char text[48];
	struct setup setup = { .connections = 16,
		.interval_ms = number_or(&options.interval, INTERVAL),
		/* Our own tables are at most half full. */
		.keys = options.self ? 2 * keys
			: rate != 0  ? keys
				     : 1,
		.database = true };

	progress("fresh: setting up");
	site_setup(&setup);
	double interval_ms = (double)site.settings->flush_interval;
	pacer.set = site_keyset(keys);
	probe = (struct record){ .modid = pacer.set.base + PROBE_MODID,
		.cmdid = 1,
		.ip = 1,
		.port = 1,
		.caller = 1,
		.succ = SUCC_MIN };
	agent_open(&agent, &site.reporter);
	if (rate == 0)
		snprintf(text, sizeof(text), "a lone report");
	else
		snprintf(text, sizeof(text), "at %" PRIu64 " records/s", rate);
	struct result *r = result_new("fresh", fresh_figures,
	    "%s, flush_interval %.0f ms", text, interval_ms);
	result_number(r, "rate", (double)rate);
	result_number(r, "interval_ms", interval_ms);
	result_number(r, "samples", (double)samples);
	if (rate != 0) {
		result_number(r, "keys", (double)pacer.set.keys);
		load_start(rate, interval_ms / 1e3);
	}
	probes_run(r, rate, interval_ms / 1e3, samples);
	if (rate != 0) {
		double reached = pacer_stop();

		sender_close(&pacer.sender);
		result_put(r, REACHED, reached);
		if (reached < RATE_REACHED * pacer.rate)
			result_note(r, "the given rate was not reached");
	}
	sender_close(&agent);
	result_end(r);
}

void
fresh_run(void)
{
	struct list rates =
	    list_or(&options.rate, (struct list){ 1, { RATE } });

	fresh_measure(0);
	for (size_t i = 0; i < rates.n; i++)
		fresh_measure(rates.value[i]);
}

/* --------------------------------------------------------------- backlog -- */

#define ROUNDS 3
#define AWAY 10.0 /* seconds */

enum {
	PENDING,
	CAUGHT_UP,
	LOAD,
	RATIO
};
static const struct figure backlog_figures[] = {
	[PENDING] = { "keys pending then", "", 0, 0 },
	[CAUGHT_UP] = { "until the table is current", "s", 0, 0 },
	[LOAD] = { "LOAD DATA of as many rows", "s", 0, 0 },
	[RATIO] = { "ratio", "ratio", 0, 0 },
	{ NULL, NULL, 0, 0 },
};

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

/* Returns whether the rate was reached. */
static bool
backlog_round(struct result *r, double away)
{
	struct counts before = watch_counts();

	base_run("TRUNCATE TABLE %s", base_table);
	pacer.min_ts = site_time();
	if (kill(own_database(), SIGSTOP) < 0)
		fail("cannot stop the database: %m");
	pacer_start();
	clock_sleep(away);
	double reached = pacer_stop();
	watch_wait(AWAIT_DRAINED, &before, pacer.sent * KEYSET_RESULTS);
	uint64_t pending = watch_counts().pending;
	double began = clock_now();
	kill(own_database(), SIGCONT);
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
	result_put(r, PENDING, (double)pending);
	result_put(r, CAUGHT_UP, took);
	result_put(r, LOAD, load);
	result_put(r, RATIO, took / load);
	return reached >= RATE_REACHED * pacer.rate;
}

void
backlog_run(void)
{
	uint64_t rounds = number_or(&options.rounds, ROUNDS);
	double away = options.away > 0 ? options.away : AWAY;
	struct setup setup = { .workers = number_or(&options.workers, 0),
		.keys = number_or(&options.keys, KEYS),
		.connections = 16,
		.interval_ms = number_or(&options.interval, INTERVAL),
		.database = true };
	bool reached = true;

	progress("backlog: setting up");
	site_setup(&setup);
	pacer.set = site_keyset(setup.keys);
	pacer.rate = (double)number_or(&options.rate, RATE);
	struct result *r = result_new("backlog", backlog_figures,
	    "%g s away, %.0f records/s, %" PRIu64
	    " keys, flush_interval %" PRIu64 " ms",
	    away, pacer.rate, pacer.set.keys, setup.interval_ms);
	result_number(r, "keys", (double)pacer.set.keys);
	result_number(r, "interval_ms", (double)setup.interval_ms);
	result_number(r, "workers", watch_workers());
	result_number(r, "rate", pacer.rate);
	result_number(r, "away_s", away);
	for (uint64_t round = 1; round <= rounds; round++) {
		progress(
		    "backlog: round %" PRIu64 " of %" PRIu64, round, rounds);
		reached = backlog_round(r, away) && reached;
	}
	if (!reached)
		result_note(r, "the given rate was not reached");
	result_end(r);
}
