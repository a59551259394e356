/* SPDX-License-Identifier: MIT
 *
 * A look is made in three steps: a walk that adds each key to its server and
 * its caller; their sums, and what went on from the look before; and order, if
 * keys came, went or moved.
 *
 * From look to look a slot mostly has the same key: notes say where that
 * belongs, so that nothing has to be searched.  What they say is compared with
 * the key.  Memory is mapped, so that all of it goes back at once.
 *
 * Tables hold no reports.  But a report has one record for a server, so the
 * number of reports that a caller has sent of a service is not below that of
 * the records of its most frequent server.
 */
#include "config.h"

#include "status/look_state.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdlib.h>

/* ------------------------------------------------------------- the past --- */

/* Take what another look remembers of a segment's slots; or an empty area. */
static struct area
notes_take(struct look *from, uint64_t id)
{
	struct area notes = { 0 };

	for (unsigned i = 0; from != NULL && i < from->segments; i++)
		if (from->ids[i] == id) {
			notes = from->notes[i];
			from->notes[i] = (struct area){ 0 };
			break;
		}
	return notes;
}

/* Number the slots of all segments. */
static void
segments_begin(struct making *m)
{
	struct look *look = m->look;
	uint64_t base = 0;

	m->changed =
	    m->previous == NULL || m->previous->segments != m->scan->count;
	for (unsigned i = 0; i < m->scan->count; i++) {
		const struct worker_segment *w = &m->scan->segments[i];
		struct area *notes = &look->notes[i];

		if (base + w->table.size >= NONE) {
			look->totals.truncated = true;
			break;
		}
		look->ids[i] = w->map.header.id;
		look->base[i] = (uint32_t)base;
		base += w->table.size;
		look->segments++;
		*notes = notes_take(m->previous, look->ids[i]);
		m->changed |= notes->at == NULL || m->changed ||
			      m->previous->ids[i] != look->ids[i];
		if (notes->count == w->table.size)
			continue;
		area_free(notes);
		if (area_fill(notes, w->table.size, sizeof(struct note)) ==
		    NULL) {
			m->failed = true;
			break;
		}
	}
}

/* Give back to the look before what a look took that cannot be made.  Places
   may be its own: of a slot only its records are known. */
static void
segments_undo(struct making *m)
{
	struct look *previous = m->previous;

	for (unsigned i = 0; previous != NULL && i < previous->segments; i++) {
		if (previous->notes[i].at == NULL)
			previous->notes[i] =
			    notes_take(m->look, previous->ids[i]);
		for (size_t j = 0; j < previous->notes[i].count; j++)
			NOTES(previous, i)[j].server = 0;
	}
}

/* Begin with all that was in the look before, without its sums. */
static void
known_begin(struct making *m)
{
	struct look *look = m->look;
	const struct look *previous = m->previous;

	if (previous == NULL)
		return;
	for (enum kind kind = SERVICE; kind < KINDS; kind++) {
		size_t count = COUNT(previous, kind), size = look_sizes[kind];
		void *items = area_fill(&look->items[kind], count, size);

		m->failed |= items == NULL;
		if (items != NULL)
			memcpy(items, previous->items[kind].at, count * size);
	}
	for (size_t i = 0; i < COUNT(look, SERVICE); i++) {
		struct look_service *s = &SERVICES(look)[i];

		*s = (struct look_service){ .modid = s->modid,
			.cmdid = s->cmdid,
			.first = s->first,
			.first_caller = s->first_caller,
			.sum.age = AGE_SILENT };
	}
	for (size_t i = 0; i < COUNT(look, SERVER); i++) {
		struct look_server *s = &SERVERS(look)[i];

		s->sum = (struct look_sum){ .age = AGE_SILENT };
		s->keys = s->overloaded_by = 0;
	}
	for (size_t i = 0; i < COUNT(look, CALLER); i++) {
		struct look_caller *c = &CALLERS(look)[i];

		c->newest_ts = c->keys = c->records = 0;
	}
}

/* ------------------------------------------------------------- the walk --- */

/* Whether it says where this key belongs.  Without branches, so that the
   processor waits for several at a time. */
static bool
note_is_of(
    const struct look *look, const struct note *note, const struct record *r)
{
	if (note->server == 0)
		return false;
	const struct look_server *s = &SERVERS(look)[note->server - 1];
	const struct look_caller *c = &CALLERS(look)[note->caller - 1];
	return ((uint32_t)(s->modid ^ r->modid) |
		   (uint32_t)(s->cmdid ^ r->cmdid) |
		   (s->ip ^ record_address(r)) | (uint32_t)(s->port ^ r->port) |
		   (c->address ^ r->caller) | (c->service ^ s->service)) == 0;
}

