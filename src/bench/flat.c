/* SPDX-License-Identifier: MIT
 *
 * The benchmark flat: absorbing with few and many connections and keys, and
 * the memory that each of them takes.  Main thread; failures are fatal.
 */
#include "config.h"

#include "bench/flat.h"

#include "bench/absorb.h"
#include "bench/fail.h"
#include "bench/results.h"
#include "bench/site.h"

#include <inttypes.h>
#include <math.h>

#define ROUNDS 3
#define SECONDS 1.0
#define KEYS 100000
#define CONNECTIONS 10

/* What fewer connections take is lost in pages and in what the heap had free.
 */
#define CONNECTIONS_LEAST 1000

/* Bytes of one write: what an agent with many services sends in one go. */
#define CHUNK 16384

static uint64_t
list_max(const struct list *list)
{
	uint64_t max = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->value[i] > max)
			max = list->value[i];
	return max;
}

/* Whether so many connections can be opened here; says so if not. */
static bool
connections_possible(struct bench *bench, uint64_t connections)
{
	const char *what;
	uint64_t limit = site_connections(bench->site, &what);

	if (connections <= limit)
		return true;
	results_begin(
	    bench->results, "flat", "%" PRIu64 " connections", connections);
	results_note(bench->results,
	    "left out: %s allows %" PRIu64 " connections", what, limit);
	results_end(bench->results);
	return false;
}

static double
last_to_first(struct bench *bench, const struct absorb_case *cases, size_t n,
    size_t wanted, const char *what)
{
	if (n < 2)
		return NAN;
	double ratio = cases[n - 1].rate / cases[0].rate;

	results_begin(bench->results, "flat", "most %s to fewest", what);
	results_value(bench->results, "records/s, ratio", "ratio", ratio);
	results_value(bench->results, "the same at the raw sink", "ratio",
	    ratio * cases[0].ratio / cases[n - 1].ratio);
	results_end(bench->results);
	return n == wanted ? ratio : NAN;
}

double
flat_connections(struct bench *bench, const struct list *connections,
    unsigned rounds, double seconds)
{
	struct absorb_case cases[LIST_MAX];
	uint64_t max = 0;
	size_t n = 0;

	for (size_t i = 0; i < connections->n; i++) {
		uint64_t c = connections->value[i];

		if (!connections_possible(bench, c))
			continue;
		cases[n++] = (struct absorb_case){
			.keys = KEYS,
			.connections = c,
			.chunk = bench_chunk(bench, CHUNK),
		};
		max = c > max ? c : max;
	}
	if (n == 0)
		return NAN;
	absorb_setup(bench, KEYS, max);
	absorb_cases(bench, "flat", cases, n, rounds, seconds);
	return last_to_first(bench, cases, n, connections->n, "connections");
}

double
flat_keys(struct bench *bench, const struct list *keys, unsigned rounds,
    double seconds)
{
	struct absorb_case cases[LIST_MAX];

	for (size_t i = 0; i < keys->n; i++)
		cases[i] = (struct absorb_case){
			.keys = keys->value[i],
			.connections = CONNECTIONS,
			.chunk = bench_chunk(bench, CHUNK),
		};
	absorb_setup(bench, list_max(keys), CONNECTIONS);
	absorb_cases(bench, "flat", cases, keys->n, rounds, seconds);
	return last_to_first(bench, cases, keys->n, keys->n, "keys");
}

/* --------------------------------------------------------------- memory --- */

/* How much the master has grown with so many connections that have reported
   once and are idle now. */
static double
connection_bytes(struct site *site, uint64_t connections)
{
	struct keyset set = site_keyset(site, connections * KEYSET_RESULTS);
	struct stream stream = { 0 };
	pid_t pids[1 + WORKERS_MAX];
	struct generator g;
	struct sent sent;
	struct counts before = watch_counts(&site->watch);

	watch_pids(&site->watch, pids);
	uint64_t min = process_private(pids[0]);
	stream_make(&stream, ENCODE_NATIVE, &set, site_time(site));
	generator_open(&g, "reporter", site->host, site->port, connections);
	generator_send(&g, &stream, 0, &sent);
	watch_drained(&site->watch, &before, sent.records);
	watch_accepted(&site->watch, &before, connections);
	uint64_t max = process_private(pids[0]);
	generator_close(&g);
	stream_free(&stream);
	return ((double)max - (double)min) / (double)connections;
}

void
flat_memory(
    struct bench *bench, uint64_t connections, double *connection, double *key)
{
	struct site *site = bench->site;

	const char *what;
	uint64_t limit = site_connections(site, &what);

	*connection = *key = NAN;
	if (connections > limit)
		connections = limit;
	absorb_setup(bench, connections * KEYSET_RESULTS, connections);
	if (!site_watched(site))
		return;
	results_begin(bench->results, "flat", "memory, %" PRIu64 " connections",
	    connections);
	results_parameter(bench->results, "connections", (double)connections);
	if (site->self != NULL && connections < CONNECTIONS_LEAST) {
		results_note(bench->results,
		    "an idle connection: so few do not make the heap grow as "
		    "they should");
	} else if (site->self != NULL) {
		*connection = connection_bytes(site, connections);
		results_value(
		    bench->results, "an idle connection", "bytes", *connection);
	} else {
		results_note(bench->results,
		    "an idle connection: needs --self, since the heap of one "
		    "that has run for a while may not grow");
	}
	*key = watch_key_bytes(&site->watch);
	results_value(bench->results, "a key", "bytes", *key);
	results_end(bench->results);
}

/* ------------------------------------------------------------ the bench --- */

void
flat_run(struct bench *bench)
{
	const struct options *o = bench->options;
	const uint64_t connections[] = { 10, 1000, 10000 };
	const uint64_t keys[] = { 10000, 100000, 1000000 };
	struct list c = list_or(&o->connections, 3, connections);
	struct list k = list_or(&o->keys, 3, keys);
	unsigned rounds = bench_rounds(bench, ROUNDS);
	double seconds = bench_seconds(bench, SECONDS), connection, key;

	flat_connections(bench, &c, rounds, seconds);
	flat_keys(bench, &k, rounds, seconds);
	flat_memory(bench, list_max(&c), &connection, &key);
}
