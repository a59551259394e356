/* SPDX-License-Identifier: MIT
 *
 * Summing up keys by service.  Owns its memory, and mappings for the length of
 * a scan.  What has no room is left out and counted.
 *
 * Speed comes from the slots' versions, which count the records put there:
 * what a slot's has grown by since the last scan belongs to the service that
 * has the slot now.
 *
 * Tables hold no reports.  But a report has one record for a server, so a
 * caller has sent at least as many reports of a service as there came records
 * of its most frequent server: as many, if a server is in all of them.
 */
#include "config.h"

#include "status/services.h"

#include <stdlib.h>

#define INDEX_SIZE (2 * SERVICES_MAX) /* a power of two */

/* The versions of a segment's slots at the last scan. */
struct past {
	uint64_t seed; /* of the segment, unique */
	uint32_t slots;
	uint32_t puts[]; /* of each slot */
};

/* A server reported as overloaded, in the scan of that stamp. */
struct server {
	int32_t modid, cmdid;
	uint32_t ip;
	uint16_t port, stamp;
};

/* A caller of a service, and the records of its most frequent server since the
   last scan.  0: the place is free. */
struct caller {
	int32_t modid, cmdid;
	uint32_t caller, max;
};

struct services {
	struct scan scan;
	struct past *past[SCAN_SEGMENTS_MAX]; /* NULL: no memory */
	unsigned pasts;
	struct service list[SERVICES_MAX];
	uint32_t index[INDEX_SIZE]; /* place in the list, plus 1 */
	struct server servers[SERVERS_MAX];
	uint32_t servers_used;
	uint16_t stamp;
	struct caller callers[CALLERS_MAX];
	uint32_t callers_used;
	uint64_t last_ms; /* of the last scan that went well; 0: none */
	const struct keys_filter *filter;
	struct services_result result;
};

/* How the orders sort: by a field, the greatest first, then by number. */
static const struct {
	const char *name;
	size_t offset; /* of a uint64_t in struct service; 0: number alone */
} orders[SERVICES_ORDERS] = {
#define BY(field) offsetof(struct service, field)
	[SERVICES_BY_OVERLOAD] = { "overload", BY(overloaded) },
	[SERVICES_BY_ERRORS] = { "errors", BY(err) },
	[SERVICES_BY_REPORTS] = { "reports", BY(reports) },
	[SERVICES_BY_RECORDS] = { "records", BY(puts) },
	[SERVICES_BY_KEYS] = { "keys", BY(keys) },
	[SERVICES_BY_SUCC] = { "succ", BY(succ) },
	[SERVICES_BY_NUMBER] = { "number", 0 },
#undef BY
};

const char *
services_order_name(enum services_order order)
{
	return (unsigned)order < SERVICES_ORDERS ? orders[order].name
						 : "unknown";
}

struct services *
services_new(void)
{
	return calloc(1, sizeof(struct services));
}

/* ------------------------------------------------------------- the past --- */

/* Take what is remembered of a table out of `before`, or begin anew.  NULL: out
   of memory. */
static struct past *
past_take(struct past **before, unsigned n, const struct table *table)
{
	struct past *past;

	for (; n > 0; n--, before++) {
		past = *before;
		if (past == NULL || past->seed != table->seed ||
		    past->slots != table->size)
			continue;
		*before = NULL;
		return past;
	}
	past = calloc(1, sizeof(*past) + table->size * sizeof(past->puts[0]));
	if (past != NULL) {
		past->seed = table->seed;
		past->slots = table->size;
	}
	return past;
}

/* Match what is remembered with the segments of this scan; forget others. */
static void
past_match(struct services *s)
{
	struct past *before[SCAN_SEGMENTS_MAX];
	unsigned n = s->pasts;

	memcpy(before, s->past, sizeof(before));
	s->pasts = s->scan.count;
	for (unsigned i = 0; i < s->pasts; i++)
		s->past[i] = past_take(before, n, &s->scan.segments[i].table);
	for (unsigned i = 0; i < n; i++)
		free(before[i]);
}

/* Records put into a key's slot since the last scan. */
static uint32_t
past_grown(struct services *s, const struct scan_key *key)
{
	struct past *past = s->past[key->segment];
	uint32_t puts = (uint32_t)key->puts;

	if (past == NULL)
		return 0;
	uint32_t grown = puts - past->puts[key->slot];
	past->puts[key->slot] = puts;
	/* Of the first scan nothing is known; a segment that is seen first in
	   a later one was made in between. */
	return s->last_ms == 0 ? 0 : grown;
}

void
services_free(struct services *services)
{
	if (services == NULL)
		return;
	for (unsigned i = 0; i < services->pasts; i++)
		free(services->past[i]);
	free(services);
}

/* ------------------------------------------------------------- services --- */

static uint32_t
mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b * UINT64_C(0xff51afd7ed558ccd)) *
		     UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> 32);
}

/* A service's numbers as one. */
static uint64_t
service_number(const struct record *r)
{
	return (uint64_t)(uint32_t)r->modid << 32 | (uint32_t)r->cmdid;
}

