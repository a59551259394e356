/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/lists.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/prefix.h"
#include "shm/keep_errno.h"
#include "status/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- keys --- */

bool
keys_number(const char *text, int32_t *number)
{
	int64_t n;

	if (!text_number(text, INT32_MIN, INT32_MAX, &n))
		return false;
	*number = (int32_t)n;
	return true;
}

bool
keys_visit(void *arg, const struct scan_key *key)
{
	struct keys_list *list = arg;
	const struct record *r = &key->record;

	if ((list->has_modid && list->modid != r->modid) ||
	    (list->has_cmdid && list->cmdid != r->cmdid))
		return true;
	if (list->count == list->max) {
		list->more = true;
		return false;
	}
	FILE *out = list->out;
	const char *name = names_find(list->names, r->modid, r->cmdid);
	char caller[DOTTED_TEXT], ip[DOTTED_TEXT];
	double age = look_age(list->now_ms, record_ts(r));
	const char *state = key->dirty ? "dirty" : "stored";
	const char *freshness = look_age_name(
	    look_age_of(&list->limits, list->now_ms, record_ts(r)));
	if (list->array)
		fputs(list->count == 0 ? "\n" : ",\n", out);
	list->count++;
	dotted(r->caller, caller);
	dotted(record_address(r), ip);
	if (!list->json) {
		fprintf(out,
		    "%" PRId32 "\t%" PRId32 "\t%s\t%" PRIu64
		    "\t%s\t%u\t%" PRIu32 "\t%" PRIu32
		    "\t%u\t%s\t%.0f\t%s\t%s%s%s\n",
		    r->modid, r->cmdid, caller, record_ts(r), ip, r->port,
		    r->succ, r->err, r->overload, state, age, freshness,
		    r->elb ? "elb" : "-", name != NULL ? "\t" : "",
		    name != NULL ? name : "");
		return !ferror(out);
	}
	fprintf(out,
	    "{\"modid\":%" PRId32 ",\"cmdid\":%" PRId32
	    ",\"ip\":\"%s\",\"port\":%u,\"caller\":\"%s\",\"succ\":%" PRIu32
	    ",\"err\":%" PRIu32 ",\"ts\":%" PRIu64
	    ",\"overload\":%u,\"state\":\"%s\",\"age\":%.0f,"
	    "\"freshness\":\"%s\"%s",
	    r->modid, r->cmdid, ip, r->port, caller, r->succ, r->err,
	    record_ts(r), r->overload, state, age, freshness,
	    r->elb ? ",\"dialect\":\"elb\"" : "");
	if (name != NULL) {
		fputs(",\"name\":", out);
		json_write(name, out);
	}
	fputs(list->array ? "}" : "}\n", out);
	return !ferror(out);
}

/* --------------------------------------------------------------- agents --- */

enum kind {
	FIGURE,
	ADDRESS,
	DIALECT,
	TIME,
	IPV4
};

/* The columns, named as in JSON.  width: of the text; < 0: left-aligned. */
static const struct column {
	const char *name;
	enum kind kind;
	int width;
	size_t offset;
} columns[] = {
#define AT(field) offsetof(struct agent, field)
	{ "address", ADDRESS, -21, AT(peer) },
	{ "dialect", DIALECT, -7, AT(dialect) },
	{ "since", TIME, -20, AT(since) },
	{ "reports", FIGURE, 10, AT(reports) },
	{ "records", FIGURE, 11, AT(records) },
	{ "clock_offset", FIGURE, 12, AT(clock_offset) },
	{ "throttled", FIGURE, 9, AT(throttled_since) },
	{ "held", FIGURE, 6, AT(held) },
	{ "caller", IPV4, -15, AT(caller) },
	{ "rejected", FIGURE, 8, AT(rejected_sum) },
#undef AT
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

int
agent_column(const char *name)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (strcmp(name, columns[i].name) == 0)
			return (int)i;
	return -1;
}

static const struct sockaddr *
peer(const struct agent *a)
{
	return (const struct sockaddr *)a->peer;
}

static int64_t
value(const struct agent *a, const struct column *c)
{
	return *(const int64_t *)((const char *)a + c->offset);
}

