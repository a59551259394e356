/* SPDX-License-Identifier: MIT
 *
 * The engine of reporter-bench: it measures one group of cases that a single
 * reporter can run, and prints what it found.  The script reporter-bench calls
 * it, and does the rest.  Below are the interfaces between its files.
 * Single-threaded except for the pacer.  Errors call fail() unless stated
 * otherwise.
 */
#pragma once

#include "conf/settings.h"
#include "send/sender.h"
#include "shm/segment.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* ------------------------------------------------------ general (engine) -- */

/* parameters_read - take the JSON object that the engine was called with.
   parameter, parameter_list, parameter_text - a member; 0 or NULL: not given.
 */
bool parameters_read(const char *text);
int64_t parameter(const char *name);
json_t *parameter_list(const char *name);
const char *parameter_text(const char *name);

/* FORMAT - vsnprintf() of the arguments of a function whose last named one is
   `format`. */
#define FORMAT(text, format) \
	do { \
		va_list arguments; \
		va_start(arguments, format); \
		vsnprintf(text, sizeof(text), format, arguments); \
		va_end(arguments); \
	} while (0)
#define PRINTF(n) __attribute__((format(printf, n, (n) + 1)))

/* What is printed, one JSON object a line.  figure - a value of a case, NAN:
   not measured; note - a sentence about a case; progress - what is going on;
   fact - a property of the environment, or a size used. */
void figure(
    size_t case_number, const char *name, const char *unit, double value);
void note(size_t case_number, const char *format, ...) PRINTF(2);
void progress(const char *format, ...) PRINTF(1);
void fact(const char *name, json_t *value);

/* fail - print the reason and exit with ENGINE_FAILED. */
#define ENGINE_FAILED 3
void fail(const char *format, ...) PRINTF(1) __attribute__((noreturn));

/* clock_now - CLOCK_MONOTONIC in seconds; clock_sleep - sleep, unless a signal
   ends it early. */
double clock_now(void);
void clock_sleep(double seconds);

/* Waiting for something.  The rest of the struct is 0 at first. */
struct wait {
	const char
	    *what;      /* is awaited, for the error; NULL: a timeout is none */
	double timeout; /* seconds without progress */
	double pause;   /* seconds between two checks */
	double since;
	uint64_t min;
};

/* wait_more - wait for one interval; left: how much remains.  Returns false if
   nothing remains, or at a timeout if `what` is NULL.  A new minimum of left is
   progress. */
bool wait_more(struct wait *wait, uint64_t left);

/* grown - realloc(); a lack of memory is fatal. */
void *grown(void *p, size_t bytes);

/* ------------------------------------------------------------ benchmarks -- */

/* Measure with the parameters: see reporter-bench, which calls the engine. */
void absorb_run(void);
void memory_run(void);
void flush_run(void);
void fresh_run(void);
void backlog_run(void);
void play_run(void); /* of site */

/* table_make, table_drop - the table that site has in a database of others. */
void table_make(void);
void table_drop(void);

/* ---------------------------------------------- key sets, streams (load) -- */

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

/* keyset_sum - the sum of succ over all rows after `sent` reports.  The set is
   sent repeatedly, in order; reports of pass n (from 1) have succ = n.
   *rows: how many rows there are then. */
uint64_t keyset_sum(const struct keyset *set, uint64_t sent, uint64_t *rows);

