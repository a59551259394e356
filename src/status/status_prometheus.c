/* SPDX-License-Identifier: MIT
 *
 * A worker's counters carry its slot and the generation of its segment: when a
 * generation ends, its series end, and no counter ever goes back.  The records'
 * totals carry neither and include the generations that have ended.
 */
#include "config.h"

#include "status/metric.h"
#include "status/status.h"

#include <inttypes.h>

#define LABELS_MAX 128 /* bytes, with the 0 */

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP reporter_%s %s\n# TYPE reporter_%s %s\n", name,
	    help, name, type);
}

/* Writes the value of a label, and the end of a sample whose value is 1. */
static void
show_info(const char *value, FILE *out)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', out);
		/* It must be UTF-8; versions and hosts are ASCII. */
		putc(*p & 0x80 ? '?' : *p, out);
	}
	fputs("\"} 1\n", out);
}

void
metric_family(const struct metric *m, FILE *out)
{
	family(out, m->family, m->kind == METRIC_COUNTER ? "counter" : "gauge",
	    m->help);
}

void
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

static const char *
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
	for (const struct status_worker *w = s->workers; w < status_end(s);
	     w++) {
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
		for (const struct status_worker *w = s->workers;
		     w < status_end(s); w++)
			if (m->group == METRIC_SLOT || w->trouble == NULL)
				metric_samples(
				    m, w, worker_labels(w, labels), out);
}

static void
show_hosts(const struct status *s, FILE *out)
{
	char labels[LABELS_MAX];

	family(out, "worker_database_info", "gauge",
	    "The database's host that the worker is connected to; always 1.");
	for (const struct status_worker *w = s->workers; w < status_end(s);
	     w++) {
		if (!w->connected)
			continue;
		fprintf(out, "reporter_worker_database_info{%s,host=\"",
		    worker_labels(w, labels));
		show_info(w->host, out);
	}
}

/* A histogram of each worker, whose bucket i counts what is below 2^i units of
   so many seconds; where its buckets and its sum are, and the sum's unit. */
static void
show_histogram(const struct status *s, const char *name, double unit,
    size_t buckets, size_t sum, double sum_unit, FILE *out)
{
	char labels[LABELS_MAX];

	for (const struct status_worker *w = s->workers; w < status_end(s);
	     w++) {
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
	family(out, "up", "gauge", "Whether the reporter runs.");
	fprintf(out, "reporter_up %d\n", s != NULL && s->running);
	if (s == NULL)
		return;
	family(out, "build_info", "gauge", "The reporter's version; always 1.");
	fputs("reporter_build_info{version=\"", out);
	show_info(s->version, out);
	family(out, "master_age_seconds", "gauge",
	    "Time since the last round of the master's loop, seconds.");
	fprintf(out, "reporter_master_age_seconds %.3f\n", s->master_age);
	for (const struct metric *m = metrics; m < metrics_end; m++)
		if (m->family != NULL)
			show_metric(s, m, out);
	show_hosts(s, out);
	family(out, "flush_duration_seconds", "histogram",
	    "How long transactions took that were committed.");
#define AT(member) offsetof(struct status_worker, flush.member)
	show_histogram(s, "flush_duration_seconds", 1e-3, AT(buckets),
	    AT(flush_us), 1e-6, out);
	family(out, "record_age_seconds", "histogram",
	    "How old records were when they were committed, by their time.");
	show_histogram(
	    s, "record_age_seconds", 1, AT(ages), AT(age_seconds), 1, out);
}
