/* SPDX-License-Identifier: MIT
 *
 * Segments: making, mapping and checking them.  Owns the mapping and
 * the descriptor of each struct segment.  Any process may call it, one thread
 * at a time; every failure is returned.
 */
#include "config.h"

#include "shm/agents.h"
#include "shm/faultpoint.h"
#include "shm/huge.h"
#include "shm/keep_errno.h"
#include "shm/segment_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT_MODE 0600
#define SEGMENT_MODE_SHARED 0640

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

/* The size of a segment of this kind; 0: it cannot have these numbers. */
static uint64_t
size_of(enum segment_kind kind, uint32_t ring_records, uint32_t table_keys)
{
	switch (kind) {
	case SEGMENT_MASTER:
		return page_up(sizeof(struct master_shared));
	case SEGMENT_AGENTS:
		if (table_keys == 0 || table_keys > AGENTS_MAX)
			return 0;
		return page_up(SEGMENT_AGENTS_ROWS +
			       (uint64_t)table_keys * sizeof(struct agent_row));
	case SEGMENT_WORKER:
		if (ring_records < RING_RECORDS_MIN ||
		    ring_records > RING_RECORDS_MAX ||
		    (ring_records & (ring_records - 1)) != 0 ||
		    table_keys < TABLE_KEYS_MIN || table_keys > TABLE_KEYS_MAX)
			return 0;
		return segment_worker_size(ring_records, table_keys);
	}
	return 0;
}

/* Whether the ring's indices agree.  Its two sides may be moving them. */
static bool
indices_ok(const struct worker_shared *w, uint32_t ring_records)
{
	uint64_t tail = counter_acquire(&w->consumer.tail);

	for (int try = 0; try < 1000; try++) {
		uint64_t before = tail;
		uint64_t head = counter_acquire(&w->producer.head);
		tail = counter_acquire(&w->consumer.tail);
		if (head - before <= ring_records)
			return true;
		/* The head is of another moment than the tail: look again. */
		if (tail == before)
			return false;
	}
	return true;
}

/* Whether a mapped segment is whole and of this kind; fills in its header. */
static enum shm_status
segment_check(struct segment *segment, enum segment_kind kind)
{
	const struct segment_header *mapped = segment->base;
	struct segment_header *h = &segment->header;
	uint64_t size = segment->size;

	/* Acquire: the maker wrote all of the header before. */
	uint32_t ready = counter_acquire(&mapped->ready);
	/* Nothing is read twice: who can write to it may change it. */
	words_copy(h, mapped, sizeof(*h));
	if (h->magic != SEGMENT_MAGIC)
		return h->magic == 0 ? SHM_UNFINISHED : SHM_DAMAGED;
	/* No layout had version 0: its maker has not come so far. */
	if (h->version != SEGMENT_VERSION)
		return h->version == 0 ? SHM_UNFINISHED : SHM_VERSION;
	if (!ready)
		return SHM_UNFINISHED;
	if (h->check != header_hash(h) || h->kind != kind || h->size != size ||
	    size_of(kind, h->ring_records, h->table_keys) != size ||
	    (kind == SEGMENT_WORKER &&
		(h->workers > WORKERS_MAX || h->slot >= h->workers ||
		    !indices_ok(segment->base, h->ring_records))))
		return SHM_DAMAGED;
	return SHM_OK;
}

enum shm_status
segment_intact(const struct worker_segment *segment)
{
	struct segment map = segment->map;

	return segment_check(&map, SEGMENT_WORKER);
}

/* ---------------------------------------------------------------- making -- */

static enum shm_status
segment_fail(struct segment *segment, enum shm_status status)
{
	KEEP_ERRNO(segment_close(segment));
	return status;
}

static enum shm_status
segment_mmap(struct segment *segment, int protection)
{
	void *base = huge_map(segment->fd, segment->size, protection);

	if (base == MAP_FAILED)
		return SHM_SYSTEM;
	segment->base = base;
	return SHM_OK;
}

