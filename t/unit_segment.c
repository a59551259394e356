/* SPDX-License-Identifier: MIT
 *
 * Segments: making, opening and removing them; that damage of any header byte
 * is noticed and nothing that is whole is called damaged; names, lists, locks;
 * and that a failure leaves nothing behind.
 */
#include "config.h"

#include "shm/segment.h"
#include "shm/huge.h"
#include "suite.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int suite; /* the pid of the whole run, part of all names */
static char instance[INSTANCE_MAX];
static char
    shorter[INSTANCE_MAX]; /* another, whose name this one begins with */
static struct segment_spec spec;
static struct worker_segment worker;
static char name[SEGMENT_NAME_MAX];

/* Remove what the last test made, also when it failed. */
static void
clean_up(void)
{
	char command[256];

	snprintf(command, sizeof(command),
	    "rm -f /dev/shm/*reporter.unit-segment-%d*", suite);
	if (system(command) != 0)
		perror(command);
}

static void
setup(void)
{
	clean_up();
	snprintf(instance, sizeof(instance), "unit-segment-%d-x", suite);
	snprintf(shorter, sizeof(shorter), "unit-segment-%d", suite);
	spec = (struct segment_spec){ instance, 3, 0, 2, RING_RECORDS_MIN,
		TABLE_KEYS_MIN };
	segment_name(name, instance, 3, 0);
}

static void
create(void)
{
	ck_assert_int_eq(segment_create_worker(&worker, &spec), SHM_OK);
}

static enum shm_status
open_and_close(enum segment_access access)
{
	struct worker_segment s;
	enum shm_status status =
	    segment_open_worker(&s, name, access, SEGMENT_ANYBODY);

	if (status == SHM_OK)
		segment_close(&s.map);
	ck_assert_ptr_null(s.map.base);
	ck_assert_int_eq(s.map.fd, -1);
	return status;
}

static const char *
path_of(const char *segment)
{
	static char path[SEGMENT_NAME_MAX + 16];

	snprintf(path, sizeof(path), "/dev/shm%s", segment);
	return path;
}

