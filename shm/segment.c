/* SPDX-License-Identifier: MIT
 *
 * Segments: making, mapping, checking, locking, listing and removing them.
 * Owns the mapping and the descriptor of each struct segment.  Any process
 * may call it, one thread at a time; every failure is returned.
 */
#include "config.h"

#include "shm/segment.h"
#include "shm/faultpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define SHM_DIR "/dev/shm"
#define PREFIX "reporter."
#define ASIDE_PREFIX "set-aside.reporter."
#define SEGMENT_MODE 0600
#define SEGMENT_MODE_SHARED 0640
#define ANYBODY ((uid_t)-1)

const char *
shm_status_text(enum shm_status status)
{
	static const char *const texts[] = {
		[SHM_OK] = "all is well",
		[SHM_MISSING] = "there is no such segment",
		[SHM_EXISTS] = "the segment exists already",
		[SHM_UNFINISHED] = "its making was cut short; it holds nothing",
		[SHM_VERSION] = "it has the layout of another version",
		[SHM_DAMAGED] = "it is damaged: its header contradicts itself",
		[SHM_FOREIGN] = "it belongs to another user, or others may "
				"write to it",
		[SHM_NO_SPACE] = SHM_DIR " has not enough room",
		[SHM_BUSY] = "another process holds it",
		[SHM_SYSTEM] = "system error",
	};

	return texts[status];
}

const char *
child_state_name(enum child_state state)
{
	static const char *const names[] = {
		[CHILD_NONE] = "none",
		[CHILD_STARTING] = "starting",
		[CHILD_RUNNING] = "running",
		[CHILD_FINISHING] = "finishing",
		[CHILD_WAITING] = "waiting",
		[CHILD_FAILED] = "failed",
		[CHILD_STOPPING] = "stopping",
	};

	return (unsigned)state <= CHILD_STOPPING ? names[state] : "unknown";
}

bool
segment_instance_ok(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < INSTANCE_MAX &&
	       strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789_-") == length;
}

/* ---------------------------------------------------------------- layout -- */

struct layout {
	uint64_t records, slots, dirty, size; /* offsets, and the whole */
};

static uint64_t
page_up(uint64_t offset)
{
	return (offset + 4095) & ~UINT64_C(4095);
}

static struct layout
layout_of(uint32_t ring_records, uint32_t table_keys)
{
	struct layout l;
	uint64_t slots = table_slots(table_keys);

	l.records = page_up(sizeof(struct worker_shared));
	l.slots =
	    page_up(l.records + (uint64_t)ring_records * sizeof(struct record));
	l.dirty = page_up(l.slots + slots * sizeof(struct slot));
	l.size = page_up(l.dirty + slots);
	return l;
}

uint64_t
segment_worker_size(uint32_t ring_records, uint32_t table_keys)
{
	return layout_of(ring_records, table_keys).size;
}

