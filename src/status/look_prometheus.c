/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/look_prometheus.h"
#include "status/metric.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct metric_reasons states = { "state", 0, LOOK_STATES,
	look_state_name };
static const struct metric_reasons ages = { "state", 0, AGES, look_age_name };

#define AT(type, member) \
	.offset = offsetof(struct type, member), \
	.size = sizeof(((struct type *)0)->member)
#define TOTAL(name, member) .family = (name), AT(look_totals, member)
#define SERVICE(name, member) .family = (name), AT(look_service, member)

static const struct metric of_look[] = {
	{ TOTAL("services", by_state[0]), .reasons = &states,
	    .help = "Services, by state." },
	{ TOTAL("callers", callers_by_age[0]), .reasons = &ages,
	    .help = "Callers, by the age of their newest record." },
	{ TOTAL("overloaded_servers", overloaded_servers),
	    .help = "Servers that a fresh record reports as overloaded." },
	{ TOTAL("look_truncated", truncated),
	    .help = "1 if there are more services or servers than can be "
		    "counted." },
};

#define OF_CALLS 4 /* from there on they are of fresh services only */

static const struct metric of_service[] = {
	{ SERVICE("service_overloaded_servers", overloaded),
	    .help = "Servers that a fresh record reports as overloaded." },
	{ SERVICE("service_servers", servers), .help = "Its servers." },
	{ SERVICE("service_callers", sum.callers), .help = "Its callers." },
	{ SERVICE("service_newest_record_timestamp_seconds", sum.newest_ts),
	    .help = "Time of its newest record, seconds since 1970." },
	{ SERVICE("service_succeeded_calls", sum.succ),
	    .help = "Calls that succeeded, sum over its fresh records." },
	{ SERVICE("service_failed_calls", sum.err),
	    .help = "Calls that failed, sum over its fresh records." },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
show_real(const char *name, const char *help, double value, FILE *out)
{
	metric_family(&(struct metric){ .family = name, .help = help }, out);
	fprintf(out, "reporter_%s %.15g\n", name, value);
}

void
look_prometheus(const struct look *look, FILE *out)
{
	const struct look_totals *totals = look_totals(look);

	show_real("look_timestamp_seconds",
	    "Time of the last walk through all keys, seconds since 1970.",
	    (double)totals->now_ms / 1000, out);
	show_real("look_duration_seconds",
	    "Processor time of that walk, seconds.", totals->walk_ms / 1000,
	    out);
	for (size_t i = 0; i < COUNT(of_look); i++) {
		metric_family(&of_look[i], out);
		metric_samples(&of_look[i], totals, "", out);
	}
}

static void
labels_write(const struct look_service *s, const char *name,
    char labels[NAMES_NAME_MAX * 2 + 64])
{
	char *at = labels + sprintf(labels,
				"modid=\"%" PRId32 "\",cmdid=\"%" PRId32 "\"",
				s->modid, s->cmdid);

	if (name == NULL)
		return;
	at += sprintf(at, ",name=\"");
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			*at++ = '\\';
		*at++ = *name;
	}
	strcpy(at, "\"");
}

bool
look_prometheus_services(
    const struct look *look, const struct names *names, size_t limit, FILE *out)
{
	char labels[NAMES_NAME_MAX * 2 + 64];
	size_t count;
	uint32_t *order = look_sort(look, LOOK_BY_TROUBLE, NULL, NULL, &count);

	if (order == NULL)
		return false;
	size_t listed = count < limit ? count : limit;
	show_real("services_left_out", "Services left out by the limit.",
	    (double)(count - listed), out);
	for (const struct metric *m = of_service;
	     m < of_service + COUNT(of_service); m++) {
		metric_family(m, out);
		for (size_t i = 0; i < listed; i++) {
			const struct look_service *s =
			    &look_services(look)[order[i]];

			if (m - of_service >= OF_CALLS &&
			    s->sum.age != AGE_FRESH)
				continue;
			labels_write(
			    s, names_find(names, s->modid, s->cmdid), labels);
			metric_samples(m, s, labels, out);
		}
	}
	free(order);
	return true;
}