enum shm_status
segment_share(const struct segment *segment, gid_t readers)
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

enum shm_status
segment_reserve(struct segment *segment)
{
	int error;

	segment->base = NULL;
	segment->lock = -1;
	segment->owner = geteuid();
	segment->fd =
	    shm_open(segment->name, O_RDWR | O_CREAT | O_EXCL, SEGMENT_MODE);
	if (segment->fd < 0)
		return errno == EEXIST ? SHM_EXISTS : SHM_SYSTEM;
	FAULT_POINT("segment_opened");
	if (ftruncate(segment->fd, (off_t)segment->size) < 0 ||
	    segment_mmap(segment, PROT_READ | PROT_WRITE) != SHM_OK) {
		error = errno;
	} else {
		segment->header.huge_mib =
		    (uint32_t)(huge_fill(
				   segment->fd, segment->base, segment->size) >>
			       20);
		do
			error = posix_fallocate(
			    segment->fd, 0, (off_t)segment->size);
		while (error == EINTR);
	}
	FAULT_POINT("segment_reserved");
	if (error == 0)
		return SHM_OK;
	errno = error;
	KEEP_ERRNO(segment_remove(segment->name));
	return segment_fail(
	    segment, error == ENOSPC ? SHM_NO_SPACE : SHM_SYSTEM);
}

/* Fill in the header; the segment may be used from then on. */
static void
header_write(struct segment_header *h, const struct segment *segment,
    enum segment_kind kind, const struct segment_spec *spec, uint64_t id)
{
	/* Readers look at these two before the header is ready. */
	__atomic_store_n(&h->version, SEGMENT_VERSION, __ATOMIC_RELAXED);
	h->kind = kind;
	h->size = segment->size;
	h->generation = spec->generation;
	h->slot = spec->slot;
	h->workers = spec->workers;
	h->ring_records = spec->ring_records;
	h->table_keys = spec->table_keys;
	h->created = (uint64_t)time(NULL);
	h->id = id;
	h->huge_mib = segment->header.huge_mib;
	snprintf(h->instance, sizeof(h->instance), "%s", spec->instance);
	FAULT_POINT("segment_header_half");
	__atomic_store_n(&h->magic, SEGMENT_MAGIC, __ATOMIC_RELAXED);
	h->check = header_hash(h);
	FAULT_POINT("segment_unready");
	/* Release: whoever sees it ready sees the header. */
	counter_release(&h->ready, 1);
}

/* Make and map the segment that segment->name and ->size say.  secret: made
   with a worker's and filled in, else NULL. */
static enum shm_status
segment_make(struct segment *segment, enum segment_kind kind,
    const struct segment_spec *spec, uint64_t *secret)
{
	uint64_t id;

	if (segment_secret_fill(&id, sizeof(id)) < 0 ||
	    (secret != NULL &&
		segment_secret_fill(secret, 2 * sizeof(*secret)) < 0))
		return SHM_SYSTEM;
	enum shm_status status = segment_reserve(segment);
	if (status != SHM_OK)
		return status;
	if (secret != NULL)
		status = segment_secret_make(segment->name, secret);
	if (status != SHM_OK) {
		KEEP_ERRNO(segment_remove(segment->name));
		return segment_fail(segment, status);
	}
	header_write(segment->base, segment, kind, spec, id);
	words_copy(&segment->header, segment->base, sizeof(segment->header));
	return SHM_OK;
}

/* Nothing is mapped; the name and, for a new one, the size are set. */
static enum shm_status
segment_begin(struct segment *segment, enum segment_kind kind,
    const struct segment_spec *spec)
{
	segment->base = NULL;
	segment->fd = segment->lock = -1;
	segment->size = size_of(kind, spec->ring_records, spec->table_keys);
	if (!segment_instance_ok(spec->instance)) {
		errno = EINVAL;
		return SHM_SYSTEM;
	}
	if (kind == SEGMENT_MASTER)
		segment_name_master(segment->name, spec->instance);
	else if (kind == SEGMENT_AGENTS)
		segment_name_agents(segment->name, spec->instance);
	else
		segment_name(segment->name, spec->instance, spec->generation,
		    spec->slot);
	return SHM_OK;
}

