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
	for (int i = 0; i < RATES_SPANS; i++) {
		const struct rates *r = &s->rates[i];
		json_t *over = json_pack("{s:i, s:f}", "span",
		    (int)rates_spans[i], "seconds", r->seconds);

		for (enum history_count j = 0; j < HISTORY_COUNTS; j++)
			json_object_set_new(
			    over, history_name(j), json_real(r->per_second[j]));
		json_array_append_new(rates, over);
	}
	STATUS_WORKERS(w, s) {
		json_t *of = json_object();

		set_metrics(of, METRIC_SLOT, METRIC_WORKER, w);
		json_object_set_new(of, "state", json_text(w->state));
		json_object_set_new(of, "segment_error", json_text(w->trouble));
		json_object_set_new(of, "host", json_text(w->host));
		json_object_set_new(
		    of, "last_error", json_text(w->flush.last_error));
		json_array_append_new(workers, of);
	}
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
