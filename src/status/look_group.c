/* SPDX-License-Identifier: MIT
 *
 * Looks: from what the walk has noted to services that have their servers, and
 * servers that have their keys, next to each other; and what a look has from
 * the one before it.
 */
#include "config.h"

#include "status/look_state.h"

#define ERRORS_SHARE 0.05 /* of so many calls or more is the state errors */
#define ERRORS_CALLS 20

/* So many keys before it is needed, memory is asked for what was noted. */
#define AHEAD 16

/* Of a caller, while a service is summed up. */
struct mark {
	uint32_t service; /* that it is of, plus 1 */
	uint32_t grown;   /* records of its most frequent server */
	bool lives;       /* a record of it is not silent */
};

/* --------------------------------------------------------------- sorting -- */

/* Put the servers of each service next to each other.  to: filled with the
   new place of each. */
static void
servers_sort(struct look *look, uint32_t *to)
{
	size_t count = look->servers.count, services = look->services.count;
	struct look_server *servers = SERVERS(look);
	uint64_t *entries = look->server_index.entries.at;
	uint32_t first = 0;

	for (size_t i = 0; i < services; i++) {
		SERVICES(look)[i].first = first;
		first += SERVICES(look)[i].all_servers;
	}
	for (size_t i = 0; i < count; i++)
		to[i] = SERVICES(look)[servers[i].service].first++;
	for (size_t i = 0; i < services; i++)
		SERVICES(look)[i].first -= SERVICES(look)[i].all_servers;
	for (size_t i = 0; i < look->server_index.entries.count; i++)
		if (entries[i] != 0)
			entries[i] = (entries[i] >> 32 << 32) |
				     (to[(uint32_t)entries[i] - 1] + 1);
}

/* Move the servers to their places.  to: destroyed. */
static void
servers_move(struct look_server *servers, uint32_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		while (to[i] != i) {
			uint32_t at = to[i];
			struct look_server server = servers[at];

			servers[at] = servers[i];
			servers[i] = server;
			to[i] = to[at];
			to[at] = at;
		}
}

/* Put the keys of each server next to each other, as places of what was
   noted.  next: memory for each server. */
static void
keys_sort(struct making *m, const uint32_t *to, uint32_t *next)
{
	const struct noted *noted = m->noted.at;
	const struct look_server *servers = SERVERS(m->look);
	uint32_t *keys = m->look->slots.at, first = 0;
	size_t count = m->look->servers.count;

	for (size_t i = 0; i < count; i++)
		next[to[i]] = servers[i].keys;
	for (size_t i = 0; i < count; i++) {
		uint32_t of_it = next[i];

		next[i] = first;
		first += of_it;
	}
	for (uint32_t i = 0; i < m->noted.count; i++)
		keys[next[to[noted[i].server]]++] = i;
}

static bool
sort(struct making *m)
{
	struct look *look = m->look;
	size_t count = look->servers.count;
	struct area places = { 0 };
	uint32_t *to = area_fill(&places, 2 * count, sizeof(*to));

	uint32_t first = 0;
	bool made =
	    to != NULL && area_fill(&look->slots, m->noted.count + AHEAD,
			      sizeof(uint32_t)) != NULL;

	if (made) {
		servers_sort(look, to);
		keys_sort(m, to, to + count);
		servers_move(SERVERS(look), to, count);
	}
	for (size_t i = 0; made && i < count; i++) {
		SERVERS(look)[i].first = first;
		first += SERVERS(look)[i].keys;
	}
	area_free(&places);
	return made;
}

/* -------------------------------------------------------------- summing --- */

static uint8_t
state_of(const struct look_sum *sum, bool overloaded)
{
	if (overloaded)
		return LOOK_OVERLOADED;
	if (look_error_share(sum) >= ERRORS_SHARE &&
	    sum->succ + sum->err >= ERRORS_CALLS)
		return LOOK_ERRORS;
	if (sum->age == AGE_SILENT)
		return LOOK_SILENT;
	return sum->age == AGE_LATE ? LOOK_LATE : LOOK_FINE;
}

/* Add a server to its service. */
static void
server_add(struct look_service *service, struct look_server *server)
{
	struct look_sum *sum = &service->sum;
	bool overloaded = server->overloaded_by > 0;

	server->sum.state = state_of(&server->sum, overloaded);
	look_sum_add(sum, &service->servers, &server->sum);
	service->overloaded += overloaded;
	sum->stale += !overloaded && server->sum.stale > 0;
	service->keys += server->keys;
}

/* Add a key to its service: its caller, and what it has grown by. */
static bool
key_add(struct look *look, uint32_t place, const struct noted *noted,
    struct mark *mark)
{
	struct look_service *service = &SERVICES(look)[place];

	if (mark->service != place + 1) {
		uint32_t *caller = area_add(&look->callers_of, sizeof(*caller));

		if (caller == NULL)
			return false;
		*caller = noted->caller;
		service->all_callers++;
		*mark = (struct mark){ .service = place + 1 };
	}
	if (noted->age != AGE_SILENT && !mark->lives) {
		mark->lives = true;
		service->sum.callers++;
	}
	if (noted->grown > mark->grown) {
		service->sum.reports += noted->grown - mark->grown;
		mark->grown = noted->grown;
	}
	service->records += noted->grown;
	return true;
}

