/* SPDX-License-Identifier: MIT
 *
 * The benchmarks absorb and flat: from the socket to the pending table, against
 * the raw sink; with few and many connections and keys; and the memory that
 * each of them takes.
 *
 * With --self the database is away, so that it takes no part.  A round is over
 * when the workers' counters show every record sent in a pending table.
 */
#include "config.h"

#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>

#define ABSORB_ROUNDS 5
#define FLAT_ROUNDS 3
#define SECONDS 1.0
#define KEYS 100000
#define CONNECTIONS 10
#define FLAT_CHUNK 16384 /* bytes that a busy agent writes in one go */

/* A generator that waits less than this share of the time is the limit. */
#define WAITS_MIN 0.05

/* What fewer connections take is lost in what the heap had free. */
#define CONNECTIONS_MIN 1000

enum {
	RATE,
	BYTES,
	SINK_RATE,
	RATIO,
	MASTER,
	WORKERS,
	THROTTLED,
	SINK_CPU,
	WAITS,
	SINK_WAITS
};
static const struct figure figures[] = {
	[RATE] = { "reporter", "records/s", 0, 0 },
	[BYTES] = { "reporter", "B/s", 0, 0 },
	[SINK_RATE] = { "raw sink", "records/s", 0, 0 },
	[RATIO] = { "ratio", "ratio", 0, 0 },
	[MASTER] = { "master", "CPU ns/record", 0, 0 },
	[WORKERS] = { "workers", "CPU ns/record", 0, 0 },
	[THROTTLED] = { "throttled, connections", "times/s", 0, 0 },
	[SINK_CPU] = { "raw sink", "CPU ns/record", 0, 0 },
	[WAITS] = { "generator waits", "ratio", 0, 0 },
	[SINK_WAITS] = { "generator waits, raw sink", "ratio", 0, 0 },
	{ NULL, NULL, 0, 0 },
};

struct absorb_case {
	enum encode_dialect dialect;
	uint64_t keys, connections;
	struct stream stream;
	struct result *result;
	double rate, ratio; /* medians, at the end */
};

static void
absorb_setup(uint64_t keys, uint64_t connections)
{
	site_setup(&(struct setup){ .workers = number_or(&options.workers, 0),
	    .keys = keys,
	    .connections = connections + 16 });
}

/* Send to the reporter, or to the raw sink.  Returns the seconds until all was
   taken. */
static double
case_send(const struct absorb_case *c, bool sink, double seconds,
    uint64_t chunk, struct sent *sent)
{
	bool watched = !sink && watch_workers() > 0;
	struct counts before = { 0 };
	struct generator g;
	struct wait wait = { "the raw sink to read all", 60, 50e-6, 0, 0 };

	if (watched)
		before = watch_counts();
	uint64_t taken = sink ? rawsink_bytes() : before.drained;
	generator_open(
	    &g, sink ? &rawsink.endpoint : &site.reporter, c->connections);
	g.chunk = chunk;
	if (watched)
		watch_wait(AWAIT_ACCEPTED, &before, c->connections);
	if (watched || sink) {
		g.taken = sink ? rawsink_bytes : watch_records;
		g.taken_before = taken;
		g.taken_bytes =
		    sink ? 1
			 : (double)c->stream.length /
			       (double)(c->stream.reports * KEYSET_RESULTS);
	}
	generator_send(&g, &c->stream, seconds, sent);
	if (watched)
		watch_wait(AWAIT_DRAINED, &before, sent->records);
	else if (!sink)
		generator_finish(&g);
	while (sink && wait_more(&wait, taken + sent->bytes - rawsink_bytes()))
		continue;
	double took = clock_now() - sent->began;
	generator_close(&g);
	if (watched)
		watch_wait(AWAIT_CLOSED, &before, c->connections);
	return took;
}