static enum shm_status
segment_create(struct segment *segment, enum segment_kind kind,
    const struct segment_spec *spec, uint64_t *secret)
{
	enum shm_status status = segment_begin(segment, kind, spec);

	if (status != SHM_OK)
		return status;
	if (segment->size == 0) {
		errno = EINVAL;
		return SHM_SYSTEM;
	}
	if (kind == SEGMENT_AGENTS)
		segment_remove(segment->name);
	return segment_make(segment, kind, spec, secret);
}

static void
worker_attach(struct worker_segment *segment)
{
	struct worker_shared *shared = segment->map.base;
	const struct segment_header *h = &segment->map.header;
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
		.drain = &shared->drain,
		.flush = &shared->flush,
	};
}

enum shm_status
segment_create_worker(
    struct worker_segment *segment, const struct segment_spec *spec)
{
	uint64_t secret[2];
	enum shm_status status =
	    segment_create(&segment->map, SEGMENT_WORKER, spec, secret);

	if (status != SHM_OK)
		return status;
	worker_attach(segment);
	memcpy(segment->table.secret, secret, sizeof(secret));
	return SHM_OK;
}

enum shm_status
segment_create_master(struct segment *segment, const char *instance)
{
	struct segment_spec spec = { .instance = instance };
	uint64_t unused[2];

	return segment_create(segment, SEGMENT_MASTER, &spec, unused);
}

enum shm_status
segment_create_agents(
    struct segment *segment, const char *instance, uint32_t rows)
{
	struct segment_spec spec = { .instance = instance, .table_keys = rows };

	return segment_create(segment, SEGMENT_AGENTS, &spec, NULL);
}

enum shm_status
segment_renew_master(struct segment *segment)
{
	const size_t start = offsetof(struct master_shared, input);
	struct segment_spec spec = { .instance = segment->header.instance };
	char from[2 * SEGMENT_NAME_MAX], to[2 * SEGMENT_NAME_MAX];
	struct segment copy = { .size = segment->size };

	snprintf(copy.name, sizeof(copy.name), "%.80s.new", segment->name);
	shm_unlink(copy.name); /* of one that was killed here */
	enum shm_status status =
	    segment_make(&copy, SEGMENT_MASTER, &spec, NULL);
	if (status != SHM_OK) {
		memcpy(segment->name, copy.name, sizeof(copy.name));
		return status;
	}
	memcpy((char *)copy.base + start, (char *)segment->base + start,
	    sizeof(struct master_shared) - start);
	counter_set(&segment_master(&copy)->pid, 0);
	segment_show_holder(&copy);
	FAULT_POINT("segment_renewed");
	snprintf(from, sizeof(from), SHM_DIR "%s", copy.name);
	snprintf(to, sizeof(to), SHM_DIR "%s", segment->name);
	if (rename(from, to) < 0) {
		KEEP_ERRNO(shm_unlink(copy.name));
		return segment_fail(&copy, SHM_SYSTEM);
	}
	memcpy(copy.name, segment->name, sizeof(copy.name));
	copy.lock = segment->lock;
	segment->lock = -1;
	segment_close(segment);
	*segment = copy;
	return SHM_OK;
}

/* --------------------------------------------------------------- opening -- */

/* What a segment that has not all of its space is.  Its maker reserves that
   before the header's first word; with a header it is none of ours.  It is not
   mapped: to look at a hole would take memory, or be a SIGBUS when there is
   none. */
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

/* Whether the owner is acceptable: for writing, our user, and nobody else may
   write to it; for reading, anybody or this owner. */
