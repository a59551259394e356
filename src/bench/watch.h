/* SPDX-License-Identifier: MIT
 *
 * The watch: a reporter's counters, read from its shared memory, and waiting
 * until they say what is wanted.  Attached read-only, so that a benchmark
 * cannot change what it measures.
 */
#ifndef REPORTER_BENCH_WATCH_H
#define REPORTER_BENCH_WATCH_H

#include "shm/segment.h"

struct watch {
	struct segment master;
	struct worker_segment worker[WORKERS_MAX];
	unsigned workers;
};

/* Sums over all workers of the generation in use, and the master's own. */
struct counts {
	uint64_t received, drained, superseded, stored, pending;
	uint64_t lost; /* rejected, dropped and dead letters */
	uint64_t accepted, refused, closed; /* connections */
	uint64_t throttles; /* times a connection was not read for a while */
	uint64_t restarts;  /* of workers */
	uint64_t flushes;   /* transactions */
};

/* watch_open - attach to an instance and its workers, once all have checked in.
   Failing is fatal. */
void watch_open(struct watch *watch, const char *instance);

/* watch_close - detach. */
void watch_close(struct watch *watch);

/* watch_counts - look. */
struct counts watch_counts(const struct watch *watch);

/* watch_records - counts.drained alone, for those who look often. */
uint64_t watch_records(const struct watch *watch);

/*
 * watch_drained - wait until so many records, counted from `before`, stand in
 * the pending tables.  Any that was rejected, dropped or set aside meanwhile,
 * or a worker that died, is fatal, since the figure would be wrong.
 */
void watch_drained(
    const struct watch *watch, const struct counts *before, uint64_t records);

/* watch_settled - after watch_drained(): wait until nothing is pending.  That
   others report without a pause, so that it never comes, is fatal. */
void watch_settled(const struct watch *watch, const struct counts *before);

/* watch_accepted, watch_closed - wait until so many connections, counted from
   `before`, were let in, or were closed.  One that was refused is fatal. */
void watch_accepted(
    const struct watch *watch, const struct counts *before, uint64_t n);
void watch_closed(
    const struct watch *watch, const struct counts *before, uint64_t n);

/* watch_connections - how many are open. */
uint64_t watch_connections(const struct watch *watch);

/* watch_empty - whether no record waits, in a ring or in a table. */
bool watch_empty(const struct watch *watch);

/* watch_pids - the processes: the master's first.  Returns how many. */
unsigned watch_pids(const struct watch *watch, pid_t pids[1 + WORKERS_MAX]);

/* watch_keys - how many keys the tables hold together. */
uint64_t watch_keys(const struct watch *watch);

/* watch_key_bytes - bytes of shared memory for each of these keys: all of the
   workers' segments but their rings. */
double watch_key_bytes(const struct watch *watch);

#endif
