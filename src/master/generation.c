/* SPDX-License-Identifier: MIT
 *
 * Generations of segments: making, adopting, retiring.  Owns nothing: the
 * segments are the children's.  Called by the master's loop and at its start;
 * failures are logged and returned.
 */
#include "config.h"

#include "master/generation.h"
#include "shm/faultpoint.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MIB(bytes) ((double)(bytes) / (1 << 20))

#define FREE \
	"%.1f MiB are free; lower queue.ring_records, queue.table_keys or " \
	"reporter.workers"

/* Before anything is made: to reserve more memory than there is would have the
   kernel end processes, ours and others. */
static bool
generation_fits(const struct settings *settings)
{
	uint64_t each = segment_worker_size(
	    (uint32_t)settings->ring_records, (uint32_t)settings->table_keys);
	uint64_t need = each * settings->workers;
	uint64_t space = segment_space(), memory = memory_available();

	if (need > space)
		log_error("/dev/shm is too small: %llu workers want %.1f MiB "
			  "each, " FREE ", or enlarge /dev/shm",
		    (unsigned long long)settings->workers, MIB(each),
		    MIB(space));
	else if (need > memory)
		log_error("memory is too small: %llu workers want %.1f MiB "
			  "each, " FREE,
		    (unsigned long long)settings->workers, MIB(each),
		    MIB(memory));
	return need <= space && need <= memory;
}

static void
create_complain(enum shm_status status)
{
	log_error("a segment cannot be made: %s", shm_strerror(status, errno));
}

/* Undo what was made of a generation that cannot be completed. */
static void
generation_undo(struct generation *generation)
{
	for (uint32_t i = 0; i < generation->workers; i++) {
		struct segment *map = &generation->child[i]->segment.map;
		char name[SEGMENT_NAME_MAX];

		memcpy(name, map->name, sizeof(name));
		child_drop(generation->child[i]);
		segment_remove(name);
	}
}

int
generation_create(struct generation *generation, uint64_t number,
    struct children *children, const struct settings *settings)
{
	generation->number = number;
	generation->workers = 0;
	if (!generation_fits(settings))
		return -1;
	for (uint32_t slot = 0; slot < settings->workers; slot++) {
		struct segment_spec spec = {
			.instance = settings->instance,
			.generation = number,
			.slot = slot,
			.workers = (uint32_t)settings->workers,
			.ring_records = (uint32_t)settings->ring_records,
			.table_keys = (uint32_t)settings->table_keys,
		};
		struct worker_segment segment;
		enum shm_status status = segment_create_worker(&segment, &spec);

		if (status != SHM_OK) {
			create_complain(status);
			generation_undo(generation);
			return -1;
		}
		struct child *child = child_adopt(children, &segment, false);
		if (child == NULL) {
			log_error("%d segments still hold records: no more "
				  "can be made until some are emptied",
			    CHILDREN_MAX);
			segment_close(&segment.map);
			segment_remove(segment.map.name);
			generation_undo(generation);
			return -1;
		}
		FAULT_POINT("generation_half");
		generation->child[generation->workers++] = child;
	}
	return 0;
}

void
generation_retire(struct generation *generation)
{
	for (uint32_t i = 0; i < generation->workers; i++)
		child_retire(generation->child[i]);
}

void
generation_rings(struct generation *generation, struct ring **rings)
{
	for (uint32_t i = 0; i < generation->workers; i++)
		rings[i] = &generation->child[i]->segment.ring;
}

/* -------------------------------------------------------------- adopting -- */

/* Open a segment that was left, or get it out of the way. */
static bool
segment_adopt(struct worker_segment *segment, const char *name)
{
	char aside[2 * SEGMENT_NAME_MAX];
	enum shm_status status =
	    segment_open_worker(segment, name, SEGMENT_WRITE);

	if (status == SHM_OK) {
		if (segment_share(&segment->map) != SHM_OK)
			log_warn("segment %s cannot be given to "
				 "reporter.group: %s",
			    name, strerror(errno));
		return true;
	}
	if (status == SHM_UNFINISHED) {
		log_warn("segment %s: %s: removed", name,
		    shm_strerror(status, errno));
		segment_remove(name);
	} else if (segment_set_aside(name, aside, sizeof(aside)) == SHM_OK) {
		log_error("segment %s: %s: set aside as %s; look at it, or "
			  "remove it",
		    name, shm_strerror(status, errno), aside);
	} else {
		log_error("segment %s: %s, and it cannot be set aside: %s",
		    name, shm_strerror(status, errno), strerror(errno));
	}
	return false;
}

static bool
shape_fits(const struct segment_header *h, const struct settings *settings)
{
	return h->workers == settings->workers &&
	       h->ring_records == settings->ring_records &&
	       h->table_keys == settings->table_keys;
}

/* Go on with the newest generation, if all of it is there and it fits. */
static void
generation_resume(struct generation *generation, struct child **left, int n,
    const struct settings *settings)
{
	uint32_t workers = 0;

	for (int i = 0; i < n; i++) {
		const struct segment_header *h =
		    &left[i]->segment.shared->header;

		if (h->generation == generation->number && h->slot == workers &&
		    shape_fits(h, settings))
			generation->child[workers++] = left[i];
	}
	if (workers != settings->workers)
		return;
	generation->workers = workers;
	for (uint32_t i = 0; i < workers; i++)
		generation->child[i]->retiring = false;
}

int
generation_adopt(struct generation *generation, struct children *children,
    const struct settings *settings)
{
	static char names[CHILDREN_MAX][SEGMENT_NAME_MAX];
	struct child *left[CHILDREN_MAX];
	uint64_t records = 0;
	int adopted = 0;
	/* Names that others planted are none of ours, however many. */
	int n =
	    segment_list_of(settings->instance, geteuid(), names, CHILDREN_MAX);
	int all = segment_list(settings->instance, names, 0);

	generation->number = 0;
	generation->workers = 0;
	if (n < 0 || all < 0) {
		log_error("cannot look for segments of an earlier run: %s",
		    strerror(errno));
		return -1;
	}
	if (n > CHILDREN_MAX - WORKERS_MAX) {
		log_error("%d segments were left under /dev/shm: more than "
			  "can be adopted",
		    n);
		return -1;
	}
	/* They may as well be of a run of ours as another user. */
	if (all > n)
		log_warn("%d segments of instance %s under /dev/shm are "
			 "another user's: not looked at",
		    all - n, settings->instance);
	for (int i = 0; i < n; i++) {
		struct worker_segment segment;

		if (!segment_adopt(&segment, names[i]))
			continue;
		left[adopted] = child_adopt(children, &segment, true);
		generation->number = left[adopted]->generation;
		records +=
		    ring_queued(&segment.ring) + table_pending(&segment.table);
		adopted++;
	}
	generation_resume(generation, left, adopted, settings);
	if (adopted > 0)
		log_info("adopted %d segments of an earlier run with %llu "
			 "records",
		    adopted, (unsigned long long)records);
	return 0;
}
