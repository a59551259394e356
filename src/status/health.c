/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/health.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define STARTING_S 10

static const struct {
	const char *name, *unit;  /* unit: of the performance data */
	const char *noun, *fault; /* of the text; noun is "" for a percentage */
	/* The default limits.  What happened counts as a fault for an hour:
	   long enough for any monitoring program to see it. */
	const char *warning, *critical;
} measures[HEALTH_MEASURES] = {
	[HEALTH_FLUSH_AGE] = { "flush_age", "s", "second",
	    " without a commit while keys are pending", "30", "120" },
	[HEALTH_QUEUED] = { "queued", "%", "", "% of a ring in use", "50",
	    "90" },
	[HEALTH_PENDING] = { "pending", "%", "", "% of a table not stored",
	    "80", "95" },
	[HEALTH_DOWN] = { "down", "", "worker", " not running", "", "0" },
	[HEALTH_BLOCKED] = { "blocked", "", "worker",
	    " refused by the database", "", "0" },
	[HEALTH_DISCONNECTED] = { "disconnected", "s", "second",
	    " without a connection to the database", "30", "120" },
	[HEALTH_CLOCK_SKEW] = { "clock_skew", "s", "second",
	    " between the clocks of the database and of this machine", "30",
	    "60" },
	[HEALTH_STALLED] = { "stalled", "", "worker", " not draining the ring",
	    "0", "" },
	[HEALTH_MASTER_AGE] = { "master_age", "s", "second",
	    " without a response of the master", "10", "60" },
	[HEALTH_DEAD_LETTER_AGE] = { "dead_letter_age", "s", "second",
	    " since a record was set aside", "3600:", "" },
	[HEALTH_DROPPED_AGE] = { "dropped_age", "s", "second",
	    " since a record was dropped", "3600:", "" },
	[HEALTH_RESTART_AGE] = { "restart_age", "s", "second",
	    " since a worker was restarted after it died", "3600:", "" },
	[HEALTH_RESTARTS] = { "restarts", "c", "restart", " of workers", "",
	    "" },
	[HEALTH_DEAD_LOST_AGE] = { "dead_lost_age", "s", "second",
	    " since a refused record was lost", "", "3600:" },
	[HEALTH_DEAD_LETTER] = { "dead_letter", "c", "record", " set aside", "",
	    "" },
	[HEALTH_DROPPED] = { "dropped", "c", "record", " dropped", "", "" },
	[HEALTH_CONNECTIONS] = { "connections", "", "connection", "", "", "" },
};

const char *
health_name(enum health health)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };

	return names[health];
}

/* ---------------------------------------------------------------- ranges -- */

/* Read a number that is the whole text, without an exponent. */
static bool
number_read(double *number, const char *text)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && *end == '\0' &&
	       strspn(text, "-.0123456789") == strlen(text);
}

bool
range_parse(struct range *range, const char *text)
{
	struct range read = { .is_inverted = *text == '@', .max = INFINITY };
	const char *max = strchr(text, ':');
	char min[32] = "";

	*range = read;
	if (*text == '\0')
		return true;
	text += read.is_inverted;
	if (max != NULL) {
		snprintf(min, sizeof(min), "%.*s", (int)(max - text), text);
		max++;
	} else {
		max = text;
	}
	if (strcmp(min, "~") == 0)
		read.min = -INFINITY;
	else if (*min != '\0' && !number_read(&read.min, min))
		return false;
	/* One of them must be there. */
	if ((*max != '\0' || *min == '\0') && !number_read(&read.max, max))
		return false;
	read.is_set = true;
	*range = read;
	return read.min <= read.max;
}

bool
range_alerts(const struct range *range, double value)
{
	if (!range->is_set || isnan(value))
		return false;
	bool is_outside = value < range->min || value > range->max;
	return is_outside != range->is_inverted;
}

const char *
range_text(const struct range *range, char *text, size_t size)
{
	char min[32] = "", max[32] = "";

	if (isinf(range->min))
		snprintf(min, sizeof(min), "~:");
	else if (range->min != 0 || isinf(range->max))
		snprintf(min, sizeof(min), "%.15g:", range->min);
	if (!isinf(range->max))
		snprintf(max, sizeof(max), "%.15g", range->max);
	snprintf(text, size, "%s%s%s", range->is_inverted ? "@" : "", min, max);
	if (!range->is_set && size > 0)
		*text = '\0';
	return text;
}