/* The record's service; NULL when the list is full of others. */
static struct service *
service_of(struct services *s, const struct record *r)
{
	uint32_t at = mix(service_number(r), 1) % INDEX_SIZE;

	/* At most half of the index is in use. */
	for (; s->index[at] != 0; at = (at + 1) % INDEX_SIZE) {
		struct service *service = &s->list[s->index[at] - 1];

		if (service->modid == r->modid && service->cmdid == r->cmdid)
			return service;
	}
	if (s->result.count == SERVICES_MAX)
		return NULL;
	struct service *service = &s->list[s->result.count++];
	s->index[at] = s->result.count;
	memset(service, 0, sizeof(*service));
	service->modid = r->modid;
	service->cmdid = r->cmdid;
	return service;
}

/* Whether a server is seen overloaded for the first time in this scan. */
static bool
server_is_new(struct services *s, const struct record *r)
{
	uint64_t address = (uint64_t)r->ip << 16 | r->port;
	uint32_t at = mix(service_number(r), address) % SERVERS_MAX;

	for (; s->servers[at].stamp == s->stamp; at = (at + 1) % SERVERS_MAX) {
		const struct server *server = &s->servers[at];

		if (server->modid == r->modid && server->cmdid == r->cmdid &&
		    server->ip == r->ip && server->port == r->port)
			return false;
	}
	if (s->servers_used >= SERVERS_MAX / 4 * 3) {
		s->result.cut = true;
		return false;
	}
	s->servers_used++;
	s->servers[at] =
	    (struct server){ r->modid, r->cmdid, r->ip, r->port, s->stamp };
	return true;
}

/* How many reports more a service's caller has sent than was known so far in
   this scan, when GROWN records of one server have come. */
static uint32_t
caller_grown(struct services *s, const struct record *r, uint32_t grown)
{
	uint32_t at = mix(service_number(r), r->caller) % CALLERS_MAX;
	struct caller *c;

	if (grown == 0)
		return 0;
	for (; (c = &s->callers[at])->max != 0; at = (at + 1) % CALLERS_MAX) {
		if (c->modid != r->modid || c->cmdid != r->cmdid ||
		    c->caller != r->caller)
			continue;
		if (grown <= c->max)
			return 0;
		uint32_t more = grown - c->max;
		c->max = grown;
		return more;
	}
	if (s->callers_used >= CALLERS_MAX / 4 * 3) {
		s->result.cut = true;
		return 0;
	}
	s->callers_used++;
	*c = (struct caller){ r->modid, r->cmdid, r->caller, grown };
	return grown;
}

static bool
add_key(void *arg, const struct scan_key *key)
{
	struct services *s = arg;
	const struct record *r = &key->record;
	/* Of those that are filtered out, too: the filter may change. */
	uint32_t grown = past_grown(s, key);

	if (!keys_match(s->filter, r))
		return true;
	s->result.keys++;
	s->result.dirty += key->dirty;
	struct service *service = service_of(s, r);
	if (service == NULL) {
		s->result.beyond++;
		return true;
	}
	service->keys++;
	service->succ += r->succ;
	service->err += r->err;
	service->puts += grown;
	service->reports += caller_grown(s, r, grown);
	if (record_ts(r) > service->newest_ts)
		service->newest_ts = record_ts(r);
	if (r->overload)
		service->overloaded += server_is_new(s, r);
	return true;
}

/* --------------------------------------------------------------- sorting -- */

/* A comparison for qsort_r(). */
static int
service_compare(const void *a, const void *b, void *arg)
{
	const struct service *x = a, *y = b;
	const size_t *offset = arg;
	uint64_t m = 0, n = 0;

	if (*offset != 0) {
		memcpy(&m, (const char *)a + *offset, sizeof(m));
		memcpy(&n, (const char *)b + *offset, sizeof(n));
	}
	if (m != n)
		return m > n ? -1 : 1;
	if (x->modid != y->modid)
		return x->modid < y->modid ? -1 : 1;
	return (x->cmdid > y->cmdid) - (x->cmdid < y->cmdid);
}

/* ---------------------------------------------------------------- a scan -- */

static void
scan_begin(struct services *s)
{
	memset(&s->result, 0, sizeof(s->result));
	memset(s->index, 0, sizeof(s->index));
	s->result.list = s->list;
	memset(s->callers, 0, sizeof(s->callers));
	s->callers_used = s->servers_used = 0;
	/* When the stamps have gone round, old ones would count again. */
	if (++s->stamp == 0) {
		memset(s->servers, 0, sizeof(s->servers));
		s->stamp = 1;
	}
}

static void
count_rates(struct services *s, double seconds)
{
	for (unsigned i = 0; i < s->result.count; i++) {
		struct service *service = &s->list[i];

		service->records_per_second = (double)service->puts / seconds;
		service->reports_per_second =
		    (double)service->reports / seconds;
	}
}

enum shm_status
services_scan(struct services *s, const char *instance,
    const struct keys_filter *filter, enum services_order order,
    uint64_t now_ms, struct services_result *result)
{
	enum shm_status found = scan_open(&s->scan, instance);

	scan_begin(s);
	if (found == SHM_OK) {
		s->filter = filter;
		past_match(s);
		scan_walk(&s->scan, add_key, s);
		s->result.unread = s->scan.unread;
		s->result.has_rates = s->last_ms != 0 && now_ms > s->last_ms;
		if (s->result.has_rates)
			count_rates(s, (double)(now_ms - s->last_ms) / 1000);
		size_t offset = orders[order].offset;
		qsort_r(s->list, s->result.count, sizeof(*s->list),
		    service_compare, &offset);
		scan_close(&s->scan);
	}
	s->last_ms = found == SHM_OK ? now_ms : 0;
	*result = s->result;
	return found;
}
