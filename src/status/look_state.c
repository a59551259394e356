/* SPDX-License-Identifier: MIT
 *
 * What looks are made of: areas of memory, and where a key belongs that the
 * look before did not see in its slot.  Only a look with such keys makes
 * indexes.
 */
#include "config.h"

#include "status/look_state.h"
#include "shm/record.h"

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

static uint32_t
index_find(const struct index *index, uint32_t hash, const struct area *items,
    enum kind kind, const void *item)
{
	const uint64_t *entries = index->entries.at;
	size_t mask = index->entries.count - 1;
	struct id wanted = look_id(kind, item);

	for (size_t at = hash; index->used > 0 && entries[at & mask] != 0;
	     at++) {
		uint32_t place = (uint32_t)entries[at & mask] - 1;

		if (entries[at & mask] >> 32 != hash)
			continue;
		struct id id =
		    look_id(kind, (char *)items->at + place * look_sizes[kind]);
		if (id.service == wanted.service && id.number == wanted.number)
			return place;
	}
	return NONE;
}

/* --------------------------------------------------------- what there is -- */

const size_t look_sizes[AGENT + 1] = { sizeof(struct look_service),
	sizeof(struct look_server), sizeof(struct look_caller),
	sizeof(struct look_caller) };

/* number: as of its id; of a service none is needed. */
static uint32_t
item_hash(enum kind kind, uint64_t service, uint64_t number)
{
	return look_hash(service, kind == SERVICE ? 0 : number << 2 | kind);
}

uint32_t
look_place(struct making *m, enum kind kind, uint64_t service, const void *item)
{
	static const uint32_t max[AGENT + 1] = { LOOK_SERVICES_MAX,
		LOOK_SERVERS_MAX, NONE - 1, NONE - 1 };
	struct area *items = &m->look->items[kind];
	uint32_t hash = item_hash(kind, service, look_id(kind, item).number);
	uint32_t place = index_find(&m->indexes[kind], hash, items, kind, item);

	if (place != NONE)
		return place;
	if (items->count >= max[kind]) {
		m->look->totals.truncated = true;
		return NONE;
	}
	place = (uint32_t)items->count;
	void *added = area_add(items, look_sizes[kind]);
	if (added != NULL && index_add(&m->indexes[kind], hash, place)) {
		memcpy(added, item, look_sizes[kind]);
		return place;
	}
	m->failed = true;
	return NONE;
}

static void
index_make(struct making *m, enum kind kind)
{
	const struct look *look = m->look;
	const char *item = look->items[kind].at;

	for (uint32_t i = 0; !m->failed && i < COUNT(look, kind); i++) {
		struct id id = look_id(kind, item);
		const struct look_service *s =
		    &SERVICES(look)[kind == SERVICE ? i : id.service];

		m->failed = !index_add(&m->indexes[kind],
		    item_hash(
			kind, service_number(s->modid, s->cmdid), id.number),
		    i);
		item += look_sizes[kind];
	}
}

void
look_note(struct making *m, struct note *note, const struct record *r)
{
	uint32_t server = NONE, caller = NONE;
	uint64_t number = service_number(r->modid, r->cmdid);
	struct look_service s = {
		.modid = r->modid, .cmdid = r->cmdid, .sum.age = AGE_SILENT
	};

	m->changed = true;
	for (enum kind kind = SERVICE; !m->has_indexes && kind < KINDS; kind++)
		index_make(m, kind);
	m->has_indexes = true;
	note->server = note->caller = 0;
	if (m->failed)
		return;
	uint32_t service = look_place(m, SERVICE, number, &s);
	if (service != NONE) {
		struct look_server t = { .modid = r->modid,
			.cmdid = r->cmdid,
			.ip = record_address(r),
			.port = r->port,
			.service = service,
			.sum.age = AGE_SILENT };
		server = look_place(m, SERVER, number, &t);
	}
	if (server != NONE) {
		struct look_caller c = { .address = r->caller,
			.service = service };
		caller = look_place(m, CALLER, number, &c);
	}
	if (caller != NONE) {
		note->server = server + 1;
		note->caller = caller + 1;
	}
}

void
look_end(struct making *m)
{
	for (enum kind kind = SERVICE; kind <= AGENT; kind++)
		area_free(&m->indexes[kind].entries);
	area_free(&m->look->items[AGENT]);
}
