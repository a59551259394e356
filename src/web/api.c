/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/page.h"
#include "lib/address.h"
#include "lib/text.h"
#include "status/filter.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 50 /* listed by default */
#define ROWS_MAX 1000

static const char *const caller_columns[] = { "caller", "overload", "succ",
	"err", "error_share", "ts", "age", "state", "reports", NULL };
static const char *const event_columns[] = { "n", "time", "modid", "cmdid",
	"ip", "port", "overloaded", "callers", NULL };

/* ----------------------------------------------------------------- head --- */

/* What each answer begins with. */
static void
head_write(const struct page *p)
{
	const struct sample *s = p->sample;
	const struct look_totals *t = &s->look->totals;

	fprintf(p->out,
	    "{\"as_of\":%.3f,\"look_ms\":%.0f,\"interval_s\":%.0f,"
	    "\"instance\":\"%s\",\"reporter\":\"%s\",\"fresh_s\":%" PRIu32
	    ",\"silent_s\":%" PRIu32 ",\n",
	    (double)t->now_ms / 1000, s->look_ms, s->interval_s, p->instance,
	    s->reporter, t->limits.fresh_s, t->limits.silent_s);
	fprintf(p->out,
	    "\"verdict\":{\"services\":%" PRIu64
	    ",\"overloaded_services\":%" PRIu64
	    ",\"overloaded_servers\":%" PRIu64 ",\"new_overloaded\":%" PRIu64
	    ",\"error_services\":%" PRIu64 ",\"silent_services\":%" PRIu64
	    ",\"late_services\":%" PRIu64 ",\"callers\":%" PRIu64
	    ",\"silent_callers\":%" PRIu64 ",\"late_callers\":%" PRIu64
	    ",\"truncated\":%s},\n\"reports_per_s\":",
	    t->services, t->by_state[LOOK_OVERLOADED], t->overloaded_servers,
	    t->new_overloaded, t->by_state[LOOK_ERRORS],
	    t->by_state[LOOK_SILENT], t->by_state[LOOK_LATE], t->callers,
	    t->callers_by_age[AGE_SILENT], t->callers_by_age[AGE_LATE],
	    row_boolean(t->truncated || t->unread > 0));
	row_number(look_rate(s->look, t->rate), 1, p->out);
	fputs(",\"records_per_s\":", p->out);
	row_number(
	    t->seconds > 0 ? (double)t->records / t->seconds : -1, 1, p->out);
	fprintf(p->out,
	    ",\n\"database\":{\"connected\":%s,\"behind_s\":%" PRIu64
	    "},\"agents\":{\"connected\":%" PRIu64 "}",
	    row_boolean(s->connected), s->behind_s, s->agents);
}

/* -------------------------------------------------------------- history --- */

/* Up to TIMELINE_SAMPLES numbers for each service. */
static void
history_write(const struct sample *s, const struct look_service *services,
    const uint32_t *places, size_t count, FILE *out)
{
	static struct timeline_samples samples; /* too large for a stack */

	fputs(",\n\"history\":[", out);
	for (size_t i = 0; i < count; i++) {
		const struct look_service *service = &services[places[i]];

		timeline_samples(
		    s->timeline, service->modid, service->cmdid, &samples);
		if (i == 0)
			fprintf(out, "[%.3f,%.3f]",
			    (double)samples.first_ms / 1000, samples.step_s);
		fputs(",\n[[", out);
		for (unsigned j = 0; j < samples.count; j++)
			fprintf(
			    out, "%s%d", j == 0 ? "" : ",", samples.errors[j]);
		fputs("],[", out);
		for (unsigned j = 0; j < samples.count; j++)
			fprintf(out, "%s%" PRId32, j == 0 ? "" : ",",
			    samples.overloaded[j]);
		fputs("]]", out);
	}
	fputs(count == 0 ? "[0,0]]" : "]", out);
}

/* --------------------------------------------------------------- cursor --- */

/* The rank of the last row of a page, as the bits of its words.  So the next
   page begins behind it in a later look, too, and skips none that stayed. */
static bool
cursor_read(struct look_rank *rank, const char *text)
{
	uint64_t bits[3], number;
	int end = -1;

	if (sscanf(text,
		"%16" SCNx64 ".%16" SCNx64 ".%16" SCNx64 ".%16" SCNx64 "%n",
		&bits[0], &bits[1], &bits[2], &number, &end) != 4 ||
	    text[end] != '\0')
		return false;
	memcpy(rank->by, bits, sizeof(bits));
	rank->number = (int64_t)number;
	return true;
}

/* ------------------------------------------------------------- services --- */

struct listing {
	const struct sample *sample;
	struct filter filter;
	enum look_order order;
	int64_t limit, history;
	bool has_cursor;
	struct look_rank last;
};

