/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/page.h"
#include "lib/json.h"
#include "lib/address.h"

#include <inttypes.h>
#include <stdarg.h>

const char *const service_columns[] = { "modid", "cmdid", "name", "state",
	"overloaded", "servers", "stale", "since", "since_known", "succ", "err",
	"error_share", "reports_per_s", "callers", "age", NULL };
const char *const server_columns[] = { "ip", "port", "state", "overloaded_by",
	"callers", "stale", "since", "since_known", "succ", "err",
	"error_share", "reports_per_s", "age", NULL };

static void
row_next(struct row *row)
{
	if (row->count > 0)
		fputc(',', row->out);
	if (row->columns != NULL)
		fprintf(row->out, "\"%s\":", row->columns[row->count]);
	row->count++;
}

void
row_put(struct row *row, const char *format, ...)
{
	va_list values;

	row_next(row);
	va_start(values, format);
	vfprintf(row->out, format, values);
	va_end(values);
}

void
row_number(double value, int digits, FILE *out)
{
	if (value < 0)
		fputs("null", out);
	else
		fprintf(out, "%.*f", digits, value);
}

void
row_figure(struct row *row, double value, int digits)
{
	row_next(row);
	row_number(value, digits, row->out);
}

const char *
row_boolean(bool value)
{
	return value ? "true" : "false";
}

/* What services and servers have alike. */
static void
row_sum(struct row *row, const struct sample *s, const struct look_sum *sum)
{
	row_put(row, "%" PRIu32, sum->stale);
	row_figure(
	    row, sum->since_ms < 0 ? -1 : (double)sum->since_ms / 1000, 3);
	row_put(row, "%s", row_boolean(sum->since_known));
	row_put(row, "%" PRIu64, sum->succ);
	row_put(row, "%" PRIu64, sum->err);
	row_figure(row, look_error_share(sum), 4);
	row_figure(row, look_rate(s->look, sum->rate), 1);
}

double
row_age(const struct sample *s, uint64_t ts)
{
	return look_age(s->look->totals.now_ms, ts);
}

void
row_service(
    struct row row, const struct sample *s, const struct look_service *service)
{
	const struct look_sum *sum = &service->sum;

	row_put(&row, "%" PRId32, service->modid);
	row_put(&row, "%" PRId32, service->cmdid);
	row_next(&row);
	json_write(
	    names_find(s->names, service->modid, service->cmdid), row.out);
	row_put(&row, "\"%s\"", look_state_name(sum->state));
	row_put(&row, "%" PRIu32, service->overloaded);
	row_put(&row, "%" PRIu32, service->servers);
	row_sum(&row, s, sum);
	row_put(&row, "%" PRIu32, sum->callers);
	row_figure(&row, row_age(s, sum->newest_ts), 1);
}

void
row_server(
    struct row row, const struct sample *s, const struct look_server *server)
{
	const struct look_sum *sum = &server->sum;
	char ip[DOTTED_TEXT];

	row_put(&row, "\"%s\"", dotted(server->ip, ip));
	row_put(&row, "%u", server->port);
	row_put(&row, "\"%s\"", look_state_name(sum->state));
	row_put(&row, "%" PRIu32, server->overloaded_by);
	row_put(&row, "%" PRIu32, sum->callers);
	row_sum(&row, s, sum);
	row_figure(&row, row_age(s, sum->newest_ts), 1);
}

void
rows_begin(const char *const *columns, FILE *out)
{
	fputs(",\n\"columns\":[", out);
	for (int i = 0; columns[i] != NULL; i++)
		fprintf(out, "%s\"%s\"", i == 0 ? "" : ",", columns[i]);
	fputs("],\n\"rows\":[", out);
}

struct row
row_begin(size_t place, FILE *out)
{
	fputs(place == 0 ? "\n[" : "],\n[", out);
	return (struct row){ .out = out };
}

void
rows_end(size_t count, FILE *out)
{
	fputs(count == 0 ? "]" : "]]", out);
}