static bool
service_sum(struct making *m, uint32_t place, struct mark *marks)
{
	struct look *look = m->look;
	struct look_service *service = &SERVICES(look)[place];
	const struct noted *all = m->noted.at;
	uint32_t *slots = look->slots.at;

	service->first_caller = (uint32_t)look->callers_of.count;
	for (uint32_t i = 0; i < service->all_servers; i++) {
		struct look_server *server = &SERVERS(look)[service->first + i];

		server_add(service, server);
		for (uint32_t j = 0; j < server->keys; j++) {
			uint32_t *slot = &slots[server->first + j];
			const struct noted *noted = &all[*slot];

			__builtin_prefetch(&all[slot[AHEAD]]);
			if (!key_add(look, place, noted, &marks[noted->caller]))
				return false;
			server->sum.reports += noted->grown;
			*slot = noted->slot;
		}
	}
	if (service->sum.age == AGE_SILENT)
		service->sum.callers = service->all_callers;
	service->sum.state = state_of(&service->sum, service->overloaded > 0);
	return true;
}

static void
totals_add(struct look_totals *totals, const struct look_service *service)
{
	totals->by_state[service->sum.state]++;
	totals->overloaded_servers += service->overloaded;
	totals->reports += service->sum.reports;
	totals->records += service->records;
}

bool
look_group(struct making *m)
{
	struct look *look = m->look;
	struct look_totals *totals = &look->totals;
	struct area area = { 0 };
	struct mark *marks = NULL;
	bool made = sort(m) && (marks = area_fill(&area, look->callers.count,
				    sizeof(*marks))) != NULL;

	totals->services = look->services.count;
	totals->servers = look->servers.count;
	totals->callers = look->callers.count;
	for (uint32_t i = 0; made && i < totals->services; i++) {
		made = service_sum(m, i, marks);
		totals_add(totals, &SERVICES(look)[i]);
	}
	for (uint32_t i = 0; made && i < totals->callers; i++)
		totals->callers_by_age[look_age_of(&totals->limits,
		    totals->now_ms, CALLERS(look)[i].newest_ts)]++;
	area_free(&area);
	return made;
}

/* --------------------------------------------------- from look to look ---- */

/* The same server in another look, or NULL. */
static struct look_server *
same_in(const struct look *look, const struct look_server *s)
{
	uint32_t place = NONE;

	if (look != NULL)
		place = look_place(look, s->modid, s->cmdid, s->ip, s->port);
	return place == NONE ? NULL : &SERVERS(look)[place];
}

/* A key that was evicted takes its flag along, but no agent took it back:
   while it would be fresh the server stays as it was, without keys. */
void
look_keep(struct making *m)
{
	const struct look_totals *totals = &m->look->totals;

	for (uint32_t i = 0; i < m->previous->servers.count; i++) {
		const struct look_server *s = &SERVERS(m->previous)[i];
		uint32_t place = NONE;

		if (s->overloaded_by > 0 && same_in(m->look, s) == NULL &&
		    look_age_of(&totals->limits, totals->now_ms,
			s->sum.newest_ts) == AGE_FRESH)
			place = look_add(m,
			    look_hash(s->modid, s->cmdid, s->ip, s->port),
			    s->modid, s->cmdid, s->ip, s->port);
		if (place == NONE)
			continue;
		struct look_server *kept = &SERVERS(m->look)[place];
		kept->sum = s->sum;
		kept->sum.reports = 0;
		kept->overloaded_by = s->overloaded_by;
	}
}

static void
flip_add(struct look *look, const struct look_server *s, bool overloaded)
{
	struct look_flip *flip = NULL;

	if (look->flips.count < LOOK_FLIPS_MAX)
		flip = area_add(&look->flips, sizeof(*flip));
	if (flip != NULL)
		*flip = (struct look_flip){ s->modid, s->cmdid, s->ip, s->port,
			overloaded, s->overloaded_by };
}

/* before: the same in the look before, if it was overloaded then. */
static void
since_set(struct making *m, struct look_sum *sum, const struct look_sum *before)
{
	if (before != NULL && before->state == LOOK_OVERLOADED) {
		sum->since_ms = before->since_ms;
		sum->since_known = before->since_known;
	} else {
		sum->since_ms = (int64_t)m->look->totals.now_ms;
		sum->since_known = m->previous != NULL;
	}
}

static void
servers_compare(struct making *m)
{
	struct look *look = m->look, *previous = m->previous;

	for (uint32_t i = 0; i < look->servers.count; i++) {
		struct look_server *s = &SERVERS(look)[i], *before;

		s->sum.since_ms = -1;
		if (s->overloaded_by == 0)
			continue;
		before = same_in(previous, s);
		since_set(m, &s->sum, before == NULL ? NULL : &before->sum);
		if (previous != NULL &&
		    (before == NULL || before->overloaded_by == 0))
			flip_add(look, s, true);
	}
	for (uint32_t i = 0; previous != NULL && i < previous->servers.count;
	     i++) {
		const struct look_server *s = &SERVERS(previous)[i], *now;

		if (s->overloaded_by > 0 && ((now = same_in(look, s)) == NULL ||
						now->overloaded_by == 0))
			flip_add(look, s, false);
	}
}

void
look_compare(struct making *m)
{
	struct look_totals *totals = &m->look->totals;

	servers_compare(m);
	for (uint32_t i = 0; i < totals->services; i++) {
		struct look_service *s = &SERVICES(m->look)[i];
		const struct look_service *before = NULL;

		s->sum.since_ms = -1;
		if (s->overloaded == 0)
			continue;
		if (m->previous != NULL)
			before = look_find(m->previous, s->modid, s->cmdid);
		since_set(m, &s->sum, before == NULL ? NULL : &before->sum);
		totals->new_overloaded +=
		    s->sum.since_known &&
		    totals->now_ms < (uint64_t)s->sum.since_ms + LOOK_NEW_MS;
	}
}
