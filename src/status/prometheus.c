/* SPDX-License-Identifier: MIT
 *
 * A worker's counters carry its slot and the generation of its segment: when a
 * generation ends, its series end, and no counter ever goes back.  The records'
 * totals carry neither and include the generations that have ended.
 */
#include "config.h"

#include "status/look.h"
#include "status/metric.h"
#include "status/names.h"
#include "status/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 512 /* bytes, with the 0 */

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP reporter_%s %s\n# TYPE reporter_%s %s\n", name,
	    help, name, type);
}

/* Append a label with a value in UTF-8 that has no line end. */
static void
label_add(char *labels, const char *name, const char *value)
{
	char *at = labels + strlen(labels);

	at += sprintf(at, "%s%s=\"", *labels != '\0' ? "," : "", name);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			*at++ = '\\';
		*at++ = *value;
	}
	strcpy(at, "\"");
}

static void
metric_family(const struct metric *m, FILE *out)
{
	family(out, m->family, m->kind == METRIC_COUNTER ? "counter" : "gauge",
	    m->help);
}

/* The samples of one thing, `of`, with labels as in 'slot="0"', or "". */
static void
metric_samples(
    const struct metric *m, const void *of, const char *labels, FILE *out)
{
	static const struct metric_reasons none = { .end = 1 };
	const struct metric_reasons *reasons =
	    m->reasons != NULL ? m->reasons : &none;

	for (unsigned i = reasons->first; i < reasons->end; i++) {
		uint64_t value = metric_value(m, of, i);

		fprintf(out, "reporter_%s", m->family);
		if (reasons != &none)
			fprintf(out, "{%s%s%s=\"%s\"}", labels,
			    *labels != '\0' ? "," : "", reasons->label,
			    reasons->name(i));
		else if (*labels != '\0')
			fprintf(out, "{%s}", labels);
		/* No figure is negative but one of a damaged segment. */
		if (value > INT64_MAX)
			value = 0;
		if (m->unit == METRIC_MICROSECONDS)
			fprintf(out, " %.6f\n", (double)value / 1e6);
		else
			fprintf(out, " %" PRIu64 "\n", value);
	}
}

static char *
worker_labels(const struct status_worker *w, char labels[LABELS_MAX])
{
	snprintf(labels, LABELS_MAX, "generation=\"%" PRIu64 "\",slot=\"%u\"",
	    w->generation, w->slot);
	return labels;
}

/* One sample of each process that runs and has noted its figures. */
static void
show_processes(const struct status *s, const struct metric *m, FILE *out)
{
	char labels[LABELS_MAX], of_worker[2 * LABELS_MAX];

	if (s->running && s->input.process.files_max != 0)
		metric_samples(m, &s->input.process, "role=\"master\"", out);
	STATUS_WORKERS(w, s) {
		if (w->pid == 0 || w->process.files_max == 0)
			continue;
		snprintf(of_worker, sizeof(of_worker), "role=\"worker\",%s",
		    worker_labels(w, labels));
		metric_samples(m, &w->process, of_worker, out);
	}
	if (s->web != NULL)
		metric_samples(m, s->web, "role=\"web\"", out);
}

static void
show_metric(const struct status *s, const struct metric *m, FILE *out)
{
	char labels[LABELS_MAX];

	metric_family(m, out);
	if (m->group == METRIC_PROCESS)
		show_processes(s, m, out);
	else if (m->group < METRIC_SLOT)
		metric_samples(m, s, "", out);
	else
		STATUS_WORKERS(w, s)
			if (m->group == METRIC_SLOT || w->trouble == NULL)
				metric_samples(
				    m, w, worker_labels(w, labels), out);
}

/* A histogram of each worker, whose bucket i counts what is below 2^i units of
   so many seconds; where its buckets and its sum are, and the sum's unit. */
static void
show_histogram(const struct status *s, const char *name, double unit,
    size_t buckets, size_t sum, double sum_unit, FILE *out)
{
	char labels[LABELS_MAX];

	STATUS_WORKERS(w, s) {
		const char *base = (const char *)w;
		const counter *bucket = (const counter *)(base + buckets);
		uint64_t count = 0;

		if (w->trouble != NULL)
			continue;
		worker_labels(w, labels);
		for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
			count += counter_get(bucket++);
			fprintf(out,
			    "reporter_%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n",
			    name, labels, (double)(1u << i) * unit, count);
		}
		count += counter_get(bucket);
		fprintf(out,
		    "reporter_%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n"
		    "reporter_%s_sum{%s} %.6f\n"
		    "reporter_%s_count{%s} %" PRIu64 "\n",
		    name, labels, count, name, labels,
		    (double)counter_get((const counter *)(base + sum)) *
			sum_unit,
		    name, labels, count);
	}
}

void
status_prometheus(const struct status *s, FILE *out)
{
	char labels[LABELS_MAX] = "";

	family(out, "up", "gauge", "Whether the reporter runs.");
	fprintf(out, "reporter_up %d\n", s != NULL && s->running);
	if (s == NULL)
		return;
	family(out, "build_info", "gauge", "The reporter's version; always 1.");
	label_add(labels, "version", s->version);
	fprintf(out, "reporter_build_info{%s} 1\n", labels);
	family(out, "master_age_seconds", "gauge",
	    "Time since the last round of the master's loop, seconds.");
	fprintf(out, "reporter_master_age_seconds %.3f\n", s->master_age);
	for (const struct metric *m = metrics; m < metrics_end; m++)
		if (m->family != NULL)
			show_metric(s, m, out);
	family(out, "worker_database_info", "gauge",
	    "The database's host that the worker is connected to; always 1.");
	STATUS_WORKERS(w, s) {
		if (!w->connected)
			continue;
		label_add(worker_labels(w, labels), "host", w->host);
		fprintf(out, "reporter_worker_database_info{%s} 1\n", labels);
	}
	family(out, "flush_duration_seconds", "histogram",
	    "How long transactions took that were committed.");
#define FLUSH(member) offsetof(struct status_worker, flush.member)
	show_histogram(s, "flush_duration_seconds", 1e-3, FLUSH(buckets),
	    FLUSH(flush_us), 1e-6, out);
	family(out, "record_age_seconds", "histogram",
	    "How old records were when they were committed, by their time.");
	show_histogram(s, "record_age_seconds", 1, FLUSH(ages),
	    FLUSH(age_seconds), 1, out);
}

/* ----------------------------------------------------------------- looks -- */

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
	const struct look_totals *totals = &look->totals;

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

bool
look_prometheus_services(
    const struct look *look, const struct names *names, size_t limit, FILE *out)
{
	char labels[LABELS_MAX];
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
			    &look->services[order[i]];

			const char *name =
			    names_find(names, s->modid, s->cmdid);

			if (m - of_service >= OF_CALLS &&
			    s->sum.age != AGE_FRESH)
				continue;
			snprintf(labels, sizeof(labels),
			    "modid=\"%" PRId32 "\",cmdid=\"%" PRId32 "\"",
			    s->modid, s->cmdid);
			if (name != NULL)
				label_add(labels, "name", name);
			metric_samples(m, s, labels, out);
		}
	}
	free(order);
	return true;
}
