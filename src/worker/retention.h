/* SPDX-License-Identifier: MIT
 *
 * The retention: removes rows that nobody has reported for a long time, in
 * small steps while there is nothing to flush.  Used by the flush thread.
 */
#pragma once

#include "conf/settings.h"
#include "lib/log.h"
#include "shm/segment.h"
#include "sql/walk.h"
#include "worker/store.h"

/* How old the rows of the table are: what one pass found. */
struct census {
	uint64_t fresh;  /* reported within the last hour, or retention if that
			    is less */
	uint64_t recent; /* reported within retention, fresh ones as well */
	uint64_t lapsed; /* older, but not than twice retention */
	uint64_t old;    /* older than retention, lapsed ones as well */
};

/* What is remembered from one pass to the next. */
struct attendance {
	uint64_t fresh;   /* the fewest since the time below */
	uint64_t grew_ms; /* when they last were more by an eighth; monotonic */
	uint64_t peak;    /* the most fresh rows of a day, ... */
	uint64_t peak_ms; /* ... and when; monotonic */
};

enum verdict {
	VERDICT_REMOVE,
	VERDICT_WAIT, /* agents are coming back, or have just started to */
	VERDICT_AWAY  /* far fewer rows are reported than before */
};

/* census_count - add a row to a census that was begun at `begin`; ts and begin:
   seconds since 1970; retention: seconds, 1 or more.  A ts that is ahead by
   more than a day is not counted. */
void census_count(
    struct census *census, int64_t ts, uint64_t begin, uint64_t retention);

/* attendance_judge - whether the old rows of a census may be removed.
   attendance: all zero at first.  now_ms: monotonic, not 0. */
enum verdict attendance_judge(struct attendance *attendance,
    const struct census *census, uint64_t now_ms, uint64_t retention);

struct retention {
	const struct settings *settings;
	uint64_t seconds; /* 0: keep all rows */
	const struct master_shared *master;
	struct worker_segment *segment;
	struct store *store;
	struct walk walk;
	struct census census;
	struct attendance attendance;
	uint64_t started_ms; /* monotonic */
	uint64_t next_ms;    /* of the next step, monotonic */
	uint64_t begin;      /* of the pass, seconds since 1970 */
	uint64_t before;     /* rows of a smaller ts are removed; 0: none */
	bool away;           /* passes are skipped, which was logged */
	struct log_limiter limiter;
};

/* retention_init - nothing is done before retention_idle().  All arguments
   outlive it. */
void retention_init(struct retention *retention,
    const struct settings *settings, struct worker_segment *segment,
    const struct master_shared *master, struct store *store);

/* retention_idle - the flush is idle: take one step, if one is due and this
   worker is the one that does it.  It may block as long as a statement does.
   Returns in how many milliseconds to call it again: timeout_ms from now on at
   most, less what the step took. */
int retention_idle(struct retention *retention, int timeout_ms);
