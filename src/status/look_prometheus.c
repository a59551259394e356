/* SPDX-License-Identifier: MIT
 *
 * Only fresh records show overload and errors: the series of calls of a service
 * that is not fresh end, and begin again when it is.
 */
#include "config.h"

#include "status/look_prometheus.h"

#include <inttypes.h>
#include <stdlib.h>

static void
family(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP reporter_%s %s\n# TYPE reporter_%s gauge\n", name,
	    help, name);
}

static void
show(FILE *out, const char *name, const char *help, double value)
{
	family(out, name, help);
	fprintf(out, "reporter_%s %.15g\n", name, value);
}

void
look_prometheus(const struct look *look, FILE *out)
{
	const struct look_totals *t = look_totals(look);

	show(out, "look_timestamp_seconds",
	    "When the services were looked at, seconds since 1970.",
	    (double)t->now_ms / 1000);
	show(out, "look_duration_seconds",
	    "Processor time of the look, seconds.", t->walk_ms / 1000);
	show(out, "look_truncated",
	    "Whether there are more services or servers than are told apart.",
	    t->truncated);
	show(out, "overloaded_servers",
	    "Servers that a fresh record shows overloaded.",
	    (double)t->overloaded_servers);
	family(out, "services", "Services, by state.");
	for (int i = 0; i < LOOK_STATES; i++)
		fprintf(out, "reporter_services{state=\"%s\"} %" PRIu64 "\n",
		    look_state_name((enum look_state)i), t->by_state[i]);
	family(out, "callers", "Callers, by the age of their newest record.");
	for (int i = 0; i < AGES; i++)
		fprintf(out, "reporter_callers{state=\"%s\"} %" PRIu64 "\n",
		    look_age_name((enum look_age)i), t->callers_by_age[i]);
}

/* -------------------------------------------------------------- services -- */

enum figure {
	OVERLOADED,
	SERVERS,
	CALLERS,
	SUCC,
	ERR,
	REPORTS,
	NEWEST,
	FIGURES
};

static const struct {
	const char *name, *help;
} figures[FIGURES] = {
	[OVERLOADED] = { "service_overloaded_servers",
	    "Servers of the service that a fresh record shows overloaded." },
	[SERVERS] = { "service_servers", "Servers of the service." },
	[CALLERS] = { "service_callers", "Callers of the service." },
	[SUCC] = { "service_succeeded_calls",
	    "Calls that succeeded, sum over its fresh records." },
	[ERR] = { "service_failed_calls",
	    "Calls that failed, sum over its fresh records." },
	[REPORTS] = { "service_reports_per_second",
	    "Reports of the service since the look before, per second." },
	[NEWEST] = { "service_newest_record_timestamp_seconds",
	    "Time of its newest record, seconds since 1970." },
};

/* Returns the figure of a service, or -1 if it has none. */
static double
figure_of(
    const struct look *look, const struct look_service *s, enum figure figure)
{
	bool fresh = s->sum.age == AGE_FRESH;

	switch (figure) {
	case OVERLOADED:
		return s->overloaded;
	case SERVERS:
		return s->servers;
	case CALLERS:
		return s->sum.callers;
	case SUCC:
		return fresh ? (double)s->sum.succ : -1;
	case ERR:
		return fresh ? (double)s->sum.err : -1;
	case REPORTS:
		return look_rate(look, s->sum.reports);
	case NEWEST:
		return (double)s->sum.newest_ts;
	case FIGURES:
		break;
	}
	return -1;
}

static void
show_labels(const struct look_service *s, const struct names *names, FILE *out)
{
	const char *name = names_find(names, s->modid, s->cmdid);

	fprintf(out, "{modid=\"%" PRId32 "\",cmdid=\"%" PRId32 "\"", s->modid,
	    s->cmdid);
	if (name != NULL) {
		fputs(",name=\"", out);
		for (; *name != '\0'; name++) {
			if (*name == '"' || *name == '\\')
				putc('\\', out);
			putc(*name, out);
		}
		putc('"', out);
	}
	putc('}', out);
}

bool
look_prometheus_services(
    const struct look *look, const struct names *names, size_t limit, FILE *out)
{
	const struct look_service *services = look_services(look);
	size_t count;
	uint32_t *order = look_sort(look, LOOK_BY_TROUBLE, NULL, NULL, &count);

	if (order == NULL)
		return false;
	size_t listed = count < limit ? count : limit;
	show(out, "services_left_out",
	    "Services that are not listed, for the limit.",
	    (double)(count - listed));
	for (int f = 0; f < FIGURES; f++) {
		family(out, figures[f].name, figures[f].help);
		for (size_t i = 0; i < listed; i++) {
			const struct look_service *s = &services[order[i]];
			double value = figure_of(look, s, (enum figure)f);

			if (value < 0)
				continue;
			fprintf(out, "reporter_%s", figures[f].name);
			show_labels(s, names, out);
			fprintf(out, " %.15g\n", value);
		}
	}
	free(order);
	return true;
}
