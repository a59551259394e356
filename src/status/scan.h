/* SPDX-License-Identifier: MIT
 *
 * A scan of all keys in the pending tables of an instance.  Maps its shared
 * memory read-only; any process that may open the segments, one thread.
 */
#pragma once

#include "shm/segment.h"

#define SCAN_SEGMENTS_MAX (2 * CHILDREN_MAX)

/* One key, as it was at some moment of the walk: the tables are in use. */
struct scan_key {
	struct record record;
	bool dirty;          /* not stored yet */
	uint64_t puts;       /* records put into its slot ever */
	uint64_t generation; /* of its segment */
	unsigned segment;    /* 0 to scan.count - 1 */
	uint32_t slot;       /* of the table */
};

/* The newest generation comes first. */
struct scan {
	unsigned count;
	unsigned unread; /* segments that could not be mapped */
	struct worker_segment segments[SCAN_SEGMENTS_MAX];
};

/* scan_open - map all worker segments that INSTANCE has now.  Returns SHM_OK,
   or why the master's segment cannot be read (see errno): nothing is mapped. */
enum shm_status scan_open(struct scan *scan, const char *instance);

/* scan_walk - visit each key once, until visit() returns false.  A key that is
   in two generations, as for a while after a reload, is visited in the newer;
   to know it, the walk allocates 32 bytes for each key of a newer generation.
   Without that memory the older ones are left out and added to unread. */
void scan_walk(struct scan *scan,
    bool (*visit)(void *arg, const struct scan_key *key), void *arg);

/* scan_read - read one slot of a segment.  Returns false if it holds no key. */
bool scan_read(const struct scan *scan, unsigned segment, uint32_t slot,
    struct scan_key *key);

/* scan_close - unmap all. */
void scan_close(struct scan *scan);
