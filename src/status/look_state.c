/* SPDX-License-Identifier: MIT
 *
 * What looks are made of: areas of memory, and where a key belongs that the
 * look before did not see in its slot.  Only a look with such keys makes
 * indexes.
 */
#include "config.h"

#include "status/look_state.h"
#include "shm/mix.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>

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
	if (area_add(area, item) == NULL) {
		area->count = 0;
		return NULL;
	}
	area->count = count;
	/* It will be filled: at once is faster than page by page. */
	madvise(area->at, count * item, MADV_POPULATE_WRITE);
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

static uint64_t secrets[2];

static void
secrets_make(void)
{
	/* It does not fail for so few bytes. */
	while (getrandom(secrets, sizeof(secrets), 0) < 0)
		;
}

uint32_t
look_hash(uint64_t a, uint64_t b)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, secrets_make);
	uint64_t hash = mix(a ^ secrets[0], b ^ secrets[1]);
	return (uint32_t)(mix(hash, secrets[0] ^ secrets[1]) >> 32);
}

/* At most three quarters of the entries are in use. */
bool
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

uint32_t
index_find(const struct index *index, uint32_t hash,
    bool (*is)(const void *items, uint32_t place, const void *wanted),
    const void *items, const void *wanted)
{
	const uint64_t *entries = index->entries.at;
	size_t mask = index->entries.count - 1;

	for (size_t at = hash; index->used > 0 && entries[at & mask] != 0;
	     at++) {
		uint32_t place = (uint32_t)entries[at & mask] - 1;

		if (entries[at & mask] >> 32 == hash &&
		    is(items, place, wanted))
			return place;
	}
	return NONE;
}

/* --------------------------------------------------------- what there is -- */

static bool
service_is(const void *items, uint32_t place, const void *wanted)
{
	const struct look_service *s = items, *w = wanted;

	return s[place].modid == w->modid && s[place].cmdid == w->cmdid;
}

static bool
server_is(const void *items, uint32_t place, const void *wanted)
{
	const struct look_server *s = items, *w = wanted;

	return s[place].service == w->service && s[place].ip == w->ip &&
	       s[place].port == w->port;
}

static bool
caller_is(const void *items, uint32_t place, const void *wanted)
{
	const struct look_caller *c = items, *w = wanted;

	return c[place].service == w->service && c[place].address == w->address;
}

static uint32_t
service_hash(int32_t modid, int32_t cmdid)
{
	return look_hash(service_number(modid, cmdid), 0);
}

static uint32_t
server_hash(int32_t modid, int32_t cmdid, uint32_t ip, uint16_t port)
{
	return look_hash(
	    service_number(modid, cmdid), server_number(ip, port) + 1);
}

static uint32_t
caller_hash(int32_t modid, int32_t cmdid, uint32_t address)
{
	return look_hash(
	    service_number(modid, cmdid), ~server_number(address, 0));
}

/* The place of an item, which is added if it is not there.  NONE: there are too
   many, or m->failed. */
static uint32_t
place_of(struct making *m, struct area *area, size_t size, uint32_t max,
    struct index *index, uint32_t hash,
    bool (*is)(const void *items, uint32_t place, const void *wanted),
    const void *item)
{
	uint32_t place = index_find(index, hash, is, area->at, item);

	if (place != NONE)
		return place;
	if (area->count >= max) {
		m->look->totals.truncated = true;
		return NONE;
	}
	place = (uint32_t)area->count;
	void *added = area_add(area, size);
	if (added != NULL && index_add(index, hash, place)) {
		memcpy(added, item, size);
		return place;
	}
	m->failed = true;
	return NONE;
}

static void
indexes_make(struct making *m)
{
	const struct look *look = m->look;
	bool made = true;

	for (uint32_t i = 0; made && i < look->services.count; i++) {
		const struct look_service *s = &SERVICES(look)[i];

		made = index_add(
		    &m->service_index, service_hash(s->modid, s->cmdid), i);
	}
	for (uint32_t i = 0; made && i < look->servers.count; i++) {
		const struct look_server *s = &SERVERS(look)[i];

		made = index_add(&m->server_index,
		    server_hash(s->modid, s->cmdid, s->ip, s->port), i);
	}
	for (uint32_t i = 0; made && i < look->callers.count; i++) {
		const struct look_caller *c = &CALLERS(look)[i];
		const struct look_service *s = &SERVICES(look)[c->service];

		made = index_add(&m->caller_index,
		    caller_hash(s->modid, s->cmdid, c->address), i);
	}
	m->has_indexes = true;
	m->failed |= !made;
}

/* Where an entry is, or the item that it leads to. */
static const void *
wanted_at(const struct index *index, uint32_t hash, const struct area *area,
    size_t size, bool item)
{
	const uint64_t *entry = index->entries.at;

	if (index->used == 0)
		return entry;
	entry += hash & (index->entries.count - 1);
	if (!item || *entry == 0)
		return entry;
	return (const char *)area->at + (uint32_t)(*entry - 1) * size;
}

/* gcc leaves out calls of a static function that does nothing else. */
void
look_want(const struct making *m, const struct record *r, bool items)
{
	const struct look *look = m->look;

	__builtin_prefetch(wanted_at(&m->server_index,
	    server_hash(r->modid, r->cmdid, record_address(r), r->port),
	    &look->servers, sizeof(struct look_server), items));
	__builtin_prefetch(wanted_at(&m->caller_index,
	    caller_hash(r->modid, r->cmdid, r->caller), &look->callers,
	    sizeof(struct look_caller), items));
	__builtin_prefetch(
	    wanted_at(&m->service_index, service_hash(r->modid, r->cmdid),
		&look->services, sizeof(struct look_service), items));
}

void
look_note(struct making *m, struct note *note, const struct record *r)
{
	struct look *look = m->look;
	uint32_t server = NONE, caller = NONE;
	struct look_service s = {
		.modid = r->modid, .cmdid = r->cmdid, .sum.age = AGE_SILENT
	};

	m->changed = true;
	if (!m->has_indexes)
		indexes_make(m);
	note->server = note->caller = 0;
	if (m->failed)
		return;
	uint32_t service = place_of(m, &look->services, sizeof(s),
	    LOOK_SERVICES_MAX, &m->service_index,
	    service_hash(r->modid, r->cmdid), service_is, &s);
	if (service != NONE) {
		struct look_server t = { .modid = r->modid,
			.cmdid = r->cmdid,
			.ip = record_address(r),
			.port = r->port,
			.service = service,
			.sum.age = AGE_SILENT };
		server = place_of(m, &look->servers, sizeof(t),
		    LOOK_SERVERS_MAX, &m->server_index,
		    server_hash(r->modid, r->cmdid, t.ip, t.port), server_is,
		    &t);
	}
	if (server != NONE) {
		struct look_caller c = { .address = r->caller,
			.service = service };
		caller = place_of(m, &look->callers, sizeof(c), NONE - 1,
		    &m->caller_index,
		    caller_hash(r->modid, r->cmdid, c.address), caller_is, &c);
	}
	if (caller != NONE) {
		note->server = server + 1;
		note->caller = caller + 1;
	}
}

void
look_note_end(struct making *m)
{
	area_free(&m->service_index.entries);
	area_free(&m->server_index.entries);
	area_free(&m->caller_index.entries);
}
