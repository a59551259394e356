/* SPDX-License-Identifier: MIT
 *
 * A look is made in three steps: a walk that finds services, servers and
 * callers and notes of each key where it belongs; what went on from the look
 * before; and sorting, so that a service has its servers, a server its keys,
 * next to each other.  Memory is mapped, so that all of it goes back at once.
 *
 * Tables hold no reports.  But a report has one record for a server, so a
 * caller has sent at least as many reports of a service as there came records
 * of its most frequent server.
 */
#include "config.h"

#include "status/look_state.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* --------------------------------------------------------------- memory --- */

void *
area_add(struct area *area, size_t item)
{
	size_t wanted = (area->count + 1) * item, room = area->room;

	while (room < wanted)
		room = room == 0 ? 1 << 16 : 2 * room;
	if (room != area->room) {
		void *at =
		    area->room == 0
			? mmap(NULL, room, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
			: mremap(area->at, area->room, room, MREMAP_MAYMOVE);
		if (at == MAP_FAILED)
			return NULL;
		area->at = at;
		area->room = room;
	}
	return (char *)area->at + area->count++ * item;
}

void *
area_fill(struct area *area, size_t count, size_t item)
{
	area->count = count > 0 ? count - 1 : 0;
	if (area_add(area, item) == NULL)
		return NULL;
	area->count = count;
	return area->at;
}

void
area_free(struct area *area)
{
	if (area->room > 0)
		munmap(area->at, area->room);
	*area = (struct area){ 0 };
}

/* -------------------------------------------------------------- indexes --- */

static uint32_t
hash_of(uint64_t a, uint64_t b)
{
	uint64_t hash = (a * UINT64_C(0x9e3779b97f4a7c15) ^ b) *
			UINT64_C(0xff51afd7ed558ccd);

	return (
	    uint32_t)((hash ^ hash >> 29) * UINT64_C(0xc4ceb9fe1a85ec53) >> 32);
}

/* Entries are hash << 32 | place + 1; at most three quarters are in use. */
static bool
index_add(struct index *index, uint32_t hash, uint32_t place)
{
	if (index->used >= index->entries.count / 4 * 3) {
		struct index grown = { 0 };
		size_t size = index->entries.count * 2;
		const uint64_t *old = index->entries.at;

		if (area_fill(&grown.entries, size == 0 ? 1024 : size,
			sizeof(uint64_t)) == NULL)
			return false;
		for (size_t i = 0; i < index->entries.count; i++)
			if (old[i] != 0)
				index_add(&grown, (uint32_t)(old[i] >> 32),
				    (uint32_t)old[i] - 1);
		area_free(&index->entries);
		*index = grown;
	}
	uint64_t *entries = index->entries.at;
	size_t at = hash & (index->entries.count - 1);
	while (entries[at] != 0)
		at = (at + 1) & (index->entries.count - 1);
	entries[at] = (uint64_t)hash << 32 | (place + 1);
	index->used++;
	return true;
}

/* The next place that has this hash.  *at: begins with the hash. */
static inline uint32_t
index_next(const struct index *index, uint32_t hash, size_t *at)
{
	const uint64_t *entries = index->entries.at;
	size_t mask = index->entries.count - 1;

	while (index->used > 0 && entries[*at & mask] != 0) {
		uint64_t entry = entries[(*at)++ & mask];

		if (entry >> 32 == hash)
			return (uint32_t)entry - 1;
	}
	return NONE;
}

#define EACH_OF(place, index, hash) \
	(size_t at_ = (hash), place = index_next(index, hash, &at_); \
	    place != NONE; place = index_next(index, hash, &at_))

static uint32_t
service_hash(int32_t modid, int32_t cmdid)
{
	return hash_of((uint32_t)modid, (uint32_t)cmdid);
}

static uint32_t
server_hash(int32_t modid, int32_t cmdid, uint32_t ip, uint16_t port)
{
	return hash_of((uint64_t)(uint32_t)modid << 32 | (uint32_t)cmdid,
	    (uint64_t)ip << 16 | port);
}

static uint32_t
service_place(const struct look *look, int32_t modid, int32_t cmdid)
{
	const struct look_service *services = SERVICES(look);
	uint32_t hash = service_hash(modid, cmdid);

	for
		EACH_OF(i, &look->service_index, hash)
	if (services[i].modid == modid && services[i].cmdid == cmdid)
		return (uint32_t)i;
	return NONE;
}

const struct look_service *
look_find(const struct look *look, int32_t modid, int32_t cmdid)
{
	uint32_t place = service_place(look, modid, cmdid);

	return place == NONE ? NULL : &SERVICES(look)[place];
}

static uint32_t
server_place(const struct look *look, uint32_t hash, int32_t modid,
    int32_t cmdid, uint32_t ip, uint16_t port)
{
	const struct look_server *servers = SERVERS(look);

	for
		EACH_OF(i, &look->server_index, hash)
	if (servers[i].modid == modid && servers[i].cmdid == cmdid &&
	    servers[i].ip == ip && servers[i].port == port)
		return (uint32_t)i;
	return NONE;
}

uint32_t
look_place(const struct look *look, int32_t modid, int32_t cmdid, uint32_t ip,
    uint16_t port)
{
	return server_place(
	    look, server_hash(modid, cmdid, ip, port), modid, cmdid, ip, port);
}

/* --------------------------------------------------------- what there is ---
 */

/* Add a zeroed item to an area and its index.  Returns its place, or NONE:
   there are too many, or no memory. */
static uint32_t
place_new(struct making *m, struct area *area, size_t item, uint32_t max,
    struct index *index, uint32_t hash)
{
	uint32_t place = (uint32_t)area->count;

	if (place >= max) {
		m->look->totals.truncated = true;
		return NONE;
	}
	if (area_add(area, item) != NULL && index_add(index, hash, place))
		return place;
	m->failed = true;
	return NONE;
}

static uint32_t
service_of(struct making *m, int32_t modid, int32_t cmdid)
{
	struct look *look = m->look;
	uint32_t place = service_place(look, modid, cmdid);

	if (place != NONE)
		return place;
	place = place_new(m, &look->services, sizeof(struct look_service),
	    LOOK_SERVICES_MAX, &look->service_index,
	    service_hash(modid, cmdid));
	if (place != NONE) {
		SERVICES(look)[place].modid = modid;
		SERVICES(look)[place].cmdid = cmdid;
		SERVICES(look)[place].sum.age = AGE_SILENT;
	}
	return place;
}

static uint32_t
server_of(struct making *m, uint32_t hash, int32_t modid, int32_t cmdid,
    uint32_t ip, uint16_t port)
{
	struct look *look = m->look;
	uint32_t place = server_place(look, hash, modid, cmdid, ip, port);

	if (place != NONE)
		return place;
	uint32_t service = service_of(m, modid, cmdid);
	if (service != NONE)
		place = place_new(m, &look->servers, sizeof(struct look_server),
		    LOOK_SERVERS_MAX, &look->server_index, hash);
	if (place != NONE) {
		SERVERS(look)[place].modid = modid;
		SERVERS(look)[place].cmdid = cmdid;
		SERVERS(look)[place].ip = ip;
		SERVERS(look)[place].port = port;
		SERVERS(look)[place].service = service;
		SERVERS(look)[place].sum.age = AGE_SILENT;
		SERVICES(look)[service].all_servers++;
	}
	return place;
}

uint32_t
look_add(
    struct making *m, int32_t modid, int32_t cmdid, uint32_t ip, uint16_t port)
{
	return server_of(
	    m, server_hash(modid, cmdid, ip, port), modid, cmdid, ip, port);
}

static uint32_t
caller_of(struct making *m, uint32_t address)
{
	struct look *look = m->look;
	const struct look_caller *callers = CALLERS(look);
	uint32_t hash = hash_of(address, 0);

	for
		EACH_OF(i, &look->caller_index, hash)
	if (callers[i].address == address)
		return (uint32_t)i;
	uint32_t place = place_new(m, &look->callers,
	    sizeof(struct look_caller), NONE, &look->caller_index, hash);
	if (place != NONE)
		CALLERS(look)[place].address = address;
	return place;
}

/* ------------------------------------------------------------- the past --- */

/* Take what another look remembers of a table's slots; slots 0: however many
   they are.  NULL: it remembers none. */
static struct past *
past_take(struct look *from, uint64_t id, uint32_t slots)
{
	for (unsigned i = 0; from != NULL && i < from->segments; i++) {
		struct past *past = from->past[i];

		if (past == NULL || past->id != id ||
		    (slots != 0 && past->slots != slots))
			continue;
		from->past[i] = NULL;
		return past;
	}
	return NULL;
}

/* Number the slots of all segments, and remember what was put there. */
static void
segments_begin(struct making *m)
{
	struct look *look = m->look;
	uint64_t base = 0;

	for (unsigned i = 0; i < m->scan->count; i++) {
		const struct worker_segment *w = &m->scan->segments[i];
		uint32_t slots = w->table.size;
		struct past *past;

		if (base + slots >= NONE) {
			look->totals.truncated = true;
			break;
		}
		look->ids[i] = w->shared->header.id;
		look->base[i] = (uint32_t)base;
		base += slots;
		past = past_take(m->previous, look->ids[i], slots);
		if (past == NULL) {
			past = calloc(
			    1, sizeof(*past) + slots * sizeof(past->puts[0]));
			if (past == NULL) {
				m->failed = true;
				break;
			}
			past->id = look->ids[i];
			past->slots = slots;
		}
		look->past[look->segments++] = past;
	}
}

/* Give back to the look before what a look took that cannot be made. */
static void
segments_undo(struct making *m)
{
	struct look *previous = m->previous;

	for (unsigned i = 0; previous != NULL && i < previous->segments; i++)
		if (previous->past[i] == NULL)
			previous->past[i] =
			    past_take(m->look, previous->ids[i], 0);
}

/* Records put into a key's slot since the look before.  A segment that is seen
   first in a later look was made in between. */
static uint32_t
past_grown(const struct making *m, const struct scan_key *key)
{
	uint32_t *past = &m->look->past[key->segment]->puts[key->slot];
	uint32_t grown = (uint32_t)key->puts - *past;

	*past = (uint32_t)key->puts;
	return m->previous == NULL ? 0 : grown & ((1u << 30) - 1);
}

/* ------------------------------------------------------------- the walk --- */

static void
sum_add(struct look_sum *sum, const struct record *r, enum look_age age)
{
	if (age < sum->age) {
		sum->succ = sum->err = 0;
		if (sum->age == AGE_SILENT)
			sum->callers = 0;
		sum->age = (uint8_t)age;
	}
	if (age == sum->age) {
		sum->succ += r->succ;
		sum->err += r->err;
	}
	sum->callers += age != AGE_SILENT || sum->age == AGE_SILENT;
	if (record_ts(r) > sum->newest_ts)
		sum->newest_ts = record_ts(r);
}

/* Note a key, see where it belongs, sum it up there. */
static bool
note_key(struct making *m, const struct waiting *w)
{
	struct look *look = m->look;
	const struct record *r = &w->record;
	uint32_t server = server_of(
	    m, w->hash, r->modid, r->cmdid, record_address(r), r->port);
	uint32_t caller = server == NONE ? NONE : caller_of(m, r->caller);
	struct noted *noted =
	    caller == NONE ? NULL : area_add(&m->noted, sizeof(*noted));

	if (noted == NULL) {
		m->failed |= caller != NONE;
		return !m->failed;
	}
	enum look_age age = look_age_of(
	    &look->totals.limits, look->totals.now_ms, record_ts(r));
	*noted = (struct noted){ w->slot, server, caller, w->grown, age };
	struct look_server *s = &SERVERS(look)[server];
	sum_add(&s->sum, r, age);
	s->keys++;
	s->overloaded_by += r->overload && age == AGE_FRESH;
	s->sum.stale += r->overload && age != AGE_FRESH;
	if (record_ts(r) > CALLERS(look)[caller].newest_ts)
		CALLERS(look)[caller].newest_ts = record_ts(r);
	return true;
}

/* Keys come in no order, so each of its services and servers would have to be
   waited for: memory is asked for those of some keys at a time. */
static bool
note_waiting(struct making *m)
{
	struct look *look = m->look;
	bool goes_on = true;

	for (unsigned i = 0; i < m->waits; i++) {
		size_t at = m->waiting[i].hash;
		uint32_t place =
		    index_next(&look->server_index, m->waiting[i].hash, &at);

		if (place == NONE)
			continue;
		__builtin_prefetch(&SERVERS(look)[place].sum, 1);
		__builtin_prefetch(&SERVERS(look)[place].service, 1);
	}
	for (unsigned i = 0; goes_on && i < m->waits; i++)
		goes_on = note_key(m, &m->waiting[i]);
	m->waits = 0;
	return goes_on;
}

static bool
take_key(void *arg, const struct scan_key *key)
{
	struct making *m = arg;
	struct look *look = m->look;
	const struct record *r = &key->record;
	const struct index *index = &look->server_index;
	struct waiting *w = &m->waiting[m->waits];

	look->totals.keys++;
	look->totals.dirty += key->dirty;
	if (key->segment >= look->segments)
		return true;
	w->record = *r;
	w->hash = server_hash(r->modid, r->cmdid, record_address(r), r->port);
	w->slot = look->base[key->segment] + key->slot;
	w->grown = past_grown(m, key);
	if (index->used > 0)
		__builtin_prefetch((uint64_t *)index->entries.at +
				   (w->hash & (index->entries.count - 1)));
	return ++m->waits < WAITING || note_waiting(m);
}

/* ----------------------------------------------------------------- looks ---
 */

static double
processor_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
}

