/* SPDX-License-Identifier: MIT
 *
 * Looks: from servers and callers to services, what a look has from the one
 * before it, and the order of all.  Until they are put in order, what was in
 * the look before has its place of there.
 */
#include "config.h"

#include "status/look_state.h"

#include <stdlib.h>

#define ERRORS_SHARE 0.05 /* of so many calls or more is the state errors */
#define ERRORS_CALLS 20
#define SMOOTH_S 30.0 /* time constant of rates */

/* --------------------------------------------------- from look to look ---- */

/* before: the same in the look before, if it was overloaded then. */
static void
since_set(struct making *m, struct look_sum *sum, const struct look_sum *before)
{
	int64_t now = (int64_t)m->look->totals.now_ms;

	if (before != NULL && before->state == LOOK_OVERLOADED) {
		/* The clock may have been set back. */
		sum->since_ms = before->since_ms < now ? before->since_ms : now;
		sum->since_known = before->since_known;
	} else {
		sum->since_ms = now;
		sum->since_known = m->previous != NULL;
	}
}

/* Agents report every 15 seconds or so: the rate of one look would jump. */
static void
rate_set(const struct look *look, struct look_sum *sum,
    const struct look_sum *before)
{
	double seconds = look->totals.seconds, rate;

	if (seconds <= 0) {
		sum->rate = before == NULL ? 0 : before->rate;
		return;
	}
	rate = sum->reports * 1000.0 / seconds;
	if (before != NULL && look->totals.number > 2 && seconds < SMOOTH_S)
		rate =
		    before->rate + (rate - before->rate) * seconds / SMOOTH_S;
	sum->rate = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
}

/* A key that was evicted takes its flag along, but no agent took it back:
   while it would be fresh the server stays as it was, without keys. */
static void
server_keep(const struct making *m, struct look_server *s,
    const struct look_server *before)
{
	const struct look_totals *totals = &m->look->totals;

	if (before->overloaded_by == 0 ||
	    look_age_of(&totals->limits, totals->now_ms,
		before->sum.newest_ts) != AGE_FRESH)
		return;
	s->sum = before->sum;
	s->sum.reports = 0;
	s->overloaded_by = before->overloaded_by;
}

/* before: NULL: it is a new one. */
static void
server_compare(
    struct making *m, struct look_server *s, const struct look_server *before)
{
	bool was = before != NULL && before->overloaded_by > 0;
	bool is = s->overloaded_by > 0;
	struct area *flips = &m->look->flips;
	struct look_flip *flip;

	if (is)
		since_set(m, &s->sum, before == NULL ? NULL : &before->sum);
	else
		s->sum.since_ms = -1;
	if (m->previous != NULL && was != is && flips->count < LOOK_FLIPS_MAX &&
	    (flip = area_add(flips, sizeof(*flip))) != NULL)
		*flip = (struct look_flip){ s->modid, s->cmdid, s->ip, s->port,
			is, was ? before->overloaded_by : s->overloaded_by };
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

static void
servers_sum(struct making *m)
{
	struct look *look = m->look;

	for (size_t i = 0; i < COUNT(look, SERVER); i++) {
		struct look_server *s = &SERVERS(look)[i], *before = NULL;

		if (m->previous != NULL && i < COUNT(m->previous, SERVER))
			before = &SERVERS(m->previous)[i];
		if (s->keys == 0 && before != NULL)
			server_keep(m, s, before);
		server_compare(m, s, before);
		rate_set(look, &s->sum, before == NULL ? NULL : &before->sum);
		if (s->keys == 0 && s->overloaded_by == 0) {
			m->changed = true;
			continue;
		}
		struct look_service *service = &SERVICES(look)[s->service];
		bool overloaded = s->overloaded_by > 0;
		s->sum.state = state_of(&s->sum, overloaded);
		look_sum_add(&service->sum, &service->servers, &s->sum);
		service->all_servers++;
		service->overloaded += overloaded;
		service->sum.stale += !overloaded && s->sum.stale > 0;
		service->keys += s->keys;
		service->records += s->sum.reports;
	}
}

/* Add each caller to its service, and count those of all services. */
static bool
callers_sum(struct making *m)
{
	struct look *look = m->look;
	struct look_totals *totals = &look->totals;
	struct look_caller *agents = NULL;

	for (size_t i = 0; i < COUNT(look, CALLER); i++) {
		const struct look_caller *c = &CALLERS(look)[i];
		struct look_service *s = &SERVICES(look)[c->service];

		if (c->keys == 0)
			continue;
		s->all_callers++;
		s->sum.callers += look_age_of(&totals->limits, totals->now_ms,
				      c->newest_ts) != AGE_SILENT;
		s->sum.reports += c->records;
		/* Those of all services are of service 0. */
		struct look_caller agent = *c;
		agent.service = 0;
		uint32_t place = look_place(m, AGENT, 0, &agent);
		if (place == NONE)
			return false;
		agents = look->items[AGENT].at;
		if (c->newest_ts > agents[place].newest_ts)
			agents[place].newest_ts = c->newest_ts;
	}
	totals->callers = COUNT(look, AGENT);
	for (size_t i = 0; i < totals->callers; i++)
		totals->callers_by_age[look_age_of(
		    &totals->limits, totals->now_ms, agents[i].newest_ts)]++;
	return true;
}

static void
service_sum(
    struct making *m, struct look_service *s, const struct look_service *before)
{
	struct look_totals *totals = &m->look->totals;

