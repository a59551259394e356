/* SPDX-License-Identifier: MIT
 *
 * The orders of services, the names of states, and ages.
 */
#include "config.h"

#include "status/look.h"

#include <stdlib.h>
#include <string.h>

/* A service is in trouble from this share of this many calls on. */
#define ERRORS_SHARE 0.05
#define SEEN_LATELY_S 3600

/* ------------------------------------------------------------- figures ---- */

double
look_age(uint64_t now_ms, uint64_t ts)
{
	return now_ms > ts * 1000 ? (double)(now_ms - ts * 1000) / 1000 : 0;
}

enum look_age
look_age_of(const struct look_limits *limits, uint64_t now_ms, uint64_t ts)
{
	if ((ts + limits->fresh_s) * 1000 >= now_ms)
		return AGE_FRESH;
	return (ts + limits->silent_s) * 1000 >= now_ms ? AGE_LATE : AGE_SILENT;
}

const char *
look_age_name(enum look_age age)
{
	static const char *const names[AGES] = { "fresh", "late", "silent" };

	return (unsigned)age < AGES ? names[age] : "unknown";
}

const char *
look_state_name(enum look_state state)
{
	static const char *const names[LOOK_STATES] = {
		[LOOK_OVERLOADED] = "overloaded",
		[LOOK_ERRORS] = "errors",
		[LOOK_SILENT] = "silent",
		[LOOK_LATE] = "late",
		[LOOK_FINE] = "fine",
	};

	return (unsigned)state < LOOK_STATES ? names[state] : "unknown";
}

double
look_error_share(const struct look_sum *sum)
{
	double calls = (double)sum->succ + (double)sum->err;

	return sum->age == AGE_FRESH && calls > 0 ? (double)sum->err / calls
						  : -1;
}

double
look_rate(const struct look *look, uint64_t count)
{
	double seconds = look_totals(look)->seconds;

	return seconds > 0 ? (double)count / seconds : -1;
}

/* -------------------------------------------------------------- orders ---- */

static const char *const orders[LOOK_ORDERS] = {
	[LOOK_BY_TROUBLE] = "trouble",
	[LOOK_BY_ERRORS] = "errors",
	[LOOK_BY_REPORTS] = "reports",
	[LOOK_BY_SERVERS] = "servers",
	[LOOK_BY_OVERLOADED] = "overloaded",
	[LOOK_BY_SINCE] = "since",
	[LOOK_BY_AGE] = "age",
	[LOOK_BY_NUMBER] = "number",
	[LOOK_BY_RECORDS] = "records",
	[LOOK_BY_KEYS] = "keys",
	[LOOK_BY_SUCC] = "succ",
	[LOOK_BY_CALLERS] = "callers",
};

const char *
look_order_name(enum look_order order)
{
	return (unsigned)order < LOOK_ORDERS ? orders[order] : "unknown";
}

enum look_order
look_order_find(const char *name)
{
	unsigned i = 0;

	if (strcmp(name, "overload") == 0)
		return LOOK_BY_OVERLOADED;
	while (i < LOOK_ORDERS && strcmp(name, orders[i]) != 0)
		i++;
	return (enum look_order)i;
}

/* What a service or server is sorted by: the greater comes first, then by
   number, which is the place's text for a server. */
struct rank {
	double by[3];
	int64_t number;
	uint32_t place;
};