/* Slots come in no order of servers, so each would have to be waited for:
   memory is asked for what some keys add to, then they are added. */
static bool
waiting_add(struct making *m)
{
	const struct look_totals *totals = &m->look->totals;
	bool known[WAITING];

	for (unsigned i = 0; i < m->waits; i++)
		known[i] = note_is_of(
		    m->look, m->waiting[i].note, &m->waiting[i].record);
	for (unsigned i = 0; i < m->waits && !m->failed; i++) {
		const struct waiting *w = &m->waiting[i];
		const struct record *r = &w->record;
		uint64_t ts = record_ts(r);
		enum look_age age =
		    look_age_of(&totals->limits, totals->now_ms, ts);

		if (!known[i])
			look_note(m, w->note, r);
		if (w->note->server == 0)
			continue;
		struct look_server *s = &SERVERS(m->look)[w->note->server - 1];
		struct look_caller *c = &CALLERS(m->look)[w->note->caller - 1];
		w->note->odd = totals->number & 1;
		m->noted++;
		look_sum_add(&s->sum, &s->sum.callers,
		    &(struct look_sum){ .newest_ts = ts,
			.succ = r->succ,
			.err = r->err,
			.age = (uint8_t)age });
		s->sum.reports += w->grown;
		s->keys++;
		s->overloaded_by += r->overload && age == AGE_FRESH;
		s->sum.stale += r->overload && age != AGE_FRESH;
		c->keys++;
		if (ts > c->newest_ts)
			c->newest_ts = ts;
		if (w->grown > c->records)
			c->records = w->grown;
	}
	m->waits = 0;
	return !m->failed;
}

static bool
take_key(void *arg, const struct scan_key *key)
{
	struct making *m = arg;
	struct look *look = m->look;
	struct waiting *w = &m->waiting[m->waits];

	look->totals.keys++;
	if (key->segment >= look->segments)
		return true;
	struct note *note = NOTES(look, key->segment) + key->slot;
	uint32_t puts = (uint32_t)key->puts & PUTS_MAX;
	/* A segment that is seen first in a later look was made in between. */
	w->grown = m->previous == NULL ? 0 : (puts - note->puts) & PUTS_MAX;
	w->record = key->record;
	w->note = note;
	note->puts = puts;
	if (look_age(look->totals.now_ms, record_ts(&key->record)) >
	    LOOK_FORGOTTEN_S)
		return true;
	if (note->server != 0) {
		__builtin_prefetch(SERVERS(look) + note->server - 1, 1);
		__builtin_prefetch(&SERVERS(look)[note->server - 1].keys, 1);
		__builtin_prefetch(CALLERS(look) + note->caller - 1, 1);
	}
	return ++m->waits < WAITING || waiting_add(m);
}

/* ----------------------------------------------------------------- looks -- */

static double
processor_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
}

static bool
look_make(struct making *m)
{
	struct look *look = m->look, *previous = m->previous;

	if (!m->failed)
		scan_walk(m->scan, take_key, m);
	if (!m->failed)
		waiting_add(m);
	look->totals.unread = m->scan->unread;
	bool summed = !m->failed && look_sum(m);
	look_end(m);
	if (!summed)
		return false;
	if (!m->changed && m->noted + 1 == previous->slots.count) {
		look->slots = previous->slots;
		SLOTS(look)[0]++;
	} else if (!look_arrange(m)) {
		return false;
	}
	look->services = SERVICES(look);
	look->servers = SERVERS(look);
	look->callers = CALLERS(look);
	return true;
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
		struct look_totals *totals = &m.look->totals;

		totals->number = 1;
		totals->now_ms = now_ms;
		totals->limits = *limits;
		m.look->made_ms = monotonic_ms();
		if (previous != NULL) {
			totals->number = previous->totals.number + 1;
			totals->seconds =
			    (double)(m.look->made_ms - previous->made_ms) /
			    1000;
		}
		known_begin(&m);
		segments_begin(&m);
		if (look_make(&m)) {
			totals->walk_ms = processor_ms() - begun;
			*look = m.look;
		} else {
			segments_undo(&m);
			found = SHM_SYSTEM;
			errno = ENOMEM;
		}
		scan_close(m.scan);
	}
	int error = errno;
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
		area_free(&look->notes[i]);
	if (look->slots.at != NULL && --SLOTS(look)[0] == 0)
		area_free(&look->slots);
	for (enum kind kind = SERVICE; kind < KINDS; kind++)
		area_free(&look->items[kind]);
	area_free(&look->flips);
	free(look);
}
