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

/* Note a key, see where it belongs, sum it up there. */
static bool
note_key(struct making *m, const struct waiting *w)
{
	struct look *look = m->look;
	const struct record *r = &w->record;
	uint32_t server = look_add(
	    m, w->hash, r->modid, r->cmdid, record_address(r), r->port);
	uint32_t caller = server == NONE ? NONE : look_add_caller(m, r->caller);
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
	look_sum_add(&s->sum, &s->sum.callers,
	    &(struct look_sum){ .newest_ts = record_ts(r),
		.succ = r->succ,
		.err = r->err,
		.age = (uint8_t)age });
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
	bool goes_on = true;

	for (unsigned i = 0; i < m->waits; i++)
		look_want_server(m->look, m->waiting[i].hash);
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
	struct waiting *w = &m->waiting[m->waits];

	look->totals.keys++;
	look->totals.dirty += key->dirty;
	if (key->segment >= look->segments)
		return true;
	w->record = *r;
	w->hash = look_hash(r->modid, r->cmdid, record_address(r), r->port);
	w->slot = look->base[key->segment] + key->slot;
	w->grown = past_grown(m, key);
	look_want(look, w->hash);
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