/* All zero: empty. */
struct stream {
	uint8_t *bytes;
	uint64_t length, reports;
	uint64_t *begins; /* of each report; [reports] is the length */
	uint64_t capacity;
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

/* Where to connect to; the name is for messages. */
struct endpoint {
	const char *name, *host, *port;
};

/* agent_open - connect.  Prints the fact "connected" at the first connection to
   the reporter: from then on its table may contain our rows. */
void agent_open(struct sender *sender, const struct endpoint *endpoint);

struct generator {
	int epoll;
	size_t count, busy; /* connections; those that are not done */
	struct link *links;
	const char *name;
	size_t chunk; /* bytes of one write: the parameter, or
			 GENERATOR_CHUNK */
	/* What the other end has taken, in units of taken_bytes bytes; NULL:
	   not known, then bytes on their way are not limited. */
	uint64_t (*taken)(void);
	uint64_t taken_before;
	double taken_bytes;
	double bytes_sent, bytes_taken; /* taken: when last seen */
};

struct sent {
	uint64_t records, bytes;
	double began, ended; /* clock_now() */
	double waited;       /* seconds of these it waited for the other end */
};

/* generator_open - make so many connections. */
void generator_open(
    struct generator *g, const struct endpoint *endpoint, size_t connections);

/*
 * generator_send - send the stream.  seconds 0: each report once, divided
 * among the connections.  Otherwise: repeat the stream for that time, each
 * connection starting at a different report; then finish the current report.
 * Returns when the kernel has accepted all bytes.  A connection closed by the
 * other end is fatal.
 */
void generator_send(struct generator *g, const struct stream *stream,
    double seconds, struct sent *sent);

/* generator_finish - shut down each connection and wait until the other end
   has read all and closed its side. */
void generator_finish(struct generator *g);
void generator_close(struct generator *g);

/* The raw sink: a process with one epoll loop that reads loopback TCP with
   buffers of the master's size and discards what it read. */
extern struct endpoint sink_endpoint;
void sink_start(void);
uint64_t sink_bytes(void); /* read so far */
double sink_cpu(void);     /* seconds so far */

/* ---------------------------------------------- load at a rate, probes (pacer)
 */

/* The load is sent by a thread of its own.  All zero at first. */
struct pacer {
	/* Filled in by the caller: */
	double rate;     /* reports a second */
	uint64_t burst;  /* max reports of one turn, every 2 ms */
	uint64_t min_ts; /* no report is older */
	void (*report)(uint64_t number, uint64_t ts); /* send it; from 0 */
	void (*turn)(void); /* after the reports of a turn; NULL: none */
	/* Kept by the pacer: */
	uint64_t sent; /* reports; valid when the thread has ended */
	double began;
	_Atomic bool stop;
	pthread_t thread;
};

/* pacer_stop - returns the rate that was reached.  Connections stay open. */
void pacer_start(struct pacer *pacer);
double pacer_stop(struct pacer *pacer);

/* agent_send - send records; agent_flush - let none of them wait.  agent_probe
   - send one record, whose key never had this count of calls, and poll the
   table for it: returns the milliseconds until it was visible. */
void agent_send(struct sender *sender, const struct record *records, size_t n);
void agent_flush(struct sender *sender);
double agent_probe(struct sender *sender, const struct record *probe);

/* ------------------------------------------------------------------ site -- */

extern struct site {
	struct settings *settings; /* NULL: no configuration is known */
	struct endpoint reporter;  /* where agents connect */
} site;

/* site_open - find out where the reporter of the parameters is, attach to its
   counters, and check that its tables have room for so many keys. */
void site_open(uint64_t keys);

/* site_self - whether the reporter and its database are our own. */
bool site_self(void);

/* modids reserved for the benchmark and its probes. */
#define SITE_MODID 2000000000
#define SITE_MODID_END 2000001000

/* site_keyset - keys, a multiple of KEYSET_RESULTS, that are not real
   agents'. */
struct keyset site_keyset(uint64_t keys);

/* site_time - a ts newer than any used before, in earlier runs too.
   site_close - print the last one, for the next run. */
uint64_t site_time(void);
void site_close(void);

/* --------------------------------------------------------- counters (watch) */

/* Sums over all workers of the generation in use, and the master's own. */
struct counts {
	uint64_t drained, queued, pending, lost; /* records; lost: in any way */
	uint64_t connections; /* open now; the rest since the start */
	uint64_t accepted, refused, closed, throttles;
	uint64_t restarts; /* of workers */
};

extern struct watch {
	unsigned workers;            /* 0: not attached; then do not call
					watch_counts() or watch_wait() */
	pid_t pids[1 + WORKERS_MAX]; /* the processes, the master's first */
	uint64_t keys;               /* that the tables hold */
	double key_bytes; /* shared memory for each, rings not counted */
} watch;

/* watch_open - attach, read-only, to an instance, in place of what was
   attached; waits for workers that are starting. */
void watch_open(const char *instance);

/* watch_check - fail if the reporter has ended. */
void watch_check(void);

struct counts watch_counts(void);
uint64_t watch_drained(void); /* counts.drained */
uint64_t watch_rows(void);    /* written to the database */

enum await {
	AWAIT_DRAINED,  /* records are in the pending tables */
	AWAIT_SETTLED,  /* nothing is pending */
	AWAIT_ACCEPTED, /* connections */
	AWAIT_CLOSED
};

/* watch_wait - wait until the count that `await` names has grown by n since
   `before`; AWAIT_SETTLED: until nothing is pending, n is ignored.  A record
   rejected, dropped or set aside, or a worker that died, is fatal: the figure
   would be invalid. */
void watch_wait(enum await await, const struct counts *before, uint64_t n);

/* CPU seconds (user and system) so far.  master, workers: 0 if not attached;
   database: NAN unless it is our own. */
struct cpu {
	double master, workers, database;
};
struct cpu cpu_read(void);

/* process_cpu - the same of one process. */
double process_cpu(pid_t pid);

/* ---------------------------------------------------------- database (base) */

extern char base_table[160]; /* its name, quoted; valid once connected */

/* base_open - connect as the daemon with the settings of the site does, and,
   when the database is our own, empty the table. */
void base_open(void);

/* base_describe - print version and settings. */
void base_describe(void);

/* base_run - run a statement without a result.  base_try - the same; returns
   whether it succeeded, and base_error() why not.  base_number - the number
   that a query returns; absent without a row, or for NULL. */
void base_run(const char *format, ...) PRINTF(1);
bool base_try(const char *format, ...) PRINTF(1);
const char *base_error(void);
int64_t base_number(int64_t absent, const char *format, ...) PRINTF(2);

/* base_value - a column of the row with this key; absent without one. */
int64_t base_value(
    const struct record *key, const char *column, int64_t absent);

/* base_load - LOAD DATA LOCAL INFILE ... REPLACE of the lines that
   base_prepare() made: the set in the order of the primary key.  Returns
   whether it succeeded. */
void base_prepare(const struct keyset *set, uint64_t ts);
bool base_load(void);

/* base_rest - wait a while until the database has purged what earlier
   statements left, so that this work is not measured with the next one. */
void base_rest(void);

/* base_check - every key of the set must be in the table with this time and,
   with --self, no other row. */
void base_check(const struct keyset *set, uint64_t ts);

/* base_tidy - wait, up to a timeout, until no records are queued or pending,
   then delete the rows of SITE_MODID. */
void base_tidy(void);