/* Run F in a process of its own; its exit status, or -signal. */
static int
in_child(int (*f)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(f());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* -------------------------------------------------------------- life --- */

START_TEST(made_segment_can_be_opened)
{
	struct worker_segment s;
	struct record r = { .modid = 7, .succ = 1 };
	struct stat st;

	create();
	ck_assert_str_eq(worker.map.name, name);
	ck_assert_int_eq(stat(path_of(name), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq((uint64_t)st.st_size,
	    segment_worker_size(spec.ring_records, spec.table_keys));
	/* All of it is reserved. */
	ck_assert_int_ge(st.st_blocks * 512, st.st_size);

	ring_put(&worker.ring, &r, 1);
	ring_publish(&worker.ring);
	ck_assert_int_eq(
	    segment_open_worker(&s, name, SEGMENT_WRITE, SEGMENT_ANYBODY),
	    SHM_OK);
	const struct segment_header *h = &s.shared->header;
	ck_assert_uint_eq(h->generation, 3);
	ck_assert_uint_eq(h->slot, 0);
	ck_assert_uint_eq(h->workers, 2);
	ck_assert_uint_eq(h->ring_records, RING_RECORDS_MIN);
	ck_assert_uint_eq(h->table_keys, TABLE_KEYS_MIN);
	ck_assert_str_eq(h->instance, instance);
	ck_assert_mem_eq(s.table.secret, worker.table.secret, 16);
	ck_assert_uint_eq(s.table.size, table_slots(TABLE_KEYS_MIN));
	ck_assert_uint_eq(s.ring.mask, RING_RECORDS_MIN - 1);

	uint64_t n = 1;
	const struct record *seen = ring_peek(&s.ring, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(memcmp(seen, &r, sizeof(r)), 0);
	ck_assert_uint_eq(table_put(&s.table, seen, 1, 10), 1);
	ck_assert_uint_eq(table_pending(&worker.table), 1);
	segment_close(&s.map);
	segment_close(&s.map);
	segment_close(&worker.map);
}
END_TEST

START_TEST(last_bytes_of_each_part_can_be_used)
{
	create();
	struct ring *ring = &worker.ring;
	struct table *table = &worker.table;
	char *base = worker.map.base;

	char *records = (char *)ring->records;
	char *slots = (char *)table->slots;
	char *dirty = (char *)(uintptr_t)table->dirty;
	ck_assert(records >= base + sizeof(struct worker_shared));
	ck_assert(records + sizeof(struct record) * spec.ring_records <= slots);
	ck_assert(slots + sizeof(struct slot) * table->size <= dirty);
	ck_assert(dirty + table->size <= base + worker.map.size);
	ck_assert_uint_eq((uintptr_t)slots % CACHE_LINE, 0);
	memset(records, 0xff, base + worker.map.size - records);
	ck_assert_int_eq(open_and_close(SEGMENT_READ), SHM_OK);
	segment_close(&worker.map);
}
END_TEST

/* Who knows the hash of one table knows nothing of another's. */
/* Of the mapping at an address, MiB that are mapped as huge pages. */
static uint64_t
mapped_huge(const void *base)
{
	uint64_t begin, end, kib;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	bool here = false, found = false;
	char line[512];

	ck_assert_ptr_nonnull(smaps);
	while (!found && fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &begin, &end) == 2)
			here = begin == (uintptr_t)base;
		found =
		    here && sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1;
	}
	fclose(smaps);
	ck_assert(found);
	return kib >> 10;
}

/* Whether this system has huge pages on demand: it gives them to private memory
   as well, and "deny" of segments is not in force. */
static bool
system_has_huge(void)
{
	const size_t size = 4u << 20;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	memset(at, 1, size);
	bool has = madvise(at, size, MADV_COLLAPSE) == 0;
	munmap(at, size);
	return has && system("grep -qs '\\[deny]' /sys/kernel/mm/"
			     "transparent_hugepage/shmem_enabled") != 0;
}

START_TEST(large_segment_has_huge_pages)
{
	struct worker_segment s;
	struct stat st;

	spec.table_keys = 200000;
	create();
	uint64_t size = worker.map.size, huge = worker.shared->header.huge_mib;
	ck_assert_int_eq(stat(path_of(name), &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, size);
	ck_assert_uint_eq((uint64_t)st.st_blocks * 512, size);
	/* All that is a whole one, or the figure is of less. */
	ck_assert_uint_le(huge, size >> 20);
	if (system_has_huge())
		ck_assert_uint_eq(huge, (size >> 20) & ~UINT64_C(1));
	/* Whoever opens it has them. */
	ck_assert_int_eq(
	    segment_open_worker(&s, name, SEGMENT_READ, SEGMENT_ANYBODY),
	    SHM_OK);
	ck_assert_uint_eq(s.map.header.huge_mib, huge);
	for (uint64_t at = 0; at < size; at += 4096) {
		(void)((volatile char *)worker.map.base)[at];
		(void)((volatile char *)s.map.base)[at];
	}
	ck_assert_uint_eq(mapped_huge(worker.map.base), huge);
	ck_assert_uint_eq(mapped_huge(s.map.base), huge);
	/* The copy of one that was removed as well. */
	ck_assert_int_eq(segment_remove(name), SHM_OK);
	ck_assert_int_eq(
	    segment_renew(&worker.map, worker.table.secret), SHM_OK);
	ck_assert_uint_eq(worker.shared->header.huge_mib, huge);
	ck_assert_uint_eq(mapped_huge(worker.map.base), huge);
	segment_close(&s.map);
	segment_close(&worker.map);
}
END_TEST

START_TEST(each_segment_has_secrets_of_its_own)
{
	uint64_t id, secret[2];

	create();
	id = worker.shared->header.id;
	memcpy(secret, worker.table.secret, sizeof(secret));
	ck_assert_uint_ne(secret[0], secret[1]);
	segment_close(&worker.map);
	segment_remove(name);
	create();
	ck_assert_uint_ne(worker.shared->header.id, id);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_ne(worker.table.secret[i / 2], secret[i % 2]);
	segment_close(&worker.map);
}
END_TEST

/* The path of the worker's secrets. */
static const char *
secret_path(void)
{
	static char path[2 * SEGMENT_NAME_MAX];
	char secret[SEGMENT_NAME_MAX];

	segment_name_secret(secret, name);
	snprintf(path, sizeof(path), "%s", path_of(secret));
	return path;
}

START_TEST(readers_cannot_know_the_secrets)
{
	char names[4][SEGMENT_NAME_MAX];
	struct worker_segment s;
	struct stat st;

	create();
	ck_assert_int_eq(segment_share(&worker.map, getegid()), SHM_OK);
	ck_assert_int_eq(stat(path_of(name), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(stat(secret_path(), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 16);
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_null(memmem(worker.map.base, worker.map.size,
		    &worker.table.secret[i], sizeof(uint64_t)));
	ck_assert_int_eq(
	    segment_open_worker(&s, name, SEGMENT_READ, SEGMENT_ANYBODY),
	    SHM_OK);
	ck_assert_uint_eq(s.table.secret[0] | s.table.secret[1], 0);
	segment_close(&s.map);
	/* It is no segment. */
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, names, 4), 1);
	ck_assert_str_eq(names[0], name);
	segment_close(&worker.map);
}
END_TEST

START_TEST(without_its_secrets_a_segment_is_damaged)
{
	create();
	segment_close(&worker.map);
	ck_assert_int_eq(chmod(secret_path(), 0640), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_FOREIGN);
	ck_assert_int_eq(chmod(secret_path(), 0600), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_OK);
	ck_assert_int_eq(truncate(secret_path(), 17), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_DAMAGED);
	ck_assert_int_eq(truncate(secret_path(), 15), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_DAMAGED);
	ck_assert_int_eq(unlink(secret_path()), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_DAMAGED);
	/* Readers do without. */
	ck_assert_int_eq(open_and_close(SEGMENT_READ), SHM_OK);
	/* A pipe in its place holds nobody up. */
	ck_assert_int_eq(mkfifo(secret_path(), 0600), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_DAMAGED);
}
END_TEST

/* After a kill between the two. */
START_TEST(secrets_left_alone_do_no_harm)
{
	uint64_t secret[2];

	create();
	memcpy(secret, worker.table.secret, sizeof(secret));
	segment_close(&worker.map);
	ck_assert_int_eq(unlink(path_of(name)), 0);
	ck_assert_int_eq(access(secret_path(), F_OK), 0);
	create();
	ck_assert_uint_ne(worker.table.secret[0], secret[0]);
	segment_close(&worker.map);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_OK);

	ck_assert_int_eq(unlink(path_of(name)), 0);
	ck_assert_int_eq(segment_remove(name), SHM_MISSING);
	ck_assert_int_lt(access(secret_path(), F_OK), 0);
}
END_TEST

START_TEST(name_that_exists_is_not_made_again)
{
	struct worker_segment s;
	struct segment master, second;

	create();
	ck_assert_int_eq(segment_create_worker(&s, &spec), SHM_EXISTS);
	ck_assert_ptr_null(s.map.base);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_OK);
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	ck_assert_int_eq(segment_create_master(&second, instance), SHM_EXISTS);
	segment_close(&second);
	segment_close(&master);
	segment_close(&worker.map);
}
END_TEST

START_TEST(removed_segment_is_missing)
{
	struct segment master;

	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_MISSING);
	ck_assert_int_eq(segment_remove(name), SHM_MISSING);
	create();
	ck_assert_int_eq(segment_remove(name), SHM_OK);
	ck_assert_int_eq(open_and_close(SEGMENT_READ), SHM_MISSING);
	ck_assert_int_eq(
	    segment_open_master(&master, instance, SEGMENT_READ), SHM_MISSING);
	segment_close(&worker.map);
}
END_TEST

START_TEST(master_segment_is_its_own_kind)
{
	struct segment master, reader;
	struct worker_segment s;
	char master_name[SEGMENT_NAME_MAX];

	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	counter_set(&segment_master(&master)->input.received, 42);
	ck_assert_int_eq(
	    segment_open_master(&reader, instance, SEGMENT_READ), SHM_OK);
	ck_assert_uint_eq(
	    counter_get(&segment_master(&reader)->input.received), 42);
	segment_close(&reader);
	snprintf(master_name, sizeof(master_name), "/reporter.%s", instance);
	ck_assert_str_eq(master.name, master_name);
	ck_assert_int_eq(
	    segment_open_worker(&s, master_name, SEGMENT_READ, SEGMENT_ANYBODY),
	    SHM_DAMAGED);

	/* And the other way round. */
	create();
	ck_assert_int_eq(segment_remove(master_name), SHM_OK);
	char worker_path[SEGMENT_NAME_MAX + 16];
	snprintf(worker_path, sizeof(worker_path), "%s", path_of(name));
	ck_assert_int_eq(rename(worker_path, path_of(master_name)), 0);
	ck_assert_int_eq(
	    segment_open_master(&reader, instance, SEGMENT_READ), SHM_DAMAGED);
	segment_close(&master);
	segment_close(&worker.map);
}
END_TEST

static int
write_into_read_only(void)
{
	struct worker_segment s;

	signal(SIGSEGV, SIG_DFL);
	if (segment_open_worker(&s, name, SEGMENT_READ, SEGMENT_ANYBODY) !=
		SHM_OK ||
	    s.map.fd != -1)
		return 1;
	/* Reading works. */
	if (ring_queued(&s.ring) != 0 || table_pending(&s.table) != 0)
		return 2;
	counter_set(&s.shared->drain.added, 1);
	return 0;
}

START_TEST(read_only_mapping_cannot_be_written)
{
	create();
	ck_assert_int_eq(in_child(write_into_read_only), -SIGSEGV);
	ck_assert_uint_eq(counter_get(&worker.shared->drain.added), 0);
	segment_close(&worker.map);
}
END_TEST

/* ----------------------------------------------------------------- damage --
 */

/* Whatever is changed in the constant part, by one bit or by all. */
static void
flip_every_byte(unsigned char *base, enum shm_status (*open)(void))
{
	static const unsigned char masks[] = { 0x01, 0x80, 0xff };

	for (size_t at = 0; at < offsetof(struct segment_header, ready); at++)
		for (size_t m = 0; m < sizeof(masks); m++) {
			base[at] ^= masks[m];
			enum shm_status status = open();
			base[at] ^= masks[m];
			if (status != SHM_DAMAGED && status != SHM_VERSION &&
			    status != SHM_UNFINISHED)
				ck_abort_msg("byte %zu changed by %02x: "
					     "opened with status %d",
				    at, masks[m], status);
		}
	ck_assert_int_eq(open(), SHM_OK);
}

static enum shm_status
open_worker(void)
{
	return open_and_close(SEGMENT_READ);
}

static enum shm_status
open_master(void)
{
	struct segment s;
	enum shm_status status =
	    segment_open_master(&s, instance, SEGMENT_READ);

	segment_close(&s);
	return status;
}

START_TEST(every_damaged_header_byte_is_noticed)
{
	struct segment master;

	create();
	flip_every_byte(worker.map.base, open_worker);
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	flip_every_byte(master.base, open_master);
	segment_close(&master);
	segment_close(&worker.map);
}
END_TEST

START_TEST(other_version_is_told_from_damage)
{
	create();
	worker.shared->header.version = SEGMENT_VERSION + 1;
	ck_assert_int_eq(open_worker(), SHM_VERSION);
	/* One that has no more than a header, too. */
	ck_assert_int_eq(
	    truncate(path_of(name), sizeof(struct segment_header)), 0);
	ck_assert_int_eq(open_worker(), SHM_VERSION);
	/* It is still there. */
	ck_assert_int_eq(access(path_of(name), F_OK), 0);
	segment_close(&worker.map);
}
END_TEST

START_TEST(other_size_is_damage)
{
	off_t size;

	create();
	size = (off_t)worker.map.size;
	segment_close(&worker.map);
	const off_t sizes[] = { 1, sizeof(struct segment_header) - 1,
		sizeof(struct segment_header), 896, 4096, size - 4096, size - 1,
		size + 1, size + 4096 };
	for (size_t i = sizeof(sizes) / sizeof(sizes[0]); i-- > 0;) {
		ck_assert_int_eq(truncate(path_of(name), sizes[i]), 0);
		ck_assert_int_eq(open_worker(), SHM_DAMAGED);
	}
}
END_TEST

START_TEST(unfinished_segment_is_told)
{
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(open_worker(), SHM_UNFINISHED);
	/* Its space is reserved, its header is not written. */
	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	ck_assert_int_eq(open_worker(), SHM_UNFINISHED);
	close(fd);
	ck_assert_int_eq(segment_remove(name), SHM_OK);
	/* All but the last word is written; then, only the magic. */
	create();
	atomic_store(&worker.shared->header.ready, 0);
	ck_assert_int_eq(open_worker(), SHM_UNFINISHED);
	worker.shared->header.version = 0;
	ck_assert_int_eq(open_worker(), SHM_UNFINISHED);
	segment_close(&worker.map);
}
END_TEST

START_TEST(indices_that_contradict_each_other_are_damage)
{
	struct worker_shared *w;

	create();
	w = worker.shared;
	counter_set(&w->producer.head, 5);
	counter_set(&w->consumer.tail, 6);
	ck_assert_int_eq(open_worker(), SHM_DAMAGED);
	counter_set(&w->producer.head, RING_RECORDS_MIN + 7);
	ck_assert_int_eq(open_worker(), SHM_DAMAGED);
	counter_set(&w->producer.head, RING_RECORDS_MIN + 6);
	ck_assert_int_eq(open_worker(), SHM_OK);
	/* They wrap around. */
	counter_set(&w->producer.head, 3);
	counter_set(&w->consumer.tail, UINT64_MAX - 3);
	ck_assert_int_eq(open_worker(), SHM_OK);
	segment_close(&worker.map);
}
END_TEST

static _Atomic bool travel_over;

/* Both indices move as fast as they can. */
static void *
travel(void *arg)
{
	struct worker_shared *w = arg;
	uint64_t at = 0;

	while (!atomic_load(&travel_over)) {
		at += 9000;
		atomic_store_explicit(
		    &w->producer.head, at, memory_order_release);
		atomic_store_explicit(
		    &w->consumer.tail, at, memory_order_release);
	}
	return NULL;
}

START_TEST(busy_ring_is_not_called_damaged)
{
	pthread_t thread;

	create();
	atomic_store(&travel_over, false);
	ck_assert_int_eq(
	    pthread_create(&thread, NULL, travel, worker.shared), 0);
	for (int i = 0; i < 20000; i++) {
		struct worker_segment s;
		enum shm_status status = segment_open_worker(
		    &s, name, SEGMENT_READ, SEGMENT_ANYBODY);

		if (status != SHM_OK)
			ck_abort_msg("opened with status %d", status);
		segment_close(&s.map);
	}
	atomic_store(&travel_over, true);
	pthread_join(thread, NULL);
	segment_close(&worker.map);
}
END_TEST

/* Its owner changes the sizes, back and forth. */
static void *
flicker(void *arg)
{
	uint32_t *keys = arg;

	while (!atomic_load(&travel_over)) {
		__atomic_store_n(keys, TABLE_KEYS_MAX, __ATOMIC_RELAXED);
		__atomic_store_n(keys, TABLE_KEYS_MIN, __ATOMIC_RELAXED);
	}
	return NULL;
}

START_TEST(header_is_not_read_after_it_was_checked)
{
	struct worker_segment s;
	pthread_t thread;
	int opened = 0;

	create();
	atomic_store(&travel_over, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, flicker,
			     &worker.shared->header.table_keys),
	    0);
	for (int i = 0; i < 20000; i++) {
		if (segment_open_worker(
			&s, name, SEGMENT_READ, SEGMENT_ANYBODY) != SHM_OK)
			continue;
		opened++;
		ck_assert_uint_eq(s.table.size, table_slots(TABLE_KEYS_MIN));
		ck_assert_uint_eq(s.map.header.table_keys, TABLE_KEYS_MIN);
		segment_close(&s.map);
	}
	ck_assert_int_gt(opened, 0);
	atomic_store(&travel_over, true);
	pthread_join(thread, NULL);
	segment_close(&worker.map);
}
END_TEST

