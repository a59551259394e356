/* SPDX-License-Identifier: MIT
 *
 * Owns the services in the orders that were asked for, until the next sample.
 */
#include "config.h"

#include "web/api.h"
#include "lib/address.h"
#include "lib/text.h"
#include "status/filter.h"
#include "web/sampler.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 50 /* listed by default */
#define ROWS_MAX 1000

/* The services in each order, as places; of one sample. */
static struct sorted {
	uint64_t number;
	uint32_t *places;
	size_t count;
} sorted[LOOK_ORDERS];

/* -------------------------------------------------------------- figures --- */

static const char *
boolean(bool value)
{
	return value ? "true" : "false";
}

/* A figure that is not known if it is below 0. */
static void
number_write(double value, const char *format, FILE *out)
{
	if (value < 0)
		fputs(",null", out);
	else
		fprintf(out, format, value);
}

/* since, since_known, succ, err, error_share of a service or a server. */
static void
sum_write(const struct look_sum *sum, FILE *out)
{
	number_write(sum->since_ms < 0 ? -1 : (double)sum->since_ms / 1000,
	    ",%.3f", out);
	fprintf(out, ",%s,%" PRIu64 ",%" PRIu64, boolean(sum->since_known),
	    sum->succ, sum->err);
	number_write(look_error_share(sum), ",%.4f", out);
}

static void
row_service(
    const struct sample *s, const struct look_service *service, FILE *out)
{
	const struct look_sum *sum = &service->sum;

	fprintf(out, "[%" PRId32 ",%" PRId32 ",", service->modid,
	    service->cmdid);
	page_string(
	    names_find(s->names, service->modid, service->cmdid), out);
	fprintf(out, ",\"%s\",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
	    look_state_name(sum->state), service->overloaded, service->servers,
	    sum->stale);
	sum_write(sum, out);
	number_write(look_rate(s->look, sum->reports), ",%.1f", out);
	fprintf(out, ",%" PRIu32 ",%.1f]", sum->callers,
	    look_age(look_totals(s->look)->now_ms, sum->newest_ts));
}

static const char service_columns[] =
    "[\"modid\",\"cmdid\",\"name\",\"state\",\"overloaded\",\"servers\","
    "\"stale\",\"since\",\"since_known\",\"succ\",\"err\",\"error_share\","
    "\"reports_per_s\",\"callers\",\"age\"]";

static void
row_server(const struct sample *s, const struct look_server *server, FILE *out)
{
	const struct look_sum *sum = &server->sum;
	char ip[DOTTED_TEXT];

	fprintf(out,
	    "[\"%s\",%u,\"%s\",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
	    dotted(server->ip, ip), server->port, look_state_name(sum->state),
	    server->overloaded_by, sum->callers, sum->stale);
	sum_write(sum, out);
	number_write(look_rate(s->look, sum->reports), ",%.1f", out);
	fprintf(out, ",%.1f]",
	    look_age(look_totals(s->look)->now_ms, sum->newest_ts));
}

/* ----------------------------------------------------------------- head --- */

static void
verdict_write(const struct look_totals *t, FILE *out)
{
	fprintf(out,
	    "\"verdict\":{\"services\":%" PRIu64
	    ",\"overloaded_services\":%" PRIu64
	    ",\"overloaded_servers\":%" PRIu64 ",\"new_overloaded\":%" PRIu64
	    ",\"error_services\":%" PRIu64 ",\"silent_services\":%" PRIu64
	    ",\"late_services\":%" PRIu64 ",\"callers\":%" PRIu64
	    ",\"silent_callers\":%" PRIu64 ",\"late_callers\":%" PRIu64
	    ",\"truncated\":%s},\n",
	    t->services, t->by_state[LOOK_OVERLOADED], t->overloaded_servers,
	    t->new_overloaded, t->by_state[LOOK_ERRORS],
	    t->by_state[LOOK_SILENT], t->by_state[LOOK_LATE], t->callers,
	    t->callers_by_age[AGE_SILENT], t->callers_by_age[AGE_LATE],
	    boolean(t->truncated || t->unread > 0));
}

/* What each answer begins with. */
static void
head_write(const struct sample *s, const char *instance, FILE *out)
{
	const struct look_totals *t = look_totals(s->look);

	fprintf(out,
	    "{\"as_of\":%.3f,\"look_ms\":%.0f,\"interval_s\":%.0f,"
	    "\"instance\":\"%s\",\"reporter\":\"%s\",\"fresh_s\":%" PRIu32
	    ",\"silent_s\":%" PRIu32 ",\n",
	    (double)t->now_ms / 1000, s->look_ms, s->interval_s, instance,
	    s->reporter, t->limits.fresh_s, t->limits.silent_s);
	verdict_write(t, out);
	fputs("\"reports_per_s\":0", out);
	number_write(look_rate(s->look, t->reports), "+%.1f", out);
}