/* A comparison for qsort_r(). */
static int
compare(const void *a, const void *b, void *column)
{
	const struct column *c = column;
	int x_family = AF_UNSPEC, y_family = AF_UNSPEC;

	if (c->kind != ADDRESS && value(a, c) != value(b, c))
		return value(a, c) > value(b, c) ? -1 : 1;
	const uint8_t *x = prefix_peer_bytes(peer(a), &x_family);
	const uint8_t *y = prefix_peer_bytes(peer(b), &y_family);
	if (x_family != y_family || x == NULL || y == NULL)
		return (x_family > y_family) - (x_family < y_family);
	int order = memcmp(x, y, x_family == AF_INET ? 4 : 16);
	/* In both kinds of address the port comes third and fourth. */
	return order != 0 ? order
			  : memcmp(peer(a)->sa_data, peer(b)->sa_data, 2);
}

static void
row_print(const struct agent *a, bool json, FILE *out)
{
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < COLUMNS - json; i++) {
		const struct column *c = &columns[i];
		int64_t n = value(a, c);
		bool none = c->kind != ADDRESS && n == INT64_MIN;
		bool quoted = !none && c->kind != FIGURE && c->kind != TIME;

		if (none)
			strcpy(text, json ? "null" : "-");
		else if (c->kind == ADDRESS)
			address_text(peer(a), text);
		else if (c->kind == DIALECT)
			snprintf(text, sizeof(text), "%s",
			    dialect_name((uint64_t)n));
		else if (c->kind == IPV4)
			dotted((uint32_t)n, text);
		else if (c->kind == TIME && !json)
			clock_text(text, (uint64_t)n);
		else
			snprintf(text, sizeof(text), "%" PRId64, n);
		if (json)
			fprintf(out, quoted ? "%s\"%s\":\"%s\"" : "%s\"%s\":%s",
			    i > 0 ? "," : "{", c->name, text);
		else
			fprintf(out, "%*s ", c->width, text);
	}
	fputs(json ? ",\"rejected\":{" : "", out);
	for (int i = 0; i < REJECT_REASONS; i++)
		if (json)
			fprintf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
			    reject_name((enum reject)i), a->rejected[i]);
		else if (a->rejected[i] > 0)
			fprintf(out, " %s=%" PRIu64,
			    reject_name((enum reject)i), a->rejected[i]);
	fputs(json ? "}}" : "\n", out);
}

enum shm_status
agents_print(const char *instance, int column, size_t max, bool json, FILE *out,
    uint64_t *unlisted)
{
	struct segment master;
	struct agents agents;
	uint64_t now_ms = monotonic_ms();
	uint64_t began_ms = realtime_ms() - now_ms; /* the monotonic clock */
	size_t count = 0;
	enum shm_status found =
	    segment_open_master(&master, instance, SEGMENT_READ);

	if (found != SHM_OK)
		return found;
	found = status_running(&master)
		    ? agents_open(&agents, instance, master.owner)
		    : SHM_MISSING;
	KEEP_ERRNO(segment_close(&master));
	if (found != SHM_OK)
		return found;
	uint32_t rows = agents.map.header.table_keys;
	struct agent *list = calloc(rows, sizeof(*list));
	for (uint32_t i = 0; list != NULL && i < rows; i++) {
		struct agent *a = &list[count];

		if (!agents_read(&agents, i, a))
			continue;
		count++;
		if (a->throttled_since != AGENT_NONE)
			a->throttled_since =
			    now_ms > a->throttled_since
				? (now_ms - a->throttled_since) / 1000
				: 0;
		a->since = (a->since + began_ms) / 1000;
	}
	*unlisted = counter_get(&agents.shared->unlisted);
	KEEP_ERRNO(segment_close(&agents.map));
	if (list == NULL)
		return SHM_SYSTEM;
	struct column by = columns[column];
	qsort_r(list, count, sizeof(*list), compare, &by);
	for (size_t i = 0; !json && i < COLUMNS; i++)
		fprintf(out, "%*s%s", columns[i].width, columns[i].name,
		    i + 1 < COLUMNS ? " " : " \n");
	for (size_t i = 0; i < count && i < max; i++) {
		fputs(!json ? "" : i > 0 ? ",\n" : "{\"agents\":[\n", out);
		row_print(&list[i], json, out);
	}
	if (json)
		fprintf(out, "%s],\n\"more\":%s,\"unlisted\":%" PRIu64 "}\n",
		    count == 0 ? "{\"agents\":[" : "",
		    count > max ? "true" : "false", *unlisted);
	free(list);
	return SHM_OK;
}
