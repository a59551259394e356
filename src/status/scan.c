/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/scan.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A drain writes a slot within nanoseconds; a killed one leaves it so. */
#define TRIES 1000
#define RELEASE_SLOTS ((uint32_t)1 << 16)

enum shm_status
scan_open(struct scan *scan, const char *instance)
{
	/* Too large for a stack; threads look at the same time. */
	static _Thread_local char names[SCAN_SEGMENTS_MAX][SEGMENT_NAME_MAX];
	struct segment master;
	enum shm_status found =
	    segment_open_master(&master, instance, SEGMENT_READ);

	scan->count = scan->unread = 0;
	if (found != SHM_OK)
		return found;
	segment_close(&master);
	int n = segment_list(instance, master.owner, names, SCAN_SEGMENTS_MAX);
	if (n < 0)
		return SHM_SYSTEM;
	if (n > SCAN_SEGMENTS_MAX) {
		scan->unread = (unsigned)n - SCAN_SEGMENTS_MAX;
		n = SCAN_SEGMENTS_MAX;
	}
	while (n-- > 0) {
		found = segment_open_worker(&scan->segments[scan->count],
		    names[n], SEGMENT_READ, master.owner);
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

/* ------------------------------------------- keys of newer generations ---- */

/* What was visited while older generations are still to come; for these it is
   sorted.  A table's own order is no help: readers do not know its secrets. */
struct walk {
	bool (*visit)(void *arg, const struct scan_key *key);
	void *arg;
	struct record *visited;
	size_t count, room;
	size_t newer; /* of these, the keys of newer generations, sorted */
	bool older;   /* there is an older generation to come */
	bool short_of_memory;
};

static void
visited_add(struct walk *walk, const struct record *key)
{
	if (walk->count == walk->room) {
		size_t room = walk->room == 0 ? 4096 : 2 * walk->room;
		struct record *visited =
		    realloc(walk->visited, room * sizeof(*visited));

		walk->short_of_memory |= visited == NULL;
		if (visited == NULL)
			return;
		walk->visited = visited;
		walk->room = room;
	}
	walk->visited[walk->count++] = *key;
}

static int
key_compare(const void *a, const void *b)
{
	return record_compare(a, b);
}

/* ----------------------------------------------------------------- walk --- */

bool
scan_read(const struct scan *scan, unsigned segment, uint32_t slot,
    struct scan_key *key)
{
	const struct worker_segment *w = &scan->segments[segment];
	uint64_t state = 0;

	/* The slot may be written right now.  If it has no key, it was cleared
	   after a kill; whatever stands there, only figures come of it. */
	for (int try = 0; try < TRIES && state == 0; try++) {
		state = table_read(&w->table, slot, &key->record);
		if (state == 0 && counter_get(&w->table.slots[slot].state) == 0)
			break;
	}
	if (state != 0 && key->record.unused != 0)
		state = 0;
	key->dirty = (state & STATE_DIRTY) != 0;
	key->puts = state / STATE_VERSION;
	key->generation = w->map.header.generation;
	key->segment = segment;
	key->slot = slot;
	return state != 0;
}

/* Returns false when the walk is to end. */
static bool
walk_segment(const struct scan *scan, unsigned segment, struct walk *walk)
{
	const struct table *table = &scan->segments[segment].table;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct scan_key key;

	for (uint32_t slot = 0; slot < table->size; slot++) {
		/* Let go of the pages before it: a reader of large tables would
		   otherwise seem to use all the memory that they have. */
		if (slot > 0 && slot % RELEASE_SLOTS == 0) {
			uintptr_t at =
			    (uintptr_t)&table->slots[slot - RELEASE_SLOTS];

			at -= at % page;
			madvise((void *)at, RELEASE_SLOTS * sizeof(struct slot),
			    MADV_DONTNEED);
		}
		if (!scan_read(scan, segment, slot, &key) ||
		    (walk->newer > 0 &&
			bsearch(&key.record, walk->visited, walk->newer,
			    sizeof(key.record), key_compare) != NULL))
			continue;
		if (walk->older)
			visited_add(walk, &key.record);
		if (!walk->visit(walk->arg, &key))
			return false;
	}
	return true;
}

void
scan_walk(struct scan *scan,
    bool (*visit)(void *arg, const struct scan_key *key), void *arg)
{
	struct walk walk = { .visit = visit, .arg = arg };
	uint64_t generation = 0, oldest = 0;

	if (scan->count > 0)
		oldest = scan->segments[scan->count - 1].map.header.generation;
	for (unsigned i = 0; i < scan->count; i++) {
		uint64_t of = scan->segments[i].map.header.generation;

		if (i > 0 && of != generation) {
			if (walk.short_of_memory) {
				scan->unread += scan->count - i;
				break;
			}
			walk.newer = walk.count;
			if (walk.count > 1)
				qsort(walk.visited, walk.count,
				    sizeof(*walk.visited), key_compare);
		}
		generation = of;
		walk.older = of != oldest;
		if (!walk_segment(scan, i, &walk))
			break;
	}
	free(walk.visited);
}
