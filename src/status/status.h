/* SPDX-License-Identifier: MIT
 *
 * The status of an instance: read from its shared memory, written out for
 * people or for programs.  Attaches read-only and takes no lock that a
 * reporter could miss; any process that may open the segments.
 */
#ifndef REPORTER_STATUS_H
#define REPORTER_STATUS_H

#include "status/rates.h"
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

/* One worker, or a segment that nobody works on.  Counts are records unless
   the comment says otherwise. */
struct status_worker {
	uint32_t slot;
	uint64_t generation;
	int32_t pid;           /* 0: does not run */
	const char *state;     /* child_state_name(), or "left" */
	uint32_t restarts;     /* times */
	const char *trouble;   /* why its segment cannot be read, or NULL */
	uint64_t ring_records; /* room in its ring */
	uint64_t table_keys;   /* room in its table, keys */
	uint64_t keys;         /* in its table, stored or not */
	uint64_t queued;       /* in its ring */
	bool still;            /* takes none of these; see status_still() */
	uint64_t added, superseded, replayed, stored, dead_letter;
	uint64_t dead_lost, poisoned;
	int64_t pending; /* added - stored - dead_letter */
	uint64_t evicted, skewed, rows;
	uint64_t full, flushes, connects; /* times */
	uint64_t clamped;                 /* counts cut */
	uint64_t last_flush_ts;           /* seconds since 1970; 0: never */
	uint64_t last_flush_us, flush_us; /* how long: the last, all */
	uint64_t buckets[FLUSH_BUCKETS];  /* see struct flush_counters */
	/* Since when keys are pending and none was committed, seconds since
	   1970; 0: none is. */
	uint64_t waiting_since;
	bool connected;
	uint64_t errors[DB_CLASSES]; /* times */
	uint64_t last_error_ts;      /* seconds since 1970; 0: none */
	unsigned last_error_number;
	char last_error[192]; /* one printable line */
};

/* A master that has not gone round its loop for so many seconds stands still:
   with nothing to do it goes round once a second. */
#define STATUS_STANDS_STILL 10

struct status {
	char instance[INSTANCE_MAX];
	char version[24];
	uid_t owner;  /* of the master's segment */
	int32_t pid;  /* 0 after an orderly end */
	bool running; /* the pid lives and holds the segment */
	bool reload_failed;
	double master_age;     /* seconds since its loop went round; 0: ended */
	uint64_t now, started; /* seconds since 1970 */
	uint64_t generation;
	struct status_records records;
	struct rates rates[RATES_SPANS]; /* over rates_spans */
	uint64_t rejected[REJECT_REASONS];
	uint64_t reports, skewed, foreign, bytes;
	uint64_t connections, accepted, accept_holds;
	uint64_t refused[REFUSALS], closed[CLOSINGS]; /* connections */
	uint64_t throttled, throttles;
	uint64_t reloads, reload_errors;
	/* Seconds since 1970; 0: never. */
	uint64_t last_dead_letter_ts, last_dropped_ts;
	uint64_t clamped; /* sum over the workers shown */
	unsigned count;   /* of workers */
	struct status_worker workers[STATUS_WORKERS_MAX];
};

/*
 * status_collect - read the status of INSTANCE.
 * Returns SHM_OK, or why the master's segment cannot be read (SHM_SYSTEM:
 * see errno).
 */
enum shm_status status_collect(struct status *status, const char *instance);

/*
 * status_still - look again at workers that have records in their rings, until
 * each has taken some, for 2 s at the most; still is set of those that have
 * not.  Such a one hangs or is stopped, or its table is full.
 */
void status_still(struct status *status, const char *instance);

/* status_running - whether the master of a mapped segment lives: its pid does,
   and the segment is locked. */
bool status_running(const struct segment *segment);

/* status_refused, status_closed - connections refused, and closed, for
   whatever reason. */
uint64_t status_refused(const struct status *status);
uint64_t status_closed(const struct status *status);

/* status_lag - seconds that a worker's keys have been pending without a commit;
   0 when none is. */
uint64_t status_lag(
    const struct status *status, const struct status_worker *worker);

/* status_text - write it for people, no line over 80 columns. */
void status_text(const struct status *status, FILE *out);

/* status_json - write it as one JSON object and a line's end.  Returns false
   when out failed. */
bool status_json(const struct status *status, FILE *out);

/* status_prometheus - write it in Prometheus' text format.  A NULL status is
   that of an instance that is not there. */
void status_prometheus(const struct status *status, FILE *out);

#endif