/* ---------------------------------------------------------------- limits -- */

/* Read one "measure=range". */
static bool
limit_parse(struct range *limits, const char *limit, char *reason, size_t size)
{
	char copy[256], *value = copy, *name;
	int which = 0, at;

	snprintf(copy, sizeof(copy), "%s", limit);
	name = strsep(&value, "=");
	if (strcmp(name, "still") == 0) /* its name in 0.1 */
		which = HEALTH_STALLED;
	else
		while (which < HEALTH_MEASURES &&
		       strcmp(measures[which].name, name) != 0)
			which++;
	if (value != NULL && which < HEALTH_MEASURES) {
		if (range_parse(&limits[which], value))
			return true;
		snprintf(reason, size,
		    "%s: found \"%s\", expected MAX, MIN:, MIN:MAX, @MIN:MAX "
		    "or nothing",
		    measures[which].name, value);
		return false;
	}
	at = snprintf(
	    reason, size, "found \"%s\", expected MEASURE=RANGE, of", limit);
	for (int i = 0; i < HEALTH_MEASURES && at < (int)size; i++)
		at += snprintf(reason + at, size - (size_t)at, "%s %s",
		    i > 0 ? "," : "", measures[i].name);
	return false;
}

bool
health_parse(struct range *limits, const char *text, char *reason, size_t size)
{
	char limit[256];

	do {
		size_t length = strcspn(text, ",");

		snprintf(limit, sizeof(limit), "%.*s", (int)length, text);
		if (!limit_parse(limits, limit, reason, size))
			return false;
		text += length;
	} while (*text++ == ',');
	return true;
}

void
health_defaults(struct health_limits *limits)
{
	for (int i = 0; i < HEALTH_MEASURES; i++) {
		range_parse(&limits->warning[i], measures[i].warning);
		range_parse(&limits->critical[i], measures[i].critical);
	}
}

/* --------------------------------------------------------------- judging -- */

unsigned
health_workers(const struct status *s, unsigned *down)
{
	unsigned all = 0;

	*down = 0;
	STATUS_WORKERS(w, s)
		if (w->generation == s->generation) {
			all++;
			*down += !w->running || w->trouble != NULL;
		}
	return all;
}

static double
share(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}

/* Seconds since something happened; NAN: it never did. */
static double
since(const struct status *s, uint64_t ts)
{
	return ts == 0 ? NAN : (double)status_since(s, ts);
}

static void
peak(double *max, double value)
{
	*max = fmax(*max, value);
}

static void
measure(const struct status *s, double values[HEALTH_MEASURES])
{
	const char *failed = child_state_name(CHILD_FAILED);
	bool starts = status_since(s, s->input.configured_ts) < STARTING_S;
	unsigned down;

	memset(values, 0, HEALTH_MEASURES * sizeof(*values));
	health_workers(s, &down);
	values[HEALTH_DOWN] = down;
	values[HEALTH_MASTER_AGE] = s->master_age;
	values[HEALTH_DEAD_LETTER_AGE] = since(s, s->input.last_dead_letter_ts);
	values[HEALTH_DROPPED_AGE] = since(s, s->input.last_dropped_ts);
	values[HEALTH_RESTART_AGE] = NAN;
	values[HEALTH_DEAD_LOST_AGE] = since(s, s->input.last_dead_lost_ts);
	values[HEALTH_CONNECTIONS] = (double)s->input.connections;
	values[HEALTH_DEAD_LETTER] = (double)s->records.dead_letter;
	values[HEALTH_DROPPED] = (double)s->records.dropped;
	STATUS_WORKERS(w, s) {
		uint64_t pending = w->pending > 0 ? (uint64_t)w->pending : 0;

		peak(&values[HEALTH_FLUSH_AGE], (double)w->lag);
		peak(&values[HEALTH_QUEUED], share(w->queued, w->ring_records));
		peak(&values[HEALTH_PENDING], share(pending, w->table_keys));
		/* After a start and a reload workers begin to run one after the
		   other. */
		values[HEALTH_DOWN] -= w->generation == s->generation &&
				       !w->running && w->trouble == NULL &&
				       strcmp(w->state, failed) != 0 && starts;
		values[HEALTH_STALLED] += w->stalled;
		values[HEALTH_RESTARTS] += w->restarts;
		if (w->restarts > 0)
			values[HEALTH_RESTART_AGE] = fmin(
			    values[HEALTH_RESTART_AGE], since(s, w->started));
		values[HEALTH_BLOCKED] +=
		    w->pid > 0 && w->flush.blocked_since != 0;
		peak(&values[HEALTH_DISCONNECTED], (double)w->apart);
		if (w->connected)
			peak(&values[HEALTH_CLOCK_SKEW],
			    (double)w->flush.clock_skew);
	}
}

