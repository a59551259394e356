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

#include "status/status.h"

#include <inttypes.h>

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP reporter_%s %s\n# TYPE reporter_%s %s\n", name,
	    help, name, type);
}

static void
sample(FILE *out, const char *name, const char *labels, uint64_t value)
{
	fprintf(out, "reporter_%s%s %" PRIu64 "\n", name, labels, value);
}

/* A family of one sample without labels. */
struct single {
	const char *name, *type, *help;
	uint64_t value;
};

static void
show_singles(const struct single *singles, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		family(out, singles[i].name, singles[i].type, singles[i].help);
		sample(out, singles[i].name, "", singles[i].value);
	}
}

/* ---------------------------------------------------------- the instance -- */

static void
show_instance(const struct status *s, FILE *out)
{
	const struct single singles[] = {
		{ "start_time_seconds", "gauge",
		    "When the reporter was started, seconds since 1970.",
		    s->started },
		{ "generation", "gauge",
		    "Number of the generation that is written to.",
		    s->generation },
		{ "reloads_total", "counter",
		    "Configurations taken into use by a reload.", s->reloads },
		{ "reload_errors_total", "counter",
		    "Configurations refused at a reload.", s->reload_errors },
		{ "reload_failed", "gauge",
		    "Whether the last reload was refused.", s->reload_failed },
	};

	family(out, "build_info", "gauge", "The reporter's version; always 1.");
	fputs("reporter_build_info{version=\"", out);
	for (const char *p = s->version; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', out);
		/* It must be UTF-8, and a version is ASCII. */
		putc(*p & 0x80 ? '?' : *p, out);
	}
	fputs("\"} 1\n", out);
	show_singles(singles, sizeof(singles) / sizeof(*singles), out);
}

static void
show_connections(const struct status *s, FILE *out)
{
	const struct single singles[] = {
		{ "connections", "gauge", "Connections of agents open now.",
		    s->connections },
		{ "connections_accepted_total", "counter",
		    "Connections accepted.", s->accepted },
		{ "connections_throttled", "gauge",
		    "Connections not read now, because a queue is full.",
		    s->throttled },
		{ "accept_holds_total", "counter",
		    "Times that accepting was held to its rate.",
		    s->accept_holds },
		{ "throttles_total", "counter",
		    "Times a connection was not read for a while, because a "
		    "queue was full.",
		    s->throttles },
		{ "received_bytes_total", "counter", "Bytes read from agents.",
		    s->bytes },
		{ "reports_total", "counter", "Reports accepted whole.",
		    s->reports },
		{ "reports_skewed_total", "counter",
		    "Reports whose time was ahead and was taken as now.",
		    s->skewed },
		{ "reports_foreign_total", "counter",
		    "Reports taken whose caller is not the agent's address.",
		    s->foreign },
	};
	char labels[80];

	show_singles(singles, sizeof(singles) / sizeof(*singles), out);
	family(out, "connections_refused_total", "counter",
	    "Connections refused, by reason.");
	for (int i = 0; i < REFUSALS; i++) {
		snprintf(labels, sizeof(labels), "{reason=\"%s\"}",
		    refusal_name((enum refusal)i));
		sample(out, "connections_refused_total", labels, s->refused[i]);
	}
	family(out, "connections_closed_total", "counter",
	    "Connections closed, by reason.");
	for (int i = 0; i < CLOSINGS; i++) {
		snprintf(labels, sizeof(labels), "{reason=\"%s\"}",
		    closing_name((enum closing)i));
		sample(out, "connections_closed_total", labels, s->closed[i]);
	}
}

