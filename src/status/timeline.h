/* SPDX-License-Identifier: MIT
 *
 * What looks have shown: for each service error share and overloaded servers
 * of the last looks, and the last flips of servers.  Its owner adds each look
 * and lets nobody read meanwhile.
 */
#pragma once

#include "status/look.h"

#define TIMELINE_SAMPLES 120
#define TIMELINE_STEP_S 5.0     /* for ten minutes of samples */
#define TIMELINE_SERVICES 16384 /* those beyond have no history */
#define TIMELINE_EVENTS 4096

struct timeline;

/* The samples of a service, oldest first. */
struct timeline_samples {
	unsigned count;
	uint64_t first_ms; /* time of the first of all, ms since 1970 */
	double step_s;     /* between two, on the average; of one
			      TIMELINE_STEP_S */
	int16_t errors[TIMELINE_SAMPLES]; /* error share x 1000; -1: unknown */
	int32_t overloaded[TIMELINE_SAMPLES]; /* servers; -1: not seen then */
};

struct timeline_event {
	uint64_t number;  /* 1 for the first */
	uint64_t time_ms; /* of the look that showed it, ms since 1970 */
	struct look_flip flip;
};

/* timeline_new - 8 MB, taken as services come, for free().  NULL: out of
   memory. */
struct timeline *timeline_new(void);

/* timeline_add - add what a look shows; each look once.  step_s: planned since
   the last one; for looks that were missed samples of nothing are added. */
void timeline_add(
    struct timeline *timeline, const struct look *look, double step_s);

/* timeline_samples - those of a service; count is 0 if there are none.
   TIMELINE: NULL is allowed. */
void timeline_samples(const struct timeline *timeline, int32_t modid,
    int32_t cmdid, struct timeline_samples *samples);

/* timeline_events - up to max events with a number greater than `since`, oldest
   first.  *next: `since` of the next call.  *lost: events after `since` are not
   kept any more, or it is of an earlier process.
   Returns how many. */
size_t timeline_events(const struct timeline *timeline, uint64_t since,
    struct timeline_event *events, size_t max, uint64_t *next, bool *lost);
