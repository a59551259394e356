/* SPDX-License-Identifier: MIT
 *
 * What a look is made of, for the files that make and read it.
 */
#pragma once

#include "status/look.h"

#define NONE UINT32_MAX

/* Of the places of items: uint64_t entries, hash << 32 | place + 1. */
struct index {
	struct area entries;
	size_t used;
};

/* What is remembered of a slot from look to look. */
struct note {
	uint32_t server, caller; /* their places plus 1; 0: it has no key */
	uint32_t puts : 31;      /* records put there ever */
	uint32_t odd : 1;        /* the number of the look that saw the key */
};

#define PUTS_MAX ((UINT32_C(1) << 31) - 1)

/* Of what a look has items. */
enum kind {
	SERVICE,
	SERVER,
	CALLER,
	KINDS,
	AGENT = KINDS /* a caller, of all services; only while it is made */
};

/* Items are in order of these: services of their numbers, servers and callers
   of their services and addresses. */
struct id {
	uint32_t service; /* its place; 0 for services */
	uint32_t place;   /* for look_arrange() */
	uint64_t number;
};

/* A key before it is added, while memory is asked for what it adds to. */
struct waiting {
	struct record record;
	struct note *note;
	uint32_t grown; /* records since the look before */
};

#define WAITING 64

struct making {
	struct look *look, *previous;
	struct scan *scan;
	size_t noted; /* keys */
	bool changed; /* not the keys of the look before, in their slots */
	bool failed;  /* no memory */
	bool has_indexes;
	unsigned waits;
	struct waiting waiting[WAITING];
	struct index indexes[AGENT + 1];
};

#define SERVICES(look) ((struct look_service *)(look)->items[SERVICE].at)
#define SERVERS(look) ((struct look_server *)(look)->items[SERVER].at)
#define CALLERS(look) ((struct look_caller *)(look)->items[CALLER].at)
#define COUNT(look, kind) ((look)->items[kind].count)
#define NOTES(look, segment) ((struct note *)(look)->notes[segment].at)
#define SLOTS(look) ((uint32_t *)(look)->slots.at)

extern const size_t look_sizes[AGENT + 1]; /* bytes of an item */

/* service_number, server_number - the numbers of their ids. */
static inline uint64_t
service_number(int32_t modid, int32_t cmdid)
{
	return (uint64_t)((uint32_t)modid ^ UINT32_C(1) << 31) << 32 |
	       ((uint32_t)cmdid ^ UINT32_C(1) << 31);
}

static inline uint64_t
server_number(uint32_t ip, uint16_t port)
{
	return (uint64_t)ip << 16 | port;
}

/* look_id - the id of an item, without a place. */
static inline struct id
look_id(enum kind kind, const void *item)
{
	const struct look_service *service = item;
	const struct look_server *server = item;
	const struct look_caller *caller = item;

	if (kind == SERVICE)
		return (struct id){ .number = service_number(
					service->modid, service->cmdid) };
	if (kind == SERVER)
		return (struct id){ .service = server->service,
			.number = server_number(server->ip, server->port) };
	return (
	    struct id){ .service = caller->service, .number = caller->address };
}

/* area_add - add an item, zeroed.  area_fill - add count of them to an empty
   one.  Return the first of them, NULL without memory. */
void *area_add(struct area *area, size_t item);
void *area_fill(struct area *area, size_t count, size_t item);
void area_free(struct area *area);

/* look_place - the place of the item with the id of this one, which is added if
   it is not there.  service: its number.  NONE: there are too many, or
   m->failed. */
uint32_t look_place(
    struct making *m, enum kind kind, uint64_t service, const void *item);

/* look_note - note where a key belongs, and add what is new of its service,
   server and caller.  m->failed: no memory. */
void look_note(struct making *m, struct note *note, const struct record *r);

/* look_end - free what only making needs. */
void look_end(struct making *m);

/* look_sum - sum up what the walk has added to servers and callers, and what
   began, went on or ended since the look before.  Returns false without
   memory. */
bool look_sum(struct making *m);

/* look_arrange - take away what has no keys any more, and put the rest in
   order.  Returns false without memory. */
bool look_arrange(struct making *m);

/* look_sum_add - add what is as old as the sum, start from 0 with what is
   younger, leave out what is older.  count: of what is added and not silent, or
   of all that is silent. */
static inline void
look_sum_add(struct look_sum *sum, uint32_t *count, const struct look_sum *more)
{
	if (more->age < sum->age) {
		sum->succ = sum->err = 0;
		if (sum->age == AGE_SILENT)
			*count = 0;
		sum->age = more->age;
	}
	if (more->age == sum->age) {
		sum->succ += more->succ;
		sum->err += more->err;
	}
	*count += more->age != AGE_SILENT || sum->age == AGE_SILENT;
	if (more->newest_ts > sum->newest_ts)
		sum->newest_ts = more->newest_ts;
}