static uint64_t
not_negative(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

static void
show_records(const struct status *s, FILE *out)
{
	const struct status_records *r = &s->records;
	const struct single singles[] = {
		{ "records_received_total", "counter",
		    "Records received, rejected ones too.",
		    not_negative(r->received) },
		{ "records_replayed_total", "counter",
		    "Records drained twice, after a worker was killed.",
		    not_negative(r->replayed) },
		{ "records_dropped_total", "counter",
		    "Records dropped, where overflow is drop.",
		    not_negative(r->dropped) },
		{ "records_superseded_total", "counter",
		    "Records that a newer one of their key replaced.",
		    not_negative(r->superseded) },
		{ "records_stored_total", "counter",
		    "Records that stand in the database.",
		    not_negative(r->stored) },
		{ "records_dead_letter_total", "counter",
		    "Records that the database refused, set aside.",
		    not_negative(r->dead_letter) },
		{ "records_queued", "gauge",
		    "Records in the master or in a ring.",
		    not_negative(r->queued) },
		{ "records_pending", "gauge",
		    "Records in a pending table, not yet in the database.",
		    not_negative(r->pending) },
	};
	char labels[64];

	show_singles(singles, sizeof(singles) / sizeof(*singles), out);
	family(out, "records_rejected_total", "counter",
	    "Records rejected, by reason; a whole report counts as one.");
	for (int i = 0; i < REJECT_REASONS; i++) {
		snprintf(labels, sizeof(labels), "{reason=\"%s\"}",
		    reject_name((enum reject)i));
		sample(out, "records_rejected_total", labels, s->rejected[i]);
	}
}

/* ----------------------------------------------------------- the workers -- */

/* What every worker has, a uint64_t of struct status_worker each. */
static const struct {
	const char *name, *type, *help;
	size_t offset;
} of_workers[] = {
#define OF(member) offsetof(struct status_worker, member)
	{ "worker_queued_records", "gauge", "Records in the worker's ring.",
	    OF(queued) },
	{ "worker_ring_records", "gauge", "Room in the worker's ring.",
	    OF(ring_records) },
	{ "worker_pending_records", "gauge",
	    "Records in the worker's table, not yet in the database.",
	    OF(pending) },
	{ "worker_keys", "gauge", "Keys in the worker's table.", OF(keys) },
	{ "worker_table_keys", "gauge", "Room in the worker's table, keys.",
	    OF(table_keys) },
	{ "worker_stored_records_total", "counter",
	    "Records the worker brought to the database.", OF(stored) },
	{ "worker_superseded_records_total", "counter",
	    "Records that a newer one of their key replaced in the worker's "
	    "table.",
	    OF(superseded) },
	{ "worker_dead_letter_lost_total", "counter",
	    "Refused records that the dead-letter file had no room for.",
	    OF(dead_lost) },
	{ "worker_poisoned_records_total", "counter",
	    "Records set aside because they had killed workers.",
	    OF(poisoned) },
	{ "worker_evicted_keys_total", "counter",
	    "Stored keys that made room for others.", OF(evicted) },
	{ "worker_table_full_total", "counter",
	    "Times the table was full of keys not yet stored.", OF(full) },
	{ "worker_rows_total", "counter", "Rows sent, repeated ones too.",
	    OF(rows) },
	{ "worker_clamped_counts_total", "counter",
	    "Counts over their column's range, stored as its greatest value.",
	    OF(clamped) },
	{ "worker_database_connects_total", "counter",
	    "Connections made to the database.", OF(connects) },
	{ "worker_last_flush_timestamp_seconds", "gauge",
	    "When the last flush ended, seconds since 1970; 0: none did.",
	    OF(last_flush_ts) },
	{ "worker_last_error_timestamp_seconds", "gauge",
	    "When the database last refused something, seconds since 1970; "
	    "0: never.",
	    OF(last_error_ts) },
#undef OF
};

/* Whether its figures could be read. */
static bool
is_known(const struct status_worker *w)
{
	return w->trouble == NULL;
}

static void
labels_of(
    const struct status_worker *w, const char *more, char *text, size_t size)
{
	snprintf(text, size, "{generation=\"%" PRIu64 "\",slot=\"%u\"%s}",
	    w->generation, w->slot, more);
}

static void
show_of_worker(const struct status *s, size_t which, FILE *out)
{
	char labels[96];

	family(out, of_workers[which].name, of_workers[which].type,
	    of_workers[which].help);
	for (unsigned i = 0; i < s->count; i++) {
		const struct status_worker *w = &s->workers[i];
		int64_t value;

		if (!is_known(w))
			continue;
		memcpy(&value, (const char *)w + of_workers[which].offset,
		    sizeof(value));
		labels_of(w, "", labels, sizeof(labels));
		sample(
		    out, of_workers[which].name, labels, not_negative(value));
	}
}

/* What needs a thought: a worker's state and its like. */
static void
show_lives(const struct status *s, FILE *out)
{
	static const char *const names[] = { "worker_running",
		"worker_restarts_total", "worker_database_connected",
		"worker_flush_lag_seconds" };
	static const char *const helps[] = {
		"Whether the worker runs and has checked in.",
		"Times the worker was started again after its death.",
		"Whether the worker is connected to the database.",
		"How long keys have been pending without a commit, seconds."
	};
	const char *running = child_state_name(CHILD_RUNNING);
	char labels[96];

	for (int i = 0; i < 4; i++) {
		family(out, names[i], i == 1 ? "counter" : "gauge", helps[i]);
		for (unsigned j = 0; j < s->count; j++) {
			const struct status_worker *w = &s->workers[j];
			const uint64_t values[] = {
				strcmp(w->state, running) == 0, w->restarts,
				w->pid > 0 && w->connected, status_lag(s, w)
			};

			labels_of(w, "", labels, sizeof(labels));
			sample(out, names[i], labels, values[i]);
		}
	}
}

static void
show_errors(const struct status *s, FILE *out)
{
	static const char name[] = "database_errors_total";
	char labels[128], kind[48];

	family(out, name, "counter",
	    "Errors of the database, by what is done about them.");
	for (unsigned i = 0; i < s->count; i++) {
		for (int j = DB_OK + 1;
		     j < DB_CLASSES && is_known(&s->workers[i]); j++) {
			snprintf(kind, sizeof(kind), ",class=\"%s\"",
			    db_class_name((enum db_class)j));
			labels_of(&s->workers[i], kind, labels, sizeof(labels));
			sample(out, name, labels, s->workers[i].errors[j]);
		}
	}
}

static void
show_flush(const struct status_worker *w, FILE *out)
{
	char labels[128], le[32];
	uint64_t count = 0;

	for (int i = 0; i < FLUSH_BUCKETS; i++) {
		count += w->buckets[i];
		/* The last one has no upper end. */
		if (i < FLUSH_BUCKETS - 1)
			snprintf(le, sizeof(le), ",le=\"%g\"",
			    (double)(1u << i) / 1000);
		else
			snprintf(le, sizeof(le), ",le=\"+Inf\"");
		labels_of(w, le, labels, sizeof(labels));
		sample(out, "flush_duration_seconds_bucket", labels, count);
	}
	labels_of(w, "", labels, sizeof(labels));
	fprintf(out, "reporter_flush_duration_seconds_sum%s %.6f\n", labels,
	    (double)w->flush_us / 1e6);
	sample(out, "flush_duration_seconds_count", labels, count);
}

static void
show_flushes(const struct status *s, FILE *out)
{
	family(out, "flush_duration_seconds", "histogram",
	    "How long transactions took that were committed.");
	for (unsigned i = 0; i < s->count; i++)
		if (is_known(&s->workers[i]))
			show_flush(&s->workers[i], out);
}

void
status_prometheus(const struct status *status, FILE *out)
{
	const struct single up = { "up", "gauge", "Whether the reporter runs.",
		status != NULL && status->running };

	show_singles(&up, 1, out);
	if (status == NULL)
		return;
	show_instance(status, out);
	show_connections(status, out);
	show_records(status, out);
	show_lives(status, out);
	for (size_t i = 0; i < sizeof(of_workers) / sizeof(*of_workers); i++)
		show_of_worker(status, i, out);
	show_errors(status, out);
	show_flushes(status, out);
}
