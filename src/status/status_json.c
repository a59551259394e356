/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/json.h"
#include "status/metric.h"
#include "status/status.h"

static json_t *
metric_json(const struct metric *m, const void *of)
{
	const struct metric_reasons *reasons = m->reasons;
	uint64_t value = metric_value(m, of, 0);

	if (m->unit == METRIC_FLAG)
		return json_boolean(value != 0);
	if (m->unit == METRIC_MICROSECONDS)
		return json_real((double)value / 1000);
	if (reasons == NULL)
		return json_integer((json_int_t)value);
	json_t *object = json_object();
	for (unsigned i = reasons->first; i < reasons->end; i++)
		json_object_set_new(object, reasons->name(i),
		    json_integer((json_int_t)metric_value(m, of, i)));
	return object;
}

/* Set the metrics of some groups of one struct. */
static void
set_metrics(json_t *object, enum metric_group first, enum metric_group last,
    const void *of)
{
	for (const struct metric *m = metrics; m < metrics_end; m++)
		if (m->group >= first && m->group <= last && m->name != NULL)
			json_object_set_new(
			    object, m->name, metric_json(m, of));
}

static json_t *
rates_json(unsigned span, const struct rates *r)
{
	json_t *object =
	    json_pack("{s:i, s:f}", "span", (int)span, "seconds", r->seconds);

	for (int i = 0; i < HISTORY_COUNTS; i++)
		json_object_set_new(object, history_name((enum history_count)i),
		    json_real(r->per_second[i]));
	return object;
}

static json_t *
worker_json(const struct status_worker *w)
{
	json_t *object = json_object();

	set_metrics(object, METRIC_SLOT, METRIC_WORKER, w);
	json_object_set_new(object, "state", json_text(w->state));
	json_object_set_new(object, "segment_error", json_text(w->trouble));
	json_object_set_new(object, "host", json_text(w->host));
	json_object_set_new(
	    object, "last_error", json_text(w->flush.last_error));
	return object;
}

bool
status_json(const struct status *s, FILE *out)
{
	json_t *records = json_object(), *rates = json_array(),
	       *workers = json_array();
	json_t *object =
	    json_pack("{s:o, s:o, s:f}", "instance", json_text(s->instance),
		"version", json_text(s->version), "master_age", s->master_age);

	set_metrics(object, METRIC_INSTANCE, METRIC_REPORTS, s);
	set_metrics(records, METRIC_RECORDS, METRIC_RECORDS, s);
	for (int i = 0; i < RATES_SPANS; i++)
		json_array_append_new(
		    rates, rates_json(rates_spans[i], &s->rates[i]));
	STATUS_WORKERS(w, s)
		json_array_append_new(workers, worker_json(w));
	json_object_set_new(object, "records", records);
	json_object_set_new(object, "rates", rates);
	json_object_set_new(object, "workers", workers);
	bool good = object != NULL &&
		    json_dumpf(object, out,
			JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 &&
		    putc('\n', out) != EOF;
	json_decref(object);
	return good;
}