/* Read the arguments.  Returns false: the page is the error. */
static bool
listing_read(struct listing *l, struct page *p)
{
	const char *sort = p->values[QUERY_SORT];
	const char *q = p->values[QUERY_Q];
	const char *after = p->values[QUERY_AFTER];
	char error[FILTER_ERROR];

	l->limit = ROWS;
	l->history = 0;
	l->has_cursor = after != NULL && *after != '\0';
	l->order = sort == NULL ? LOOK_BY_TROUBLE : look_order_find(sort);
	if (!filter_parse(&l->filter, q == NULL ? "" : q, error, sizeof(error)))
		return page_error(p, 400, error);
	if (l->order == LOOK_ORDERS)
		return page_error(p, 400, "sort is not " LOOK_ORDER_NAMES);
	if (l->has_cursor && !cursor_read(&l->last, after))
		return page_error(p, 400, "after is not what an answer had");
	return page_number(p, QUERY_LIMIT, 1, ROWS_MAX, &l->limit) &&
	       page_number(p, QUERY_HISTORY, 0, 1, &l->history);
}

static bool
listing_match(void *arg, const struct look_service *service)
{
	const struct listing *l = arg;

	return filter_match(
	    &l->filter, l->sample->look, l->sample->names, service);
}

/* Write the rows of a page. */
static void
listing_write(
    const struct listing *l, const uint32_t *places, size_t count, FILE *out)
{
	const struct sample *s = l->sample;
	const struct look_service *services = s->look->services;
	size_t first = 0, rows;

	if (l->has_cursor)
		first = look_sorted_after(
		    s->look, l->order, places, count, &l->last);
	rows = count - first;
	if (rows > (size_t)l->limit)
		rows = (size_t)l->limit;
	rows_begin(service_columns, out);
	for (size_t i = 0; i < rows; i++)
		row_service(row_begin(i, out), s, &services[places[first + i]]);
	rows_end(rows, out);
	if (l->history == 1)
		history_write(s, services, places + first, rows, out);
	fprintf(out, ",\n\"total\":%zu,\"after\":", count);
	if (first + rows < count) {
		struct look_rank last = look_rank(
		    s->look, l->order, &services[places[first + rows - 1]]);
		uint64_t bits[3];

		memcpy(bits, last.by, sizeof(bits));
		fprintf(out,
		    "\"%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx64 "\"}\n",
		    bits[0], bits[1], bits[2], (uint64_t)last.number);
	} else {
		fputs("null}\n", out);
	}
}

void
api_services(struct page *p)
{
	struct listing l;
	size_t count;

	if (!listing_read(&l, p) || (l.sample = page_look(p)) == NULL)
		return;
	uint32_t *places =
	    look_sort(l.sample->look, l.order, listing_match, &l, &count);
	if (places == NULL) {
		page_error(p, 500, "out of memory");
		return;
	}
	head_write(p);
	listing_write(&l, places, count, p->out);
	free(places);
}

/* ---------------------------------------------------------- one service --- */

static void
service_write(
    const struct sample *s, const struct look_service *service, FILE *out)
{
	const struct look_server *servers = s->look->servers + service->first;
	uint32_t *places = look_sort_servers(s->look, service);
	const uint32_t self = 0, all = service->all_servers;
	uint32_t count = places == NULL ? 0 : all < ROWS_MAX ? all : ROWS_MAX;

	fputs(",\n\"service\":{", out);
	row_service((struct row){ out, service_columns, 0 }, s, service);
	fputc('}', out);
	rows_begin(server_columns, out);
	for (uint32_t i = 0; i < count; i++)
		row_server(row_begin(i, out), s, &servers[places[i]]);
	rows_end(count, out);
	free(places);
	fprintf(out, ",\"total\":%" PRIu32, all);
	history_write(s, service, &self, 1, out);
	fputs("}\n", out);
}

/* The state of a caller's record is that of a server with one caller. */
static enum look_state
caller_state(const struct record *key, enum look_age age)
{
	if (age != AGE_FRESH)
		return age == AGE_LATE ? LOOK_LATE : LOOK_SILENT;
	if (key->overload)
		return LOOK_OVERLOADED;
	uint64_t calls = (uint64_t)key->succ + key->err;
	return calls >= 20 && (uint64_t)key->err * 20 >= calls ? LOOK_ERRORS
							       : LOOK_FINE;
}

static void
callers_write(const struct sample *s, const struct scan_key *keys, size_t count,
    FILE *out)
{
	const struct look_totals *t = &s->look->totals;
	char caller[DOTTED_TEXT];

	rows_begin(caller_columns, out);
	for (size_t i = 0; i < count; i++) {
		const struct record *key = &keys[i].record;
		double calls = (double)key->succ + key->err;
		struct row row = row_begin(i, out);

		row_put(&row, "\"%s\"", dotted(key->caller, caller));
		row_put(&row, "%s", row_boolean(key->overload));
		row_put(&row, "%" PRIu32, key->succ);
		row_put(&row, "%" PRIu32, key->err);
		row_figure(&row, calls > 0 ? key->err / calls : -1, 4);
		row_put(&row, "%" PRIu64, record_ts(key));
		row_figure(&row, row_age(s, record_ts(key)), 1);
		row_put(&row, "\"%s\"",
		    look_state_name(caller_state(key,
			look_age_of(&t->limits, t->now_ms, record_ts(key)))));
		row_put(&row, "%" PRIu64, keys[i].puts);
	}
	rows_end(count, out);
}

