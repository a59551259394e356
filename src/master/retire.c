/* SPDX-License-Identifier: MIT
 *
 * Owns struct retirement of the master's segment.  A kill may come between
 * counting and removing.  So the new totals are first written down, with the
 * segment that they contain: setting them a second time changes nothing, where
 * adding would count twice.
 */
#include "config.h"

#include "master/retire.h"
#include "shm/faultpoint.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
totals_of(struct totals *totals, const struct worker_shared *w)
{
	counter_set(&totals->superseded, counter_get(&w->drain.superseded));
	counter_set(&totals->replayed, counter_get(&w->drain.replayed));
	counter_set(&totals->stored, counter_get(&w->flush.stored));
	counter_set(&totals->dead_letter, counter_get(&w->flush.dead_letter));
}

static void
totals_add(struct totals *totals, const struct totals *more)
{
	counter_add(&totals->superseded, counter_get(&more->superseded));
	counter_add(&totals->replayed, counter_get(&more->replayed));
	counter_add(&totals->stored, counter_get(&more->stored));
	counter_add(&totals->dead_letter, counter_get(&more->dead_letter));
}

/* Take the totals written down, and remove the segment.  entry: may be NULL. */
static enum shm_status
retire_finish(
    struct master_shared *shared, const char *name, struct child_entry *entry)
{
	struct retirement *r = &shared->retirement;
	struct input_counters *input = &shared->input;

	counter_set(
	    &input->retired.superseded, counter_get(&r->totals.superseded));
	counter_set(&input->retired.replayed, counter_get(&r->totals.replayed));
	FAULT_POINT("retire_half");
	counter_set(&input->retired.stored, counter_get(&r->totals.stored));
	counter_set(
	    &input->retired.dead_letter, counter_get(&r->totals.dead_letter));
	FAULT_POINT("retire_counted");
	/* Release: a reader that sees the entry free (read_child() of status.c)
	   sees its totals in those above. */
	if (entry != NULL)
		counter_release(&entry->state, CHILD_NONE);
	enum shm_status status = segment_remove(name);
	FAULT_POINT("retire_removed");
	counter_release(&r->slot, 0);
	return status;
}

int
retire_segment(struct master_shared *shared, struct worker_segment *segment,
    struct child_entry *entry)
{
	struct retirement *r = &shared->retirement;
	char name[SEGMENT_NAME_MAX];

	totals_of(&r->totals, segment->shared);
	totals_add(&r->totals, &shared->input.retired);
	counter_set(&r->generation, segment->map.header.generation);
	FAULT_POINT("retire_unsaid");
	/* Release: the next master, which acquires it, sees the rest. */
	counter_release(&r->slot, segment->map.header.slot + 1);
	FAULT_POINT("retire_said");
	memcpy(name, segment->map.name, sizeof(name));
	segment_close(&segment->map);
	return retire_finish(shared, name, entry) == SHM_SYSTEM ? -1 : 0;
}

void
retire_recover(struct master_shared *shared, const char *instance)
{
	const struct retirement *r = &shared->retirement;
	uint64_t slot = counter_acquire(&r->slot);
	char name[SEGMENT_NAME_MAX];

	if (slot == 0 || slot > WORKERS_MAX)
		return;
	segment_name(
	    name, instance, counter_get(&r->generation), (uint32_t)slot - 1);
	retire_finish(shared, name, NULL);
}

/* -------------------------------------------- segments without memory ---- */

/* The signal comes from an access of the master's only thread, so its handler
   finds the children as the loop left them. */
static struct children *guarded;

static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	(void)context;
	CHILDREN_EACH(c, guarded) {
		const struct segment *map = &c->segment.map;

		/* All of it, so that no other access finds half of it. */
		if ((uintptr_t)info->si_addr - (uintptr_t)map->base <
			map->size &&
		    mmap(map->base, map->size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0) != MAP_FAILED) {
			c->lost = 1;
			return;
		}
	}
	/* The same access ends the process now. */
	signal(number, SIG_DFL);
}

void
lost_guard(struct children *children)
{
	const struct sigaction action = { .sa_sigaction = on_bus_error,
		.sa_flags = SA_SIGINFO };

	guarded = children;
	sigaction(SIGBUS, &action, NULL);
}

void
lost_note(struct child *child)
{
	struct totals now;

	totals_of(&now, child->segment.shared);
	/* The reads above may have marked it as lost. */
	if (!child->lost)
		child->totals = now;
}

uint64_t
lost_count(struct children *children, struct child *child)
{
	struct input_counters *input = &children->shared->input;
	const struct totals *t = &child->totals;
	int64_t left = (int64_t)(child->segment.ring.head + t->replayed -
				 t->superseded - t->stored - t->dead_letter);
	/* Who can truncate it could write invalid totals before. */
	uint64_t records = left < 0 ? 0 : (uint64_t)left;

	totals_add(&input->retired, t);
	counter_add(&input->dropped, records);
	return records;
}

int
lost_replace(struct children *children, struct child *child,
    enum shm_status *status, uint64_t *records)
{
	struct worker_segment fresh, *old = &child->segment;
	const struct segment_header *header = &old->map.header;
	const struct segment_spec spec = {
		.instance = header->instance,
		.generation = header->generation,
		.slot = header->slot,
		.workers = header->workers,
		.ring_records = header->ring_records,
		.table_keys = header->table_keys,
	};

	segment_remove(old->map.name);
	*status = segment_create_worker(&fresh, &spec);
	if (*status != SHM_OK)
		return -1;
	*status = segment_share(&fresh.map, children->readers);
	/* In the old one's place: pointers into it stay valid. */
	if (*status != SHM_OK ||
	    mremap(fresh.map.base, fresh.map.size, fresh.map.size,
		MREMAP_MAYMOVE | MREMAP_FIXED, old->map.base) == MAP_FAILED) {
		*status = SHM_SYSTEM;
		segment_close(&fresh.map);
		return -1;
	}
	*records = lost_count(children, child);
	fresh.map.base = old->map.base;
	close(old->map.fd);
	if (old->map.lock >= 0)
		close(old->map.lock);
	old->map = fresh.map;
	segment_lock_open(&old->map);
	memcpy(
	    old->table.secret, fresh.table.secret, sizeof(old->table.secret));
	ring_attach(&old->ring, old->ring.producer, old->ring.consumer,
	    old->ring.records, old->ring.mask + 1);
	child->totals = (struct totals){ 0 };
	child->flushes = 0;
	child->lost = 0;
	return 0;
}
