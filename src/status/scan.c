/* SPDX-License-Identifier: MIT
 *
 * Walking the pending tables of a running instance.  Owns the mappings between
 * open and close; any process, one thread.  What cannot be read is left out
 * and counted.
 */
#include "config.h"

#include "status/scan.h"

/* A drain writes a slot within nanoseconds; a killed one leaves it so. */
#define TRIES 1000

enum shm_status
scan_open(struct scan *scan, const char *instance)
{
	static char names[SCAN_SEGMENTS_MAX][SEGMENT_NAME_MAX];
	struct segment master;
	enum shm_status found =
	    segment_open_master(&master, instance, SEGMENT_READ);

	scan->count = scan->unread = 0;
	if (found != SHM_OK)
		return found;
	segment_close(&master);
	int n =
	    segment_list_of(instance, master.owner, names, SCAN_SEGMENTS_MAX);
	if (n < 0)
		return SHM_SYSTEM;
	if (n > SCAN_SEGMENTS_MAX) {
		scan->unread = (unsigned)n - SCAN_SEGMENTS_MAX;
		n = SCAN_SEGMENTS_MAX;
	}
	while (n-- > 0) {
		found = segment_view_worker(
		    &scan->segments[scan->count], names[n], master.owner);
		/* One that went while we looked is empty. */
		if (found == SHM_OK)
			scan->count++;
		else if (found != SHM_MISSING)
			scan->unread++;
	}
	return SHM_OK;
}

void
scan_close(struct scan *scan)
{
	for (unsigned i = 0; i < scan->count; i++)
		segment_close(&scan->segments[i].map);
	scan->count = 0;
}

/* Read a slot that may be written right now.  Returns 0 when it holds no key.
   Whatever stands there, only figures come of it. */
static uint64_t
slot_read(const struct table *table, uint32_t slot, struct record *record)
{
	for (int try = 0; try < TRIES; try++) {
		uint64_t state = table_read(table, slot, record);

		/* More than one bit of overload: a slot cleared after a kill,
		   or no record at all. */
		if (state != 0)
			return record->overload <= 1 ? state : 0;
		if (counter_get(&table->slots[slot].state) == 0)
			return 0;
	}
	return 0;
}

/* Whether a newer generation than that of a segment has the key, too. */
static bool
is_outdated(
    const struct scan *scan, unsigned segment, const struct record *record)
{
	uint64_t generation = scan->segments[segment].shared->header.generation;

	for (unsigned i = 0; i < segment; i++) {
		const struct worker_segment *w = &scan->segments[i];

		if (w->shared->header.generation == generation)
			return false;
		if (table_has(&w->table, record))
			return true;
	}
	return false;
}

static bool
walk_segment(const struct scan *scan, unsigned segment,
    bool (*visit)(void *arg, const struct scan_key *key), void *arg)
{
	const struct worker_segment *w = &scan->segments[segment];
	struct scan_key key = {
		.generation = w->shared->header.generation,
		.worker = w->shared->header.slot,
		.segment = segment,
	};

	for (; key.slot < w->table.size; key.slot++) {
		uint64_t state = slot_read(&w->table, key.slot, &key.record);

		if (state == 0 || is_outdated(scan, segment, &key.record))
			continue;
		key.dirty = (state & STATE_DIRTY) != 0;
		key.puts = state / STATE_VERSION;
		if (!visit(arg, &key))
			return false;
	}
	return true;
}

void
scan_walk(const struct scan *scan,
    bool (*visit)(void *arg, const struct scan_key *key), void *arg)
{
	for (unsigned i = 0; i < scan->count; i++)
		if (!walk_segment(scan, i, visit, arg))
			return;
}