uint64_t
segment_space(void)
{
	struct statvfs fs;

	if (statvfs(SHM_DIR, &fs) < 0)
		return 0;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

void
segment_name(
    char *name, const char *instance, uint64_t generation, uint32_t slot)
{
	snprintf(name, SEGMENT_NAME_MAX, "/" PREFIX "%s.%llu.%u", instance,
	    (unsigned long long)generation, slot);
}

/* ----------------------------------------------------------------- check -- */

/* FNV-1a (Fowler, Noll, Vo) of the header's constant part. */
static uint64_t
header_hash(const struct segment_header *header)
{
	const unsigned char *p = (const unsigned char *)header;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < offsetof(struct segment_header, check); i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static bool
geometry_ok(uint32_t ring_records, uint32_t table_keys)
{
	return ring_records >= RING_RECORDS_MIN &&
	       ring_records <= RING_RECORDS_MAX &&
	       (ring_records & (ring_records - 1)) == 0 &&
	       table_keys >= TABLE_KEYS_MIN && table_keys <= TABLE_KEYS_MAX;
}

/* Whether the ring's indices agree.  Its two sides may be moving them. */
static bool
indices_ok(const struct worker_shared *w)
{
	uint64_t tail =
	    atomic_load_explicit(&w->consumer.tail, memory_order_acquire);

	for (int try = 0; try < 1000; try++) {
		uint64_t before = tail;
		uint64_t head = atomic_load_explicit(
		    &w->producer.head, memory_order_acquire);
		tail = atomic_load_explicit(
		    &w->consumer.tail, memory_order_acquire);
		if (head - before <= w->header.ring_records)
			return true;
		/* The head is of another moment than the tail: look again. */
		if (tail == before)
			return false;
	}
	return true;
}

/* Whether a mapping of SIZE bytes is a whole segment of this kind. */
static enum shm_status
segment_check(const void *base, uint64_t size, enum segment_kind kind)
{
	const struct segment_header *h = base;

	if (h->magic != SEGMENT_MAGIC)
		return h->magic == 0 ? SHM_UNFINISHED : SHM_DAMAGED;
	/* Version 0 was never: its maker has not come so far. */
	if (h->version != SEGMENT_VERSION)
		return h->version == 0 ? SHM_UNFINISHED : SHM_VERSION;
	/* Acquire: the maker wrote all of the header before. */
	if (!atomic_load_explicit(&h->ready, memory_order_acquire))
		return SHM_UNFINISHED;
	if (h->check != header_hash(h) || h->kind != kind || h->size != size)
		return SHM_DAMAGED;
	if (kind == SEGMENT_MASTER)
		return size == page_up(sizeof(struct master_shared))
			   ? SHM_OK
			   : SHM_DAMAGED;
	if (!geometry_ok(h->ring_records, h->table_keys) ||
	    segment_worker_size(h->ring_records, h->table_keys) != size ||
	    !indices_ok(base))
		return SHM_DAMAGED;
	return SHM_OK;
}

/* ---------------------------------------------------------------- making -- */

static enum shm_status
segment_fail(struct segment *segment, enum shm_status status)
{
	int saved = errno;

	segment_close(segment);
	errno = saved;
	return status;
}

static gid_t readers = (gid_t)-1;

void
segment_share_with(gid_t group)
{
	readers = group;
}

enum shm_status
segment_share(const struct segment *segment)
{
	mode_t mode = SEGMENT_MODE;
	struct stat st;

	if (fstat(segment->fd, &st) < 0)
		return SHM_SYSTEM;
	if (readers != (gid_t)-1) {
		mode = SEGMENT_MODE_SHARED;
		if (st.st_gid != readers &&
		    fchown(segment->fd, (uid_t)-1, readers) < 0)
			return SHM_SYSTEM;
	}
	if ((st.st_mode & 07777) != mode && fchmod(segment->fd, mode) < 0)
		return SHM_SYSTEM;
	return SHM_OK;
}

/* Make and map an empty segment of segment->size bytes, all reserved. */
static enum shm_status
segment_make(struct segment *segment)
{
	segment->base = NULL;
	segment->fd =
	    shm_open(segment->name, O_RDWR | O_CREAT | O_EXCL, SEGMENT_MODE);
	if (segment->fd < 0)
		return errno == EEXIST ? SHM_EXISTS : SHM_SYSTEM;

	FAULT_POINT("segment_opened");
	/* Reserve all space now: a full /dev/shm is an error here and no
	   SIGBUS later. */
	int error;
	do
		error = posix_fallocate(segment->fd, 0, (off_t)segment->size);
	while (error == EINTR);
	FAULT_POINT("segment_reserved");
	if (error == 0) {
		segment->base = mmap(NULL, segment->size,
		    PROT_READ | PROT_WRITE, MAP_SHARED, segment->fd, 0);
		if (segment->base != MAP_FAILED &&
		    segment_share(segment) == SHM_OK)
			return SHM_OK;
		error = errno;
		if (segment->base == MAP_FAILED)
			segment->base = NULL;
	}
	shm_unlink(segment->name);
	errno = error;
	return segment_fail(
	    segment, error == ENOSPC ? SHM_NO_SPACE : SHM_SYSTEM);
}

/* Fill in the header; the segment may be used from then on. */
static void
header_write(struct segment_header *h, const struct segment *segment,
    enum segment_kind kind, const struct segment_spec *spec)
{
	h->version = SEGMENT_VERSION;
	h->kind = kind;
	h->size = segment->size;
	h->generation = spec->generation;
	h->slot = spec->slot;
	h->workers = spec->workers;
	h->ring_records = spec->ring_records;
	h->table_keys = spec->table_keys;
	h->created = (uint64_t)time(NULL);
	if (getrandom(&h->seed, sizeof(h->seed), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(h->seed))
		h->seed = h->created * UINT64_C(0x9e3779b97f4a7c15);
	snprintf(h->instance, sizeof(h->instance), "%s", spec->instance);
	FAULT_POINT("segment_header_half");
	h->magic = SEGMENT_MAGIC;
	h->check = header_hash(h);
	FAULT_POINT("segment_unready");
	/* Release: licenses others to read the header. */
	atomic_store_explicit(&h->ready, 1, memory_order_release);
}

static void
worker_attach(struct worker_segment *segment)
{
	struct worker_shared *shared = segment->map.base;
	const struct segment_header *h = &shared->header;
	struct layout l = layout_of(h->ring_records, h->table_keys);
	char *base = segment->map.base;

	segment->shared = shared;
	ring_attach(&segment->ring, &shared->producer, &shared->consumer,
	    (struct record *)(base + l.records), h->ring_records);
	segment->table = (struct table){
		.slots = (struct slot *)(base + l.slots),
		.dirty = (_Atomic uint8_t *)(base + l.dirty),
		.size = table_slots(h->table_keys),
		.keys = h->table_keys,
		.seed = h->seed,
		.drain = &shared->drain,
		.flush = &shared->flush,
	};
}

enum shm_status
segment_create_worker(
    struct worker_segment *segment, const struct segment_spec *spec)
{
	segment->map.base = NULL;
	segment->map.fd = -1;
	if (!geometry_ok(spec->ring_records, spec->table_keys) ||
	    !segment_instance_ok(spec->instance)) {
		errno = EINVAL;
		return SHM_SYSTEM;
	}
	segment_name(
	    segment->map.name, spec->instance, spec->generation, spec->slot);
	segment->map.size =
	    segment_worker_size(spec->ring_records, spec->table_keys);
	enum shm_status status = segment_make(&segment->map);
	if (status != SHM_OK)
		return status;
	header_write(segment->map.base, &segment->map, SEGMENT_WORKER, spec);
	worker_attach(segment);
	return SHM_OK;
}

enum shm_status
segment_create_master(struct segment *segment, const char *instance)
{
	struct segment_spec spec = { .instance = instance };

	segment->base = NULL;
	segment->fd = -1;
	if (!segment_instance_ok(instance)) {
		errno = EINVAL;
		return SHM_SYSTEM;
	}
	snprintf(
	    segment->name, sizeof(segment->name), "/" PREFIX "%s", instance);
	segment->size = page_up(sizeof(struct master_shared));
	enum shm_status status = segment_make(segment);
	if (status == SHM_OK)
		header_write(segment->base, segment, SEGMENT_MASTER, &spec);
	return status;
}

/* --------------------------------------------------------------- opening -- */

/*
 * What a segment that has not all of its space is.  Its maker reserves that
 * before the header's first word; with a header it is none of ours.  It is not
 * mapped: to look at a hole would take memory, or be a SIGBUS when there is
 * none.
 */
static enum shm_status
hole_means(const struct segment *segment)
{
	uint64_t magic = 0;
	ssize_t n = pread(segment->fd, &magic, sizeof(magic),
	    offsetof(struct segment_header, magic));

	if (n < 0)
		return SHM_SYSTEM;
	return magic == 0 ? SHM_UNFINISHED : SHM_DAMAGED;
}

/* Whether who made it may do so: for writing, it was we, and nobody else may
   write to it; for reading, somebody, or a certain owner. */
static bool
maker_ok(const struct stat *st, enum segment_access access, uid_t owner)
{
	if (access == SEGMENT_WRITE)
		return st->st_uid == geteuid() && (st->st_mode & 022) == 0;
	return owner == ANYBODY || st->st_uid == owner;
}

static enum shm_status
segment_map(struct segment *segment, enum segment_kind kind,
    enum segment_access access, uid_t owner)
{
	bool write = access == SEGMENT_WRITE;
	struct stat st;

	segment->base = NULL;
	/* A pipe that somebody planted must not hold us up. */
	segment->fd = shm_open(segment->name,
	    (write ? O_RDWR : O_RDONLY) | O_NONBLOCK, SEGMENT_MODE);
	if (segment->fd < 0)
		return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	if (fstat(segment->fd, &st) < 0)
		return segment_fail(segment, SHM_SYSTEM);
	if (!maker_ok(&st, access, owner))
		return segment_fail(segment, SHM_FOREIGN);
	if (!S_ISREG(st.st_mode))
		return segment_fail(segment, SHM_DAMAGED);
	if (st.st_size == 0)
		return segment_fail(segment, SHM_UNFINISHED);
	/* Not less than the header: of another version it may be all. */
	if ((uint64_t)st.st_size < sizeof(struct segment_header))
		return segment_fail(segment, SHM_DAMAGED);
	if ((uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size)
		return segment_fail(segment, hole_means(segment));
	segment->owner = st.st_uid;
	segment->size = (size_t)st.st_size;
	segment->base = mmap(NULL, segment->size,
	    write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, segment->fd,
	    0);
	if (segment->base == MAP_FAILED) {
		segment->base = NULL;
		return segment_fail(segment, SHM_SYSTEM);
	}
	enum shm_status status =
	    segment_check(segment->base, segment->size, kind);
	if (status != SHM_OK)
		return segment_fail(segment, status);
	if (!write) {
		close(segment->fd);
		segment->fd = -1;
	}
	return SHM_OK;
}

static enum shm_status
worker_map(struct worker_segment *segment, const char *name,
    enum segment_access access, uid_t owner)
{
	snprintf(segment->map.name, sizeof(segment->map.name), "%s", name);
	enum shm_status status =
	    segment_map(&segment->map, SEGMENT_WORKER, access, owner);
	if (status == SHM_OK)
		worker_attach(segment);
	return status;
}

enum shm_status
segment_open_worker(struct worker_segment *segment, const char *name,
    enum segment_access access)
{
	return worker_map(segment, name, access, ANYBODY);
}

enum shm_status
segment_view_worker(
    struct worker_segment *segment, const char *name, uid_t owner)
{
	return worker_map(segment, name, SEGMENT_READ, owner);
}

enum shm_status
segment_open_master(
    struct segment *segment, const char *instance, enum segment_access access)
{
	segment->base = NULL;
	segment->fd = -1;
	if (!segment_instance_ok(instance)) {
		errno = EINVAL;
		return SHM_SYSTEM;
	}
	snprintf(
	    segment->name, sizeof(segment->name), "/" PREFIX "%s", instance);
	return segment_map(segment, SEGMENT_MASTER, access, ANYBODY);
}

/* SHM_OK when the name leads to this segment still, SHM_MISSING if not. */
static enum shm_status
segment_named(const struct segment *segment)
{
	struct stat ours, named;
	enum shm_status status = SHM_SYSTEM;
	int fd = shm_open(segment->name, O_RDONLY | O_NONBLOCK, SEGMENT_MODE);

	if (fd < 0)
		return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	if (fstat(segment->fd, &ours) == 0 && fstat(fd, &named) == 0)
		status = ours.st_ino == named.st_ino ? SHM_OK : SHM_MISSING;
	int saved = errno;
	close(fd);
	errno = saved;
	return status;
}

enum shm_status
segment_lock(const struct segment *segment, int timeout_ms)
{
	const struct timespec nap = { 0, 10 * 1000000L };

	for (int waited = 0; flock(segment->fd, LOCK_EX | LOCK_NB) < 0;
	     waited += 10) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return SHM_SYSTEM;
		if (waited >= timeout_ms)
			return SHM_BUSY;
		nanosleep(&nap, NULL);
	}
	/* Its holder before may have removed it as its last act. */
	return segment_named(segment);
}

void
segment_close(struct segment *segment)
{
	if (segment->base != NULL)
		munmap(segment->base, segment->size);
	if (segment->fd >= 0)
		close(segment->fd);
	segment->base = NULL;
	segment->fd = -1;
}

/* -------------------------------------------------------------- the rest -- */

enum shm_status
segment_remove(const char *name)
{
	if (shm_unlink(name) == 0)
		return SHM_OK;
	return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
}

enum shm_status
segment_set_aside(const char *name, char *aside, size_t size)
{
	char from[SEGMENT_NAME_MAX + sizeof(SHM_DIR)];

	long long when = (long long)time(NULL);

	snprintf(from, sizeof(from), SHM_DIR "%s", name);
	/* One that was set aside in the same second is not overwritten. */
	do {
		int length =
		    snprintf(aside, size, SHM_DIR "/" ASIDE_PREFIX "%s.%lld",
			name + strlen("/" PREFIX), when++);
		if (length < 0 || (size_t)length >= size) {
			errno = ENAMETOOLONG;
			return SHM_SYSTEM;
		}
		if (renameat2(
			AT_FDCWD, from, AT_FDCWD, aside, RENAME_NOREPLACE) == 0)
			return SHM_OK;
	} while (errno == EEXIST);
	return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
}

/* Take a worker segment's file name apart: reporter.INSTANCE.GENERATION.SLOT.
 */
static bool
file_parse(const char *file, const char *instance, uint64_t *generation,
    uint32_t *slot)
{
	size_t length = strlen(instance);
	unsigned long long g;
	unsigned s;
	int end = 0;

	if (strncmp(file, PREFIX, strlen(PREFIX)) != 0)
		return false;
	file += strlen(PREFIX);
	if (strncmp(file, instance, length) != 0 || file[length] != '.')
		return false;
	file += length;
	if (sscanf(file, ".%llu.%u%n", &g, &s, &end) != 2 || file[end] != '\0')
		return false;
	*generation = g;
	*slot = s;
	return true;
}

static int
name_compare(const void *a, const void *b)
{
	uint64_t ga, gb;
	uint32_t sa, sb;
	const char *na = a, *nb = b;

	/* Names of one list: the instance is the same, so skip to its end. */
	sscanf(strchr(na + strlen("/" PREFIX), '.'), ".%lu.%u", &ga, &sa);
	sscanf(strchr(nb + strlen("/" PREFIX), '.'), ".%lu.%u", &gb, &sb);
	if (ga != gb)
		return ga < gb ? -1 : 1;
	return (sa > sb) - (sa < sb);
}

/* Whether a file under SHM_DIR is this owner's. */
static bool
owned_by(const char *file, uid_t owner, int dir)
{
	struct stat st;

	return owner == ANYBODY ||
	       (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		   st.st_uid == owner);
}

int
segment_list(const char *instance, char (*names)[SEGMENT_NAME_MAX], int max)
{
	return segment_list_of(instance, ANYBODY, names, max);
}

int
segment_list_of(
    const char *instance, uid_t owner, char (*names)[SEGMENT_NAME_MAX], int max)
{
	DIR *dir = opendir(SHM_DIR);
	struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		char name[SEGMENT_NAME_MAX];
		uint64_t generation;
		uint32_t slot;

		if (!file_parse(entry->d_name, instance, &generation, &slot))
			continue;
		/* Only what we would write so ourselves: no "007", no "+7". */
		segment_name(name, instance, generation, slot);
		if (strcmp(name + 1, entry->d_name) != 0 ||
		    !owned_by(entry->d_name, owner, dirfd(dir)))
			continue;
		if (n < max)
			memcpy(names[n], name, sizeof(name));
		n++;
	}
	closedir(dir);
	if (n > 0 && max > 0)
		qsort(names, (size_t)(n < max ? n : max), sizeof(*names),
		    name_compare);
	return n;
}

unsigned
segment_last_error(const struct worker_shared *shared, char *text, size_t size)
{
	const struct flush_counters *f = &shared->flush;
	uint64_t number = 0;

	/* The writer needs microseconds; a killed one may leave it odd, then
	   the text is as good as it gets. */
	for (int try = 0; try < 1000; try++) {
		uint64_t version = atomic_load_explicit(
		    &f->last_error_version, memory_order_acquire);

		number = counter_get(&f->last_error_number);
		snprintf(text, size, "%.*s", (int)sizeof(f->last_error),
		    f->last_error);
		atomic_thread_fence(memory_order_acquire);
		if (version % 2 == 0 &&
		    counter_get(&f->last_error_version) == version)
			break;
	}
	return (unsigned)number;
}