static void
look_begin(struct making *m, const struct look_limits *limits, uint64_t now_ms)
{
	struct look *look = m->look;
	const struct look *previous = m->previous;

	look->totals.number = 1;
	look->totals.now_ms = now_ms;
	look->totals.limits = *limits;
	look->made_ms = monotonic_ms();
	if (previous != NULL) {
		look->totals.number = previous->totals.number + 1;
		look->totals.seconds =
		    (double)(look->made_ms - previous->made_ms) / 1000;
	}
	segments_begin(m);
}

static bool
look_make(struct making *m)
{
	if (!m->failed)
		scan_walk(m->scan, take_key, m);
	if (!m->failed)
		note_waiting(m);
	if (!m->failed && m->previous != NULL)
		look_keep(m);
	if (m->failed || !look_group(m))
		return false;
	look_compare(m);
	m->look->totals.unread = m->scan->unread;
	return !m->failed;
}

enum shm_status
look_new(struct look **look, const char *instance, struct look *previous,
    const struct look_limits *limits, uint64_t now_ms)
{
	struct making m = { .look = calloc(1, sizeof(**look)),
		.previous = previous,
		.scan = malloc(sizeof(struct scan)) };
	double begun = processor_ms();
	enum shm_status found = SHM_SYSTEM;

	*look = NULL;
	if (m.look != NULL && m.scan != NULL &&
	    (found = scan_open(m.scan, instance)) == SHM_OK) {
		look_begin(&m, limits, now_ms);
		if (look_make(&m)) {
			m.look->totals.walk_ms = processor_ms() - begun;
			*look = m.look;
		} else {
			segments_undo(&m);
			found = SHM_SYSTEM;
			errno = ENOMEM;
		}
		scan_close(m.scan);
	}
	int error = errno;
	area_free(&m.noted);
	free(m.scan);
	if (*look == NULL)
		look_free(m.look);
	errno = error;
	return found;
}

void
look_free(struct look *look)
{
	if (look == NULL)
		return;
	for (unsigned i = 0; i < look->segments; i++)
		free(look->past[i]);
	struct area *const areas[] = { &look->services, &look->servers,
		&look->callers, &look->slots, &look->callers_of, &look->flips,
		&look->service_index.entries, &look->server_index.entries,
		&look->caller_index.entries };
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		area_free(areas[i]);
	free(look);
}
