/* SPDX-License-Identifier: MIT
 *
 * The table of all figures of a status.  JSON, Prometheus, the text and the
 * test that compares reporterctl(8) go by it: a new counter is a word in
 * shm/counters.h, a row here and a line in the manual.  Constant; any process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a metric is of: up to METRIC_RECORDS of a struct status, then of a
   struct status_worker.  Those of METRIC_SLOT are known of a worker even if its
   segment cannot be read. */
enum metric_group {
	METRIC_INSTANCE,
	METRIC_CONNECTIONS,
	METRIC_REPORTS,
	METRIC_RECORDS, /* the terms of the identity, in its order */
	METRIC_SLOT,
	METRIC_WORKER,
	METRIC_PROCESS /* of a struct process_counters */
};

enum metric_kind {
	METRIC_GAUGE,
	METRIC_COUNTER
};

enum metric_unit {
	METRIC_NUMBER,
	METRIC_SIGNED,      /* below 0 in a damaged segment */
	METRIC_FLAG,        /* 0 or 1 */
	METRIC_MICROSECONDS /* JSON has milliseconds, Prometheus seconds */
};

/* One figure for each reason. */
struct metric_reasons {
	const char *label; /* in Prometheus */
	unsigned first, end;
	const char *(*name)(unsigned reason);
};

struct metric {
	const char *name; /* member of the JSON object, or NULL */
	enum metric_group group;
	size_t offset, size;
	/* In the text, or NULL; a worker's column is as wide as its title. */
	const char *title;
	enum metric_unit unit;
	const struct metric_reasons *reasons; /* NULL: it is one figure */
	/* Of Prometheus; family is NULL where it is not shown. */
	enum metric_kind kind;
	const char *family, *help;
};

extern const struct metric metrics[], *const metrics_end;

/* metric_value - a figure out of the struct that the metric's group is of.
   reason: of its reasons; 0 where it has none.  Signed ones come as their two's
   complement. */
uint64_t metric_value(
    const struct metric *metric, const void *of, unsigned reason);