/* ------------------------------------------------------------------ names --
 */

START_TEST(instance_names_are_checked)
{
	ck_assert(segment_instance_ok("default"));
	ck_assert(segment_instance_ok("a"));
	ck_assert(segment_instance_ok("A-1_z"));
	ck_assert(segment_instance_ok("1234567890123456789012345678901"));
	ck_assert(!segment_instance_ok("12345678901234567890123456789012"));
	ck_assert(!segment_instance_ok(""));
	ck_assert(!segment_instance_ok("a.b"));
	ck_assert(!segment_instance_ok("a/b"));
	ck_assert(!segment_instance_ok("../x"));
	ck_assert(!segment_instance_ok("a b"));
	ck_assert(!segment_instance_ok("caf\xc3\xa9"));
}
END_TEST

START_TEST(impossible_wishes_are_refused)
{
	struct segment_spec good = spec;
	struct segment master;

#define REFUSED(field, value) \
	do { \
		spec = good; \
		spec.field = value; \
		worker.map = (struct segment){ .base = &good, .fd = 12345 }; \
		errno = 0; \
		ck_assert_int_eq( \
		    segment_create_worker(&worker, &spec), SHM_SYSTEM); \
		ck_assert_int_eq(errno, EINVAL); \
		/* Closing it closes nothing of somebody else's. */ \
		ck_assert_ptr_null(worker.map.base); \
		ck_assert_int_eq(worker.map.fd, -1); \
	} while (0)
	REFUSED(instance, "a/b");
	REFUSED(ring_records, RING_RECORDS_MIN - 1);
	REFUSED(ring_records, RING_RECORDS_MIN + 1);
	REFUSED(ring_records, RING_RECORDS_MIN / 2);
	REFUSED(ring_records, RING_RECORDS_MAX * 2u);
	REFUSED(table_keys, TABLE_KEYS_MIN - 1);
	REFUSED(table_keys, TABLE_KEYS_MAX + 1u);
	ck_assert_int_eq(segment_create_master(&master, "a.b"), SHM_SYSTEM);
	ck_assert_int_eq(
	    segment_open_master(&master, "", SEGMENT_READ), SHM_SYSTEM);
}
END_TEST