static void
case_round(struct absorb_case *c, double seconds, uint64_t chunk)
{
	struct keyset set = site_keyset(c->keys);
	bool watched = watch_workers() > 0;
	struct counts counts = { 0 };
	struct result *r = c->result;
	struct sent sent, sunk;

	stream_make(&c->stream, c->dialect, &set, site_time());
	if (watched)
		counts = watch_counts();
	struct cpu begin = cpu_read();
	double took = case_send(c, false, seconds, chunk, &sent);
	struct cpu middle = cpu_read();
	double records = (double)sent.records;
	if (watched) {
		result_put(
		    r, MASTER, (middle.master - begin.master) * 1e9 / records);
		result_put(r, WORKERS,
		    (middle.workers - begin.workers) * 1e9 / records);
		result_put(r, THROTTLED,
		    (double)(watch_counts().throttles - counts.throttles) /
			took);
	}
	double sink = case_send(c, true, seconds, chunk, &sunk);
	result_put(r, SINK_CPU,
	    (cpu_read().sink - middle.sink) * 1e9 / (double)sunk.records);
	result_put(r, RATE, records / took);
	result_put(r, BYTES, (double)sent.bytes / took);
	result_put(r, SINK_RATE, (double)sunk.records / sink);
	result_put(r, RATIO, records / took / ((double)sunk.records / sink));
	result_put(r, WAITS, sent.waited / (sent.ended - sent.began));
	result_put(r, SINK_WAITS, sunk.waited / (sunk.ended - sunk.began));
}

static void
case_begin(struct absorb_case *c, const char *bench, uint64_t chunk)
{
	static const char *const names[] = { [ENCODE_NATIVE] = "native",
		[ENCODE_ELB] = "elb",
		[ENCODE_LARS] = "lars" };
	struct result *r = result_new(bench, figures,
	    "%s, %" PRIu64 " keys, %" PRIu64 " connections", names[c->dialect],
	    c->keys, c->connections);

	c->result = r;
	result_word(r, "dialect", names[c->dialect]);
	result_number(r, "keys", (double)c->keys);
	result_number(r, "connections", (double)c->connections);
	result_number(r, "chunk", (double)chunk);
	if (watch_workers() > 0)
		result_number(r, "workers", watch_workers());
}

static void
case_end(struct absorb_case *c)
{
	struct result *r = c->result;

	c->rate = result_median(r, RATE);
	c->ratio = result_median(r, RATIO);
	if (result_median(r, WAITS) < WAITS_MIN)
		result_note(r, "the load generator is the limit here, not the "
			       "server");
	if (result_median(r, SINK_WAITS) < WAITS_MIN)
		result_note(r, "the load generator is the limit at the raw "
			       "sink, which could take more");
	if (watch_workers() == 0)
		result_note(r, "measured until the server had read all, since "
			       "its shared memory is out of reach");
	if (!options.self)
		result_note(r, "the database takes part; the raw sink runs on "
			       "this machine");
	result_end(r);
	stream_free(&c->stream);
}

/* Measure the cases against one another: each round runs all of them. */
static void
cases_run(const char *bench, struct absorb_case *cases, size_t n,
    uint64_t rounds, uint64_t chunk)
{
	double seconds = options.seconds > 0 ? options.seconds : SECONDS;

	rounds = number_or(&options.rounds, rounds);
	chunk = number_or(&options.chunk, chunk);
	for (size_t i = 0; i < n; i++)
		case_begin(&cases[i], bench, chunk);
	for (uint64_t round = 1; round <= rounds; round++) {
		for (size_t i = 0; i < n; i++) {
			progress("%s: round %" PRIu64 " of %" PRIu64
				 ", case %zu of %zu",
			    bench, round, rounds, i + 1, n);
			case_round(&cases[i], seconds, chunk);
		}
	}
	for (size_t i = 0; i < n; i++)
		case_end(&cases[i]);
}

void
absorb_run(void)
{
	uint64_t keys = number_or(&options.keys, KEYS);
	uint64_t connections = number_or(&options.connections, CONNECTIONS);
	struct absorb_case cases[3] = { 0 };
	size_t n = 0;

	for (int dialect = ENCODE_NATIVE; dialect <= ENCODE_LARS; dialect++)
		if (options.dialect_name == NULL ||
		    options.dialect == (unsigned)dialect)
			cases[n++] = (struct absorb_case){
				.dialect = (enum encode_dialect)dialect,
				.keys = keys,
				.connections = connections
			};
	absorb_setup(keys, connections);
	cases_run("absorb", cases, n, ABSORB_ROUNDS, GENERATOR_CHUNK);
}

/* ------------------------------------------------------------------ flat -- */

