/* SPDX-License-Identifier: MIT
 *
 * The status in Prometheus' text format, for scrapers; reporterctl(8) lists
 * what is here.  A pure function over a struct status; any process.  A failure
 * of the stream is left in the stream.
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

static void
show_version(const char *version, FILE *out)
{
	family(out, "build_info", "gauge", "The reporter's version; always 1.");
	fputs("reporter_build_info{version=\"", out);
	for (const char *p = version; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', out);
		/* It must be UTF-8, and a version is ASCII. */
		putc(*p & 0x80 ? '?' : *p, out);
	}
	fputs("\"} 1\n", out);
}

/* No figure is negative but one of a damaged segment. */
static void
show_sample(const struct metric *m, const void *of, unsigned reason,
    const char *labels, FILE *out)
{
	uint64_t value = metric_value(m, of, reason);

	fprintf(out, "reporter_%s%s %" PRIu64 "\n", m->family, labels,
	    value > INT64_MAX ? 0 : value);
}

/* of_worker: its labels, ending in a comma; "" for the instance. */
static void
show_samples(
    const struct metric *m, const void *of, const char *of_worker, FILE *out)
{
	const struct metric_reasons *reasons = m->reasons;
	char labels[LABELS_MAX] = "";

	if (reasons == NULL) {
		if (*of_worker != '\0')
			snprintf(labels, sizeof(labels), "{%.*s}",
			    (int)strlen(of_worker) - 1, of_worker);
		show_sample(m, of, 0, labels, out);
		return;
	}
	for (unsigned i = reasons->first; i < reasons->end; i++) {
		snprintf(labels, sizeof(labels), "{%s%s=\"%s\"}", of_worker,
		    reasons->label, reasons->name(i));
		show_sample(m, of, i, labels, out);
	}
}

static const char *
labels_of(const struct status_worker *w, char labels[LABELS_MAX])
{
	snprintf(labels, LABELS_MAX, "generation=\"%" PRIu64 "\",slot=\"%u\",",
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
	for (unsigned i = 0; i < s->count; i++) {
		const struct status_worker *w = &s->workers[i];

		if (m->group == METRIC_SLOT || w->trouble == NULL)
			show_samples(m, w, labels_of(w, labels), out);
	}
}

static void
show_flush(const struct status_worker *w, FILE *out)
{
	static const char name[] = "reporter_flush_duration_seconds";
	char labels[LABELS_MAX];
	uint64_t count = 0;

	labels_of(w, labels);
	for (int i = 0; i < FLUSH_BUCKETS; i++) {
		count += w->flush.buckets[i];
		fprintf(out, "%s_bucket{%sle=\"", name, labels);
		/* The last one has no upper end. */
		if (i < FLUSH_BUCKETS - 1)
			fprintf(out, "%g", (double)(1u << i) / 1000);
		else
			fputs("+Inf", out);
		fprintf(out, "\"} %" PRIu64 "\n", count);
	}
	labels[strlen(labels) - 1] = '\0';
	fprintf(out, "%s_sum{%s} %.6f\n%s_count{%s} %" PRIu64 "\n", name,
	    labels, (double)w->flush.flush_us / 1e6, name, labels, count);
}

void
status_prometheus(const struct status *status, FILE *out)
{
	family(out, "up", "gauge", "Whether the reporter runs.");
	fprintf(out, "reporter_up %d\n", status != NULL && status->running);
	if (status == NULL)
		return;
	show_version(status->version, out);
	for (size_t i = 0; i < metrics_count; i++)
		if (metrics[i].family != NULL)
			show_metric(status, &metrics[i], out);
	family(out, "flush_duration_seconds", "histogram",
	    "How long transactions took that were committed.");
	for (unsigned i = 0; i < status->count; i++)
		if (status->workers[i].trouble == NULL)
			show_flush(&status->workers[i], out);
}
