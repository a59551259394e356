/* SPDX-License-Identifier: MIT
 *
 * Removing an empty segment.  Owns struct retirement of the master's segment.
 *
 * A kill may come between counting and removing.  So the new totals are first
 * written down, with the segment that they contain: setting them a second time
 * changes nothing, where adding would count twice.
 */
#include "config.h"

#include "master/retire.h"
#include "shm/faultpoint.h"

#include <string.h>

/* Take the totals written down, and remove the segment.  entry: may be NULL. */
static enum shm_status
retire_finish(
    struct master_shared *shared, const char *name, struct child_entry *entry)
{
	struct retirement *r = &shared->retirement;
	struct input_counters *input = &shared->input;

	counter_set(&input->retired_superseded, counter_get(&r->superseded));
	counter_set(&input->retired_replayed, counter_get(&r->replayed));
	FAULT_POINT("retire_half");
	counter_set(&input->retired_stored, counter_get(&r->stored));
	counter_set(&input->retired_dead_letter, counter_get(&r->dead_letter));
	FAULT_POINT("retire_counted");
	/* Release: a reader that sees the entry free (read_child() of status.c)
	   sees its totals in those above. */
	if (entry != NULL)
		atomic_store_explicit(
		    &entry->state, CHILD_NONE, memory_order_release);
	enum shm_status status = segment_remove(name);
	FAULT_POINT("retire_removed");
	atomic_store_explicit(&r->slot, 0, memory_order_release);
	return status;
}

int
retire_segment(struct master_shared *shared, struct worker_segment *segment,
    struct child_entry *entry)
{
	struct retirement *r = &shared->retirement;
	const struct input_counters *input = &shared->input;
	const struct worker_shared *w = segment->shared;
	char name[SEGMENT_NAME_MAX];

	counter_set(&r->superseded, counter_get(&input->retired_superseded) +
					counter_get(&w->drain.superseded));
	counter_set(&r->replayed, counter_get(&input->retired_replayed) +
				      counter_get(&w->drain.replayed));
	counter_set(&r->stored, counter_get(&input->retired_stored) +
				    counter_get(&w->flush.stored));
	counter_set(&r->dead_letter, counter_get(&input->retired_dead_letter) +
					 counter_get(&w->flush.dead_letter));
	counter_set(&r->generation, segment->map.header.generation);
	FAULT_POINT("retire_unsaid");
	/* Release: the next master, which acquires it, sees the rest. */
	atomic_store_explicit(
	    &r->slot, segment->map.header.slot + 1, memory_order_release);
	FAULT_POINT("retire_said");
	memcpy(name, segment->map.name, sizeof(name));
	segment_close(&segment->map);
	return retire_finish(shared, name, entry) == SHM_SYSTEM ? -1 : 0;
}

void
retire_recover(struct master_shared *shared, const char *instance)
{
	const struct retirement *r = &shared->retirement;
	uint64_t slot = atomic_load_explicit(&r->slot, memory_order_acquire);
	char name[SEGMENT_NAME_MAX];

	if (slot == 0 || slot > WORKERS_MAX)
		return;
	segment_name(
	    name, instance, counter_get(&r->generation), (uint32_t)slot - 1);
	retire_finish(shared, name, NULL);
}
