/* SPDX-License-Identifier: MIT
 *
 * The status as JSON, for programs.  A pure function over a struct status; any
 * process.  Failure is returned.
 */
#include "config.h"

#include "status/metric.h"
#include "status/status.h"

#include <jansson.h>

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
metric_json(const struct metric *m, const void *of)
{
	const struct metric_reasons *reasons = m->reasons;
	uint64_t value = metric_value(m, of, 0);

	if (m->unit == METRIC_FLAG)
		return json_boolean(value != 0);
	if (m->unit == METRIC_MICROSECONDS)
		return json_real((double)value / 1000);
	if (reasons == NULL)
		return number(value);
	json_t *object = json_object();
	for (unsigned i = reasons->first; i < reasons->end; i++)
		json_object_set_new(
		    object, reasons->name(i), number(metric_value(m, of, i)));
	return object;
}

/* Set the metrics of some groups of one struct. */
static void
set_metrics(json_t *object, enum metric_group first, enum metric_group last,
    const void *of)
{
	for (size_t i = 0; i < metrics_count; i++)
		if (metrics[i].group >= first && metrics[i].group <= last &&
		    metrics[i].name != NULL)
			json_object_set_new(object, metrics[i].name,
			    metric_json(&metrics[i], of));
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
worker_json(const struct status_worker *w)
{
	json_t *object = json_object();

	set_metrics(object, METRIC_SLOT, METRIC_WORKER, w);
	json_object_set_new(object, "state", string(w->state));
	json_object_set_new(object, "segment_error", string(w->trouble));
	json_object_set_new(object, "last_error", string(w->flush.last_error));
	return object;
}

static json_t *
status_object(const struct status *s)
{
	json_t *object = json_object(), *records = json_object(),
	       *workers = json_array();

	json_object_set_new(object, "instance", string(s->instance));
	json_object_set_new(object, "version", string(s->version));
	json_object_set_new(object, "master_age", json_real(s->master_age));
	set_metrics(object, METRIC_INSTANCE, METRIC_REPORTS, s);
	set_metrics(records, METRIC_RECORDS, METRIC_RECORDS, s);
	json_object_set_new(object, "records", records);
	json_object_set_new(object, "rates", rates_json(s));
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