static void touch(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Make a file under /dev/shm that is no segment. */
static void
touch(const char *format, ...)
{
	char path[256];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(list_is_in_order_of_generation_then_slot)
{
	static const struct {
		uint64_t generation;
		uint32_t slot;
	} made[] = { { 10, 1 }, { 2, 10 }, { 2, 9 }, { UINT64_MAX, 0 },
		{ 2, 0 }, { 10, 0 }, { 9, 63 } };
	static const char *const order[] = { "2.0", "2.9", "2.10", "9.63",
		"10.0", "10.1", "18446744073709551615.0" };
	char names[16][SEGMENT_NAME_MAX];

	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, NULL, 0), 0);
	for (size_t i = 0; i < 7; i++) {
		segment_name(name, instance, made[i].generation, made[i].slot);
		touch("/dev/shm%s", name);
	}
	/* What is not ours, or not written as we write it. */
	touch("/dev/shm/reporter.%s", instance);
	touch("/dev/shm/reporter.%s.1", instance);
	touch("/dev/shm/reporter.%s.1.", instance);
	touch("/dev/shm/reporter.%s.1.2.3", instance);
	touch("/dev/shm/reporter.%s.1.2x", instance);
	touch("/dev/shm/reporter.%s.x.2", instance);
	touch("/dev/shm/reporter.%s.007.0", instance);
	touch("/dev/shm/reporter.%s.+7.0", instance);
	touch("/dev/shm/reporter.%s. 7.0", instance);
	touch("/dev/shm/reporter.%s.-7.0", instance);
	touch("/dev/shm/reporter.%s.7.4294967296", instance);
	touch("/dev/shm/reporter.%s.18446744073709551616.0", instance);
	touch("/dev/shm/reporter.%sy.1.0", instance);
	touch("/dev/shm/set-aside.reporter.%s.1.0.99", instance);

	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, names, 16), 7);
	for (int i = 0; i < 7; i++) {
		char want[SEGMENT_NAME_MAX + 32];

		snprintf(
		    want, sizeof(want), "/reporter.%s.%s", instance, order[i]);
		ck_assert_str_eq(names[i], want);
	}
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, names, 3), 7);
	ck_assert_int_eq(segment_list(shorter, SEGMENT_ANYBODY, names, 16), 0);
}
END_TEST

