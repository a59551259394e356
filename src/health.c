/* SPDX-License-Identifier: MIT
 *
 * Judging a status.  Pure functions; what is wrong with limits is returned as
 * text.
 */
#include "config.h"

#include "health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

static const struct {
	const char *name, *unit; /* unit: of the performance data */
	const char *fault;       /* of the text */
} measures[HEALTH_MEASURES] = {
	[HEALTH_FLUSH_AGE] = { "flush_age", "s",
	    "seconds without a commit while keys are pending" },
	[HEALTH_QUEUED] = { "queued", "%", "% of a ring in use" },
	[HEALTH_PENDING] = { "pending", "%", "% of a table not stored yet" },
	[HEALTH_DOWN] = { "down", "", "workers do not run" },
	[HEALTH_DEAD_LETTER] = { "dead_letter", "c", "records set aside" },
	[HEALTH_DROPPED] = { "dropped", "c", "records dropped" },
};

const struct health_limits health_defaults = {
	.warning = {
		[HEALTH_FLUSH_AGE] = 30,
		[HEALTH_QUEUED] = 50,
		[HEALTH_PENDING] = 80,
		[HEALTH_DOWN] = HEALTH_NO_LIMIT,
		[HEALTH_DEAD_LETTER] = 0,
		[HEALTH_DROPPED] = 0,
	},
	.critical = {
		[HEALTH_FLUSH_AGE] = 120,
		[HEALTH_QUEUED] = 90,
		[HEALTH_PENDING] = 95,
		[HEALTH_DOWN] = 0,
		[HEALTH_DEAD_LETTER] = HEALTH_NO_LIMIT,
		[HEALTH_DROPPED] = HEALTH_NO_LIMIT,
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

/* Read one "measure=number" of so many bytes. */
static bool
limit_parse(
    double *limits, const char *text, size_t length, char *reason, size_t size)
{
	const char *sign = memchr(text, '=', length);
	char number[32] = "", *end;
	int which =
	    sign == NULL ? -1 : measure_find(text, (size_t)(sign - text));

	if (which < 0) {
		snprintf(reason, size,
		    "found \"%.*s\", expected flush_age=N, queued=N, "
		    "pending=N, down=N, dead_letter=N or dropped=N",
		    (int)length, text);
		return false;
	}
	snprintf(number, sizeof(number), "%.*s",
	    (int)(text + length - sign - 1), sign + 1);
	limits[which] =
	    *number == '\0' ? HEALTH_NO_LIMIT : strtod(number, &end);
	if (*number == '\0' || (*end == '\0' && *number >= '0' &&
				   *number <= '9' && limits[which] <= 1e18))
		return true;
	snprintf(reason, size,
	    "%s: found \"%s\", expected a number from 0 on, or nothing",
	    measures[which].name, number);
	return false;
}

bool
health_parse(double *limits, const char *text, char *reason, size_t size)
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
raise(double *most, double value)
{
	if (value > *most)
		*most = value;
}

static void
measure(const struct status *s, double values[HEALTH_MEASURES])
{
	unsigned down;

	memset(values, 0, HEALTH_MEASURES * sizeof(*values));
	health_workers(s, &down);
	values[HEALTH_DOWN] = down;
	values[HEALTH_DEAD_LETTER] = (double)s->records.dead_letter;
	values[HEALTH_DROPPED] = (double)s->records.dropped;
	for (unsigned i = 0; i < s->count; i++) {
		const struct status_worker *w = &s->workers[i];
		uint64_t pending = w->pending > 0 ? (uint64_t)w->pending : 0;

		raise(&values[HEALTH_FLUSH_AGE], (double)status_lag(s, w));
		raise(
		    &values[HEALTH_QUEUED], share(w->queued, w->ring_records));
		raise(&values[HEALTH_PENDING], share(pending, w->table_keys));
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

static bool
is_over(double value, double limit)
{
	return limit >= 0 && value > limit;
}

/* Name each measure that is over a limit.  Returns the gravest of them. */
static enum health
say_faults(
    struct line *line, const double *values, const struct health_limits *limits)
{
	enum health worst = HEALTH_OK;

	for (int i = 0; i < HEALTH_MEASURES; i++) {
		bool critical = is_over(values[i], limits->critical[i]);

		if (!critical && !is_over(values[i], limits->warning[i]))
			continue;
		line_add(line, "%.4g %s%s", values[i], measures[i].fault,
		    critical ? " (critical), " : ", ");
		if (critical)
			worst = HEALTH_CRITICAL;
		else if (worst == HEALTH_OK)
			worst = HEALTH_WARNING;
	}
	return worst;
}

static void
say_limit(struct line *line, double limit)
{
	if (limit >= 0)
		line_add(line, ";%.15g", limit);
	else
		line_add(line, ";");
}

/* label=value[unit];[warning];[critical];[least];[most] */
static void
say_data(struct line *line, const struct status *s, const double *values,
    const struct health_limits *limits)
{
	line_add(line, " |");
	for (int i = 0; i < HEALTH_MEASURES; i++) {
		line_add(line,
		    i < HEALTH_DEAD_LETTER ? " %s=%.4g%s" : " %s=%.15g%s",
		    measures[i].name, values[i], measures[i].unit);
		say_limit(line, limits->warning[i]);
		say_limit(line, limits->critical[i]);
		line_add(line, ";0%s", *measures[i].unit == '%' ? ";100" : "");
	}
	line_add(line,
	    " connections=%" PRIu64 ";;;0 received=%" PRId64
	    "c;;;0 stored=%" PRId64 "c;;;0",
	    s->connections, s->records.received, s->records.stored);
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
