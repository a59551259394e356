/* SPDX-License-Identifier: MIT
 *
 * The status as JSON, for programs.  A pure function over a struct status; any
 * process.  Failure is returned.
 */
#include "config.h"

#include "status/status.h"

#include <jansson.h>

struct count {
	const char *name;
	uint64_t count;
};

static json_t *
number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* A string, or null for none.  Text that is no UTF-8 loses the bytes that are
   not ASCII. */
static json_t *
string(const char *text)
{
	char ascii[256];
	size_t i;

	if (text == NULL || *text == '\0')
		return json_null();
	json_t *value = json_string(text);
	if (value != NULL)
		return value;
	for (i = 0; i < sizeof(ascii) - 1 && text[i] != '\0'; i++)
		ascii[i] = text[i] & 0x80 ? '?' : text[i];
	ascii[i] = '\0';
	return json_string(ascii);
}

static json_t *
records_json(const struct status_records *r)
{
	return json_pack("{s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "received",
	    (json_int_t)r->received, "replayed", (json_int_t)r->replayed,
	    "rejected", (json_int_t)r->rejected, "dropped",
	    (json_int_t)r->dropped, "queued", (json_int_t)r->queued, "pending",
	    (json_int_t)r->pending, "superseded", (json_int_t)r->superseded,
	    "stored", (json_int_t)r->stored, "dead_letter",
	    (json_int_t)r->dead_letter);
}

static json_t *
rates_json(const struct status *s)
{
	json_t *array = json_array();

	for (int i = 0; i < RATES_SPANS; i++) {
		const struct rates *r = &s->rates[i];
		json_t *object = json_object();

		json_object_set_new(object, "span", number(rates_spans[i]));
		json_object_set_new(object, "seconds", json_real(r->seconds));
		for (int j = 0; j < HISTORY_COUNTS; j++)
			json_object_set_new(object,
			    history_name((enum history_count)j),
			    json_real(r->per_second[j]));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *
rejected_json(const struct status *s)
{
	json_t *object = json_object();

	for (int i = 0; i < REJECT_REASONS; i++)
		json_object_set_new(object, reject_name((enum reject)i),
		    number(s->rejected[i]));
	return object;
}

static json_t *
refused_json(const struct status *s)
{
	json_t *object = json_object();

	for (int i = 0; i < REFUSALS; i++)
		json_object_set_new(object, refusal_name((enum refusal)i),
		    number(s->refused[i]));
	return object;
}

static json_t *
closed_json(const struct status *s)
{
	json_t *object = json_object();

	for (int i = 0; i < CLOSINGS; i++)
		json_object_set_new(object, closing_name((enum closing)i),
		    number(s->closed[i]));
	return object;
}

static json_t *
errors_json(const struct status_worker *w)
{
	json_t *object = json_object();

	for (int i = DB_OK + 1; i < DB_CLASSES; i++)
		json_object_set_new(object, db_class_name((enum db_class)i),
		    number(w->errors[i]));
	return object;
}

static json_t *
worker_json(const struct status_worker *w)
{
	const struct count counts[] = {
		{ "slot", w->slot },
		{ "generation", w->generation },
		{ "pid", (uint64_t)w->pid },
		{ "restarts", w->restarts },
		{ "queued", w->queued },
		{ "pending", (uint64_t)w->pending },
		{ "superseded", w->superseded },
		{ "replayed", w->replayed },
		{ "stored", w->stored },
		{ "dead_letter", w->dead_letter },
		{ "dead_lost", w->dead_lost },
		{ "poisoned", w->poisoned },
		{ "ring_records", w->ring_records },
		{ "table_keys", w->table_keys },
		{ "keys", w->keys },
		{ "evicted", w->evicted },
		{ "full", w->full },
		{ "skewed", w->skewed },
		{ "clamped", w->clamped },
		{ "rows", w->rows },
		{ "flushes", w->flushes },
		{ "connects", w->connects },
		{ "last_flush_ts", w->last_flush_ts },
		{ "waiting_since", w->waiting_since },
		{ "last_error_number", w->last_error_number },
		{ "last_error_ts", w->last_error_ts },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_set_new(
		    object, counts[i].name, number(counts[i].count));
	json_object_set_new(object, "state", string(w->state));
	json_object_set_new(object, "segment_error", string(w->trouble));
	json_object_set_new(object, "connected", json_boolean(w->connected));
	json_object_set_new(object, "last_flush_ms",
	    json_real((double)w->last_flush_us / 1000));
	json_object_set_new(
	    object, "flush_ms", json_real((double)w->flush_us / 1000));
	json_object_set_new(object, "last_error", string(w->last_error));
	json_object_set_new(object, "errors", errors_json(w));
	return object;
}

static uint64_t
uptime(const struct status *s)
{
	return s->running && s->now > s->started ? s->now - s->started : 0;
}

static json_t *
status_object(const struct status *s)
{
	const struct count counts[] = {
		{ "pid", (uint64_t)s->pid },
		{ "uptime", uptime(s) },
		{ "generation", s->generation },
		{ "connections", s->connections },
		{ "connections_accepted", s->accepted },
		{ "connections_refused", status_refused(s) },
		{ "connections_closed", status_closed(s) },
		{ "connections_closed_idle", s->closed[CLOSING_IDLE] },
		{ "accept_holds", s->accept_holds },
		{ "throttled", s->throttled },
		{ "throttles", s->throttles },
		{ "reports", s->reports },
		{ "bytes", s->bytes },
		{ "skewed", s->skewed },
		{ "foreign", s->foreign },
		{ "clamped", s->clamped },
		{ "reloads", s->reloads },
		{ "reload_errors", s->reload_errors },
		{ "last_dead_letter_ts", s->last_dead_letter_ts },
		{ "last_dropped_ts", s->last_dropped_ts },
	};
	json_t *object = json_object(), *workers = json_array();

	json_object_set_new(object, "instance", string(s->instance));
	json_object_set_new(object, "version", string(s->version));
	json_object_set_new(object, "running", json_boolean(s->running));
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_set_new(
		    object, counts[i].name, number(counts[i].count));
	json_object_set_new(
	    object, "reload_failed", json_boolean(s->reload_failed));
	json_object_set_new(object, "master_age", json_real(s->master_age));
	json_object_set_new(object, "records", records_json(&s->records));
	json_object_set_new(object, "rates", rates_json(s));
	json_object_set_new(object, "rejected", rejected_json(s));
	json_object_set_new(object, "refused", refused_json(s));
	json_object_set_new(object, "closed", closed_json(s));
	for (unsigned i = 0; i < s->count; i++)
		json_array_append_new(workers, worker_json(&s->workers[i]));
	json_object_set_new(object, "workers", workers);
	return object;
}

bool
status_json(const struct status *status, FILE *out)
{
	json_t *object = status_object(status);
	bool good = object != NULL &&
		    json_dumpf(object, out,
			JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 &&
		    putc('\n', out) != EOF;

	json_decref(object);
	return good;
}