/* Callers that report overload first, then by address. */
static int
key_compare(const void *a, const void *b)
{
	const struct record *x = &((const struct scan_key *)a)->record;
	const struct record *y = &((const struct scan_key *)b)->record;

	if (x->overload != y->overload)
		return x->overload ? -1 : 1;
	return (x->caller > y->caller) - (x->caller < y->caller);
}

/* Read IP:PORT.  Returns the server, or NULL. */
static const struct look_server *
server_find(const struct sample *s, const struct look_service *service,
    const char *text)
{
	struct address address;
	struct in_addr ip;

	if (text == NULL || address_parse(&address, text) != NULL ||
	    address.port < 0 || inet_pton(AF_INET, address.host, &ip) != 1)
		return NULL;
	return look_find_server(
	    s->look, service, ntohl(ip.s_addr), (uint16_t)address.port);
}

static void
show_callers(struct page *p, const struct look_service *service)
{
	const struct sample *s = p->sample;
	const struct look_server *server =
	    server_find(s, service, p->values[QUERY_SERVER]);
	int64_t limit = ROWS_MAX;

	if (!page_number(p, QUERY_LIMIT, 1, ROWS_MAX, &limit))
		return;
	if (server == NULL) {
		page_error(p, 404, "no such server of this service");
		return;
	}
	struct scan_key *keys = calloc(server->keys + 1, sizeof(*keys));
	if (keys == NULL) {
		page_error(p, 500, "out of memory");
		return;
	}
	size_t count =
	    look_keys(s->look, p->instance, server, keys, server->keys);
	qsort(keys, count, sizeof(*keys), key_compare);
	head_write(p);
	callers_write(
	    s, keys, count < (size_t)limit ? count : (size_t)limit, p->out);
	fprintf(p->out, ",\"total\":%zu}\n", count);
	free(keys);
}

/* Take a path apart: /M/C, and what follows.  Returns false if it is none. */
static bool
path_read(const char *path, int32_t *modid, int32_t *cmdid, bool *callers)
{
	char copy[64], *rest = copy;
	int64_t number[2];

	if (strlen(path) >= sizeof(copy))
		return false;
	strcpy(copy, path);
	for (int i = 0; i < 2; i++) {
		char *part = strsep(&rest, "/");

		if (part == NULL ||
		    !text_number(part, INT32_MIN, INT32_MAX, &number[i]))
			return false;
	}
	*modid = (int32_t)number[0];
	*cmdid = (int32_t)number[1];
	*callers = rest != NULL;
	return rest == NULL || strcmp(rest, "callers") == 0;
}

void
api_service(struct page *p)
{
	const struct look_service *service;
	const struct sample *s;
	int32_t modid, cmdid;
	bool callers;

	if (!path_read(
		p->path + sizeof(API_SERVICES), &modid, &cmdid, &callers)) {
		page_error(p, 404, "expected MODID/CMDID");
		return;
	}
	if (!page_accepts(p, callers ? QUERY(SERVER) | QUERY(LIMIT) : 0) ||
	    (s = page_look(p)) == NULL)
		return;
	service = look_find(s->look, modid, cmdid);
	if (service == NULL) {
		page_error(p, 404, "no such service");
	} else if (callers) {
		show_callers(p, service);
	} else {
		head_write(p);
		service_write(s, service, p->out);
	}
}

/* --------------------------------------------------------------- events --- */

void
api_events(struct page *p)
{
	static struct timeline_event events[TIMELINE_EVENTS];
	const struct sample *s;
	int64_t since = 0;
	uint64_t next;
	char ip[DOTTED_TEXT];
	bool lost;

	if (!page_number(p, QUERY_SINCE, 0, INT64_MAX, &since) ||
	    (s = page_look(p)) == NULL)
		return;
	size_t count = timeline_events(s->timeline, (uint64_t)since, events,
	    TIMELINE_EVENTS, &next, &lost);
	fprintf(p->out, "{\"next\":%" PRIu64 ",\"lost\":%s", next,
	    row_boolean(lost));
	rows_begin(event_columns, p->out);
	for (size_t i = 0; i < count; i++) {
		const struct look_flip *f = &events[i].flip;
		struct row row = row_begin(i, p->out);

		row_put(&row, "%" PRIu64, events[i].number);
		row_put(&row, "%.3f", (double)events[i].time_ms / 1000);
		row_put(&row, "%" PRId32, f->modid);
		row_put(&row, "%" PRId32, f->cmdid);
		row_put(&row, "\"%s\"", dotted(f->ip, ip));
		row_put(&row, "%u", f->port);
		row_put(&row, "%s", row_boolean(f->overloaded));
		row_put(&row, "%" PRIu32, f->callers);
	}
	rows_end(count, p->out);
	fputs("}\n", p->out);
}
