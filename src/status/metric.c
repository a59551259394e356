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

#define AT(g, type, member) \
	.group = (g), .offset = offsetof(struct type, member), \
	.size = sizeof(((struct type *)0)->member)
#define INSTANCE(member) AT(METRIC_INSTANCE, status, member)
#define CONNECTIONS(member) AT(METRIC_CONNECTIONS, status, member)
#define REPORTS(member) AT(METRIC_REPORTS, status, member)
#define RECORDS(member) AT(METRIC_RECORDS, status, records.member)
#define SLOT(member) AT(METRIC_SLOT, status_worker, member)
#define WORKER(member) AT(METRIC_WORKER, status_worker, member)
#define PROCESS(member) AT(METRIC_PROCESS, process_counters, member)
/* The help follows. */
#define GAUGE(f) .kind = METRIC_GAUGE, .family = (f)
#define COUNTER(f) .kind = METRIC_COUNTER, .family = (f)
#define SIGNED .unit = METRIC_SIGNED
#define FLAG .unit = METRIC_FLAG
#define MICROSECONDS .unit = METRIC_MICROSECONDS

const struct metric metrics[] = {
	{ "running", INSTANCE(running), FLAG },
	{ "pid", INSTANCE(pid) },
	{ "uptime", INSTANCE(uptime) },
	{ NULL, INSTANCE(started), GAUGE("start_time_seconds"),
	    "When the reporter was started, seconds since 1970." },
	{ "generation", INSTANCE(generation), GAUGE("generation"),
	    "Number of the generation that is written to." },
	{ "reload_failed", INSTANCE(reload_failed), FLAG,
	    GAUGE("reload_failed"), "Whether the last reload was refused." },
	{ "configured_ts", INSTANCE(input.configured_ts),
	    GAUGE("last_reload_timestamp_seconds"),
	    "Time of the start or of the last successful reload, seconds since "
	    "1970." },
	{ "certificate_expires", INSTANCE(input.certificate_expires),
	    GAUGE("certificate_expiry_timestamp_seconds"),
	    "When the certificate for agents expires, seconds since 1970; 0: "
	    "there is none." },
	{ "last_dead_letter_ts", INSTANCE(input.last_dead_letter_ts) },
	{ "last_dropped_ts", INSTANCE(input.last_dropped_ts) },
	{ "last_dead_lost_ts", INSTANCE(input.last_dead_lost_ts) },
	{ "log_lost", INSTANCE(input.process.log_lost) },

	{ "rejected", REPORTS(input.rejected[0]), .reasons = &rejections,
	    COUNTER("records_rejected_total"),
	    "Records rejected, by reason; a whole report counts as one." },
	{ "refused", CONNECTIONS(input.refused[0]), .reasons = &refusals,
	    COUNTER("connections_refused_total"),
	    "Connections refused, by reason." },
	{ "closed", CONNECTIONS(input.closed[0]), .reasons = &closings,
	    COUNTER("connections_closed_total"),
	    "Connections closed, by reason." },

	{ "connections", CONNECTIONS(input.connections), .title = "open",
	    GAUGE("connections"), "Connections of agents open now." },
	{ "connections_max", CONNECTIONS(input.connections_max),
	    GAUGE("connections_max"), "Connections of agents allowed." },
	{ "connections_accepted", CONNECTIONS(input.accepted),
	    .title = "accepted", COUNTER("connections_accepted_total"),
	    "Connections accepted." },
	{ "connections_refused", CONNECTIONS(refused), .title = "refused" },
	{ "throttled", CONNECTIONS(input.throttled), .title = "throttled",
	    GAUGE("connections_throttled"),
	    "Connections not read now, because a queue is full." },
	{ "throttles", CONNECTIONS(input.throttles), .title = "throttles",
	    COUNTER("throttles_total"),
	    "Times a connection was not read for a while, because a queue was "
	    "full." },
	{ "connections_closed", CONNECTIONS(closed), .title = "closed" },
	{ "accept_holds", CONNECTIONS(input.accept_holds), .title = "limited",
	    COUNTER("accept_holds_total"),
	    "Times that accepting was limited to its rate." },
	{ "connections_closed_idle", CONNECTIONS(input.closed[CLOSING_IDLE]) },

	{ "reports", REPORTS(input.reports), .title = "accepted",
	    COUNTER("reports_total"), "Reports accepted whole." },
	{ "skewed", REPORTS(input.skewed), .title = "skewed",
	    COUNTER("reports_skewed_total"),
	    "Reports whose time was ahead and was taken as now." },
	{ "bytes", REPORTS(input.bytes), .title = "bytes",
	    COUNTER("received_bytes_total"), "Bytes read from agents." },
	{ "foreign", REPORTS(input.foreign), .title = "foreign",
	    COUNTER("reports_foreign_total"),
	    "Reports taken whose caller is not the agent's address." },
	{ "clamped", REPORTS(clamped), .title = "clamped" },
	{ "reloads", REPORTS(input.reloads), .title = "reloads",
	    COUNTER("reloads_total"),
	    "Configurations taken into use by a reload." },
	{ "reload_errors", REPORTS(input.reload_errors), .title = "bad conf",
	    COUNTER("reload_errors_total"),
	    "Configurations refused at a reload." },

	{ "received", RECORDS(received), COUNTER("records_received_total"),
	    "Records received, rejected ones too." },
	{ "replayed", RECORDS(replayed), COUNTER("records_replayed_total"),
	    "Records drained twice, after a worker was killed." },
	{ "rejected", RECORDS(rejected) },
	{ "dropped", RECORDS(dropped), COUNTER("records_dropped_total"),
	    "Records dropped, where overflow is drop." },
	{ "queued", RECORDS(queued), GAUGE("records_queued"),
	    "Records in the master or in a ring." },
	{ "pending", RECORDS(pending), GAUGE("records_pending"),
	    "Records in a pending table, not yet in the database." },
	{ "superseded", RECORDS(superseded),
	    COUNTER("records_superseded_total"),
	    "Records that a newer one of their key replaced." },
	{ "stored", RECORDS(stored), COUNTER("records_stored_total"),
	    "Records stored." },
	{ "dead_letter", RECORDS(dead_letter),
	    COUNTER("records_dead_letter_total"),
	    "Records that the database refused, set aside." },

	{ "slot", SLOT(slot) },
	{ "generation", SLOT(generation) },
	{ "pid", SLOT(pid) },
	{ NULL, SLOT(running), FLAG, GAUGE("worker_running"),
	    "Whether the worker runs and has checked in." },
	{ "restarts", SLOT(restarts), .title = "restarts",
	    COUNTER("worker_restarts_total"),
	    "Times the worker was started again after its death." },
	{ NULL, SLOT(connected), FLAG, GAUGE("worker_database_connected"),
	    "Whether the worker is connected to the database." },
	{ NULL, SLOT(apart), GAUGE("worker_database_disconnected_seconds"),
	    "How long the worker has had no connection to the database, "
	    "seconds." },
	{ NULL, SLOT(lag), GAUGE("worker_flush_lag_seconds"),
	    "How long keys have been pending without a commit, seconds." },

	{ "queued", WORKER(queued), .title = "queued",
	    GAUGE("worker_queued_records"), "Records in the worker's ring." },
	{ "ring_records", WORKER(ring_records), GAUGE("worker_ring_records"),
	    "Room in the worker's ring." },
	{ "pending", WORKER(pending), SIGNED, .title = "pending",
	    GAUGE("worker_pending_records"),
	    "Records in the worker's table, not yet in the database." },
	{ "keys", WORKER(drain.used), GAUGE("worker_keys"),
	    "Keys in the worker's table." },
	{ "table_keys", WORKER(table_keys), GAUGE("worker_table_keys"),
	    "Room in the worker's table, keys." },
	{ "segment_bytes", WORKER(segment_bytes), GAUGE("worker_segment_bytes"),
	    "Size of the worker's shared memory, bytes." },
	{ "huge_bytes", WORKER(huge_bytes), GAUGE("worker_huge_bytes"),
	    "How much of the worker's shared memory was created in huge pages, "
	    "bytes." },
	{ "stored", WORKER(flush.stored), .title = "stored",
	    COUNTER("worker_stored_records_total"),
	    "Records that the worker stored." },
	{ "superseded", WORKER(drain.superseded), .title = "supers",
	    COUNTER("worker_superseded_records_total"),
	    "Records that a newer one of their key replaced in the worker's "
	    "table." },
	{ "replayed", WORKER(drain.replayed) },
	{ "dead_letter", WORKER(flush.dead_letter), .title = "refused" },
	{ "dead_lost", WORKER(flush.dead_lost),
	    COUNTER("worker_dead_letter_lost_total"),
	    "Refused records that could not be written to the dead-letter "
	    "file." },
	{ "held", WORKER(flush.held), GAUGE("worker_held_rows"),
	    "Rows that fail alone, held and retried slowly." },
	{ "poisoned", WORKER(poisoned),
	    COUNTER("worker_poisoned_records_total"),
	    "Records set aside because they had killed workers." },
	{ "evicted", WORKER(drain.evicted),
	    COUNTER("worker_evicted_keys_total"),
	    "Stored keys that made room for others." },
	{ "full", WORKER(drain.full), COUNTER("worker_table_full_total"),
	    "Times the table was full of keys not yet stored." },
	{ "skewed", WORKER(drain.skewed) },
	{ "clamped", WORKER(flush.clamped),
	    COUNTER("worker_clamped_counts_total"),
	    "Counts over their column's range, stored as its maximum." },
	{ "rows", WORKER(flush.rows), COUNTER("worker_rows_total"),
	    "Rows sent, repeated ones too." },
	{ "flushes", WORKER(flush.flushes) },
	{ "connects", WORKER(flush.connects),
	    COUNTER("worker_database_connects_total"),
	    "Connections made to the database." },
	{ "connected", WORKER(flush.connected), FLAG },
	{ "apart_since", WORKER(flush.apart_since) },
	{ "blocked_since", WORKER(flush.blocked_since),
	    GAUGE("worker_database_blocked_timestamp_seconds"),
	    "Since when an error that a person must fix holds up all rows, "
	    "seconds since 1970; 0: none does." },
	{ "clock_skew", WORKER(flush.clock_skew),
	    GAUGE("worker_database_clock_skew_seconds"),
	    "How far the clocks of the database and of this machine differ, "
	    "seconds." },
	{ "removed", WORKER(flush.removed),
	    COUNTER("worker_removed_rows_total"),
	    "Old rows that retention removed." },
	{ "retention_ts", WORKER(flush.retention_ts),
	    GAUGE("worker_retention_timestamp_seconds"),
	    "When the last pass of retention ended, seconds since 1970; 0: "
	    "none did." },
	{ "last_flush_ts", WORKER(flush.last_flush_ts),
	    GAUGE("worker_last_flush_timestamp_seconds"),
	    "When the last flush ended, seconds since 1970; 0: none did." },
	{ "last_flush_ms", WORKER(flush.last_flush_us), MICROSECONDS },
	{ "flush_ms", WORKER(flush.flush_us), MICROSECONDS },
	{ "waiting_since", WORKER(flush.waiting_since) },
	{ "errors", WORKER(flush.errors[0]), .reasons = &db_errors,
	    COUNTER("database_errors_total"),
	    "Errors of the database, by what is done about them." },
	{ "last_error_number", WORKER(flush.last_error_number) },
	{ "last_error_ts", WORKER(flush.last_error_ts),
	    GAUGE("worker_last_error_timestamp_seconds"),
	    "When the database last refused something, seconds since 1970; 0: "
	    "never." },
	{ "recovered_ts", WORKER(flush.recovered_ts) },
	{ "log_lost", WORKER(process.log_lost) },

	{ NULL, PROCESS(cpu_us), MICROSECONDS,
	    COUNTER("process_cpu_seconds_total"), "Processor time, seconds." },
	{ NULL, PROCESS(memory), GAUGE("process_resident_memory_bytes"),
	    "Memory in use, with shared memory, bytes." },
	{ NULL, PROCESS(files), GAUGE("process_open_fds"),
	    "Descriptors open." },
	{ NULL, PROCESS(files_max), GAUGE("process_max_fds"),
	    "Max open descriptors." },
	{ NULL, PROCESS(log_lost), COUNTER("log_lines_lost_total"),
	    "Lines that could not be written to the log." },
};

const struct metric *const metrics_end =
    metrics + sizeof(metrics) / sizeof(*metrics);

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