START_TEST(set_aside_is_found_no_more_and_kept)
{
	char aside[2][128];
	char names[4][SEGMENT_NAME_MAX];
	char tiny[8];

	ck_assert_int_eq(
	    segment_set_aside(name, aside[0], sizeof(aside[0])), SHM_MISSING);
	create();
	segment_close(&worker.map);
	ck_assert_int_eq(
	    segment_set_aside(name, tiny, sizeof(tiny)), SHM_SYSTEM);
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, names, 4), 1);
	/* Two within one second: both are kept. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    segment_set_aside(name, aside[i], sizeof(aside[i])),
		    SHM_OK);
		ck_assert_int_eq(
		    segment_list(instance, SEGMENT_ANYBODY, names, 4), 0);
		ck_assert_int_eq(open_worker(), SHM_MISSING);
		create();
		segment_close(&worker.map);
	}
	ck_assert_str_ne(aside[0], aside[1]);
	for (int i = 0; i < 2; i++) {
		struct stat st;

		ck_assert_int_eq(stat(aside[i], &st), 0);
		ck_assert_int_gt(st.st_size, 0);
		strcat(aside[i], ".secret");
		ck_assert_int_eq(stat(aside[i], &st), 0);
	}
}
END_TEST

START_TEST(a_segment_is_shared_with_a_group_and_taken_back)
{
	struct stat st;

	create();
	ck_assert_int_eq(segment_share(&worker.map, getegid()), SHM_OK);
	ck_assert_int_eq(fstat(worker.map.fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(st.st_gid, getegid());
	ck_assert_int_eq(segment_share(&worker.map, (gid_t)-1), SHM_OK);
	ck_assert_int_eq(fstat(worker.map.fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	segment_close(&worker.map);
}
END_TEST

START_TEST(every_code_has_a_text)
{
	for (int i = 0; i <= SHM_SYSTEM; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(shm_strerror((enum shm_status)i, 1),
			    shm_strerror((enum shm_status)j, 1));
	for (int i = 0; i <= CHILD_STOPPING; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(child_state_name((enum child_state)i),
			    child_state_name((enum child_state)j));
	for (int i = 0; i < REJECT_REASONS; i++)
		ck_assert_str_ne(reject_name((enum reject)i), "unknown");
	for (int i = 0; i < REJECT_REASONS; i++)
		ck_assert_str_ne(reject_text((enum reject)i), "unknown");
	for (int i = 0; i < REFUSALS; i++)
		ck_assert_str_ne(refusal_text((enum refusal)i), "unknown");
	for (int i = 0; i < CLOSINGS; i++)
		ck_assert_str_ne(closing_text((enum closing)i), "unknown");
	ck_assert_str_eq(child_state_name((enum child_state)99), "unknown");
	ck_assert_str_eq(reject_name(REJECT_REASONS), "unknown");
	ck_assert_str_eq(shm_strerror(SHM_SYSTEM, 1), strerror(1));
}
END_TEST

/* ---------------------------------------------------------------- removal --
 */

