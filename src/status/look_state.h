/* SPDX-License-Identifier: MIT
 *
 * What a look is made of, for the files that make and read it.
 */
#pragma once

#include "status/look.h"

#define NONE UINT32_MAX

/* An array in memory of its own, which goes back to the system at once. */
struct area {
	void *at;
	size_t count, room; /* items, bytes */
};

/* Of the places of items: uint64_t entries, hash << 32 | place + 1. */
struct index {
	struct area entries;
	size_t used;
};

/* The versions of a segment's slots, which count the records put there. */
struct past {
	uint64_t id; /* of the segment */
	uint32_t slots;
	uint32_t puts[]; /* of each slot */
};

struct look {
	struct look_totals totals;
	uint64_t made_ms; /* monotonic */
	struct area services, servers, callers;
	struct index service_index, server_index, caller_index;
	struct area slots;      /* uint32_t, of each server next to each other;
				   less the base of its segment */
	struct area callers_of; /* uint32_t, likewise of each service */
	struct area flips;
	unsigned segments;
	uint64_t ids[SCAN_SEGMENTS_MAX]; /* of segments */
	uint32_t base[SCAN_SEGMENTS_MAX];
	/* The next look takes them away, which nobody else reads. */
	struct past *past[SCAN_SEGMENTS_MAX];
};

/* What the walk notes of a key. */
struct noted {
	uint32_t slot, server, caller;
	uint32_t grown : 30; /* records since the look before */
	uint32_t age : 2;
};

/* A key before that, while memory is asked for its server. */
struct waiting {
	struct record record;
	uint32_t hash, slot, grown;
};

#define WAITING 64

struct making {
	struct look *look, *previous;
	struct scan *scan;
	struct area noted; /* until it is made */
	bool failed;       /* no memory */
	unsigned waits;
	struct waiting waiting[WAITING];
};

#define SERVICES(look) ((struct look_service *)(look)->services.at)
#define SERVERS(look) ((struct look_server *)(look)->servers.at)
#define CALLERS(look) ((struct look_caller *)(look)->callers.at)

/* area_add - add an item, zeroed.  area_fill - add count of them to an empty
   one.  Return the first of them, NULL without memory. */
void *area_add(struct area *area, size_t item);
void *area_fill(struct area *area, size_t count, size_t item);
void area_free(struct area *area);

/* look_hash - of a server; for look_add() and look_want(). */
uint32_t look_hash(int32_t modid, int32_t cmdid, uint32_t ip, uint16_t port);

/* look_want - ask the memory for what look_add() needs soon: the index;
   look_want_server, later: what that leads to. */
void look_want(const struct look *look, uint32_t hash);
void look_want_server(const struct look *look, uint32_t hash);

/* look_add - the place of a server with that hash, which is added if it is not
   there, with its service; look_add_caller - of an agent.  NONE: there is no
   room, or m->failed. */
uint32_t look_add(struct making *m, uint32_t hash, int32_t modid, int32_t cmdid,
    uint32_t ip, uint16_t port);
uint32_t look_add_caller(struct making *m, uint32_t address);

/* look_place - the place of a server, NONE if there is none. */
uint32_t look_place(const struct look *look, int32_t modid, int32_t cmdid,
    uint32_t ip, uint16_t port);

/* look_sum_add - add what is as old as the sum, begin it anew with what is
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

/* look_keep - keep servers of the look before whose fresh overload went from
   the tables; called after the walk. */
void look_keep(struct making *m);

/* look_group - sort what the walk has noted, and sum it up.  Returns false
   without memory. */
bool look_group(struct making *m);

/* look_compare - what began, went on or ended since the look before. */
void look_compare(struct making *m);
