/* SPDX-License-Identifier: MIT
 *
 * The benchmark fresh: how long it takes from sending a report until its row
 * is visible to another connection.  Main thread, beside the pacer's; failures
 * are fatal.
 *
 * A probe is a report of a key of its own with a count of calls that the key
 * never had; the table is polled for it on a connection of its own, with a
 * short pause between two looks, which is the figures' resolution.  A lone
 * report is one that comes after a time longer than flush_interval without
 * any.
 */
#include "config.h"

#include "bench/fresh.h"

#include "bench/fail.h"
#include "bench/pacer.h"
#include "bench/quantile.h"
#include "bench/results.h"
#include "bench/site.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAMPLES 1000 /* the 99.9th percentile needs so many */
#define RATE 20000
#define KEYS 100000
#define PAUSE 200e-6       /* seconds between two looks at the table */
#define PATIENCE 60        /* seconds until a probe counts as lost */
#define PROBE_MODID 200    /* above those of the key set */
#define REFERENCE_CMDID 2  /* of the row of the reference */
#define SUCC_LEAST 1000000 /* of the first probe */
#define RATE_REACHED 0.95

struct fresh {
	struct bench *bench;
	struct site *site;
	struct base *base;
	struct pacer pacer;
	struct record probe;
	uint64_t rate, keys;
	int fd;                  /* of the agent that sends probes */
	double interval;         /* flush_interval, seconds */
	double *values, *direct; /* milliseconds, one for each sample */
};

/* ---------------------------------------------------------------- probes -- */

