/* SPDX-License-Identifier: MIT
 *
 * The table of all figures.  Within a group the text shows them in this order.
 */
#include "config.h"

#include "status/metric.h"
#include "status/status.h"

static const struct metric_reasons rejections = { "reason", 0, REJECT_REASONS,
	reject_name };
static const struct metric_reasons refusals = { "reason", 0, REFUSALS,
	refusal_name };
static const struct metric_reasons closings = { "reason", 0, CLOSINGS,
	closing_name };
static const struct metric_reasons db_errors = { "class", DB_OK + 1, DB_CLASSES,
	db_class_name };

#define AT(type, member) \
	.offset = offsetof(struct type, member), \
	.size = sizeof(((struct type *)0)->member)
#define STATUS(member) AT(status, member)
#define INPUT(member) AT(status, input.member)
#define RECORDS(member) AT(status, records.member)
#define WORKER(member) AT(status_worker, member)
#define DRAIN(member) AT(status_worker, drain.member)
#define FLUSH(member) AT(status_worker, flush.member)
/* The help follows. */
#define GAUGE(f) .kind = METRIC_GAUGE, .family = (f)
#define COUNTER(f) .kind = METRIC_COUNTER, .family = (f)
#define FLAG .unit = METRIC_FLAG
#define MICROSECONDS .unit = METRIC_MICROSECONDS

