/* SPDX-License-Identifier: MIT
 *
 * The status of an instance: read from its shared memory, written out for
 * people or for programs.  Attaches read-only and takes no lock that a
 * reporter could miss; any process that may open the segments.
 */
#pragma once

#include "shm/segment.h"
#include "sql/dberror.h"

#include <stdio.h>

/* Workers that are shown: CHILDREN_MAX of a reporter, and as many segments
   that a killed one can have left. */
#define STATUS_WORKERS_MAX (2 * CHILDREN_MAX)

/* The terms of the identity, in records; see counters.h.  Signed, so that a
   sum that does not add up is seen. */
struct status_records {
	int64_t received, replayed, rejected, dropped, queued, pending;
	int64_t superseded, stored, dead_letter;
};

/* One worker, or a segment without one. */
struct status_worker {
	uint32_t slot;
	uint64_t generation;
	int32_t pid;         /* 0: does not run */
	const char *state;   /* child_state_name(), or "left" */
	bool running;        /* and has checked in */
	uint32_t restarts;   /* times */
	const char *trouble; /* why its segment cannot be read, or NULL */
	bool stalled;        /* see status_find_stalled() */
	/* The rest is 0 if the segment cannot be read. */
	uint64_t started;      /* seconds since 1970 */
	bool connected;        /* to the database, and it runs */
	uint64_t apart;        /* seconds since flush.apart_since */
	char host[128];        /* of the database, "" unless connected */
	uint64_t lag;          /* seconds that keys have been pending without a
				  commit */
	uint64_t ring_records; /* room in its ring */
	uint64_t table_keys;   /* room in its table, keys */
	uint64_t segment_bytes, huge_bytes; /* its segment; in huge pages */
	uint64_t queued;                    /* in its ring, records */
	int64_t pending;   /* added - stored - dead_letter, records */
	uint64_t poisoned; /* records */
	uint64_t reopens, reopen_error; /* as of struct worker_info */
	/* Copies of its counters; last_error is one printable line, and
	   recovered_ts is 0 if the last error is not over. */
	struct drain_counters drain;
	struct flush_counters flush;
	struct process_counters process;
};

/* A master that has not gone round its loop for so many seconds is not
   responding: with nothing to do it goes round once a second. */
#define STATUS_NOT_RESPONDING 10

struct status {
	char instance[INSTANCE_MAX];
	char version[24];
	uid_t owner;  /* of the master's segment */
	int32_t pid;  /* 0 after a graceful shutdown */
	bool running; /* see status_running() */
	bool reload_failed;
	double master_age;     /* seconds since its loop went round; 0: ended */
	uint64_t now, started; /* seconds since 1970 */
	uint64_t began_ms;     /* when CLOCK_MONOTONIC began, ms since 1970 */
	uint64_t uptime;       /* seconds; 0 unless it runs */
	uint64_t generation;
	struct input_counters input; /* a copy of the master's counters */
	uint64_t refused, closed;    /* connections, for whatever reason */
	uint64_t clamped;            /* sum over the workers shown */
	struct status_records records;
	struct rates rates[RATES_SPANS]; /* over rates_spans */
	/* Of the process that shows the status, or NULL; set by it. */
	const struct process_counters *web;
	unsigned count; /* of workers */
	struct status_worker workers[STATUS_WORKERS_MAX];
};

/* status_collect - read the status of INSTANCE.
   Returns SHM_OK, or why its master's segment cannot be read (see errno). */
enum shm_status status_collect(struct status *status, const char *instance);

/* status_reason - why status_collect() failed, in words; right after it, since
   it uses errno. */
const char *status_reason(enum shm_status found);

/* status_find_stalled - collect again until each worker that has records in its
   ring has taken some, for up to 2 s; stalled is set of those that have
   not.  Such a one hangs or is stopped, or its table is full. */
void status_find_stalled(struct status *status, const char *instance);

/* Loops over the workers. */
#define STATUS_WORKERS(w, status) \
	for (__typeof__(&(status)->workers[0]) w = (status)->workers; \
	     w < (status)->workers + (status)->count; w++)

/* status_since - seconds from THEN to the status; 0 if that is ahead. */
static inline uint64_t
status_since(const struct status *status, uint64_t then)
{
	return status->now > then ? status->now - then : 0;
}

/* status_hosts - write the hosts of the database that workers are connected to,
   as in ", database db1:3306, db2:3306"; nothing if there are none. */
void status_hosts(const struct status *status, FILE *out);

/* status_s - the ending of a plural of n. */
static inline const char *
status_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* status_running - whether a process holds the master's segment that has the
   name of this mapped one, and has written its pid, in whatever namespace. */
bool status_running(const struct segment *segment);

/* status_left - write a line about the records that wait in shared memory for
   the next start; nothing if there are none. */
void status_left(const struct status *status, FILE *out);

/* status_text - write it for people, no line over 80 columns. */
void status_text(const struct status *status, FILE *out);

/* status_json - write it as one JSON object and a line's end.  Returns false
   when out failed. */
bool status_json(const struct status *status, FILE *out);

/* status_prometheus - write a status in Prometheus' text format; NULL: the
   instance is not there. */
void status_prometheus(const struct status *status, FILE *out);
