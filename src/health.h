/* SPDX-License-Identifier: MIT
 *
 * Health: a status judged against limits, in the manner of monitoring plugins.
 * Pure functions; any process.
 */
#ifndef REPORTER_HEALTH_H
#define REPORTER_HEALTH_H

#include "status.h"

/* In the order of their exit statuses. */
enum health {
	HEALTH_OK,
	HEALTH_WARNING,
	HEALTH_CRITICAL,
	HEALTH_UNKNOWN
};

/* What is measured. */
enum health_measure {
	HEALTH_FLUSH_AGE,   /* seconds that keys wait without a commit, most */
	HEALTH_QUEUED,      /* per cent of a ring in use, most */
	HEALTH_PENDING,     /* per cent of a table dirty, most */
	HEALTH_DOWN,        /* workers that do not run */
	HEALTH_DEAD_LETTER, /* records since the start */
	HEALTH_DROPPED,     /* records since the start */
	HEALTH_MEASURES
};

#define HEALTH_NO_LIMIT (-1.0)

/* A measure over its limit is a fault. */
struct health_limits {
	double warning[HEALTH_MEASURES], critical[HEALTH_MEASURES];
};

/* health_defaults - the limits that hold when none are given. */
extern const struct health_limits health_defaults;

/* health_name - the word in front of a plugin's line, as in "WARNING". */
const char *health_name(enum health health);

/*
 * health_parse - read "measure=number,measure=number" into limits (an array of
 * HEALTH_MEASURES); "measure=" takes a limit away.  On failure reason (of size
 * bytes) says what is wrong.
 */
bool health_parse(double *limits, const char *text, char *reason, size_t size);

/* health_workers - how many workers of the generation in use there are.  *down:
   how many of them do not run or cannot be read. */
unsigned health_workers(const struct status *status, unsigned *down);

/*
 * health_judge - judge a status.  Writes the plugin's line, without
 * "REPORTER ..." in front and with performance data behind.
 */
enum health health_judge(const struct status *status,
    const struct health_limits *limits, char *text, size_t size);

#endif