START_TEST(removed_segment_is_renewed_in_place)
{
	struct record r = { .modid = 7, .succ = 1 };
	struct worker_segment s;
	char secret[SEGMENT_NAME_MAX];
	void *base;
	uint64_t n = 1;

	create();
	base = worker.map.base;
	ck_assert_int_eq(segment_lock(&worker.map, 0), SHM_OK);
	ck_assert_int_eq(segment_named(&worker.map), SHM_OK);
	ring_put(&worker.ring, &r, 1);
	ring_publish(&worker.ring);
	ck_assert_int_eq(segment_remove(name), SHM_OK);
	ck_assert_int_eq(segment_named(&worker.map), SHM_MISSING);
	ck_assert_int_eq(
	    segment_renew(&worker.map, worker.table.secret), SHM_OK);
	ck_assert_ptr_eq(worker.map.base, base);
	ck_assert_int_eq(segment_named(&worker.map), SHM_OK);
	/* What is put in now is seen as well. */
	r.modid = 8;
	ring_put(&worker.ring, &r, 1);
	ring_publish(&worker.ring);
	ck_assert_int_eq(
	    segment_open_worker(&s, name, SEGMENT_WRITE, SEGMENT_ANYBODY),
	    SHM_OK);
	ck_assert_uint_eq(ring_queued(&s.ring), 2);
	ck_assert_int_eq(ring_peek(&s.ring, &n)->modid, 7);
	ck_assert_mem_eq(s.table.secret, worker.table.secret, 16);
	ck_assert_mem_eq(&s.shared->header, &worker.shared->header,
	    sizeof(s.shared->header));
	ck_assert_int_eq(segment_lock(&s.map, 0), SHM_BUSY);
	segment_close(&s.map);
	/* Its secrets alone. */
	segment_name_secret(secret, name);
	ck_assert_int_eq(unlink(path_of(secret)), 0);
	ck_assert_int_eq(segment_named(&worker.map), SHM_MISSING);
	ck_assert_int_eq(
	    segment_renew(&worker.map, worker.table.secret), SHM_OK);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_OK);
	segment_close(&worker.map);
}
END_TEST

START_TEST(segment_that_cannot_be_renewed_stays_mapped)
{
	struct worker_segment other;

	create();
	ck_assert_int_eq(segment_remove(name), SHM_OK);
	ck_assert_int_eq(segment_create_worker(&other, &spec), SHM_OK);
	/* The name leads to another one. */
	ck_assert_int_eq(segment_named(&worker.map), SHM_MISSING);
	ck_assert_int_eq(
	    segment_renew(&worker.map, worker.table.secret), SHM_EXISTS);
	ck_assert_int_eq(segment_intact(&worker), SHM_OK);
	ck_assert_int_eq(segment_named(&other.map), SHM_OK);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_OK);
	segment_close(&other.map);
	segment_close(&worker.map);
}
END_TEST

static int
make_view_writable(void)
{
	struct segment view;

	if (segment_view(&view, &worker.map) != SHM_OK ||
	    memcmp(view.base, worker.map.base, view.size) != 0)
		return 1;
	segment_close(&worker.map);
	return mprotect(view.base, view.size, PROT_READ | PROT_WRITE) == 0;
}

