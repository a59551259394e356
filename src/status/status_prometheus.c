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

/* A histogram whose bucket i counts what is below 2^i units. */
struct histogram {
	const char *name, *help;
	double unit; /* seconds */
	unsigned buckets;
};

static const struct histogram flushes = { "flush_duration_seconds",
	"How long transactions took that were committed.", 1e-3,
	FLUSH_BUCKETS };
static const struct histogram ages = { "record_age_seconds",
	"How old records were when they were committed, by their own time.", 1,
	AGE_BUCKETS };

static void
show_histogram(const struct histogram *h, const struct status_worker *w,
    const counter *buckets, double sum, FILE *out)
{
	char labels[LABELS_MAX];
	uint64_t count = 0;

	worker_labels(w, labels);
	for (unsigned i = 0; i < h->buckets - 1; i++) {
		count += counter_get(&buckets[i]);
		fprintf(out, "reporter_%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n",
		    h->name, labels, (double)(1u << i) * h->unit, count);
	}
	count += counter_get(&buckets[h->buckets - 1]);
	fprintf(out,
	    "reporter_%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n"
	    "reporter_%s_sum{%s} %.6f\n"
	    "reporter_%s_count{%s} %" PRIu64 "\n",
	    h->name, labels, count, h->name, labels, sum, h->name, labels,
	    count);
}

static void
show_histograms(const struct status *s, FILE *out)
{
	const struct status_worker *w;

	family(out, flushes.name, "histogram", flushes.help);
	for (w = s->workers; w < status_end(s); w++)
		if (w->trouble == NULL)
			show_histogram(&flushes, w, w->flush.buckets,
			    (double)w->flush.flush_us / 1e6, out);
	family(out, ages.name, "histogram", ages.help);
	for (w = s->workers; w < status_end(s); w++)
		if (w->trouble == NULL)
			show_histogram(&ages, w, w->flush.ages,
			    (double)w->flush.age_seconds, out);
}

/* -------------------------------------------------------------- processes --
 */

static const struct {
	const char *name, *type, *help;
	size_t offset;
	double unit;
} takes[] = {
#define TAKES(member) offsetof(struct process_counters, member)
	{ "process_cpu_seconds_total", "counter",
	    "Processor time of the process, seconds.", TAKES(cpu_us), 1e-6 },
	{ "process_resident_memory_bytes", "gauge",
	    "Memory of the process, with the shared memory it uses, bytes.",
	    TAKES(memory), 1 },
	{ "process_open_fds", "gauge", "Descriptors that the process has open.",
	    TAKES(files), 1 },
	{ "process_max_fds", "gauge",
	    "Descriptors that the process may have open.", TAKES(files_max),
	    1 },
};

/* One sample of each process that runs: the master, workers, and ours. */
static void
show_processes(const struct status *s, FILE *out)
{
	char labels[LABELS_MAX];

#define TAKEN(process) \
	((double)counter_get( \
	     (const counter *)((const char *)(process) + takes[i].offset)) * \
	    takes[i].unit)
	for (size_t i = 0; i < sizeof(takes) / sizeof(*takes); i++) {
		const char *name = takes[i].name;

		family(out, name, takes[i].type, takes[i].help);
		if (s->running)
			fprintf(out, "reporter_%s{role=\"master\"} %.15g\n",
			    name, TAKEN(&s->input.process));
		for (const struct status_worker *w = s->workers;
		     w < status_end(s); w++)
			if (w->trouble == NULL && w->pid > 0)
				fprintf(out,
				    "reporter_%s{role=\"worker\",%s} %.15g\n",
				    name, worker_labels(w, labels),
				    TAKEN(&w->process));
		if (s->web != NULL)
			fprintf(out, "reporter_%s{role=\"web\"} %.15g\n", name,
			    TAKEN(s->web));
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
	    "How long ago the master's loop went round, seconds.");
	fprintf(out, "reporter_master_age_seconds %.3f\n", s->master_age);
	for (const struct metric *m = metrics; m < metrics_end; m++)
		if (m->family != NULL)
			show_metric(s, m, out);
	show_hosts(s, out);
	show_histograms(s, out);
	show_processes(s, out);
}
