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

/* The versions of a segment's slots at the last scan. */
struct past {
	uint64_t id; /* of the segment */
	uint32_t slots;
	uint32_t puts[]; /* of each slot */
};

/* What an index holds of a service, of one of its servers or callers. */
struct entry {
	int32_t modid, cmdid;
	uint32_t address;
	uint16_t port;
	uint16_t scan; /* that it is of; of another one: the place is free */
	uint32_t value;
};

struct index {
	struct entry *entries;
	uint32_t size, used; /* size: a power of two */
};

struct services {
	struct scan scan;
	struct past *past[SCAN_SEGMENTS_MAX]; /* NULL: no memory */
	unsigned pasts;
	struct service list[SERVICES_MAX];
	struct index listed;  /* value: place in the list, plus 1 */
	struct index servers; /* value: 1 if seen overloaded */
	struct index callers; /* value: records of its most frequent server */
	uint16_t scans;       /* number of this scan, never 0 */
	struct entry entries[2 * SERVICES_MAX + SERVERS_MAX + CALLERS_MAX];
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
past_take(
    struct past **before, unsigned n, const struct worker_segment *segment)
{
	uint64_t id = segment->shared->header.id;
	uint32_t slots = segment->table.size;
	struct past *past;

	for (; n > 0; n--, before++) {
		past = *before;
		if (past == NULL || past->id != id || past->slots != slots)
			continue;
		*before = NULL;
		return past;
	}
	past = calloc(1, sizeof(*past) + slots * sizeof(past->puts[0]));
	if (past != NULL) {
		past->id = id;
		past->slots = slots;
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
		s->past[i] = past_take(before, n, &s->scan.segments[i]);
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

/* The entry of the record's service and of an address and port, a new one with
   value 0 if there was none in this scan.  NULL: the index is full. */
static struct entry *
index_entry(const struct services *s, struct index *index,
    const struct record *r, uint32_t address, uint16_t port)
{
	uint64_t service =
	    (uint64_t)(uint32_t)r->modid << 32 | (uint32_t)r->cmdid;
	uint64_t peer = (uint64_t)address << 16 | port;
	uint64_t hash = (service ^ peer * UINT64_C(0xff51afd7ed558ccd)) *
			UINT64_C(0x9e3779b97f4a7c15);
	uint32_t at = (uint32_t)(hash >> 32) % index->size;
	struct entry *e;

	/* There is a free place: a quarter of them is not used. */
	for (; (e = &index->entries[at])->scan == s->scans;
	     at = (at + 1) % index->size)
		if (e->modid == r->modid && e->cmdid == r->cmdid &&
		    e->address == address && e->port == port)
			return e;
	if (index->used >= index->size / 4 * 3)
		return NULL;
	index->used++;
	*e = (struct entry){ r->modid, r->cmdid, address, port, s->scans, 0 };
	return e;
}

/* The record's service; NULL when the list is full of others. */
static struct service *
service_of(struct services *s, const struct record *r)
{
	struct entry *e = index_entry(s, &s->listed, r, 0, 0);

	if (e == NULL || (e->value == 0 && s->result.count == SERVICES_MAX))
		return NULL;
	if (e->value == 0) {
		s->list[s->result.count] =
		    (struct service){ .modid = r->modid, .cmdid = r->cmdid };
		e->value = ++s->result.count;
	}
	return &s->list[e->value - 1];
}

/* Whether a server is seen overloaded for the first time in this scan. */
static bool
server_is_new(struct services *s, const struct record *r)
{
	struct entry *e =
	    index_entry(s, &s->servers, r, record_address(r), r->port);

	s->result.cut |= e == NULL;
	return e != NULL && e->value++ == 0;
}

/* How many reports more a service's caller has sent than was known so far in
   this scan, when GROWN records of one server have come. */
static uint32_t
caller_grown(struct services *s, const struct record *r, uint32_t grown)
{
	if (grown == 0)
		return 0;
	struct entry *e = index_entry(s, &s->callers, r, r->caller, 0);
	s->result.cut |= e == NULL;
	if (e == NULL || grown <= e->value)
		return 0;
	uint32_t more = grown - e->value;
	e->value = grown;
	return more;
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
	s->result = (struct services_result){ .list = s->list };
	s->listed = (struct index){ s->entries, 2 * SERVICES_MAX, 0 };
	s->servers = (struct index){ s->listed.entries + s->listed.size,
		SERVERS_MAX, 0 };
	s->callers = (struct index){ s->servers.entries + s->servers.size,
		CALLERS_MAX, 0 };
	/* When the numbers have gone round, old entries would count again. */
	if (++s->scans == 0) {
		memset(s->entries, 0, sizeof(s->entries));
		s->scans = 1;
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
		if (s->last_ms != 0 && now_ms > s->last_ms)
			s->result.seconds =
			    (double)(now_ms - s->last_ms) / 1000;
		size_t offset = orders[order].offset;
		qsort_r(s->list, s->result.count, sizeof(*s->list),
		    service_compare, &offset);
		scan_close(&s->scan);
	}
	s->last_ms = found == SHM_OK ? now_ms : 0;
	*result = s->result;
	return found;
}