	if (s->sum.age == AGE_SILENT)
		s->sum.callers = s->all_callers;
	s->sum.state = state_of(&s->sum, s->overloaded > 0);
	rate_set(m->look, &s->sum, before == NULL ? NULL : &before->sum);
	s->sum.since_ms = -1;
	if (s->overloaded > 0) {
		since_set(m, &s->sum, before == NULL ? NULL : &before->sum);
		totals->new_overloaded +=
		    s->sum.since_known &&
		    totals->now_ms < (uint64_t)s->sum.since_ms + LOOK_NEW_MS;
	}
	totals->services++;
	totals->servers += s->all_servers;
	totals->by_state[s->sum.state]++;
	totals->overloaded_servers += s->overloaded;
	totals->reports += s->sum.reports;
	totals->rate += s->sum.rate;
	totals->records += s->records;
}

bool
look_sum(struct making *m)
{
	struct look *look = m->look;

	servers_sum(m);
	if (!callers_sum(m))
		return false;
	for (size_t i = 0; i < COUNT(look, SERVICE); i++) {
		struct look_service *s = &SERVICES(look)[i], *before = NULL;

		if (m->previous != NULL && i < COUNT(m->previous, SERVICE))
			before = &SERVICES(m->previous)[i];
		if (s->all_servers > 0)
			service_sum(m, s, before);
	}
	return true;
}

/* ---------------------------------------------------------------- order --- */

static int
order_compare(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* The id that an item will have; NONE: it has gone.  services: new places. */
static struct id
order_of(enum kind kind, void *item, const uint32_t *services)
{
	const struct look_service *service = item;
	struct look_server *s = item;
	struct look_caller *c = item;

	if (kind == SERVER)
		s->service = s->keys > 0 || s->overloaded_by > 0
				 ? services[s->service]
				 : NONE;
	else if (kind == CALLER)
		c->service = c->keys > 0 ? services[c->service] : NONE;
	struct id id = look_id(kind, item);
	if (kind == SERVICE && service->all_servers == 0)
		id.service = NONE;
	return id;
}

/* Put items in order.  places: filled with the new place of each, NONE if it
   has gone; of the services they are known.  Returns false without memory. */
static bool
items_arrange(struct look *look, enum kind kind, struct area places[KINDS])
{
	struct area *items = &look->items[kind], area = { 0 }, moved = { 0 };
	size_t count = items->count, size = look_sizes[kind];
	struct id *order = area_fill(&area, count, sizeof(*order));
	uint32_t *to = area_fill(&places[kind], count, sizeof(*to));
	bool made = order != NULL && to != NULL &&
		    area_fill(&moved, count, size) != NULL;
	bool sorted = true;

	for (uint32_t i = 0; made && i < count; i++) {
		order[i] = order_of(
		    kind, (char *)items->at + i * size, places[SERVICE].at);
		order[i].place = i;
		sorted &= i == 0 || order_compare(&order[i - 1], &order[i]) < 0;
	}
	if (made && !sorted)
		qsort(order, count, sizeof(*order), order_compare);
	moved.count = 0;
	for (uint32_t i = 0; made && i < count; i++) {
		to[order[i].place] = NONE;
		if (order[i].service == NONE)
			continue;
		to[order[i].place] = i;
		memcpy((char *)moved.at + moved.count++ * size,
		    (char *)items->at + order[i].place * size, size);
	}
	area_free(&area);
	area_free(items);
	*items = moved;
	return made;
}

/* Let the notes have the new places, and list the slots of each server.  Notes
   of keys that the walk has not seen are of none. */
static bool
slots_arrange(
    struct making *m, const uint32_t *servers, const uint32_t *callers)
{
	struct look *look = m->look;
	struct area area = { 0 };
	uint32_t *next =
	    area_fill(&area, COUNT(look, SERVER), sizeof(uint32_t));
	uint32_t *slots =
	    area_fill(&look->slots, m->noted + 1, sizeof(uint32_t));

	if (next == NULL || slots == NULL) {
		area_free(&area);
		area_free(&look->slots);
		return false;
	}
	slots[0] = 1;
	for (size_t i = 0; i < COUNT(look, SERVER); i++)
		next[i] = SERVERS(look)[i].first;
	for (unsigned i = 0; i < look->segments; i++)
		for (uint32_t j = 0; j < look->notes[i].count; j++) {
			struct note *note = NOTES(look, i) + j;

			if (note->odd != (look->totals.number & 1))
				note->server = 0;
			if (note->server == 0)
				continue;
			uint32_t server = servers[note->server - 1];
			slots[next[server]++] = look->base[i] + j;
			note->server = server + 1;
			note->caller = callers[note->caller - 1] + 1;
		}
	area_free(&area);
	return true;
}

bool
look_arrange(struct making *m)
{
	struct look *look = m->look;
	struct area places[KINDS] = { { 0 } };
	uint32_t server = 0, caller = 0, slot = 1;
	bool made = true;

	for (enum kind kind = SERVICE; kind < KINDS; kind++)
		made = made && items_arrange(look, kind, places);
	if (made) {
		/* What belongs to one thing is next to each other. */
		for (size_t i = 0; i < COUNT(look, SERVICE); i++) {
			struct look_service *s = &SERVICES(look)[i];

			s->first = server;
			s->first_caller = caller;
			server += s->all_servers;
			caller += s->all_callers;
		}
		for (size_t i = 0; i < COUNT(look, SERVER); i++) {
			SERVERS(look)[i].first = slot;
			slot += SERVERS(look)[i].keys;
		}
		made = slots_arrange(m, places[SERVER].at, places[CALLER].at);
	}
	for (enum kind kind = SERVICE; kind < KINDS; kind++)
		area_free(&places[kind]);
	return made;
}