/* Without an exponent, which monitoring programs cannot read. */
static void
show_value(FILE *line, double value)
{
	char text[64], *zero;

	snprintf(text, sizeof(text), "%.1f", value);
	if ((zero = strstr(text, ".0")) != NULL)
		*zero = '\0';
	fputs(isnan(value) ? "U" : text, line);
}

/* Name each measure outside of its limits.  Returns their worst state. */
static enum health
show_faults(
    FILE *line, const double *values, const struct health_limits *limits)
{
	enum health worst = HEALTH_OK;

	for (int i = 0; i < HEALTH_MEASURES; i++) {
		bool critical = range_alerts(&limits->critical[i], values[i]);

		if (!critical && !range_alerts(&limits->warning[i], values[i]))
			continue;
		show_value(line, values[i]);
		fprintf(line, " %s%s%s%s", measures[i].noun,
		    *measures[i].noun != '\0' && values[i] != 1 ? "s" : "",
		    measures[i].fault, critical ? " (critical), " : ", ");
		if (critical)
			worst = HEALTH_CRITICAL;
		else if (worst == HEALTH_OK)
			worst = HEALTH_WARNING;
	}
	return worst;
}

/* label=value[unit];[warning];[critical];[min];[max] */
static void
show_data(FILE *line, const struct status *s, const double *values,
    const struct health_limits *limits)
{
	char warning[64], critical[64];

	fprintf(line, " |");
	for (int i = 0; i < HEALTH_MEASURES; i++) {
		fprintf(line, " %s=", measures[i].name);
		show_value(line, values[i]);
		fprintf(line, "%s;%s;%s;0%s",
		    isnan(values[i]) ? "" : measures[i].unit,
		    range_text(&limits->warning[i], warning, sizeof(warning)),
		    range_text(
			&limits->critical[i], critical, sizeof(critical)),
		    *measures[i].unit == '%' ? ";100" : "");
	}
	fprintf(line, " received=%" PRId64 "c;;;0 stored=%" PRId64 "c;;;0",
	    s->records.received, s->records.stored);
}

static enum health
show_health(
    const struct status *s, const struct health_limits *limits, FILE *line)
{
	double values[HEALTH_MEASURES];
	unsigned down, all = health_workers(s, &down);

	if (!s->running) {
		fprintf(line, "instance %s is not running", s->instance);
		return HEALTH_CRITICAL;
	}
	measure(s, values);
	enum health health = show_faults(line, values, limits);
	/* The error that must be fixed: one, the same for all workers. */
	STATUS_WORKERS(w, s) {
		if (w->pid == 0 || w->flush.blocked_since == 0)
			continue;
		fprintf(line, "error %" PRIu64 ": %s, ",
		    w->flush.last_error_number, w->flush.last_error);
		break;
	}
	if (s->reload_failed) {
		fputs("last reload failed, ", line);
		if (health == HEALTH_OK)
			health = HEALTH_WARNING;
	}
	fprintf(line,
	    "%u of %u worker%s running, %" PRIu64
	    " connection%s, %.1f records/s received, %.1f/s stored",
	    all - down, all, status_s(all), s->input.connections,
	    status_s(s->input.connections),
	    s->rates[2].per_second[HISTORY_RECEIVED],
	    s->rates[2].per_second[HISTORY_STORED]);
	status_hosts(s, line);
	show_data(line, s, values, limits);
	return health;
}

enum health
health_judge(const struct status *status, const struct health_limits *limits,
    char *text, size_t size)
{
	FILE *line = fmemopen(text, size, "w");

	if (line == NULL) {
		snprintf(text, size, "out of memory");
		return HEALTH_UNKNOWN;
	}
	enum health health = show_health(status, limits, line);
	fclose(line);
	text[size - 1] = '\0';
	return health;
}
