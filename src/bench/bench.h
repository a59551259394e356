/* SPDX-License-Identifier: MIT
 *
 * reporter-bench: what its files offer to each other.  One thread, but for the
 * pacer's; whatever fails is fatal, fail(), unless stated.
 */
#ifndef REPORTER_BENCH_H
#define REPORTER_BENCH_H

#include "conf/settings.h"
#include "send/sender.h"
#include "shm/segment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum bench_exit {
	BENCH_DONE = 0,
	BENCH_USAGE = 2,
	BENCH_FAILED = 3 /* a figure could not be measured, or is invalid */
};

/* ------------------------------------------------------------- options --- */

#define LIST_MAX 8

/* Numbers of an option such as --keys 10000,100k. */
struct list {
	size_t n; /* 0: not given */
	uint64_t value[LIST_MAX];
};

/* The command line.  Written by options_read() alone. */
extern struct options {
	bool self, json;
	const char *conf, *host, *port, *instance; /* NULL: not given */
	const char *server;                        /* the daemon's program */
	const char *dialect_name;
	enum encode_dialect dialect; /* valid with a dialect_name */
	struct list rounds, samples, chunk, interval; /* one number each */
	struct list keys, connections, workers, rate;
	double seconds, away; /* 0: not given */
} options;

/* options_read - take the options.  Returns the words behind them, NULL at
   their end.  -h, -V and errors end the program; usage prints the short
   help. */
char **options_read(int argc, char **argv, void (*usage)(FILE *out));

/* list_read - numbers from 1 to max, separated by commas, each optionally
   followed by k or M.  Returns whether the text is such a list. */
bool list_read(struct list *list, const char *text, uint64_t max);

/* list_or, number_or - the list or its first number; own when not given. */
struct list list_or(const struct list *given, struct list own);
uint64_t number_or(const struct list *given, uint64_t own);

/* ---------------------------------------------------------- benchmarks --- */

/* A figure that is invalid or cannot be measured ends the program: fail(). */
void absorb_run(void);
void flat_run(void);
void flush_run(void);
void cost_run(void);
void fresh_run(void);
void backlog_run(void);

/* ------------------------------------------------------------- general --- */

/* FORMAT - vsnprintf() of the arguments of a function whose last named one is
   `format`. */
#define FORMAT(text, format) \
	do { \
		va_list arguments; \
		va_start(arguments, format); \
		vsnprintf(text, sizeof(text), format, arguments); \
		va_end(arguments); \
	} while (0)

/* fail - print the reason on standard error and exit with BENCH_FAILED.  The
   supervisor cleans up. */
void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* fail_hook - have fail() call this function after it has printed. */
void fail_hook(void (*hook)(const char *text));

/* notice - print a line on standard error, in place of the progress line. */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* progress - show what is going on, if standard error is a terminal, until
   progress_clear(). */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_clear(void);

/* clock_now - CLOCK_MONOTONIC in seconds; clock_sleep - sleep, unless a signal
   ends it early. */
double clock_now(void);
void clock_sleep(double seconds);

/* Waiting for something.  The rest of the struct is 0 at first. */
struct wait {
	const char *what; /* NULL: running out of patience is no failure */
	double patience;  /* seconds without progress */
	double pause;     /* seconds between two checks */
	double since;
	uint64_t min;
};

/*
 * wait_more - one turn of a wait; left: how much is still to come.  Returns
 * false when nothing is, or patience has run out without a `what`; otherwise
 * true after the pause.  A new minimum of left is progress.
 */
bool wait_more(struct wait *wait, uint64_t left);

/* memory, grown - calloc(), realloc(); a lack of memory is fatal. */
void *memory(size_t n, size_t size);
void *grown(void *p, size_t bytes);

/* ----------------------------------------------------------- processes -- */

/* child_fork - fork() a child that dies with the calling thread. */
pid_t child_fork(void);

/* supervise - run `run` in a child process, then `clean` in this one, also
   after a signal.  Returns the child's exit status.  Called once, before there
   is another thread. */
