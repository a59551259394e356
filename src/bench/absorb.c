/* SPDX-License-Identifier: MIT
 *
 * The benchmark absorb: from the socket to the pending table, against the raw
 * sink.  Owns its streams and figures.  Main thread; failures are fatal.
 *
 * With --self the database is away, so that it takes no part: what is measured
 * is how fast the master and the workers bring records to shared memory.  A
 * round is over when the workers' counters say that every record sent stands
 * in a pending table.
 */
#include "config.h"

#include "bench/absorb.h"

#include "bench/fail.h"
#include "bench/process.h"
#include "bench/results.h"
#include "bench/site.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define ROUNDS 5
#define SECONDS 1.0
#define KEYS 100000
#define CONNECTIONS 10

/* A generator that waits less than this share of the time is the limit. */
#define WAITS_LEAST 0.05

/* Figures of one case, a value for each round. */
struct series {
	struct stream stream;
	double *rate, *bytes, *sink, *ratio, *waits, *sink_waits;
	double *master, *workers, *reader; /* CPU, nanoseconds a record */
	double *throttles;                 /* a second */
};

void
absorb_setup(struct bench *bench, uint64_t keys, uint64_t connections)
{
	const struct options *o = bench->options;
	struct setup setup = {
		.workers = o->workers.n > 0 ? o->workers.value[0] : 0,
		.keys = keys,
		.connections = connections + 16,
	};

	site_setup(bench->site, &setup);
}

/* ------------------------------------------------------------ one run ----- */

/* CPU seconds of the processes that read. */
struct cpu {
	double master, workers, sink;
};

static struct cpu
cpu_read(const struct site *site)
{
	struct cpu cpu = { .sink = process_cpu(site->sink.pid) };
	pid_t pids[1 + WORKERS_MAX];

	if (!site_watched(site))
		return cpu;
	unsigned n = watch_pids(&site->watch, pids);
	cpu.master = process_cpu(pids[0]);
	for (unsigned i = 1; i < n; i++)
		cpu.workers += process_cpu(pids[i]);
	return cpu;
}

static uint64_t
site_throttles(const struct site *site)
{
	return site_watched(site) ? watch_counts(&site->watch).throttles : 0;
}

/* What the other end has taken of a stream. */
struct taking {
	const struct site *site;
	uint64_t before;
	double bytes; /* of one record */
};

static double
server_taken(void *arg)
{
	const struct taking *t = arg;

	return (double)(watch_records(&t->site->watch) - t->before) * t->bytes;
}

static double
sink_taken(void *arg)
{
	const struct taking *t = arg;

	return (double)(rawsink_bytes(&t->site->sink) - t->before);
}

/* Send to the server; returns the seconds until all was absorbed. */
static double
run_server(struct site *site, const struct absorb_case *c,
    const struct stream *stream, double seconds, struct sent *sent)
{
	struct generator g;
	struct counts before = { 0 };

	if (site_watched(site))
		before = watch_counts(&site->watch);
	generator_open(&g, "reporter", site->host, site->port, c->connections);
	g.chunk = c->chunk;
	struct taking taking = { site, before.drained,
		(double)stream->length /
		    (double)(stream->reports * KEYSET_RESULTS) };
	if (site_watched(site)) {
		watch_accepted(&site->watch, &before, c->connections);
		g.taken = server_taken;
		g.taken_arg = &taking;
	}
	generator_send(&g, stream, seconds, sent);
	if (site_watched(site))
		watch_drained(&site->watch, &before, sent->records);
	else
		generator_finish(&g);
	double took = clock_now() - sent->began;
	generator_close(&g);
	if (site_watched(site))
		watch_closed(&site->watch, &before, c->connections);
	return took;
}

static double
run_sink(struct site *site, const struct absorb_case *c,
    const struct stream *stream, double seconds, struct sent *sent)
{
	struct generator g;
	uint64_t before = rawsink_bytes(&site->sink);

	generator_open(
	    &g, "the raw sink", "127.0.0.1", site->sink.port, c->connections);
	struct taking taking = { .site = site, .before = before };
	g.chunk = c->chunk;
	g.taken = sink_taken;
	g.taken_arg = &taking;
	generator_send(&g, stream, seconds, sent);
	rawsink_wait(&site->sink, before + sent->bytes);
	double took = clock_now() - sent->began;
	generator_close(&g);
	return took;
}

static void
case_round(struct bench *bench, const struct absorb_case *c,
    struct series *series, unsigned round, double seconds)
{
	struct keyset set = site_keyset(bench->site, c->keys);
	struct sent sent, sunk;

	stream_make(&series->stream, c->dialect, &set, site_time(bench->site));
	struct cpu begin = cpu_read(bench->site);
	uint64_t throttles = site_throttles(bench->site);
	double took =
	    run_server(bench->site, c, &series->stream, seconds, &sent);
	struct cpu middle = cpu_read(bench->site);
	series->throttles[round] =
	    (double)(site_throttles(bench->site) - throttles) / took;
	double sink = run_sink(bench->site, c, &series->stream, seconds, &sunk);

	struct cpu end = cpu_read(bench->site);
	double records = (double)sent.records / 1e9;

