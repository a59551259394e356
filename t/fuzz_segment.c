/* SPDX-License-Identifier: MIT
 *
 * Segments with hostile contents: what `reporterctl status` reads, what a
 * master adopts and what a worker takes over.  A whole instance of one worker
 * is made; the input changes bytes of its two segments, cuts or lengthens
 * them, and may mend the header's check as an attacker could.
 *
 * The input is a list of changes:
 *   0 where where count byte...   bytes of the master's segment
 *   1 where where count byte...   bytes of the worker's, its beginning
 *   2 where where count byte...   bytes of the worker's table
 *   3 which                       mend the check of a segment (0, 1)
 *   4 which size size             another size of a segment, in 16 bytes
 *   5                             its worker crashed
 *   6 slot slot mark              a byte of the dirty map while a worker runs,
 *                                 which makes that map at its start
 */
#include "config.h"

#include "collect.h"
#include "fuzz.h"
#include "lib/log.h"
#include "status/status.h"
#include "worker/trial.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_RECORDS 512 /* as a worker's drain passes over at once */
#define ROWS 64

/* A segment, and how it was before the input changed it. */
struct victim {
	char name[SEGMENT_NAME_MAX];
	int fd;
	uint8_t *map; /* of the file, size bytes */
	uint8_t *kept;
	size_t size;
};

static struct victim victims[2]; /* the master's, the worker's */
static char instance[INSTANCE_MAX];

/* What the input makes of an instance, beside bytes. */
struct hostile {
	off_t sizes[2]; /* of the segments */
	bool crashed;
	uint32_t slot; /* of the table: its mark is this */
	uint8_t mark;
};

/* Bound to this by the linker: a status that does not add up is read four
   times, and waiting in between would be what takes long. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

int
__wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted;
	(void)left;
	return 0;
}

/* ---------------------------------------------------------- the instance -- */

static void
victims_remove(void)
{
	for (int i = 0; i < 2; i++)
		segment_remove(victims[i].name);
}

static void
victim_keep(struct victim *victim, const struct segment *segment)
{
	memcpy(victim->name, segment->name, sizeof(victim->name));
	victim->size = segment->size;
	victim->fd = shm_open(victim->name, O_RDWR | O_CLOEXEC, 0);
	FUZZ_CHECK(victim->fd >= 0);
	victim->kept = malloc(victim->size);
	FUZZ_CHECK(victim->kept != NULL);
	memcpy(victim->kept, segment->base, victim->size);
	victim->map = mmap(NULL, victim->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, victim->fd, 0);
	FUZZ_CHECK(victim->map != MAP_FAILED);
}

static void
fill_worker(struct worker_segment *worker)
{
	struct record records[8] = { { 0 } };

	for (uint32_t i = 0; i < 8; i++) {
		records[i] = (struct record){ .modid = 1, .ip = i };
		record_set_ts(&records[i], 1700000000);
	}
	ring_put(&worker->ring, records, 8);
	ring_publish(&worker->ring);
	FUZZ_CHECK(table_put(&worker->table, records, 4, UINT64_MAX) == 4);
	ring_advance(&worker->ring, 4);
}

static void
instance_make(void)
{
	struct segment_spec spec = { .instance = instance,
		.generation = 1,
		.workers = 1,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = TABLE_KEYS_MIN };
	struct segment master;
	struct worker_segment worker;

	snprintf(instance, sizeof(instance), "fuzz-%d", (int)getpid());
	FUZZ_CHECK(segment_create_master(&master, instance) == SHM_OK);
	FUZZ_CHECK(segment_create_worker(&worker, &spec) == SHM_OK);
	atexit(victims_remove);
	struct child_entry *entry = &segment_master(&master)->children[0];
	counter_set(&entry->generation, 1);
	entry->state = CHILD_RUNNING;
	counter_set(&segment_master(&master)->input.received, 8);
	fill_worker(&worker);
	victim_keep(&victims[0], &master);
	victim_keep(&victims[1], &worker.map);
	segment_close(&master);
	segment_close(&worker.map);
}

static void
instance_restore(void)
{
	for (int i = 0; i < 2; i++) {
		FUZZ_CHECK(
		    ftruncate(victims[i].fd, (off_t)victims[i].size) == 0);
		memcpy(victims[i].map, victims[i].kept, victims[i].size);
	}
}

/* ------------------------------------------------------------ the changes --
 */

struct input {
	const uint8_t *at, *end;
};

static unsigned
take(struct input *input, unsigned bytes)
{
	unsigned value = 0;

	for (; bytes > 0; bytes--)
		value =
		    value << 8 | (input->at < input->end ? *input->at++ : 0);
	return value;
}

static void
change_bytes(struct victim *victim, size_t base, struct input *input)
{
	size_t at = base + take(input, 2), count = take(input, 1);

	for (; count > 0 && input->at < input->end; count--, at++)
		victim->map[at % victim->size] = *input->at++;
}

/* FNV-1a, as in segment.c: it is no secret. */
static void
mend_check(struct victim *victim)
{
	struct segment_header *h = (struct segment_header *)(void *)victim->map;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < offsetof(struct segment_header, check); i++)
		hash = (hash ^ victim->map[i]) * UINT64_C(0x100000001b3);
	h->check = hash;
}