int supervise(int (*run)(void), void (*clean)(void));

/* process_cpu - CPU seconds of a process, all its threads, user and system,
   from its CPU clock.  Fatal when there is no such process. */
double process_cpu(pid_t pid);

/* process_private - bytes of its resident memory that are its own (RssAnon). */
double process_private(pid_t pid);

/* file_field - the text behind "NAME:" in a file of such lines, without its
   line end; "" when there is none.  Returns text. */
char *file_field(const char *path, const char *name, char *text, size_t size);

/* shell - run a command of the shell.  Returns 0 when it succeeded, or -1. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

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

/* Where to connect to; the name is for messages. */
struct endpoint {
	const char *name, *host, *port;
};

/* agent_open - connect. */
void agent_open(struct sender *sender, const struct endpoint *endpoint);

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

/* -------------------------------------------------------------- report --- */

#define FIGURES_MAX 12

/* A figure that a benchmark measures.  Benchmarks have a table of them. */
struct figure {
	const char *name, *unit; /* NULL: the end of the table */
	/* 0: the median and the spread of the rounds; otherwise one value, the
	   quantile q of the values put to the figure `of`. */
	double q;
	size_t of;
};

/* One case of a benchmark. */
struct result;

/* report_open - begin, and print the machine.  Standard output as JSON is
   written by fail() as well, with what was measured so far. */
void report_open(void);

/* report_fact - something about the surroundings, as in "database". */
void report_fact(const char *name, const char *text);

/* report_close - print the JSON object.  Output that cannot be written is
   fatal. */
void report_close(void);

/* result_new - begin a case.  figures: its table; format: the case in
   words. */
