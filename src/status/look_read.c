/* SPDX-License-Identifier: MIT
 *
 * Reading looks: their limits, what they hold, their figures and orders.
 */
#include "config.h"

#include "status/look_state.h"
#include "lib/text.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>

#define SEEN_LATELY_S 3600 /* what is silent is of interest so long */

bool
look_limit(struct look_limits *limits, int option, const char *text)
{
	int64_t seconds;

	if (!text_number(text, 1, LOOK_AGE_MAX_S, &seconds)) {
		warnx("-%c: found \"%s\", expected 1 to %d seconds", option,
		    text, LOOK_AGE_MAX_S);
		return false;
	}
	*(option == 'F' ? &limits->fresh_s : &limits->silent_s) =
	    (uint32_t)seconds;
	return true;
}

bool
look_limits_ok(const struct look_limits *limits)
{
	if (limits->fresh_s <= limits->silent_s)
		return true;
	warnx("-F: found %" PRIu32 ", expected at most the %" PRIu32
	      " seconds of -S",
	    limits->fresh_s, limits->silent_s);
	return false;
}

/* ------------------------------------------------------ what they hold ---- */

/* Of items that are in order: the one of that number, or NULL. */
static const void *
find(enum kind kind, const void *items, size_t count, uint64_t number)
{
	const char *first = items;

	while (count > 0) {
		const char *middle = first + count / 2 * look_sizes[kind];
		uint64_t of = look_id(kind, middle).number;

		if (of == number)
			return middle;
		if (of < number) {
			first = middle + look_sizes[kind];
			count--;
		}
		count /= 2;
	}
	return NULL;
}

const struct look_service *
look_find(const struct look *look, int32_t modid, int32_t cmdid)
{
	return find(SERVICE, SERVICES(look), COUNT(look, SERVICE),
	    service_number(modid, cmdid));
}

const struct look_server *
look_find_server(const struct look *look, const struct look_service *service,
    uint32_t ip, uint16_t port)
{
	return find(SERVER, look->servers + service->first,
	    service->all_servers, server_number(ip, port));
}

/* Read a server's slot again, if its segment is still there.  Returns false if
   it is not, or if another key has the slot now. */
static bool
slot_again(const struct look *look, const struct scan *scan,
    const struct look_server *server, uint32_t slot, struct scan_key *key)
{
	unsigned segment = look->segments - 1, i = 0;
	const struct record *r = &key->record;

	while (segment > 0 && look->base[segment] > slot)
		segment--;
	slot -= look->base[segment];
	while (i < scan->count &&
	       scan->segments[i].map.header.id != look->ids[segment])
		i++;
	return i < scan->count && slot < scan->segments[i].table.size &&
	       scan_read(scan, i, slot, key) && r->modid == server->modid &&
	       r->cmdid == server->cmdid && record_address(r) == server->ip &&
	       r->port == server->port;
}

enum shm_status
look_visit(const struct look *look, struct scan *scan, const char *instance,
    const struct look_server *servers, size_t count,
    bool (*visit)(void *arg, const struct scan_key *key), void *arg)
{
	enum shm_status found = scan_open(scan, instance);
	bool on = found == SHM_OK;
	struct scan_key key;

	for (size_t i = 0; on && i < count; i++)
		for (uint32_t j = 0; on && j < servers[i].keys; j++)
			on = !slot_again(look, scan, &servers[i],
				 SLOTS(look)[servers[i].first + j], &key) ||
			     visit(arg, &key);
	if (found == SHM_OK)
		scan_close(scan);
	return found;
}

struct key_list {
	struct scan_key *keys;
	size_t count, max;
};

static bool
key_add(void *arg, const struct scan_key *key)
{
	struct key_list *list = arg;

	list->keys[list->count++] = *key;
	return list->count < list->max;
}

size_t
look_keys(const struct look *look, const char *instance,
    const struct look_server *server, struct scan_key *keys, size_t max)
{
	struct key_list list = { keys, 0, max };
	struct scan *scan = max > 0 ? malloc(sizeof(*scan)) : NULL;

	if (scan != NULL)
		look_visit(look, scan, instance, server, 1, key_add, &list);
	free(scan);
	return list.count;
}

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
look_rate(const struct look *look, uint64_t rate)
{
	return look->totals.seconds > 0 ? (double)rate / 1000 : -1;
}

/* -------------------------------------------------------------- orders ---- */

/* By which figure; errors and trouble are made from several. */
static const struct {
	const char *name;
	size_t offset, size;
} orders[LOOK_ORDERS] = {
#define BY(name, member) \
	{ \
		name, offsetof(struct look_service, member), \
		    sizeof(((struct look_service *)0)->member) \
	}
	[LOOK_BY_TROUBLE] = { .name = "trouble" },
	[LOOK_BY_ERRORS] = { .name = "errors" },
	[LOOK_BY_REPORTS] = BY("reports", sum.rate),
	[LOOK_BY_SERVERS] = BY("servers", servers),
	[LOOK_BY_OVERLOADED] = BY("overloaded", overloaded),
	[LOOK_BY_SINCE] = BY("since", sum.since_ms),
	[LOOK_BY_AGE] = BY("age", sum.newest_ts),
	[LOOK_BY_NUMBER] = { .name = "number" },
	[LOOK_BY_RECORDS] = BY("records", records),
	[LOOK_BY_KEYS] = BY("keys", keys),
	[LOOK_BY_SUCC] = BY("succ", sum.succ),
	[LOOK_BY_CALLERS] = BY("callers", sum.callers),
#undef BY
};

