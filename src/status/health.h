/* SPDX-License-Identifier: MIT
 *
 * Health: a status judged against limits, in the manner of monitoring plugins.
 * Pure functions; any process.
 */
#pragma once

#include "status/status.h"

/* In the order of their exit statuses. */
enum health {
	HEALTH_OK,
	HEALTH_WARNING,
	HEALTH_CRITICAL,
	HEALTH_UNKNOWN
};

/* What is measured. */
enum health_measure {
	HEALTH_FLUSH_AGE,    /* seconds that keys wait without a commit, max */
	HEALTH_QUEUED,       /* percent of a ring in use, max */
	HEALTH_PENDING,      /* percent of a table dirty, max */
	HEALTH_DOWN,         /* workers that do not run */
	HEALTH_BLOCKED,      /* workers that wait for a fix at the database */
	HEALTH_DISCONNECTED, /* seconds without a connection, max */
	HEALTH_CLOCK_SKEW, /* seconds between database's clock and ours, max */
	HEALTH_STALLED,    /* workers that do not drain their rings */
	HEALTH_MASTER_AGE, /* seconds since the master went round its loop */
	HEALTH_DEAD_LETTER_AGE, /* seconds since a record was set aside */
	HEALTH_DROPPED_AGE,     /* seconds since a record was dropped */
	HEALTH_RESTART_AGE,     /* seconds since a worker was restarted */
	HEALTH_RESTARTS,        /* of the workers of now, after their deaths */
	HEALTH_DEAD_LOST_AGE,   /* seconds since a refused one was lost */
	HEALTH_DEAD_LETTER,     /* records since the counters began */
	HEALTH_DROPPED,         /* records since the counters began */
	HEALTH_CONNECTIONS,     /* open now */
	HEALTH_MEASURES
};

/* A range of values as monitoring plugins have it, "[@][min:][max]": a value
   outside of it is a fault, with @ one inside.  All 0: no range, which no value
   is a fault of. */
struct range {
	bool is_set, is_inverted;
	double min, max; /* both belong to it; INFINITY: no limit */
};

/* range_parse - read "10", "10:", "10:20", "~:10" or "@10:20"; min is 0 by
   default, ~ is no limit; max has none after a colon.  "" is no range.  Returns
   false for anything else. */
bool range_parse(struct range *range, const char *text);

/* range_alerts - whether a value is a fault.  NAN, unknown, is none. */
bool range_alerts(const struct range *range, double value);

/* range_text - the range as range_parse() reads it.  Returns text. */
const char *range_text(const struct range *range, char *text, size_t size);

/* What a measure may be; see range_alerts(). */
struct health_limits {
	struct range warning[HEALTH_MEASURES], critical[HEALTH_MEASURES];
};

/* health_defaults - set the default limits. */
void health_defaults(struct health_limits *limits);

/* health_name - the word in front of a plugin's line, as in "WARNING". */
const char *health_name(enum health health);

/* health_parse - read "measure=range,measure=range" into limits (an array of
   HEALTH_MEASURES); "measure=" takes a limit away.  Returns false if the text
   is invalid, and reason (size bytes) tells why. */
bool health_parse(
    struct range *limits, const char *text, char *reason, size_t size);

/* health_workers - how many workers of the generation in use there are.  *down:
   how many of them do not run or cannot be read. */
unsigned health_workers(const struct status *status, unsigned *down);

/* Bytes of the longest line, with the 0: each measure at fault. */
#define HEALTH_TEXT_MAX 4096

/* health_judge - judge a status.  Writes the plugin's line, without
   "REPORTER ..." in front and with performance data behind; it is cut to size,
   HEALTH_TEXT_MAX has room for all. */
enum health health_judge(const struct status *status,
    const struct health_limits *limits, char *text, size_t size);