/* Compare the last case with the first. */
static void
flat_cases(struct absorb_case *cases, size_t n, const char *what)
{
	static const struct figure compared[] = {
		{ "records/s, ratio", "ratio", 1, 0 },
		{ "the same at the raw sink", "ratio", 1, 1 },
		{ NULL, NULL, 0, 0 },
	};
	uint64_t keys = 0, connections = 0;

	for (size_t i = 0; i < n; i++) {
		if (cases[i].keys > keys)
			keys = cases[i].keys;
		if (cases[i].connections > connections)
			connections = cases[i].connections;
	}
	if (n == 0)
		return;
	absorb_setup(keys, connections);
	cases_run("flat", cases, n, FLAT_ROUNDS, FLAT_CHUNK);
	if (n < 2)
		return;
	double ratio = cases[n - 1].rate / cases[0].rate;
	struct result *r = result_new("flat", compared, "max %s to min", what);
	result_put(r, 0, ratio);
	result_put(r, 1, ratio * cases[0].ratio / cases[n - 1].ratio);
	result_end(r);
}

/* How much the master has grown with connections that have reported once and
   are idle now. */
static double
connection_bytes(uint64_t connections)
{
	struct keyset set = site_keyset(connections * KEYSET_RESULTS);
	struct counts before = watch_counts();
	struct stream stream = { 0 };
	pid_t pids[1 + WORKERS_MAX];
	struct generator g;
	struct sent sent;

	watch_pids(pids);
	double bytes = process_private(pids[0]);
	stream_make(&stream, ENCODE_NATIVE, &set, site_time());
	generator_open(&g, &site.reporter, connections);
	generator_send(&g, &stream, 0, &sent);
	watch_wait(AWAIT_DRAINED, &before, sent.records);
	watch_wait(AWAIT_ACCEPTED, &before, connections);
	bytes = process_private(pids[0]) - bytes;
	generator_close(&g);
	stream_free(&stream);
	return bytes / (double)connections;
}

static void
flat_memory(uint64_t connections)
{
	static const struct figure memories[] = {
		{ "an idle connection", "bytes", 1, 0 },
		{ "a key", "bytes", 1, 1 },
		{ NULL, NULL, 0, 0 },
	};
	const char *what;
	uint64_t limit = site_connections(&what);
	double key_bytes;

	if (connections > limit)
		connections = limit;
	absorb_setup(connections * KEYSET_RESULTS, connections);
	if (watch_workers() == 0)
		return;
	struct result *r = result_new(
	    "flat", memories, "memory, %" PRIu64 " connections", connections);
	result_number(r, "connections", (double)connections);
	if (!options.self)
		result_note(r, "an idle connection: requires --self, since the "
			       "heap of one that has run for a while may not "
			       "grow");
	else if (connections < CONNECTIONS_MIN)
		result_note(r, "an idle connection: so few do not make the "
			       "heap grow as they should");
	else
		result_put(r, 0, connection_bytes(connections));
	watch_keys(&key_bytes);
	result_put(r, 1, key_bytes);
	result_end(r);
}

void
flat_run(void)
{
	struct list connections = list_or(
	    &options.connections, (struct list){ 3, { 10, 1000, 10000 } });
	struct list keys = list_or(
	    &options.keys, (struct list){ 3, { 10000, 100000, 1000000 } });
	struct absorb_case cases[LIST_MAX];
	const char *what;
	uint64_t max = 0, limit = site_connections(&what);
	size_t n = 0;

	for (size_t i = 0; i < connections.n; i++) {
		uint64_t c = connections.value[i];

		max = c > max ? c : max;
		if (c <= limit) {
			cases[n++] = (struct absorb_case){ .keys = KEYS,
				.connections = c };
			continue;
		}
		struct result *r =
		    result_new("flat", NULL, "%" PRIu64 " connections", c);
		result_note(r, "left out: %s allows %" PRIu64 " connections",
		    what, limit);
		result_end(r);
	}
	flat_cases(cases, n, "connections");
	for (size_t i = 0; i < keys.n; i++)
		cases[i] = (struct absorb_case){ .keys = keys.value[i],
			.connections = CONNECTIONS };
	flat_cases(cases, keys.n, "keys");
	flat_memory(max);
}
