/* SPDX-License-Identifier: MIT
 *
 * From the socket to the pending table, against the raw sink, with cases of few
 * and many connections and keys; and the memory that each of them takes.
 *
 * A round is over when the workers' counters show every record sent in a
 * pending table.
 */
#include "config.h"

#include "t/bench/bench.h"
#include "lib/process.h"

#define CASES_MAX 16

struct absorb_case {
	enum encode_dialect dialect;
	uint64_t keys, connections;
	struct stream stream;
};

/* Send to the reporter.  Returns the seconds until all was taken. */
static double
reporter_send(const struct absorb_case *c, double seconds, struct sent *sent)
{
	const struct stream *stream = &c->stream;
	bool watched = watch.workers > 0;
	struct counts before = { 0 };
	struct generator g;

	if (watched)
		before = watch_counts();
	generator_open(&g, &site.reporter, c->connections);
	if (watched) {
		watch_wait(AWAIT_ACCEPTED, &before, c->connections);
		g.taken = watch_drained;
		g.taken_before = before.drained;
		g.taken_bytes = (double)stream->length /
				(double)(stream->reports * KEYSET_RESULTS);
	}
	generator_send(&g, stream, seconds, sent);
	if (watched)
		watch_wait(AWAIT_DRAINED, &before, sent->records);
	else
		generator_finish(&g);
	double took = clock_now() - sent->began;
	generator_close(&g);
	if (watched)
		watch_wait(AWAIT_CLOSED, &before, c->connections);
	return took;
}

/* The same to the raw sink. */
static double
sink_send(const struct absorb_case *c, double seconds, struct sent *sent)
{
	struct wait wait = { "the raw sink to read all", 60, 50e-6, 0, 0 };
	uint64_t before = sink_bytes();
	struct generator g;

	generator_open(&g, &sink_endpoint, c->connections);
	g.taken = sink_bytes;
	g.taken_before = before;
	g.taken_bytes = 1;
	generator_send(&g, &c->stream, seconds, sent);
	while (wait_more(&wait, before + sent->bytes - sink_bytes()))
		continue;
	double took = clock_now() - sent->began;
	generator_close(&g);
	return took;
}

/* One round of case number i. */
static void
case_round(struct absorb_case *c, size_t i, double seconds)
{
	struct keyset set = site_keyset(c->keys);
	struct counts before = { 0 };
	struct sent sent, sunk;

	stream_make(&c->stream, c->dialect, &set, site_time());
	if (watch.workers > 0)
		before = watch_counts();
	struct cpu begin = cpu_read();
	double took = reporter_send(c, seconds, &sent);
	struct cpu end = cpu_read();
	double sink_begin = sink_cpu();
	double sink_took = sink_send(c, seconds, &sunk);
	double records = (double)sent.records, ns = 1e9 / records;
	double sink_rate = (double)sunk.records / sink_took;

	figure(i, "reporter", "records/s", records / took);
	figure(i, "reporter", "B/s", (double)sent.bytes / took);
	figure(i, "raw sink", "records/s", sink_rate);
	figure(i, "ratio", "ratio", records / took / sink_rate);
	if (watch.workers > 0) {
		uint64_t throttles = watch_counts().throttles;

		figure(i, "master", "CPU ns/record",
		    (end.master - begin.master) * ns);
		figure(i, "workers", "CPU ns/record",
		    (end.workers - begin.workers) * ns);
		figure(i, "throttled, connections", "times/s",
		    (double)(throttles - before.throttles) / took);
	}
	figure(i, "raw sink", "CPU ns/record",
	    (sink_cpu() - sink_begin) * 1e9 / (double)sunk.records);
	figure(i, "generator waits", "ratio",
	    sent.waited / (sent.ended - sent.began));
	figure(i, "generator waits, raw sink", "ratio",
	    sunk.waited / (sunk.ended - sunk.began));
}

/* Measure the cases against one another: each round runs all of them. */
void
absorb_run(void)
{
	struct absorb_case cases[CASES_MAX] = { 0 };
	uint64_t rounds = (uint64_t)parameter("rounds");
	json_t *wanted = parameter_list("cases"), *one;
	size_t i;

	sink_start();
	json_array_foreach(wanted, i, one)
	{
		const char *dialect;
		json_int_t keys, connections;

		if (i == CASES_MAX ||
		    json_unpack(one, "{s:s, s:I, s:I}", "dialect", &dialect,
			"keys", &keys, "connections", &connections) < 0 ||
		    !encode_dialect(dialect, &cases[i].dialect))
			fail("invalid case %zu", i);
		cases[i].keys = (uint64_t)keys;
		cases[i].connections = (uint64_t)connections;
	}
	for (uint64_t round = 1; round <= rounds; round++) {
		for (size_t n = 0; n < i; n++) {
			progress("round %" PRIu64 " of %" PRIu64
				 ", case %zu of %zu",
			    round, rounds, n + 1, i);
			case_round(&cases[n], n, (double)parameter("ms") / 1e3);
		}
	}
	for (size_t n = 0; n < i; n++)
		stream_free(&cases[n].stream);
}

/* Bytes of the master's memory that are its own. */
static double
master_bytes(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)watch.pids[0]);
	uint64_t kib = memory_number(path, "RssAnon:");
	if (kib == UINT64_MAX)
		fail("%s has no RssAnon", path);
	return (double)kib * 1024;
}

/* How much the master grows with connections that have reported once and are
   idle then. */
static double
connection_bytes(uint64_t connections)
{
	struct keyset set = site_keyset(connections * KEYSET_RESULTS);
	struct counts before = watch_counts();
	struct stream stream = { 0 };
	struct generator g;
	struct sent sent;
	double bytes = master_bytes();

	stream_make(&stream, ENCODE_NATIVE, &set, site_time());
	generator_open(&g, &site.reporter, connections);
	generator_send(&g, &stream, 0, &sent);
	watch_wait(AWAIT_DRAINED, &before, sent.records);
	watch_wait(AWAIT_ACCEPTED, &before, connections);
	bytes = master_bytes() - bytes;
	generator_close(&g);
	stream_free(&stream);
	return bytes / (double)connections;
}

void
memory_run(void)
{
	uint64_t connections = (uint64_t)parameter("connections");

	if (watch.workers == 0)
		return;
	if (connections > 0)
		figure(0, "an idle connection", "bytes",
		    connection_bytes(connections));
	figure(0, "a key", "bytes", watch.key_bytes);
}
