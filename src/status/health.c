/* SPDX-License-Identifier: MIT
 *
 * Judging a status.  Pure functions; what is wrong with limits is returned as
 * text.
 */
#include "config.h"

#include "status/health.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

static const struct {
	const char *name, *unit; /* unit: of the performance data */
	const char *fault;       /* of the text */
} measures[HEALTH_MEASURES] = {
	[HEALTH_FLUSH_AGE] = { "flush_age", "s",
	    "seconds without a commit while keys are pending" },
	[HEALTH_QUEUED] = { "queued", "%", "% of a ring in use" },
	[HEALTH_PENDING] = { "pending", "%", "% of a table not stored yet" },
	[HEALTH_DOWN] = { "down", "", "workers do not run" },
	[HEALTH_STALLED] = { "still", "",
	    "workers take nothing from their rings" },
	[HEALTH_MASTER_AGE] = { "master_age", "s",
	    "seconds since the master went round its loop" },
	[HEALTH_DEAD_LETTER_AGE] = { "dead_letter_age", "s",
	    "seconds since a record was set aside" },
	[HEALTH_DROPPED_AGE] = { "dropped_age", "s",
	    "seconds since a record was dropped" },
	[HEALTH_DEAD_LETTER] = { "dead_letter", "c", "records set aside" },
	[HEALTH_DROPPED] = { "dropped", "c", "records dropped" },
	[HEALTH_CONNECTIONS] = { "connections", "", "connections" },
};

#define MOST(n) \
	{ \
		.is_set = true, .max = (n) \
	}
#define LEAST(n) \
	{ \
		.is_set = true, .min = (n), .max = INFINITY \
	}

/* What happened counts as a fault for an hour: long enough for any monitoring
   program to see it, and then it has recovered. */
const struct health_limits health_defaults = {
	.warning = {
		[HEALTH_FLUSH_AGE] = MOST(30),
		[HEALTH_QUEUED] = MOST(50),
		[HEALTH_PENDING] = MOST(80),
		[HEALTH_STALLED] = MOST(0),
		[HEALTH_MASTER_AGE] = MOST(STATUS_NOT_RESPONDING),
		[HEALTH_DEAD_LETTER_AGE] = LEAST(3600),
		[HEALTH_DROPPED_AGE] = LEAST(3600),
	},
	.critical = {
		[HEALTH_FLUSH_AGE] = MOST(120),
		[HEALTH_QUEUED] = MOST(90),
		[HEALTH_PENDING] = MOST(95),
		[HEALTH_DOWN] = MOST(0),
		[HEALTH_MASTER_AGE] = MOST(60),
	},
};

const char *
health_name(enum health health)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };

	return names[health];
}

/* ---------------------------------------------------------------- limits -- */

static int
measure_find(const char *name, size_t length)
{
	for (int i = 0; i < HEALTH_MEASURES; i++)
		if (strlen(measures[i].name) == length &&
		    memcmp(measures[i].name, name, length) == 0)
			return i;
	return -1;
}

/* Read one "measure=range" of so many bytes. */
static bool
limit_parse(struct range *limits, const char *text, size_t length, char *reason,
    size_t size)
{
	const char *sign = memchr(text, '=', length);
	char range[64];
	int which =
	    sign == NULL ? -1 : measure_find(text, (size_t)(sign - text));

	if (which < 0) {
		int at = snprintf(reason, size,
		    "found \"%.*s\", expected MEASURE=RANGE, of", (int)length,
		    text);
		for (int i = 0; i < HEALTH_MEASURES && at < (int)size; i++)
			at += snprintf(reason + at, size - (size_t)at, "%s %s",
			    i > 0 ? "," : "", measures[i].name);
		return false;
	}
	snprintf(range, sizeof(range), "%.*s", (int)(text + length - sign - 1),
	    sign + 1);
	if (range_parse(&limits[which], range))
		return true;
	snprintf(reason, size,
	    "%s: found \"%s\", expected MOST, LEAST:, LEAST:MOST, @LEAST:MOST "
	    "or nothing",
	    measures[which].name, range);
	return false;
}

bool
health_parse(struct range *limits, const char *text, char *reason, size_t size)
{
	for (;;) {
		size_t length = strcspn(text, ",");

		if (!limit_parse(limits, text, length, reason, size))
			return false;
		if (text[length] == '\0')
			return true;
		text += length + 1;
	}
}

/* --------------------------------------------------------------- judging -- */

unsigned
health_workers(const struct status *status, unsigned *down)
{
	const char *running = child_state_name(CHILD_RUNNING);
	unsigned all = 0;

	*down = 0;
	for (unsigned i = 0; i < status->count; i++) {
		const struct status_worker *w = &status->workers[i];

		if (w->generation != status->generation)
			continue;
		all++;
		*down += strcmp(w->state, running) != 0 || w->trouble != NULL;
	}
	return all;
}

static double
share(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}