static int
rank_compare(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	for (unsigned i = 0; i < sizeof(x->by) / sizeof(x->by[0]); i++)
		if (x->by[i] != y->by[i])
			return x->by[i] > y->by[i] ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* The class that trouble begins with, and what weighs in it.  share: of what
   is overloaded. */
static void
rank_trouble(struct rank *rank, const struct look_totals *totals,
    const struct look_sum *sum, double share)
{
	double errors = look_error_share(sum);
	bool lately = look_age(totals->now_ms, sum->newest_ts) < SEEN_LATELY_S;

	if (sum->state == LOOK_OVERLOADED)
		rank->by[0] = share;
	else if (sum->state == LOOK_ERRORS)
		rank->by[0] = -1;
	else if (sum->state == LOOK_SILENT)
		rank->by[0] = lately ? -2 : -4;
	else
		rank->by[0] = -3;
	/* Error percentage weighted by volume. */
	rank->by[1] = errors > 0 ? errors * (double)sum->err : 0;
	rank->by[2] = sum->reports;
}

static double
service_rank(const struct look_totals *totals, enum look_order order,
    const struct look_service *s)
{
	switch (order) {
	case LOOK_BY_ERRORS:
		return look_error_share(&s->sum);
	case LOOK_BY_REPORTS:
		return s->sum.reports;
	case LOOK_BY_SERVERS:
		return s->servers;
	case LOOK_BY_OVERLOADED:
		return s->overloaded;
	case LOOK_BY_SINCE:
		return (double)s->sum.since_ms;
	case LOOK_BY_AGE:
		return look_age(totals->now_ms, s->sum.newest_ts);
	case LOOK_BY_RECORDS:
		return s->records;
	case LOOK_BY_KEYS:
		return s->keys;
	case LOOK_BY_SUCC:
		return (double)s->sum.succ;
	case LOOK_BY_CALLERS:
		return s->sum.callers;
	case LOOK_BY_TROUBLE:
	case LOOK_BY_NUMBER:
	case LOOK_ORDERS:
		break;
	}
	return 0;
}

/* Sort, and leave the places alone in the same memory. */
static uint32_t *
ranks_sort(struct rank *ranks, size_t count)
{
	uint32_t *places = (uint32_t *)(void *)ranks;

	qsort(ranks, count, sizeof(*ranks), rank_compare);
	for (size_t i = 0; i < count; i++) {
		uint32_t place = ranks[i].place;

		memcpy(&places[i], &place, sizeof(place));
	}
	return places;
}

static struct rank
rank_of(const struct look_totals *totals, enum look_order order,
    const struct look_service *s, uint32_t place)
{
	struct rank rank = { { service_rank(totals, order, s) },
		(int64_t)s->modid * (INT64_C(1) << 32) +
		    ((int64_t)s->cmdid - INT32_MIN),
		place };

	if (order == LOOK_BY_TROUBLE)
		rank_trouble(&rank, totals, &s->sum,
		    (double)s->overloaded / (s->servers + 1e-9));
	return rank;
}

uint32_t *
look_sort(const struct look *look, enum look_order order,
    bool (*match)(void *arg, const struct look_service *service), void *arg,
    size_t *count)
{
	const struct look_totals *totals = look_totals(look);
	const struct look_service *services = look_services(look);
	struct rank *ranks = malloc((totals->services + 1) * sizeof(*ranks));

	*count = 0;
	if (ranks == NULL)
		return NULL;
	for (uint32_t i = 0; i < totals->services; i++)
		if (match == NULL || match(arg, &services[i]))
			ranks[(*count)++] =
			    rank_of(totals, order, &services[i], i);
	return ranks_sort(ranks, *count);
}

size_t
look_sorted_after(const struct look *look, enum look_order order,
    const uint32_t *places, size_t count, const struct look_service *last)
{
	const struct look_totals *totals = look_totals(look);
	const struct look_service *services = look_services(look);
	struct rank limit = rank_of(totals, order, last, 0);
	size_t first = 0;

	while (first < count) {
		size_t middle = first + (count - first) / 2;
		struct rank rank =
		    rank_of(totals, order, &services[places[middle]], 0);

		if (rank_compare(&rank, &limit) <= 0)
			first = middle + 1;
		else
			count = middle;
	}
	return first;
}

uint32_t *
look_sort_servers(const struct look *look, const struct look_service *service)
{
	const struct look_server *servers = look_servers(look, service);
	size_t count = service->all_servers;
	struct rank *ranks = malloc((count + 1) * sizeof(*ranks));

	if (ranks == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct look_server *s = &servers[i];

		ranks[i].place = i;
		ranks[i].number = (int64_t)s->ip << 16 | s->port;
		rank_trouble(&ranks[i], look_totals(look), &s->sum,
		    (double)s->overloaded_by / (s->sum.callers + 1e-9));
	}
	return ranks_sort(ranks, count);
}