static void
probe_send(struct fresh *f)
{
	uint8_t bytes[ENCODE_REPORT_MAX];
	size_t n = encode_report(ENCODE_NATIVE, &f->probe, 1, bytes);

	if (send(f->fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail("reporter: connection lost: %s", strerror(errno));
}

static bool
probe_visible(struct fresh *f)
{
	return base_number(f->base, -1,
		   "SELECT succ_cnt FROM %s WHERE modid = %" PRId32
		   " AND cmdid = %" PRId32 " AND ip = %" PRIu32
		   " AND port = %u AND caller = %" PRIu32,
		   f->base->table, f->probe.modid, f->probe.cmdid, f->probe.ip,
		   f->probe.port, f->probe.caller) == (int64_t)f->probe.succ;
}

/* Returns the milliseconds until it was visible. */
static double
probe_run(struct fresh *f)
{
	double began = clock_now(), now;

	f->probe.succ++;
	probe_send(f);
	while (!probe_visible(f)) {
		clock_sleep(PAUSE);
		if (clock_now() - began > PATIENCE)
			fail("a report was not visible after %d seconds",
			    PATIENCE);
	}
	now = clock_now();
	return (now - began) * 1e3;
}

/* The reference: the same row, written straight to the database. */
static double
direct_run(struct fresh *f)
{
	struct record row = f->probe;
	double began = clock_now();

	row.cmdid = REFERENCE_CMDID;
	base_upsert(f->base, &row);
	return (clock_now() - began) * 1e3;
}

/* Between two probes: longer than flush_interval for a lone report, else any
   part of it, so that probes do not keep step with flushes. */
static void
probe_pause(const struct fresh *f)
{
	double part = (double)random() / RAND_MAX;

	clock_sleep(f->interval * (f->rate == 0 ? 1.1 + part / 10 : part));
}

/* ------------------------------------------------------------- the load --- */

static void
load_start(struct fresh *f)
{
	if (f->rate == 0)
		return;
	f->pacer.set = site_keyset(f->site, f->keys);
	f->pacer.rate = (double)f->rate;
	/* The keys stand in the table before, so that all rows are updates. */
	base_prepare(f->base, &f->pacer.set, site_time(f->site) - 60);
	base_load(f->base);
	f->pacer.min_ts = f->site->ts;
	pacer_start(&f->pacer, f->site->host, f->site->port);
	clock_sleep(2 * f->interval);
}

static void
load_stop(struct fresh *f)
{
	if (f->rate == 0)
		return;
	double reached = pacer_stop(&f->pacer);
	pacer_close(&f->pacer);
	results_value(
	    f->bench->results, "rate of the load", "records/s", reached);
	if (reached < RATE_REACHED * (double)f->rate)
		results_note(
		    f->bench->results, "the given rate was not reached");
}

/* --------------------------------------------------------------- figures -- */

static double
quantile_result(struct fresh *f, const char *name, const double *values,
    unsigned n, double q)
{
	double value = quantile_of(values, n, q);

	if (!quantile_backed(n, q))
		value = NAN;
	results_value(f->bench->results, name, "ms", value);
	return value;
}

static double
fresh_results(struct fresh *f, unsigned samples)
{
	values_sort(f->values, samples);
	values_sort(f->direct, samples);
	quantile_result(f, "50 % visible after", f->values, samples, 0.5);
	double found = quantile_result(f, "99 %", f->values, samples, 0.99);
	quantile_result(f, "99.9 %", f->values, samples, 0.999);
	results_value(f->bench->results, "all", "ms", f->values[samples - 1]);
	quantile_result(f, "one INSERT, 50 %", f->direct, samples, 0.5);
	quantile_result(f, "one INSERT, 99 %", f->direct, samples, 0.99);
	if (!quantile_backed(samples, 0.999))
		results_note(f->bench->results,
		    "%u samples; a percentile that no sample lies beyond is "
		    "not shown",
		    samples);
	return found;
}

static void
fresh_open(struct fresh *f)
{
	const struct list *keys = &f->bench->options->keys;
	struct setup setup = { .connections = 16,
		.interval_ms = f->bench->options->interval_ms,
		.database = true };

	f->keys = keys->n > 0 ? keys->value[0] : KEYS;
	/* Of our own the tables are at most half full. */
	if (f->site->self != NULL)
		setup.keys = 2 * f->keys;
	else
		setup.keys = f->rate != 0 ? f->keys : 1;
	progress("fresh: setting up");
	site_setup(f->site, &setup);
	f->base = site_base(f->site);
	f->interval = (double)f->site->settings->flush_interval / 1e3;
	f->probe = (struct record){
		.modid = site_keyset(f->site, 0).base + PROBE_MODID,
		.cmdid = 1,
		.ip = 1,
		.port = 1,
		.caller = 1,
		.succ = SUCC_LEAST,
	};
	f->fd = link_connect("reporter", f->site->host, f->site->port);
}

double
fresh_measure(
    struct bench *bench, uint64_t rate, unsigned samples, double *interval_ms)
{
	struct fresh f = { .bench = bench, .site = bench->site, .rate = rate };

	fresh_open(&f);
	f.values = memory(samples, sizeof(*f.values));
	f.direct = memory(samples, sizeof(*f.direct));
	load_start(&f);
	probe_run(&f);
	for (unsigned i = 0; i < samples; i++) {
		if (i % 10 == 0)
			progress("fresh: probe %u of %u", i, samples);
		probe_pause(&f);
		f.values[i] = probe_run(&f);
		f.direct[i] = direct_run(&f);
	}
	*interval_ms = f.interval * 1e3;
	if (rate == 0)
		results_begin(bench->results, "fresh",
		    "a lone report, flush_interval %.0f ms", *interval_ms);
	else
		results_begin(bench->results, "fresh",
		    "at %" PRIu64 " records/s, flush_interval %.0f ms", rate,
		    *interval_ms);
	results_parameter(bench->results, "rate", (double)rate);
	results_parameter(bench->results, "interval_ms", *interval_ms);
	if (rate != 0)
		results_parameter(
		    bench->results, "keys", (double)f.pacer.set.keys);
	results_parameter(bench->results, "samples", samples);
	double found = fresh_results(&f, samples);
	load_stop(&f);
	results_end(bench->results);
	close(f.fd);
	free(f.values);
	free(f.direct);
	return found;
}

/* ------------------------------------------------------------ the bench --- */

void
fresh_run(struct bench *bench)
{
	const struct options *o = bench->options;
	const uint64_t rates[] = { RATE };
	struct list rate = list_or(&o->rate, 1, rates);
	unsigned samples = o->samples != 0 ? o->samples : SAMPLES;
	double interval_ms;

	fresh_measure(bench, 0, samples, &interval_ms);
	for (size_t i = 0; i < rate.n; i++)
		fresh_measure(bench, rate.value[i], samples, &interval_ms);
}