	series->master[round] = (middle.master - begin.master) / records;
	series->workers[round] = (middle.workers - begin.workers) / records;
	series->reader[round] =
	    (end.sink - middle.sink) / ((double)sunk.records / 1e9);
	series->rate[round] = (double)sent.records / took;
	series->bytes[round] = (double)sent.bytes / took;
	series->sink[round] = (double)sunk.records / sink;
	series->ratio[round] = series->rate[round] / series->sink[round];
	series->waits[round] = sent.waited / (sent.ended - sent.began);
	series->sink_waits[round] = sunk.waited / (sunk.ended - sunk.began);
}

/* -------------------------------------------------------------- figures --- */

static const char *
dialect_name(enum encode_dialect dialect)
{
	static const char *const names[] = { [ENCODE_NATIVE] = "native",
		[ENCODE_ELB] = "elb",
		[ENCODE_LARS] = "lars" };

	return names[dialect];
}

static void
case_results(struct bench *bench, const char *bench_name, struct absorb_case *c,
    struct series *s, unsigned rounds)
{
	struct results *r = bench->results;
	struct site *site = bench->site;

	results_begin(r, bench_name,
	    "%s, %" PRIu64 " keys, %" PRIu64 " connections",
	    dialect_name(c->dialect), c->keys, c->connections);
	results_word(r, "dialect", dialect_name(c->dialect));
	results_parameter(r, "keys", (double)c->keys);
	results_parameter(r, "connections", (double)c->connections);
	results_parameter(r, "chunk", (double)c->chunk);
	if (site_watched(site))
		results_parameter(r, "workers", site->watch.workers);
	c->rate = results_series(r, "reporter", "records/s", s->rate, rounds);
	results_series(r, "reporter", "B/s", s->bytes, rounds);
	results_series(r, "raw sink", "records/s", s->sink, rounds);
	c->ratio = results_series(r, "ratio", "ratio", s->ratio, rounds);
	if (site_watched(site)) {
		results_series(r, "master", "CPU ns/record", s->master, rounds);
		results_series(
		    r, "workers", "CPU ns/record", s->workers, rounds);
		results_series(r, "throttled, connections", "times/s",
		    s->throttles, rounds);
	}
	results_series(r, "raw sink", "CPU ns/record", s->reader, rounds);
	double waits =
	    results_series(r, "generator waits", "ratio", s->waits, rounds);
	if (waits < WAITS_LEAST)
		results_note(r, "the load generator is the limit here, not "
				"the server");
	waits = results_series(
	    r, "generator waits, raw sink", "ratio", s->sink_waits, rounds);
	if (waits < WAITS_LEAST)
		results_note(r, "the load generator is the limit at the raw "
				"sink, which could take more");
	if (!site_watched(site))
		results_note(r, "measured until the server had read all, "
				"since its shared memory is out of reach");
	if (site->self == NULL)
		results_note(r, "the database takes part; the raw sink runs "
				"on this machine");
	results_end(r);
}

static void
series_open(struct series *s, unsigned rounds)
{
	double *values = memory(10 * (size_t)rounds, sizeof(*values));

	*s = (struct series){ .rate = values };
	s->bytes = values + rounds;
	s->sink = s->bytes + rounds;
	s->ratio = s->sink + rounds;
	s->waits = s->ratio + rounds;
	s->master = s->waits + rounds;
	s->workers = s->master + rounds;
	s->reader = s->workers + rounds;
	s->throttles = s->reader + rounds;
	s->sink_waits = s->throttles + rounds;
}

static void
series_close(struct series *s)
{
	stream_free(&s->stream);
	free(s->rate);
}

void
absorb_cases(struct bench *bench, const char *bench_name,
    struct absorb_case *cases, size_t n, unsigned rounds, double seconds)
{
	struct series *series = memory(n, sizeof(*series));

	for (size_t i = 0; i < n; i++)
		series_open(&series[i], rounds);
	for (unsigned round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n; i++) {
			progress("%s: round %u of %u, case %zu of %zu",
			    bench_name, round + 1, rounds, i + 1, n);
			case_round(
			    bench, &cases[i], &series[i], round, seconds);
		}
	}
	for (size_t i = 0; i < n; i++) {
		case_results(bench, bench_name, &cases[i], &series[i], rounds);
		series_close(&series[i]);
	}
	free(series);
}

/* ------------------------------------------------------------ the bench --- */

void
absorb_run(struct bench *bench)
{
	const struct options *o = bench->options;
	const uint64_t keys[] = { KEYS }, connections[] = { CONNECTIONS };
	struct list k = list_or(&o->keys, 1, keys);
	struct list c = list_or(&o->connections, 1, connections);
	struct absorb_case cases[3];
	size_t n = 0;

	for (int dialect = ENCODE_NATIVE; dialect <= ENCODE_LARS; dialect++)
		if (!o->dialect_given || o->dialect == (unsigned)dialect)
			cases[n++] = (struct absorb_case){
				.dialect = (enum encode_dialect)dialect,
				.keys = k.value[0],
				.connections = c.value[0],
				.chunk = bench_chunk(bench, GENERATOR_CHUNK),
			};
	absorb_setup(bench, k.value[0], c.value[0]);
	absorb_cases(bench, "absorb", cases, n, bench_rounds(bench, ROUNDS),
	    bench_seconds(bench, SECONDS));
}
