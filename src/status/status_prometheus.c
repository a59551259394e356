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

/* The samples of a metric; worker: its labels, "" for the instance. */
static void
show_samples(
    const struct metric *m, const void *of, const char *worker, FILE *out)
{
	static const struct metric_reasons none = { .end = 1 };
	const struct metric_reasons *reasons =
	    m->reasons != NULL ? m->reasons : &none;

	for (unsigned i = reasons->first; i < reasons->end; i++) {
		uint64_t value = metric_value(m, of, i);

		fprintf(out, "reporter_%s", m->family);
		if (reasons != &none)
			fprintf(out, "{%s%s%s=\"%s\"}", worker,
			    *worker != '\0' ? "," : "", reasons->label,
			    reasons->name(i));
		else if (*worker != '\0')
			fprintf(out, "{%s}", worker);
		/* No figure is negative but one of a damaged segment. */
		fprintf(out, " %" PRIu64 "\n", value > INT64_MAX ? 0 : value);
	}
}

static const char *
worker_labels(const struct status_worker *w, char labels[LABELS_MAX])
{
	snprintf(labels, LABELS_MAX, "generation=\"%" PRIu64 "\",slot=\"%u\"",
	    w->generation, w->slot);
	return labels;
}

static void
show_metric(const struct status *s, const struct metric *m, FILE *out)
{
	char labels[LABELS_MAX];

	family(out, m->family, m->kind == METRIC_COUNTER ? "counter" : "gauge",
	    m->help);
	if (m->group < METRIC_SLOT) {
		show_samples(m, s, "", out);
		return;
	}
	for (const struct status_worker *w = s->workers; w < status_end(s); w++)
		if (m->group == METRIC_SLOT || w->trouble == NULL)
			show_samples(m, w, worker_labels(w, labels), out);
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

static void
show_flush(const struct status_worker *w, FILE *out)
{
	static const char name[] = "reporter_flush_duration_seconds";
	char labels[LABELS_MAX];
	uint64_t count = 0;

	worker_labels(w, labels);
	for (int i = 0; i < FLUSH_BUCKETS - 1; i++) {
		count += w->flush.buckets[i];
		fprintf(out, "%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n", name,
		    labels, (double)(1u << i) / 1000, count);
	}
	count += w->flush.buckets[FLUSH_BUCKETS - 1];
	fprintf(out,
	    "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n"
	    "%s_sum{%s} %.6f\n%s_count{%s} %" PRIu64 "\n",
	    name, labels, count, name, labels, (double)w->flush.flush_us / 1e6,
	    name, labels, count);
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
	for (const struct metric *m = metrics; m < metrics_end; m++)
		if (m->family != NULL)
			show_metric(s, m, out);
	show_hosts(s, out);
	family(out, "flush_duration_seconds", "histogram",
	    "How long transactions took that were committed.");
	for (const struct status_worker *w = s->workers; w < status_end(s); w++)
		if (w->trouble == NULL)
			show_flush(w, out);
}
