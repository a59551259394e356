/* SPDX-License-Identifier: MIT
 *
 * The handler of SIGBUS, and what follows on it in the loop.  The signal comes
 * from an access of the master's only thread, so the handler finds the children
 * as the loop left them.
 */
#include "config.h"

#include "master/lost.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
	const struct worker_shared *w = child->segment.shared;
	const struct child_totals now = {
		.superseded = counter_get(&w->drain.superseded),
		.replayed = counter_get(&w->drain.replayed),
		.stored = counter_get(&w->flush.stored),
		.dead_letter = counter_get(&w->flush.dead_letter),
	};

	/* The reads above may have marked it as lost. */
	if (!child->lost)
		child->totals = now;
}

uint64_t
lost_count(struct children *children, struct child *child)
{
	struct input_counters *input = &children->shared->input;
	const struct child_totals *t = &child->totals;
	int64_t left = (int64_t)(child->segment.ring.head + t->replayed -
				 t->superseded - t->stored - t->dead_letter);
	/* Who can truncate it could write invalid totals before. */
	uint64_t records = left < 0 ? 0 : (uint64_t)left;

	counter_add(&input->retired_superseded, t->superseded);
	counter_add(&input->retired_replayed, t->replayed);
	counter_add(&input->retired_stored, t->stored);
	counter_add(&input->retired_dead_letter, t->dead_letter);
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
	child->totals = (struct child_totals){ 0 };
	child->flushes = 0;
	child->lost = 0;
	return 0;
}