struct result *result_new(const char *bench, const struct figure *figures,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* result_number, result_word - a parameter of the case, for programs. */
void result_number(struct result *result, const char *name, double value);
void result_word(struct result *result, const char *name, const char *word);

/* result_put - a value of a figure, an index of the table; NAN: not
   measured.  result NULL: a warm-up, nothing is kept. */
void result_put(struct result *result, size_t figure, double value);

/* result_median - the median of the values so far; NAN when there is none. */
double result_median(const struct result *result, size_t figure);

/* result_note - a sentence about the case. */
void result_note(struct result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* result_end - print the figures that have values, and free the result. */
void result_end(struct result *result);

/* ------------------------------------------------------- pure functions -- */

struct spread {
	size_t n; /* 0: all else is NAN */
	double median, min, max;
};

/* values_sort - in ascending order. */
void values_sort(double *values, size_t n);

/* spread_of - of n values, which are sorted.  The median of an even number of
   values is the mean of the two in the middle. */
struct spread spread_of(double *values, size_t n);

/* quantile_of - by nearest rank: the smallest of the sorted values that at
   least the share q (over 0, to 1) does not exceed.  NAN when n is 0. */
double quantile_of(const double *sorted, size_t n, double q);

/* quantile_backed - whether at least one of n values lies beyond q. */
bool quantile_backed(size_t n, double q);

/* figure_text - a figure for people, without its unit: rates (units that end
   in "/s") have a prefix as in "6.59 M", "ratio" has three decimals, all others
   as many as make three digits.  NAN is "-". */
void figure_text(char *text, size_t size, double value, const char *unit);

/* ---------------------------------------------------------------- site --- */

/* How the reporter has to run. */
struct setup {
	uint64_t workers;     /* 0: the daemon's default */
	uint64_t keys;        /* that its tables have room for, in all */
	uint64_t connections; /* that it lets in */
	uint64_t interval_ms; /* flush_interval; 0: the daemon's default */
	bool database;        /* false: the database is away */
};

extern struct site {
	struct settings *settings;   /* NULL: no configuration is known */
	const char *conf;            /* the file they come from */
	struct endpoint reporter;    /* where agents connect */
	char instance[INSTANCE_MAX]; /* "": its counters are out of reach */
} site;

/* site_open - find out where it is; site_close - end what we started. */
void site_open(void);
void site_close(void);

/* site_setup - start our own anew, with an empty table; of one that is running,
   check that it has room for the keys. */
void site_setup(const struct setup *setup);

/* site_share - map what site_tidy() has to know of the process that measures;
   before there are two. */
void site_share(void);

/* site_tidy - in the supervisor: delete our rows from the table of a reporter
   that keeps running, or print that they stay. */
void site_tidy(void);

/* site_connections - how many connections can be made; *what: what allows no
   more. */
uint64_t site_connections(const char **what);

/* site_keyset - keys, rounded up to whole reports, that are not real
   agents'. */
struct keyset site_keyset(uint64_t keys);

/* site_time - a ts newer than any before: now, or a little ahead of it. */
uint64_t site_time(void);

/* CPU seconds of all processes so far; 0 without counters, NAN without a
   database of our own. */
struct cpu {
	double master, workers, database, sink;
};
struct cpu cpu_read(void);

/* ------------------------------------------------ our own reporter (own) -- */

/* own_enter - become the script that runs this program again, inside what
   --self requires; own_inside - whether this is that run. */
void own_enter(char **argv) __attribute__((noreturn));
bool own_inside(void);

/* own_start - start the reporter, and the database unless it is running or
   away.  Returns the configuration. */
const char *own_start(const struct setup *setup);
pid_t own_database(void); /* 0: none */

/* ------------------------------------------------------- counters (watch) --
 */

/* Sums over all workers of the generation in use, and the master's own. */
struct counts {
	uint64_t drained, pending, lost; /* records; lost: in any way */
	uint64_t accepted, refused, closed, throttles; /* connections */
	uint64_t restarts;                             /* of workers */
};

/* watch_open - attach, read-only, to an instance; waits for workers that are
   starting. */
void watch_open(const char *instance);
void watch_close(void);

/* watch_workers - how many; 0: not attached, and none of these works. */
unsigned watch_workers(void);
struct counts watch_counts(void);
uint64_t watch_records(void);     /* counts.drained */
uint64_t watch_connections(void); /* open now */
bool watch_empty(void);           /* no record waits in a ring or in a table */

enum await {
	AWAIT_DRAINED,  /* records are in the pending tables */
	AWAIT_SETTLED,  /* after that: nothing is pending; n is 0 */
	AWAIT_ACCEPTED, /* connections */
	AWAIT_CLOSED
};

/* watch_wait - wait until n more than `before` are.  A record rejected, dropped
   or set aside, or a worker that died, is fatal: the figure would be
   invalid. */
void watch_wait(enum await await, const struct counts *before, uint64_t n);

/* watch_pids - the processes, the master's first.  Returns how many. */
unsigned watch_pids(pid_t pids[1 + WORKERS_MAX]);

/* watch_keys - how many keys the tables hold.  key_bytes: set to the bytes of
   shared memory for each, rings not counted, unless NULL. */
uint64_t watch_keys(double *key_bytes);

/* -------------------------------------------------------- database (base) --
 */

extern char base_table[160]; /* its name, quoted; valid once connected */

/* base_open - connect as the daemon with these settings, from the file conf,
   does, unless connected already. */
void base_open(const struct settings *settings, const char *conf);
void base_close(void);

/* base_describe - report version and settings, if connected. */
void base_describe(void);

/* base_run - run a statement without a result.  base_may - the same; returns
   whether it worked, and base_error() why not.  base_number - the number that a
   query returns; absent without a row, or for NULL. */
void base_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool base_may(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *base_error(void);
int64_t base_number(int64_t absent, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* base_load - LOAD DATA LOCAL INFILE ... REPLACE of the lines that
   base_prepare() made: the set in the order of the primary key.  Returns
   whether it worked. */
void base_prepare(const struct keyset *set, uint64_t ts);
bool base_load(void);

/* base_rest - wait a while until the database has purged what earlier
   statements left, not to charge it to the next one. */
void base_rest(void);

/* base_check - every key of the set must be in the table with this time and,
   with --self, no other row. */
void base_check(const struct keyset *set, uint64_t ts);

#endif