static bool
maker_ok(const struct stat *st, enum segment_access access, uid_t owner)
{
	if (access == SEGMENT_WRITE)
		return st->st_uid == geteuid() && (st->st_mode & 022) == 0;
	return owner == SEGMENT_ANYBODY || st->st_uid == owner;
}

/* What the file of an opened segment is, by its size: SHM_OK if it may be
   mapped. */
static enum shm_status
file_check(const struct segment *segment, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return SHM_DAMAGED;
	if (st->st_size == 0)
		return SHM_UNFINISHED;
	/* Not less than the header: of another version it may be all. */
	if ((uint64_t)st->st_size < sizeof(struct segment_header))
		return SHM_DAMAGED;
	if ((uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size)
		return hole_means(segment);
	return SHM_OK;
}

static enum shm_status
segment_map(struct segment *segment, enum segment_kind kind,
    enum segment_access access, uid_t owner)
{
	bool write = access == SEGMENT_WRITE;
	enum shm_status status;
	struct stat st;

	segment->base = NULL;
	segment->lock = -1;
	/* A pipe of another user must not hold us up. */
	segment->fd = shm_open(segment->name,
	    (write ? O_RDWR : O_RDONLY) | O_NONBLOCK, SEGMENT_MODE);
	if (segment->fd < 0)
		return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	if (fstat(segment->fd, &st) < 0)
		status = SHM_SYSTEM;
	else if (!maker_ok(&st, access, owner))
		status = SHM_FOREIGN;
	else
		status = file_check(segment, &st);
	if (status == SHM_OK) {
		segment->owner = st.st_uid;
		segment->size = (size_t)st.st_size;
		status = segment_mmap(
		    segment, write ? PROT_READ | PROT_WRITE : PROT_READ);
	}
	if (status == SHM_OK)
		status = segment_check(segment, kind);
	if (status != SHM_OK)
		return segment_fail(segment, status);
	if (!write) {
		close(segment->fd);
		segment->fd = -1;
	}
	return SHM_OK;
}

enum shm_status
segment_open_worker(struct worker_segment *segment, const char *name,
    enum segment_access access, uid_t owner)
{
	snprintf(segment->map.name, sizeof(segment->map.name), "%s", name);
	enum shm_status status =
	    segment_map(&segment->map, SEGMENT_WORKER, access, owner);
	if (status != SHM_OK)
		return status;
	worker_attach(segment);
	if (access == SEGMENT_WRITE)
		status = segment_secret_read(name, segment->table.secret);
	return status == SHM_OK ? SHM_OK : segment_fail(&segment->map, status);
}

enum shm_status
segment_open_instance(struct segment *segment, enum segment_kind kind,
    const char *instance, enum segment_access access, uid_t owner)
{
	struct segment_spec spec = { .instance = instance };
	enum shm_status status = segment_begin(segment, kind, &spec);

	return status == SHM_OK ? segment_map(segment, kind, access, owner)
				: status;
}

enum shm_status
segment_view(struct segment *view, const struct segment *segment)
{
	struct segment mapped = *segment;
	enum shm_status status = segment_leads_to(segment->name, segment->fd);

	if (status != SHM_OK)
		return status;
	/* What was opened so can never be mapped for writing. */
	mapped.lock = -1;
	mapped.fd = shm_open(segment->name, O_RDONLY | O_NONBLOCK, 0);
	if (mapped.fd < 0)
		return SHM_SYSTEM;
	status = segment_mmap(&mapped, PROT_READ);
	if (status == SHM_OK)
		*view = mapped;
	else
		KEEP_ERRNO(close(mapped.fd));
	return status;
}

void
segment_close(struct segment *segment)
{
	if (segment->base != NULL)
		munmap(segment->base, segment->size);
	if (segment->fd >= 0)
		close(segment->fd);
	if (segment->base != NULL && segment->lock >= 0)
		close(segment->lock);
	segment->base = NULL;
	segment->fd = segment->lock = -1;
}
