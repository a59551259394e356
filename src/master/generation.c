/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "master/generation.h"
#include "lib/log.h"
#include "master/instance.h"
#include "shm/faultpoint.h"
#include "lib/process.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define MIB(bytes) ((double)(bytes) / (1 << 20))
#define FREED_TRIES 50 /* of 10 ms */

/* Before anything is created: to reserve more memory than there is would have
   the kernel end processes, ours and others. */
static bool
generation_fits(const struct settings *settings)
{
	uint64_t each = segment_worker_size(
	    (uint32_t)settings->ring_records, (uint32_t)settings->table_keys);
	uint64_t need = each * settings->workers, space, memory;
	bool one = settings->workers == 1, fits = false;

	/* The kernel frees what an ended process had a little later. */
	for (int i = 0; i < FREED_TRIES && !fits; i++) {
		if (i > 0)
			usleep(10000);
		space = segment_space();
		memory = memory_available();
		fits = need <= space && need <= memory;
	}
	if (!fits)
		log_error("%s is too small: %" PRIu64 " %s %.1f MiB%s, %.1f "
			  "MiB are free; lower queue.ring_records, "
			  "queue.table_keys or reporter.workers%s",
		    need > space ? "/dev/shm" : "memory", settings->workers,
		    one ? "worker needs" : "workers need", MIB(each),
		    one ? "" : " each", MIB(need > space ? space : memory),
		    need > space ? ", or enlarge /dev/shm" : "");
	return fits;
}

void
generation_drop(struct generation *generation)
{
	for (uint32_t i = 0; i < generation->workers; i++) {
		struct segment *map = &generation->child[i]->segment.map;
		char name[SEGMENT_NAME_MAX];

		memcpy(name, map->name, sizeof(name));
		child_drop(generation->child[i]);
		segment_remove(name);
	}
	generation->workers = 0;
}

/* The first number from this one on whose names are free: any user can take
   names under /dev/shm, which ends the search. */
static uint64_t
generation_free(const struct segment_spec *spec)
{
	char name[SEGMENT_NAME_MAX], first[SEGMENT_NAME_MAX] = "";
	uint64_t number = spec->generation;

	for (uint32_t slot = 0; slot < spec->workers; slot++) {
		segment_name(name, spec->instance, number, slot);
		if (!segment_taken(name))
			continue;
		if (*first == '\0')
			memcpy(first, name, sizeof(first));
		number++;
		slot = UINT32_MAX; /* begin with 0 */
	}
	if (*first != '\0')
		log_warn("segment %s or its .secret exists: using generation "
			 "%" PRIu64 " instead; inspect or remove it",
		    first, number);
	return number;
}

static struct child *
create_child(struct children *children, const struct segment_spec *spec)
{
	struct worker_segment segment;
	enum shm_status status = segment_create_worker(&segment, spec);

	if (status != SHM_OK) {
		log_error("cannot create segment %s: %s", segment.map.name,
		    shm_strerror(status, errno));
		return NULL;
	}
	struct child *child = NULL;
	if (segment_share(&segment.map, children->readers) != SHM_OK)
		log_error("cannot create segment %s: %m", segment.map.name);
	else if ((child = child_adopt(children, &segment)) == NULL)
		log_error("cannot create segment: %d segments still hold "
			  "records; retry when some are stored",
		    CHILDREN_MAX);
	if (child == NULL) {
		segment_close(&segment.map);
		segment_remove(segment.map.name);
	}
	return child;
}

int
generation_create(struct generation *generation, uint64_t number,
    struct children *children, const struct settings *settings)
{
	struct segment_spec spec = {
		.instance = settings->instance,
		.generation = number,
		.workers = (uint32_t)settings->workers,
		.ring_records = (uint32_t)settings->ring_records,
		.table_keys = (uint32_t)settings->table_keys,
	};

	spec.generation = generation_free(&spec);
	generation->number = spec.generation;
	generation->workers = 0;
	if (!generation_fits(settings))
		return -1;
	uint64_t huge = 0;
	for (; spec.slot < spec.workers; spec.slot++) {
		struct child *child = create_child(children, &spec);

		if (child == NULL) {
			generation_drop(generation);
			return -1;
		}
		FAULT_POINT("generation_half");
		generation->child[generation->workers++] = child;
		huge += child->segment.map.header.huge_mib;
	}
	log_info("generation %" PRIu64 ": shared memory: %.0f MiB, in huge "
		 "pages: %" PRIu64 " MiB",
	    generation->number,
	    MIB((double)generation->workers *
		(double)segment_worker_size(
		    spec.ring_records, spec.table_keys)),
	    huge);
	return 0;
}

/* -------------------------------------------------------------- adopting -- */

/* Continue the newest generation, if all of it is there and it fits. */
static void
generation_resume(struct generation *generation, struct child **left, int n,
    const struct settings *settings)
{
	uint32_t workers = 0;

	for (int i = 0; i < n; i++) {
		const struct segment_header *h = &left[i]->segment.map.header;

		if (h->generation == generation->number && h->slot == workers &&
		    h->workers == settings->workers &&
		    h->ring_records == settings->ring_records &&
		    h->table_keys == settings->table_keys)
			generation->child[workers++] = left[i];
	}
	if (workers == settings->workers)
		generation->workers = workers;
}

/* The names of the segments that were left.  Returns how many, or -1. */
static int
list_left(const char *instance, char (*names)[SEGMENT_NAME_MAX])
{
	/* Those that another user owns do not count, however many. */
	int n = segment_list(instance, geteuid(), names, CHILDREN_MAX);
	int all = segment_list(instance, SEGMENT_ANYBODY, names, 0);

	if (n < 0 || all < 0) {
		log_error("cannot list the segments of an earlier run: %m");
		return -1;
	}
	if (n > CHILDREN_MAX - WORKERS_MAX) {
		log_error("cannot adopt %d segments under /dev/shm: the "
			  "maximum is %d; move some away",
		    n, CHILDREN_MAX - WORKERS_MAX);
		return -1;
	}
	/* Perhaps reporter itself ran as that user. */
	if (all > n)
		log_warn("%d segments of instance %s under /dev/shm are owned "
			 "by another user: ignored",
		    all - n, instance);
	return n;
}

int
generation_adopt(struct generation *generation, struct children *children,
    const struct settings *settings)
{
	static char names[CHILDREN_MAX][SEGMENT_NAME_MAX];
	struct child *left[CHILDREN_MAX];
	uint64_t records = 0;
	int adopted = 0;
	int n = list_left(settings->instance, names);

	*generation = (struct generation){ .number = 0 };
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		struct worker_segment segment;
		enum shm_status status = segment_open_worker(
		    &segment, names[i], SEGMENT_WRITE, SEGMENT_ANYBODY);

		/* Records may be in one that cannot be opened now. */
		if (status == SHM_SYSTEM) {
			log_error("cannot open segment %s: %s", names[i],
			    shm_strerror(status, errno));
			return -1;
		}
		if (status != SHM_OK) {
			instance_discard(names[i], status);
			continue;
		}
		if (segment_share(&segment.map, children->readers) != SHM_OK)
			log_warn(
			    "cannot share segment %s with reporter.group: %m",
			    names[i]);
		left[adopted] = child_adopt(children, &segment);
		generation->number = left[adopted++]->generation;
		records +=
		    ring_queued(&segment.ring) + table_pending(&segment.table);
	}
	generation_resume(generation, left, adopted, settings);
	if (adopted > 0)
		log_info("adopted from an earlier run: segments: %d, records: "
			 "%" PRIu64,
		    adopted, records);
	return 0;
}