const struct metric metrics[] = {
	{ METRIC_INSTANCE, "running", STATUS(running), FLAG },
	{ METRIC_INSTANCE, "pid", STATUS(pid) },
	{ METRIC_INSTANCE, "uptime", STATUS(uptime) },
	{ METRIC_INSTANCE, NULL, STATUS(started), GAUGE("start_time_seconds"),
	    "When the reporter was started, seconds since 1970." },
	{ METRIC_INSTANCE, "generation", STATUS(generation),
	    GAUGE("generation"),
	    "Number of the generation that is written to." },
	{ METRIC_INSTANCE, "reload_failed", STATUS(reload_failed), FLAG,
	    GAUGE("reload_failed"), "Whether the last reload was refused." },
	{ METRIC_INSTANCE, "last_dead_letter_ts", INPUT(last_dead_letter_ts) },
	{ METRIC_INSTANCE, "last_dropped_ts", INPUT(last_dropped_ts) },

	{ METRIC_REPORTS, "rejected", INPUT(rejected[0]),
	    .reasons = &rejections, COUNTER("records_rejected_total"),
	    "Records rejected, by reason; a whole report counts as one." },
	{ METRIC_CONNECTIONS, "refused", INPUT(refused[0]),
	    .reasons = &refusals, COUNTER("connections_refused_total"),
	    "Connections refused, by reason." },
	{ METRIC_CONNECTIONS, "closed", INPUT(closed[0]), .reasons = &closings,
	    COUNTER("connections_closed_total"),
	    "Connections closed, by reason." },

	{ METRIC_CONNECTIONS, "connections", INPUT(connections),
	    .title = "open", GAUGE("connections"),
	    "Connections of agents open now." },
	{ METRIC_CONNECTIONS, "connections_accepted", INPUT(accepted),
	    .title = "accepted", COUNTER("connections_accepted_total"),
	    "Connections accepted." },
	{ METRIC_CONNECTIONS, "connections_refused", STATUS(refused),
	    .title = "refused" },
	{ METRIC_CONNECTIONS, "throttled", INPUT(throttled),
	    .title = "throttled", GAUGE("connections_throttled"),
	    "Connections not read now, because a queue is full." },
	{ METRIC_CONNECTIONS, "throttles", INPUT(throttles),
	    .title = "throttles", COUNTER("throttles_total"),
	    "Times a connection was not read for a while, because a queue was "
	    "full." },
	{ METRIC_CONNECTIONS, "connections_closed", STATUS(closed),
	    .title = "closed" },
	{ METRIC_CONNECTIONS, "accept_holds", INPUT(accept_holds),
	    .title = "held", COUNTER("accept_holds_total"),
	    "Times that accepting was held to its rate." },
	{ METRIC_CONNECTIONS, "connections_closed_idle",
	    INPUT(closed[CLOSING_IDLE]) },

	{ METRIC_REPORTS, "reports", INPUT(reports), .title = "accepted",
	    COUNTER("reports_total"), "Reports accepted whole." },
	{ METRIC_REPORTS, "skewed", INPUT(skewed), .title = "skewed",
	    COUNTER("reports_skewed_total"),
	    "Reports whose time was ahead and was taken as now." },
	{ METRIC_REPORTS, "bytes", INPUT(bytes), .title = "bytes",
	    COUNTER("received_bytes_total"), "Bytes read from agents." },
	{ METRIC_REPORTS, "foreign", INPUT(foreign), .title = "foreign",
	    COUNTER("reports_foreign_total"),
	    "Reports taken whose caller is not the agent's address." },
	{ METRIC_REPORTS, "clamped", STATUS(clamped), .title = "clamped" },
	{ METRIC_REPORTS, "reloads", INPUT(reloads), .title = "reloads",
	    COUNTER("reloads_total"),
	    "Configurations taken into use by a reload." },
	{ METRIC_REPORTS, "reload_errors", INPUT(reload_errors),
	    .title = "bad conf", COUNTER("reload_errors_total"),
	    "Configurations refused at a reload." },

	{ METRIC_RECORDS, "received", RECORDS(received),
	    COUNTER("records_received_total"),
	    "Records received, rejected ones too." },
	{ METRIC_RECORDS, "replayed", RECORDS(replayed),
	    COUNTER("records_replayed_total"),
	    "Records drained twice, after a worker was killed." },
	{ METRIC_RECORDS, "rejected", RECORDS(rejected) },
	{ METRIC_RECORDS, "dropped", RECORDS(dropped),
	    COUNTER("records_dropped_total"),
	    "Records dropped, where overflow is drop." },
	{ METRIC_RECORDS, "queued", RECORDS(queued), GAUGE("records_queued"),
	    "Records in the master or in a ring." },
	{ METRIC_RECORDS, "pending", RECORDS(pending), GAUGE("records_pending"),
	    "Records in a pending table, not yet in the database." },
	{ METRIC_RECORDS, "superseded", RECORDS(superseded),
	    COUNTER("records_superseded_total"),
	    "Records that a newer one of their key replaced." },
	{ METRIC_RECORDS, "stored", RECORDS(stored),
	    COUNTER("records_stored_total"), "Records stored." },
	{ METRIC_RECORDS, "dead_letter", RECORDS(dead_letter),
	    COUNTER("records_dead_letter_total"),
	    "Records that the database refused, set aside." },

	{ METRIC_SLOT, "slot", WORKER(slot) },
	{ METRIC_SLOT, "generation", WORKER(generation) },
	{ METRIC_SLOT, "pid", WORKER(pid) },
	{ METRIC_SLOT, NULL, WORKER(running), FLAG, GAUGE("worker_running"),
	    "Whether the worker runs and has checked in." },
	{ METRIC_SLOT, "restarts", WORKER(restarts),
	    COUNTER("worker_restarts_total"),
	    "Times the worker was started again after its death." },
	{ METRIC_SLOT, NULL, WORKER(connected), FLAG,
	    GAUGE("worker_database_connected"),
	    "Whether the worker is connected to the database." },
	{ METRIC_SLOT, NULL, WORKER(lag), GAUGE("worker_flush_lag_seconds"),
	    "How long keys have been pending without a commit, seconds." },

	{ METRIC_WORKER, "queued", WORKER(queued),
	    GAUGE("worker_queued_records"), "Records in the worker's ring." },
	{ METRIC_WORKER, "ring_records", WORKER(ring_records),
	    GAUGE("worker_ring_records"), "Room in the worker's ring." },
	{ METRIC_WORKER, "pending", WORKER(pending),
	    GAUGE("worker_pending_records"),
	    "Records in the worker's table, not yet in the database." },
	{ METRIC_WORKER, "keys", DRAIN(used), GAUGE("worker_keys"),
	    "Keys in the worker's table." },
	{ METRIC_WORKER, "table_keys", WORKER(table_keys),
	    GAUGE("worker_table_keys"), "Room in the worker's table, keys." },
	{ METRIC_WORKER, "stored", FLUSH(stored),
	    COUNTER("worker_stored_records_total"),
	    "Records that the worker stored." },
	{ METRIC_WORKER, "superseded", DRAIN(superseded),
	    COUNTER("worker_superseded_records_total"),
	    "Records that a newer one of their key replaced in the worker's "
	    "table." },
	{ METRIC_WORKER, "replayed", DRAIN(replayed) },
	{ METRIC_WORKER, "dead_letter", FLUSH(dead_letter) },
	{ METRIC_WORKER, "dead_lost", FLUSH(dead_lost),
	    COUNTER("worker_dead_letter_lost_total"),
	    "Refused records that the dead-letter file had no room for." },
	{ METRIC_WORKER, "poisoned", WORKER(poisoned),
	    COUNTER("worker_poisoned_records_total"),
	    "Records set aside because they had killed workers." },
	{ METRIC_WORKER, "evicted", DRAIN(evicted),
	    COUNTER("worker_evicted_keys_total"),
	    "Stored keys that made room for others." },
	{ METRIC_WORKER, "full", DRAIN(full),
	    COUNTER("worker_table_full_total"),
	    "Times the table was full of keys not yet stored." },
	{ METRIC_WORKER, "skewed", DRAIN(skewed) },
	{ METRIC_WORKER, "clamped", FLUSH(clamped),
	    COUNTER("worker_clamped_counts_total"),
	    "Counts over their column's range, stored as its maximum." },
	{ METRIC_WORKER, "rows", FLUSH(rows), COUNTER("worker_rows_total"),
	    "Rows sent, repeated ones too." },
	{ METRIC_WORKER, "flushes", FLUSH(flushes) },
	{ METRIC_WORKER, "connects", FLUSH(connects),
	    COUNTER("worker_database_connects_total"),
	    "Connections made to the database." },
	{ METRIC_WORKER, "connected", FLUSH(connected), FLAG },
	{ METRIC_WORKER, "last_flush_ts", FLUSH(last_flush_ts),
	    GAUGE("worker_last_flush_timestamp_seconds"),
	    "When the last flush ended, seconds since 1970; 0: none did." },
	{ METRIC_WORKER, "last_flush_ms", FLUSH(last_flush_us), MICROSECONDS },
	{ METRIC_WORKER, "flush_ms", FLUSH(flush_us), MICROSECONDS },
	{ METRIC_WORKER, "waiting_since", FLUSH(waiting_since) },
	{ METRIC_WORKER, "errors", FLUSH(errors[0]), .reasons = &db_errors,
	    COUNTER("database_errors_total"),
	    "Errors of the database, by what is done about them." },
	{ METRIC_WORKER, "last_error_number", FLUSH(last_error_number) },
	{ METRIC_WORKER, "last_error_ts", FLUSH(last_error_ts),
	    GAUGE("worker_last_error_timestamp_seconds"),
	    "When the database last refused something, seconds since 1970; 0: "
	    "never." },
};

const size_t metrics_count = sizeof(metrics) / sizeof(*metrics);

uint64_t
metric_value(const struct metric *metric, const void *of, unsigned reason)
{
	const char *at =
	    (const char *)of + metric->offset + reason * metric->size;
	uint64_t value = 0;
	uint32_t word;

	if (metric->size == sizeof(bool))
		return *(const bool *)at;
	if (metric->size == sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		return word;
	}
	memcpy(&value, at, sizeof(value));
	return value;
}