START_TEST(view_can_never_be_written)
{
	create();
	ck_assert_int_eq(in_child(make_view_writable), 0);
	segment_close(&worker.map);
}
END_TEST

/* ------------------------------------------------------------------- lock --
 */

static int locked[2]; /* a pipe: the child says that it has the lock */

static int
lock_and_stay(void)
{
	struct worker_segment s;

	if (segment_open_worker(&s, name, SEGMENT_WRITE, SEGMENT_ANYBODY) !=
		SHM_OK ||
	    segment_lock(&s.map, 0) != SHM_OK || write(locked[1], "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

START_TEST(lock_excludes_other_processes_until_the_holder_dies)
{
	char byte;

	create();
	ck_assert_int_eq(pipe(locked), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(lock_and_stay());
	ck_assert_int_ge(pid, 0);
	close(locked[1]);
	ck_assert_int_eq(read(locked[0], &byte, 1), 1);
	ck_assert_int_eq(segment_lock(&worker.map, 0), SHM_BUSY);
	ck_assert_int_eq(segment_lock(&worker.map, 30), SHM_BUSY);
	kill(pid, SIGKILL);
	/* Not reaped: the wait is for the kernel to let go. */
	ck_assert_int_eq(segment_lock(&worker.map, 10000), SHM_OK);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	segment_close(&worker.map);
	ck_assert_int_eq(segment_lock(&worker.map, 0), SHM_SYSTEM);
}
END_TEST

/* Whoever can open the segment, but not its secrets. */
START_TEST(reader_cannot_keep_the_lock_from_us)
{
	create();
	int fd = shm_open(name, O_RDONLY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_SH), 0);
	ck_assert_int_eq(segment_lock(&worker.map, 0), SHM_OK);
	close(fd);
	segment_close(&worker.map);
}
END_TEST

START_TEST(close_gives_the_lock_back)
{
	struct worker_segment s;

	create();
	ck_assert_int_eq(
	    segment_open_worker(&s, name, SEGMENT_WRITE, SEGMENT_ANYBODY),
	    SHM_OK);
	ck_assert_int_eq(segment_lock(&worker.map, 0), SHM_OK);
	ck_assert_int_eq(segment_lock(&s.map, 0), SHM_BUSY);
	segment_close(&worker.map);
	ck_assert_int_eq(segment_lock(&s.map, 0), SHM_OK);
	segment_close(&s.map);
}
END_TEST

/* Anybody can make files under /dev/shm: what others may write, or have made,
   is no segment of ours.  It can still be looked at. */
START_TEST(planted_segment_is_not_taken_over)
{
	static const mode_t modes[] = { 0620, 0602, 0666 };

	create();
	segment_close(&worker.map);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(chmod(path_of(name), modes[i]), 0);
		ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_FOREIGN);
		ck_assert_int_eq(open_and_close(SEGMENT_READ), SHM_OK);
	}
	ck_assert_int_eq(chmod(path_of(name), 0640), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_OK);
	if (geteuid() != 0)
		return; /* only root can give a file away */
	ck_assert_int_eq(chown(path_of(name), 1, 1), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_FOREIGN);
	ck_assert_int_eq(open_and_close(SEGMENT_READ), SHM_OK);
}
END_TEST

/* Whether it opens, as one of this owner's. */
static enum shm_status
view_and_close(uid_t owner)
{
	struct worker_segment s;
	enum shm_status status =
	    segment_open_worker(&s, name, SEGMENT_READ, owner);

	if (status == SHM_OK)
		segment_close(&s.map);
	return status;
}

START_TEST(view_is_of_one_owner_alone)
{
	char names[1][SEGMENT_NAME_MAX];

	create();
	segment_close(&worker.map);
	ck_assert_int_eq(view_and_close(geteuid()), SHM_OK);
	ck_assert_int_eq(view_and_close(geteuid() + 1), SHM_FOREIGN);
	ck_assert_int_eq(segment_list(instance, geteuid(), names, 1), 1);
	ck_assert_int_eq(segment_list(instance, geteuid() + 1, names, 1), 0);
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, names, 1), 1);
}
END_TEST

START_TEST(pipe_does_not_hold_us_up)
{
	ck_assert_int_eq(mkfifo(path_of(name), 0600), 0);
	ck_assert_int_eq(open_and_close(SEGMENT_READ), SHM_DAMAGED);
	ck_assert_int_eq(open_and_close(SEGMENT_WRITE), SHM_DAMAGED);
}
END_TEST

START_TEST(hole_is_damage)
{
	off_t size;

	create();
	size = (off_t)worker.map.size;
	segment_close(&worker.map);
	ck_assert_int_eq(truncate(path_of(name), size - 4096), 0);
	ck_assert_int_eq(truncate(path_of(name), size), 0);
	ck_assert_int_eq(open_worker(), SHM_DAMAGED);
}
END_TEST

/* ---------------------------------------------------------------- failure --
 */

/* How many descriptors this process has open. */
static int
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Nothing is mapped, no descriptor is left open, no name is left behind. */
static int
nothing_left(int before)
{
	char names[4][SEGMENT_NAME_MAX];

	return worker.map.base != NULL || worker.map.fd != -1 || before < 0 ||
	       descriptors() != before ||
	       segment_list(instance, SEGMENT_ANYBODY, names, 4) != 0;
}