const char *
look_order_name(enum look_order order)
{
	return (unsigned)order < LOOK_ORDERS ? orders[order].name : "unknown";
}

enum look_order
look_order_find(const char *name)
{
	unsigned i = 0;

	if (strcmp(name, "overload") == 0)
		return LOOK_BY_OVERLOADED;
	while (i < LOOK_ORDERS && strcmp(name, orders[i].name) != 0)
		i++;
	return (enum look_order)i;
}

static int
rank_compare(const void *a, const void *b)
{
	const struct look_rank *x = a, *y = b;

	for (unsigned i = 0; i < sizeof(x->by) / sizeof(x->by[0]); i++)
		if (x->by[i] != y->by[i])
			return x->by[i] > y->by[i] ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static double
ratio(uint32_t part, uint32_t all)
{
	return all > 0 ? (double)part / all : 0;
}

/* The class that trouble begins with, and its weight.  share: of overload. */
static void
rank_trouble(struct look_rank *rank, const struct look_totals *totals,
    const struct look_sum *sum, double share)
{
	static const double classes[LOOK_STATES] = { [LOOK_ERRORS] = -1,
		[LOOK_SILENT] = -2,
		[LOOK_LATE] = -3,
		[LOOK_FINE] = -4 };
	double errors = look_error_share(sum);

	rank->by[0] =
	    sum->state == LOOK_OVERLOADED ? share : classes[sum->state];
	if (sum->state == LOOK_SILENT &&
	    look_age(totals->now_ms, sum->newest_ts) >= SEEN_LATELY_S)
		rank->by[0] = -5;
	/* Error percentage weighted by volume. */
	rank->by[1] = errors > 0 ? errors * (double)sum->err : 0;
	rank->by[2] = sum->rate;
}

static double
service_rank(enum look_order order, const struct look_service *s)
{
	const char *at = (const char *)s + orders[order].offset;

	if (order == LOOK_BY_ERRORS)
		return look_error_share(&s->sum);
	if (orders[order].size == sizeof(uint32_t))
		return *(const uint32_t *)at;
	if (orders[order].size != sizeof(int64_t))
		return 0;
	/* Not the age, which is another one in a later look. */
	return (double)*(const int64_t *)at * (order == LOOK_BY_AGE ? -1 : 1);
}

/* Sort, and leave the places alone in the same memory. */
static uint32_t *
ranks_sort(struct look_rank *ranks, size_t count)
{
	uint32_t *places = (uint32_t *)(void *)ranks;

	qsort(ranks, count, sizeof(*ranks), rank_compare);
	for (size_t i = 0; i < count; i++) {
		uint32_t place = ranks[i].place;

		memcpy(&places[i], &place, sizeof(place));
	}
	return places;
}

struct look_rank
look_rank(const struct look *look, enum look_order order,
    const struct look_service *s)
{
	struct look_rank rank = { { service_rank(order, s) },
		(int64_t)s->modid * (INT64_C(1) << 32) +
		    ((int64_t)s->cmdid - INT32_MIN),
		0 };

	if (order == LOOK_BY_TROUBLE)
		rank_trouble(&rank, &look->totals, &s->sum,
		    ratio(s->overloaded, s->servers));
	return rank;
}

uint32_t *
look_sort(const struct look *look, enum look_order order,
    bool (*match)(void *arg, const struct look_service *service), void *arg,
    size_t *count)
{
	const struct look_totals *totals = &look->totals;
	const struct look_service *services = look->services;
	struct look_rank *ranks =
	    malloc((totals->services + 1) * sizeof(*ranks));

	*count = 0;
	if (ranks == NULL)
		return NULL;
	for (uint32_t i = 0; i < totals->services; i++)
		if (match == NULL || match(arg, &services[i])) {
			ranks[*count] = look_rank(look, order, &services[i]);
			ranks[(*count)++].place = i;
		}
	return ranks_sort(ranks, *count);
}

size_t
look_sorted_after(const struct look *look, enum look_order order,
    const uint32_t *places, size_t count, const struct look_rank *last)
{
	const struct look_service *services = look->services;
	size_t first = 0;

	while (first < count) {
		size_t middle = first + (count - first) / 2;
		struct look_rank rank =
		    look_rank(look, order, &services[places[middle]]);

		if (rank_compare(&rank, last) <= 0)
			first = middle + 1;
		else
			count = middle;
	}
	return first;
}

uint32_t *
look_sort_servers(const struct look *look, const struct look_service *service)
{
	const struct look_server *servers = look->servers + service->first;
	size_t count = service->all_servers;
	struct look_rank *ranks = malloc((count + 1) * sizeof(*ranks));

	if (ranks == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct look_server *s = &servers[i];

		ranks[i].place = i;
		ranks[i].number = (int64_t)s->ip << 16 | s->port;
		rank_trouble(&ranks[i], &look->totals, &s->sum,
		    ratio(s->overloaded_by, s->sum.callers));
	}
	return ranks_sort(ranks, count);
}