static void
raise(double *max, double value)
{
	if (value > *max)
		*max = value;
}

/* Seconds since something happened; NAN: it never did. */
static double
since(const struct status *s, uint64_t ts)
{
	if (ts == 0)
		return NAN;
	return s->now > ts ? (double)(s->now - ts) : 0;
}

static void
measure(const struct status *s, double values[HEALTH_MEASURES])
{
	unsigned down;

	memset(values, 0, HEALTH_MEASURES * sizeof(*values));
	health_workers(s, &down);
	values[HEALTH_DOWN] = down;
	values[HEALTH_MASTER_AGE] = s->master_age;
	values[HEALTH_DEAD_LETTER_AGE] = since(s, s->last_dead_letter_ts);
	values[HEALTH_DROPPED_AGE] = since(s, s->last_dropped_ts);
	values[HEALTH_CONNECTIONS] = (double)s->connections;
	values[HEALTH_DEAD_LETTER] = (double)s->records.dead_letter;
	values[HEALTH_DROPPED] = (double)s->records.dropped;
	for (unsigned i = 0; i < s->count; i++) {
		const struct status_worker *w = &s->workers[i];
		uint64_t pending = w->pending > 0 ? (uint64_t)w->pending : 0;

		raise(&values[HEALTH_FLUSH_AGE], (double)status_lag(s, w));
		raise(
		    &values[HEALTH_QUEUED], share(w->queued, w->ring_records));
		raise(&values[HEALTH_PENDING], share(pending, w->table_keys));
		values[HEALTH_STALLED] += w->stalled;
	}
}

/* A text of limited size that grows. */
struct line {
	char *text;
	size_t size, at;
};

static void __attribute__((format(printf, 2, 3)))
line_add(struct line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(
	    line->text + line->at, line->size - line->at, format, args);
	va_end(args);
	line->at += n > 0 ? (size_t)n : 0;
	if (line->at >= line->size)
		line->at = line->size - 1;
}

/* Without an exponent, which monitoring programs cannot read. */
static void
say_value(struct line *line, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.1f", value);
	size_t length = strlen(text);
	if (length > 2 && strcmp(text + length - 2, ".0") == 0)
		text[length - 2] = '\0';
	line_add(line, "%s", isnan(value) ? "U" : text);
}

/* Name each measure that is outside of its limits.  Returns the gravest of
   them. */
static enum health
say_faults(
    struct line *line, const double *values, const struct health_limits *limits)
{
	enum health worst = HEALTH_OK;

	for (int i = 0; i < HEALTH_MEASURES; i++) {
		bool critical = range_alerts(&limits->critical[i], values[i]);

		if (!critical && !range_alerts(&limits->warning[i], values[i]))
			continue;
		say_value(line, values[i]);
		line_add(line, " %s%s", measures[i].fault,
		    critical ? " (critical), " : ", ");
		if (critical)
			worst = HEALTH_CRITICAL;
		else if (worst == HEALTH_OK)
			worst = HEALTH_WARNING;
	}
	return worst;
}

/* label=value[unit];[warning];[critical];[least];[most] */
static void
say_data(struct line *line, const struct status *s, const double *values,
    const struct health_limits *limits)
{
	char warning[64], critical[64];

	line_add(line, " |");
	for (int i = 0; i < HEALTH_MEASURES; i++) {
		line_add(line, " %s=", measures[i].name);
		say_value(line, values[i]);
		line_add(line, "%s;%s;%s;0%s",
		    isnan(values[i]) ? "" : measures[i].unit,
		    range_text(&limits->warning[i], warning, sizeof(warning)),
		    range_text(
			&limits->critical[i], critical, sizeof(critical)),
		    *measures[i].unit == '%' ? ";100" : "");
	}
	line_add(line, " received=%" PRId64 "c;;;0 stored=%" PRId64 "c;;;0",
	    s->records.received, s->records.stored);
}

enum health
health_judge(const struct status *status, const struct health_limits *limits,
    char *text, size_t size)
{
	struct line line = { text, size, 0 };
	double values[HEALTH_MEASURES];
	unsigned down, all = health_workers(status, &down);
	enum health health;

	*text = '\0';
	measure(status, values);
	if (!status->running) {
		line_add(&line, "instance %s is not running", status->instance);
		return HEALTH_CRITICAL;
	}
	health = say_faults(&line, values, limits);
	if (status->reload_failed) {
		line_add(&line, "the last reload was refused, ");
		if (health == HEALTH_OK)
			health = HEALTH_WARNING;
	}
	line_add(&line,
	    "%u of %u workers run, %" PRIu64
	    " connections, %.1f records/s received, %.1f/s stored",
	    all - down, all, status->connections,
	    status->rates[2].per_second[HISTORY_RECEIVED],
	    status->rates[2].per_second[HISTORY_STORED]);
	say_data(&line, status, values, limits);
	return health;
}
