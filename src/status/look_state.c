/* SPDX-License-Identifier: MIT
 *
 * What looks are made of: areas of memory, indexes, and the services, servers
 * and callers in them.
 */
#include "config.h"

#include "status/look_state.h"

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

uint32_t
look_hash(int32_t modid, int32_t cmdid, uint32_t ip, uint16_t port)
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
	    look, look_hash(modid, cmdid, ip, port), modid, cmdid, ip, port);
}

void
look_want(const struct look *look, uint32_t hash)
{
	const struct index *index = &look->server_index;

	if (index->used > 0)
		__builtin_prefetch((uint64_t *)index->entries.at +
				   (hash & (index->entries.count - 1)));
}

void
look_want_server(const struct look *look, uint32_t hash)
{
	size_t at = hash;
	uint32_t place = index_next(&look->server_index, hash, &at);

	if (place != NONE) {
		__builtin_prefetch(&SERVERS(look)[place].sum, 1);
		__builtin_prefetch(&SERVERS(look)[place].service, 1);
	}
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
	if (place != NONE)
		SERVICES(look)
	[place] = (struct look_service){
		.modid = modid, .cmdid = cmdid, .sum.age = AGE_SILENT
	};
	return place;
}

uint32_t
look_add(struct making *m, uint32_t hash, int32_t modid, int32_t cmdid,
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
		SERVERS(look)
		[place] = (struct look_server){ .modid = modid,
			.cmdid = cmdid,
			.ip = ip,
			.port = port,
			.service = service,
			.sum.age = AGE_SILENT };
		SERVICES(look)[service].all_servers++;
	}
	return place;
}

uint32_t
look_add_caller(struct making *m, uint32_t address)
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