static int
create_over_file_limit(void)
{
	const struct rlimit limit = { 65536, 65536 };
	int before = descriptors();

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (segment_create_worker(&worker, &spec) != SHM_SYSTEM ||
	    errno != EFBIG)
		return 2;
	return nothing_left(before) ? 3 : 0;
}

START_TEST(failed_reservation_leaves_nothing)
{
	ck_assert_int_eq(in_child(create_over_file_limit), 0);
}
END_TEST

#define NO_NAMESPACE 77

/* With a /dev/shm of its own that has room for a half of it. */
static int
create_without_space(void)
{
	int before = descriptors();

	if (unshare(CLONE_NEWNS) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return NO_NAMESPACE;
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=256k") < 0)
		return NO_NAMESPACE;
	if (segment_space() != 256 * 1024)
		return 1;
	if (segment_create_worker(&worker, &spec) != SHM_NO_SPACE)
		return 2;
	if (nothing_left(before))
		return 3;
	return segment_space() == 256 * 1024 ? 0 : 4;
}

START_TEST(full_shm_is_an_error_and_no_later_death)
{
	int status = in_child(create_without_space);

	if (status == NO_NAMESPACE)
		printf("no mount namespace here: a full /dev/shm is not "
		       "tested\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(last_error_is_read_whole)
{
	char text[64];

	create();
	struct flush_counters *f = &worker.shared->flush;
	ck_assert_uint_eq(
	    last_error_get(&worker.shared->flush, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	counter_set(&f->last_error_number, 1146);
	memset(f->last_error, 'x', sizeof(f->last_error)); /* no 0 at all */
	ck_assert_uint_eq(
	    last_error_get(&worker.shared->flush, text, sizeof(text)), 1146);
	ck_assert_uint_eq(strlen(text), sizeof(text) - 1);
	/* Its writer was killed half way: the read ends all the same. */
	counter_set(&f->last_error_version, 1);
	ck_assert_uint_eq(
	    last_error_get(&worker.shared->flush, text, sizeof(text)), 1146);
	segment_close(&worker.map);
}
END_TEST

static TCase *
group(Suite *s, const char *title)
{
	TCase *c = tcase_create(title);

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_set_timeout(c, 30);
	suite_add_tcase(s, c);
	return c;
}

int
main(void)
{
	Suite *s = suite_create("segment");
	suite = (int)getpid();
	TCase *c = group(s, "life");

	tcase_add_test(c, made_segment_can_be_opened);
	tcase_add_test(c, last_bytes_of_each_part_can_be_used);
	tcase_add_test(c, large_segment_has_huge_pages);
	tcase_add_test(c, each_segment_has_secrets_of_its_own);
	tcase_add_test(c, readers_cannot_know_the_secrets);
	tcase_add_test(c, without_its_secrets_a_segment_is_damaged);
	tcase_add_test(c, secrets_left_alone_do_no_harm);
	tcase_add_test(c, name_that_exists_is_not_made_again);
	tcase_add_test(c, removed_segment_is_missing);
	tcase_add_test(c, master_segment_is_its_own_kind);
	tcase_add_test(c, read_only_mapping_cannot_be_written);

	c = group(s, "damage");
	tcase_add_test(c, every_damaged_header_byte_is_noticed);
	tcase_add_test(c, other_version_is_told_from_damage);
	tcase_add_test(c, other_size_is_damage);
	tcase_add_test(c, unfinished_segment_is_told);
	tcase_add_test(c, indices_that_contradict_each_other_are_damage);
	tcase_add_test(c, busy_ring_is_not_called_damaged);
	tcase_add_test(c, header_is_not_read_after_it_was_checked);
	tcase_add_test(c, planted_segment_is_not_taken_over);
	tcase_add_test(c, view_is_of_one_owner_alone);
	tcase_add_test(c, pipe_does_not_hold_us_up);
	tcase_add_test(c, hole_is_damage);

	c = group(s, "names");
	tcase_add_test(c, instance_names_are_checked);
	tcase_add_test(c, impossible_wishes_are_refused);
	tcase_add_test(c, list_is_in_order_of_generation_then_slot);
	tcase_add_test(c, set_aside_is_found_no_more_and_kept);
	tcase_add_test(c, a_segment_is_shared_with_a_group_and_taken_back);
	tcase_add_test(c, every_code_has_a_text);

	c = group(s, "removal");
	tcase_add_test(c, removed_segment_is_renewed_in_place);
	tcase_add_test(c, segment_that_cannot_be_renewed_stays_mapped);
	tcase_add_test(c, view_can_never_be_written);

	c = group(s, "lock");
	tcase_add_test(c, lock_excludes_other_processes_until_the_holder_dies);
	tcase_add_test(c, reader_cannot_keep_the_lock_from_us);
	tcase_add_test(c, close_gives_the_lock_back);

	c = group(s, "failure");
	tcase_add_test(c, failed_reservation_leaves_nothing);
	tcase_add_test(c, full_shm_is_an_error_and_no_later_death);
	tcase_add_test(c, last_error_is_read_whole);

	int failed = suite_run(s);
	clean_up();
	return failed;
}