static size_t
table_offset(void)
{
	return ((sizeof(struct worker_shared) + 4095) & ~(size_t)4095) +
	       RING_RECORDS_MIN * sizeof(struct record);
}

static void
apply(struct input *input, struct hostile *hostile)
{
	while (input->at < input->end) {
		unsigned which;

		switch (take(input, 1) % 7) {
		case 0:
			change_bytes(&victims[0], 0, input);
			break;
		case 1:
			change_bytes(&victims[1], 0, input);
			break;
		case 2:
			change_bytes(&victims[1], table_offset(), input);
			break;
		case 3:
			mend_check(&victims[take(input, 1) & 1]);
			break;
		case 4:
			which = take(input, 1) & 1;
			hostile->sizes[which] = 16 * (off_t)take(input, 2);
			break;
		case 5:
			hostile->crashed = true;
			break;
		case 6:
			hostile->slot = (uint32_t)take(input, 2);
			hostile->mark = (uint8_t)take(input, 1);
			break;
		}
	}
}

/* -------------------------------------------------------- what reads them --
 */

static void
show(void)
{
	static struct status status;
	char *text;
	size_t size;

	if (status_collect(&status, instance) != SHM_OK)
		return;
	FUZZ_CHECK(status.count <= STATUS_WORKERS_MAX);
	FILE *out = open_memstream(&text, &size);
	FUZZ_CHECK(out != NULL);
	status_text(&status, out);
	FUZZ_CHECK(status_json(&status, out));
	FUZZ_CHECK(fclose(out) == 0);
	/* Nothing that steers a terminal. */
	for (size_t i = 0; i < size; i++)
		FUZZ_CHECK(text[i] == '\n' ||
			   ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
	free(text);
}

/* A master goes on with it, whatever its worker writes as the tail: here the
   first word of its flush, which the input can set. */
static void
adopt(void)
{
	static struct record records[RING_RECORDS_MIN];
	struct worker_segment segment;
	struct segment master;

	if (segment_open_master(&master, instance, SEGMENT_WRITE) == SHM_OK)
		segment_close(&master);
	if (segment_open_worker(&segment, victims[1].name, SEGMENT_WRITE,
		SEGMENT_ANYBODY) != SHM_OK)
		return;
	struct worker_shared *shared = segment.shared;
	uint64_t tail = counter_get(&shared->consumer.tail);
	uint64_t head = counter_get(&shared->producer.head);
	counter_set(
	    &shared->consumer.tail, tail + counter_get(&shared->flush.stored));
	uint64_t room = ring_room(&segment.ring, RING_RECORDS_MIN);
	FUZZ_CHECK(room <= RING_RECORDS_MIN);
	ring_put(&segment.ring, records, room);
	FUZZ_CHECK(head == counter_get(&shared->producer.head));
	counter_set(&shared->consumer.tail, tail);
	segment_close(&segment.map);
}

/* Drain and flush all there is, as a worker does. */
static void
work(struct worker_segment *segment)
{
	static struct table_row rows[ROWS];
	uint64_t n, left = RING_RECORDS_MIN;
	uint32_t position = 0;
	size_t put, found;

	for (;;) {
		n = DRAIN_RECORDS;
		const struct record *records = ring_peek(&segment->ring, &n);
		FUZZ_CHECK(n <= left);
		put = table_put(&segment->table, records, n, 2000000000);
		ring_advance(&segment->ring, put);
		left -= put;
		if (put < n || n == 0)
			break;
	}
	while ((found = table_collect(
		    &segment->table, DIRTY_ANY, &position, rows, ROWS)) > 0)
		for (size_t i = 0; i < found; i++)
			table_stored(&segment->table, &rows[i]);
}

static void
take_over(const struct hostile *hostile)
{
	const struct settings none = { .dead_letter_file = "" };
	struct worker_segment segment;
	struct trial trial;

	if (segment_open_worker(&segment, victims[1].name, SEGMENT_WRITE,
		SEGMENT_ANYBODY) != SHM_OK)
		return;
	table_recover(
	    &segment.table, counter_get(&segment.ring.consumer->tail));
	trial_open(&trial, &segment, hostile->crashed, &none);
	if (hostile->mark != 0)
		segment.table.dirty[hostile->slot % segment.table.size] =
		    hostile->mark;
	work(&segment);
	segment_close(&segment.map);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	struct hostile hostile = { .crashed = false };

	if (*instance == '\0') {
		/* That a record is set aside is said each time. */
		FUZZ_CHECK(log_open("/dev/null", LOG_LEVEL_ERROR) == 0);
		instance_make();
	}
	instance_restore();
	for (int i = 0; i < 2; i++)
		hostile.sizes[i] = (off_t)victims[i].size;
	apply(&input, &hostile);
	/* Sizes come last: what is cut off cannot be changed any more. */
	for (int i = 0; i < 2; i++)
		if (hostile.sizes[i] != (off_t)victims[i].size)
			FUZZ_CHECK(
			    ftruncate(victims[i].fd, hostile.sizes[i]) == 0);
	show();
	adopt();
	take_over(&hostile);
	return 0;
}
