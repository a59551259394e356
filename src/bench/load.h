/* SPDX-License-Identifier: MIT
 *
 * The load: key sets, as a fleet of agents reports them; streams of their
 * reports, encoded beforehand; the generator that sends a stream as fast as
 * the other end takes it; and the raw sink, the reference for absorbing.
 *
 * Each report holds KEYSET_RESULTS servers of one service, and each agent
 * reports every service.  Reports come agent by agent, so that keys do not
 * arrive in the order of the primary key.
 */
#ifndef REPORTER_BENCH_LOAD_H
#define REPORTER_BENCH_LOAD_H

#include "bench/bench.h"

#include <netdb.h>
#include <sys/types.h>

/* -------------------------------------------------------------- key sets -- */

#define KEYSET_RESULTS 10    /* records of a report */
#define KEYSET_SERVICES 1000 /* services, unless there are fewer reports */

struct keyset {
	int32_t base;  /* smallest modid */
	uint64_t keys; /* a multiple of KEYSET_RESULTS */
};

/* keyset_reports - how many reports bring each key once; keyset_last - the
   largest modid; keyset_callers - the smallest and largest address of an
   agent. */
uint64_t keyset_reports(const struct keyset *set);
int32_t keyset_last(const struct keyset *set);
void keyset_callers(const struct keyset *set, uint32_t *first, uint32_t *last);

/* keyset_report - the records of one report, 0 to keyset_reports() - 1, with
   this count of calls and this time. */
void keyset_report(const struct keyset *set, uint64_t report, uint32_t succ,
    uint64_t ts, struct record records[KEYSET_RESULTS]);

/* keyset_sorted - call `each` for every record in the order of the primary
   key. */
void keyset_sorted(const struct keyset *set, uint32_t succ, uint64_t ts,
    void (*each)(void *arg, const struct record *record), void *arg);

/* keyset_sum - the sum of succ over all rows after `sent` reports, sent in
   order, over and over, with the number of the pass (from 1) as succ.
   *rows: how many rows there are then. */
uint64_t keyset_sum(const struct keyset *set, uint64_t sent, uint64_t *rows);

/* --------------------------------------------------------------- streams -- */

/* All zero: empty. */
struct stream {
	uint8_t *bytes;
	uint64_t length, reports;
	uint64_t *begins; /* of each report; [reports] is the length */
	uint64_t capacity, room;
};

/* stream_make - encode the whole set, in place of what the stream held. */
void stream_make(struct stream *stream, enum encode_dialect dialect,
    const struct keyset *set, uint64_t ts);

/* stream_report_at - the first report, 0 to reports, that begins at this byte
   or behind it. */
uint64_t stream_report_at(const struct stream *stream, uint64_t offset);

void stream_free(struct stream *stream);

/* ------------------------------------------------------------- generator -- */

/* Bytes of one write by default: as many as the master reads at once. */
#define GENERATOR_CHUNK 65536

/* Where to connect to. */
struct endpoint {
	const char *name, *host, *port; /* the name is for messages */
	struct addrinfo *addresses;
};

/* endpoint_find - resolve host and port, in place of what it was.  The texts
   stay the caller's. */
void endpoint_find(struct endpoint *endpoint, const char *name,
    const char *host, const char *port);

struct generator {
	int epoll;
	size_t count, busy; /* connections; those that are not done */
	struct link *links;
	const char *name;
	size_t chunk; /* bytes of one write */
	/* What the other end has taken, in units of so many bytes; NULL: not
	   known, then bytes on their way are not limited. */
	uint64_t (*taken)(void);
	uint64_t taken_before;
	double taken_bytes;
	double given, window; /* bytes sent; bytes taken when last seen */
};

struct sent {
	uint64_t records, bytes;
	double began, ended; /* clock_now() */
	double waited;       /* seconds of these it waited for the other end */
};

/* generator_open - make so many connections, at most generator_limit(), what
   the limit of open files allows. */
uint64_t generator_limit(void);
void generator_open(
    struct generator *g, const struct endpoint *endpoint, size_t connections);

/*
 * generator_send - send the stream.  seconds 0: each report once, divided
 * among the connections.  Otherwise over and over for so long, each connection
 * from another place; then each ends with a whole report.  Returns when the
 * kernel has all.  A connection closed by the other end is fatal.
 */
void generator_send(struct generator *g, const struct stream *stream,
    double seconds, struct sent *sent);

/* generator_finish - shut down each connection and wait until the other end
   has read all and closed its side. */
void generator_finish(struct generator *g);
void generator_close(struct generator *g);

/* -------------------------------------------------------------- raw sink -- */

/* A process with one epoll loop that reads loopback TCP with buffers of the
   master's size and discards what it read. */
extern struct rawsink {
	pid_t pid;
	struct endpoint endpoint;
} rawsink;

void rawsink_start(void);
uint64_t rawsink_bytes(void); /* read so far */
void rawsink_stop(void);

#endif
