/* SPDX-License-Identifier: MIT
 *
 * The site: the reporter that is measured, and what of its surroundings can be
 * reached: its counters in shared memory and its database.  Either our own
 * (--self), which each benchmark sets up as it needs, or one that is running
 * already.  One of each, so that nothing here takes a handle; everything that
 * fails is fatal unless stated.
 */
#ifndef REPORTER_BENCH_SITE_H
#define REPORTER_BENCH_SITE_H

#include "bench/db_server.h"
#include "bench/load.h"
#include "conf/settings.h"
#include "shm/segment.h"

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
void site_tidy(int status, bool interrupted);

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

extern struct own {
	char instance[INSTANCE_MAX], conf[96], port[8];
	struct db_server database;
	pid_t reporter; /* 0: not running */
} own;

/* own_make, own_clean - make and remove the directory, and remove all shared
   memory.  In the supervisor. */
void own_make(void);
void own_clean(int status, bool interrupted);

/* own_start - start the reporter, and the database unless it is running or
   away; attach to the counters. */
void own_start(const struct setup *setup);
void own_stop(void);

/* ------------------------------------------------------- counters (watch) --
 */

/* Sums over all workers of the generation in use, and the master's own. */
struct counts {
	uint64_t drained, pending, lost; /* records; lost: in any way */
	uint64_t accepted, refused, closed, throttles; /* connections */
	uint64_t restarts;                             /* of workers */
};

/* watch_try - attach, read-only, to an instance all of whose workers are
   running; master: its process, 0 for any.  Returns NULL, or why not.
   watch_open - the same; waits for workers that are starting. */
const char *watch_try(const char *instance, pid_t master);
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
