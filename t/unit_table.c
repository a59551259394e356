/* SPDX-License-Identifier: MIT
 *
 * The pending table: who wins, what is counted, what may be evicted, against
 * a simple model over long random runs; and a worker of two threads that is
 * killed hundreds of times, after which every key must have its newest record
 * and the counters must agree.
 *
 * The random runs print their seed; SEED=number in the environment repeats
 * one.
 */
#include "config.h"

#include "collect.h"
#include "shm/segment.h"
#include "suite.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HORIZON 100000

/* ck_assert() tells its parent process of each call: too slow in a loop. */
#define must(condition) \
	do { \
		if (!(condition)) \
			ck_abort_msg("not so: %s", #condition); \
	} while (0)

static struct drain_counters drain;
static struct flush_counters flush;
static struct table table;
static struct table_row rows[8192];

static void
table_begin(uint32_t keys, uint64_t seed)
{
	uint32_t size = table_slots(keys);
	size_t slots = (size_t)size * sizeof(struct slot);

	if (table.slots != NULL)
		munmap(table.slots,
		    (size_t)table.size * (sizeof(struct slot) + 1));
	memset(&drain, 0, sizeof(drain));
	memset(&flush, 0, sizeof(flush));
	char *memory = mmap(NULL, slots + size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(memory != MAP_FAILED);
	table = (struct table){
		.slots = (struct slot *)(void *)memory,
		.dirty = (_Atomic uint8_t *)(memory + slots),
		.size = size,
		.keys = keys,
		.secret = { seed, ~seed * 3 },
		.drain = &drain,
		.flush = &flush,
	};
}

/* The record of key number KEY, with SERIAL to tell it from others.  Two of
   its words tell, so that half a record is known. */
static struct record
record_make(uint32_t key, uint64_t ts, uint32_t serial)
{
	struct record r = {
		.modid = (int32_t)(key % 7),
		.cmdid = -(int32_t)(key % 5),
		.ip = key,
		.caller = ~key,
		.port = (uint16_t)key,
		.succ = serial,
		.err = ~serial,
		.overload = serial & 1,
	};

	record_set_ts(&r, ts);
	return r;
}

/* Put one record; returns whether there was room. */
static bool
put(uint32_t key, uint64_t ts, uint32_t serial)
{
	struct record r = record_make(key, ts, serial);

	return table_put(&table, &r, 1, HORIZON) == 1;
}

/* The slot of KEY, or -1.  Fails when there are two. */
static int64_t
slot_of(const struct table *t, const struct record *key)
{
	int64_t found = -1;

	for (uint32_t i = 0; i < t->size; i++) {
		struct record r;

		if (table_read(t, i, &r) == 0 || r.unused != 0 ||
		    record_compare(&r, key) != 0)
			continue;
		must(found < 0); /* one key in two slots */
		found = i;
	}
	return found;
}

/* The serial of KEY's record in the table, or -1. */
static int64_t
serial_of(uint32_t key)
{
	struct record r = record_make(key, 0, 0);
	int64_t slot = slot_of(&table, &r);

	if (slot < 0)
		return -1;
	ck_assert(table_read(&table, (uint32_t)slot, &r) != 0);
	ck_assert_uint_eq(r.err, ~r.succ);
	return r.succ;
}

static size_t
collect_all(unsigned marks)
{
	uint32_t position = 0;

	return table_collect(
	    &table, marks, &position, rows, sizeof(rows) / sizeof(rows[0]));
}

static size_t
store_all(void)
{
	size_t n = collect_all(DIRTY_ANY);

	for (size_t i = 0; i < n; i++)
		ck_assert(table_stored(&table, &rows[i]));
	return n;
}

#define ck_counts(a, s, st) \
	do { \
		ck_assert_uint_eq(counter_get(&drain.added), a); \
		ck_assert_uint_eq(counter_get(&drain.superseded), s); \
		ck_assert_uint_eq(counter_get(&flush.stored), st); \
	} while (0)

/* -------------------------------------------------------------- who wins -- */

START_TEST(newer_record_wins)
{
	table_begin(1024, 1);
	ck_assert(put(1, 100, 1));
	ck_assert(put(1, 101, 2));
	ck_assert_int_eq(serial_of(1), 2);
	ck_counts(1, 1, 0);
	ck_assert_uint_eq(table_pending(&table), 1);
}
END_TEST

START_TEST(later_arrival_wins_when_times_are_equal)
{
	table_begin(1024, 1);
	ck_assert(put(1, 100, 1));
	ck_assert(put(1, 100, 2));
	ck_assert_int_eq(serial_of(1), 2);
	ck_counts(1, 1, 0);
}
END_TEST

START_TEST(older_record_is_superseded)
{
	table_begin(1024, 1);
	ck_assert(put(1, 100, 1));
	ck_assert(put(1, 99, 2));
	ck_assert_int_eq(serial_of(1), 1);
	ck_counts(1, 1, 0);
	/* By a stored one as well, which stays clean. */
	ck_assert_uint_eq(store_all(), 1);
	ck_assert(put(1, 99, 3));
	ck_counts(1, 2, 1);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 0);
}
END_TEST

START_TEST(time_beyond_the_horizon_gives_way)
{
	table_begin(1024, 1);
	ck_assert(put(1, HORIZON + 1, 1));
	ck_assert(put(1, 50, 2));
	ck_assert_int_eq(serial_of(1), 2);
	ck_assert_uint_eq(counter_get(&drain.skewed), 1);
	/* The horizon itself is believed. */
	ck_assert(put(2, HORIZON, 1));
	ck_assert(put(2, 50, 2));
	ck_assert_int_eq(serial_of(2), 1);
	ck_assert_uint_eq(counter_get(&drain.skewed), 1);
	ck_counts(2, 2, 0);
}
END_TEST

START_TEST(takeover_refused_for_room_is_not_counted)
{
	table_begin(8, 1);
	ck_assert(put(1, HORIZON + 1, 1));
	ck_assert_uint_eq(store_all(), 1);
	for (uint32_t key = 2; key <= 9; key++)
		if (!put(key, 1, 1))
			ck_abort_msg("no room for key %u", key);
	ck_assert_int_eq(serial_of(1), 1);
	for (int i = 0; i < 3; i++)
		ck_assert(!put(1, 50, 2));
	ck_assert_uint_eq(counter_get(&drain.skewed), 0);
	ck_assert_uint_eq(counter_get(&drain.full), 3);
}
END_TEST

START_TEST(every_field_of_the_key_counts)
{
	struct record r = record_make(77, 5, 1);
	struct record others[5] = { r, r, r, r, r };

	table_begin(1024, 1);
	others[0].modid++;
	others[1].cmdid++;
	others[2].ip++;
	others[3].caller++;
	others[4].port++;
	ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
	ck_assert_uint_eq(table_put(&table, others, 5, HORIZON), 5);
	ck_counts(6, 0, 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_ge(slot_of(&table, &others[i]), 0);
	/* The rest of the record does not. */
	r.succ++;
	r.err++;
	r.overload = 1;
	ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
	ck_counts(6, 1, 0);
}
END_TEST

/* ------------------------------------------------------------------ room -- */

START_TEST(full_of_dirty_keys_stops)
{
	struct record batch[40];

	table_begin(1024, (uint64_t)_i);
	for (uint32_t key = 0; key < 1000; key++)
		ck_assert(put(key, 10, key));
	for (uint32_t i = 0; i < 40; i++)
		batch[i] = record_make(1000 + i, 10, i);
	ck_assert_uint_eq(table_put(&table, batch, 40, HORIZON), 24);
	ck_assert_uint_eq(table_put(&table, batch + 24, 16, HORIZON), 0);
	ck_assert_uint_eq(counter_get(&drain.full), 2);
	ck_counts(1024, 0, 0);
	/* Keys that are there already still get through. */
	ck_assert(put(3, 11, 1));
	ck_assert_int_eq(serial_of(3), 1);

	ck_assert_uint_eq(store_all(), 1024);
	ck_assert_uint_eq(table_put(&table, batch + 24, 16, HORIZON), 16);
	ck_assert_uint_eq(table_pending(&table), 16);
}
END_TEST

START_TEST(clean_keys_make_room_dirty_ones_never)
{
	table_begin(64, (uint64_t)_i);
	for (uint32_t key = 0; key < 64; key++)
		ck_assert(put(key, 10, key));
	size_t n = collect_all(DIRTY_ANY);
	ck_assert_uint_eq(n, 64);
	/* Every second row is stored, the others stay dirty. */
	for (size_t i = 0; i < n; i += 2)
		ck_assert(table_stored(&table, &rows[i]));
	for (uint32_t key = 100; key < 132; key++)
		ck_assert(put(key, 10, key));
	ck_assert(!put(200, 10, 1));
	for (size_t i = 1; i < n; i += 2)
		ck_assert_int_eq(
		    serial_of(rows[i].record.ip), rows[i].record.succ);
	for (uint32_t key = 100; key < 132; key++)
		ck_assert_int_eq(serial_of(key), key);
	ck_assert_uint_eq(table_pending(&table), 64);
	ck_assert_uint_eq(
	    counter_get(&drain.used) + counter_get(&drain.evicted), 96);
	ck_assert_uint_gt(counter_get(&drain.evicted), 0);
}
END_TEST

START_TEST(room_never_runs_out_over_the_years)
{
	table_begin(1024, (uint64_t)_i);
	for (uint32_t key = 0; key < 40 * 1024; key++) {
		if (!put(key, 10, key))
			ck_abort_msg("no room for new key %u with %u dirty",
			    key, (unsigned)table_pending(&table));
		if (key % 100 == 99)
			ck_assert_uint_eq(store_all(), 100);
	}
	ck_assert_uint_le(counter_get(&drain.used), table.size);
}
END_TEST

/* Keys in which port and caller change together must not meet. */
START_TEST(related_keys_spread)
{
	table_begin(8192, 99);
	for (uint32_t i = 0; i < 4096; i++) {
		struct record r = record_make(0, 1, i);

		r.port = (uint16_t)i;
		r.caller = UINT32_C(0x12345678) ^ i << 16;
		ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
	}
	ck_assert_uint_eq(table_pending(&table), 4096);
}
END_TEST

static uint64_t random_state;

static uint32_t
random_below(uint32_t n)
{
	random_state =
	    random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(((random_state >> 32) * n) >> 32);
}

#define FAMILY_KEYS 1024

/* Key number i of a family that somebody who knows the code would choose. */
static struct record
family_key(int family, uint32_t i)
{
	const uint64_t c = UINT64_C(0xa0761d6478bd642f);
	uint64_t w[2] = { UINT64_C(0x9e3779b97f4a7c15) * (i / 2 + 1),
		UINT64_C(0xd1342543de82ef95) * (i / 2 + 7) };
	struct record r = { .modid = 1, .cmdid = 2, .ip = 3, .caller = 4 };

	switch (family) {
	case 0: /* two words change places */
		w[i % 2] ^= i % 2 ? c : 0;
		w[1 - i % 2] ^= i % 2 ? c : 0;
		memcpy(&r, &w[i % 2], 8);
		memcpy((char *)&r + 8, &w[1 - i % 2], 8);
		break;
	case 1:
		r.port = (uint16_t)i;
		break;
	case 2:
		r.port = (uint16_t)(64 * i);
		break;
	case 3:
		r.ip = 0x0a000000 + i;
		break;
	case 4:
		r.caller = 0x0a000000 + i;
		break;
	case 5:
		r.modid = (int32_t)i;
		break;
	default:
		r.port = (uint16_t)i;
		r.caller = UINT32_C(0x12345678) ^ i << 16;
	}
	return r;
}

/* Where a key goes in an empty table, which it leaves empty. */
static uint32_t
home_of(const struct record *key)
{
	uint32_t position = 0;

	must(table_put(&table, key, 1, HORIZON) == 1);
	must(table_collect(&table, DIRTY_ANY, &position, rows, 1) == 1);
	memset(&table.slots[rows[0].slot], 0, sizeof(struct slot));
	memset(&drain, 0, sizeof(drain));
	return rows[0].slot;
}

/* A byte of the map, or a bit of a state, that was flipped. */
START_TEST(damaged_mark_or_slot_does_not_hold_up_the_flush)
{
	struct record r = { .modid = 1, .succ = 5 };

	table_begin(1024, 7);
	must(table_put(&table, &r, 1, HORIZON) == 1);
	must(collect_all(DIRTY_ANY) == 1);
	uint32_t slot = rows[0].slot, empty = (slot + 1) % table.size;

	table.dirty[slot] = table.dirty[empty] = DIRTY;
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert_uint_eq(rows[0].slot, slot);
	/* A mark that is none gives way to the next record's. */
	table.dirty[slot] = 0x80;
	must(table_put(&table, &r, 1, HORIZON) == 1);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	/* One that is never written to its end. */
	table.dirty[slot] = DIRTY;
	counter_add(&table.slots[slot].state, STATE_WRITING);
	rows[1] = rows[0];
	table_refresh(&table, &rows[1]);
	ck_assert_uint_eq(rows[1].record.succ, 5);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 0);
}
END_TEST

/* Random keys that fill two thirds take 2.00 probes each (Knuth, "Sorting and
   Searching", 6.4); so do those of every family, under every secret. */
START_TEST(chosen_keys_spread_like_random_ones)
{
	const int secrets = 300;
	static bool taken[FAMILY_KEYS * 3 / 2];
	double sum = 0, worst = 0;

	for (int secret = 0; secret < secrets; secret++) {
		uint64_t probes = 0;

		random_state = (uint64_t)secret;
		table_begin(
		    FAMILY_KEYS, (uint64_t)random_below(UINT32_MAX) << 32 |
				     random_below(UINT32_MAX));
		memset(taken, 0, sizeof(taken));
		for (uint32_t i = 0; i < FAMILY_KEYS; i++) {
			struct record key = family_key(_i, i);
			uint32_t at = home_of(&key);

			for (probes++; taken[at]; probes++)
				at = (at + 1) % table.size;
			taken[at] = true;
		}
		double mean = (double)probes / FAMILY_KEYS;
		worst = mean > worst ? mean : worst;
		sum += mean;
	}
	printf("family %d: %.2f probes, at worst %.2f\n", _i, sum / secrets,
	    worst);
	ck_assert_double_lt(sum / secrets, 2.1);
	ck_assert_double_lt(worst, 4);
}
END_TEST

/* Keys that meet in spite of the secrets: all slots from a key's home on are
   taken by others, so far that a put gives up, though there is room. */
START_TEST(put_looks_at_1024_slots_at_most)
{
	struct record key = record_make(7, 10, 1);
	struct record other = record_make(8, 10, 1);

	table_begin(4096, (uint64_t)_i);
	ck_assert(put(7, 10, 1));
	uint32_t home = (uint32_t)slot_of(&table, &key);
	for (uint32_t taken = 1023; taken <= 1024; taken++) {
		table_begin(4096, (uint64_t)_i);
		ck_assert(put(8, 10, 1));
		struct slot *full = &table.slots[slot_of(&table, &other)];
		for (uint32_t i = 0; i < taken; i++)
			table.slots[(home + i) % table.size] = *full;
		ck_assert_int_eq(put(7, 10, 1), taken < 1024);
	}
}
END_TEST

/* ----------------------------------------------------------------- flush -- */

START_TEST(collect_takes_each_dirty_key_once)
{
	uint32_t position = 5;
	size_t n, seen = 0;

	table_begin(1024, 3);
	for (uint32_t key = 0; key < 500; key++)
		ck_assert(put(key, 10, key));
	while (
	    (n = table_collect(&table, DIRTY_ANY, &position, rows, 64)) > 0) {
		ck_assert_uint_le(n, 64);
		for (size_t i = 0; i < n; i++) {
			ck_assert_uint_eq(
			    rows[i].record.ip, rows[i].record.succ);
			ck_assert(table_stored(&table, &rows[i]));
		}
		seen += n;
	}
	ck_assert_uint_eq(seen, 500);
	ck_counts(500, 0, 500);
	ck_assert_uint_eq(table_pending(&table), 0);
}
END_TEST

START_TEST(version_that_changed_stays_dirty)
{
	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert(put(1, 11, 2));
	ck_assert(!table_stored(&table, &rows[0]));
	ck_counts(1, 1, 0);
	ck_assert_uint_eq(table_pending(&table), 1);
	/* Its mark is there again. */
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert_uint_eq(rows[0].record.succ, 2);
	ck_assert(table_stored(&table, &rows[0]));
	/* A second time is nothing. */
	ck_assert(!table_stored(&table, &rows[0]));
	ck_counts(1, 1, 1);
}
END_TEST

START_TEST(key_collected_twice_counts_once)
{
	struct table_row first;

	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	first = rows[0];
	/* A round may collect it as urgent, and once more when it was marked
	   since; then it brings the newest version twice. */
	ck_assert(put(1, 11, 2));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	table_refresh(&table, &first);
	ck_assert(table_stored(&table, &first));
	table_refresh(&table, &rows[0]);
	ck_assert(!table_stored(&table, &rows[0]));
	ck_assert(!table_refused(&table, &rows[0]));
	ck_counts(1, 1, 1);
	ck_assert_uint_eq(table_pending(&table), 0);
}
END_TEST

START_TEST(older_record_does_not_disturb_a_commit)
{
	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert(put(1, 9, 2));
	ck_assert(table_stored(&table, &rows[0]));
	ck_counts(1, 1, 1);
}
END_TEST

START_TEST(refresh_brings_the_newest_version)
{
	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert(put(1, 11, 2));
	table_refresh(&table, &rows[0]);
	ck_assert_uint_eq(rows[0].record.succ, 2);
	ck_assert(table_stored(&table, &rows[0]));
	ck_counts(1, 1, 1);
	/* The mark that the second record left finds nothing to do. */
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 0);
}
END_TEST

START_TEST(refused_counts_as_dead_letter)
{
	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert(table_refused(&table, &rows[0]));
	ck_assert_uint_eq(counter_get(&flush.dead_letter), 1);
	ck_counts(1, 0, 0);
	ck_assert_uint_eq(table_pending(&table), 0);
	ck_assert(put(1, 10, 2));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert(put(1, 10, 3));
	ck_assert(!table_refused(&table, &rows[0]));
	ck_assert_uint_eq(counter_get(&flush.dead_letter), 1);
}
END_TEST

START_TEST(marked_row_is_collected_again)
{
	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 0);
	table_mark(&table, &rows[0]);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert(table_stored(&table, &rows[0]));
}
END_TEST

static void
put_overload(uint32_t key, uint64_t ts, uint8_t overload)
{
	struct record r = record_make(key, ts, 0);

	r.overload = overload;
	ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
}

START_TEST(changed_overload_goes_first)
{
	table_begin(1024, 1);
	/* New keys, too, whatever they say. */
	for (uint32_t key = 0; key < 50; key++)
		put_overload(key, 10, key == 7);
	ck_assert_uint_eq(table_urgent(&table), 50);
	ck_assert_uint_eq(collect_all(DIRTY), 0);
	/* The overloaded one before the others. */
	ck_assert_uint_eq(collect_all(CHANGED), 1);
	ck_assert_uint_eq(rows[0].record.ip, record_make(7, 0, 0).ip);
	ck_assert(table_stored(&table, &rows[0]));
	ck_assert_uint_eq(collect_all(NEW), 49);
	for (size_t i = 0; i < 49; i++)
		ck_assert(table_stored(&table, &rows[i]));

	for (uint32_t key = 0; key < 50; key++)
		put_overload(key, 11, key == 7); /* as it was */
	ck_assert_uint_eq(table_urgent(&table), 50);
	ck_assert_uint_eq(collect_all(URGENT), 0);
	put_overload(7, 12, 0); /* over */
	put_overload(7, 13, 0); /* and it stays urgent until taken */
	put_overload(9, 12, 1); /* begins */
	ck_assert_uint_eq(table_urgent(&table), 52);
	ck_assert_uint_eq(collect_all(NEW), 0);
	ck_assert_uint_eq(collect_all(CHANGED), 2);
	ck_assert_uint_eq(rows[0].record.ip + rows[1].record.ip, 16);
	/* Changed again: urgent again, and counted, so that it is found. */
	put_overload(7, 14, 1);
	ck_assert_uint_eq(table_urgent(&table), 53);
	ck_assert_uint_eq(collect_all(URGENT), 1);
	ck_assert_uint_eq(collect_all(DIRTY), 48);
}
END_TEST

START_TEST(a_dialect_is_no_part_of_a_key_nor_urgent)
{
	struct record r = record_make(7, 10, 0);

	table_begin(1024, 1);
	ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
	ck_assert_uint_eq(collect_all(URGENT), 1);
	ck_assert(table_stored(&table, &rows[0]));
	r.elb = true;
	ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
	ck_assert_uint_eq(table_pending(&table), 1);
	ck_assert_uint_eq(collect_all(URGENT), 0);
	must(table_read(&table, (uint32_t)slot_of(&table, &r), &r) != 0);
	ck_assert(r.elb);
}
END_TEST

START_TEST(collect_within_looks_at_so_many_slots)
{
	uint32_t position = table_slots(1024) - 3, slots, looked = 0;
	size_t n = 0;

	table_begin(1024, 1);
	for (uint32_t key = 0; key < 500; key++)
		ck_assert(put(key, 10, key));
	while (looked < table.size) {
		uint32_t part =
		    table.size - looked < 101 ? table.size - looked : 101;

		slots = part;
		n += table_collect_within(
		    &table, DIRTY_ANY, &position, &slots, rows, 20);
		looked += part - slots;
	}
	ck_assert_uint_eq(n, 500);
	ck_assert_uint_eq(looked, table.size);
	ck_assert_uint_eq(position, table.size - 3);
	slots = 0;
	ck_assert_uint_eq(table_collect_within(
			      &table, DIRTY_ANY, &position, &slots, rows, 20),
	    0);
}
END_TEST

/* ----------------------------------------------------- against the model -- */

#define MODEL_KEYS 300

/* What is known of one key. */
struct model {
	struct record last; /* the last record that the table accepted */
	bool known, dirty;
	uint64_t best_ts; /* of all records, the newest, last arrived */
	uint32_t best;
	uint64_t db_ts;
	uint32_t db;
};

static struct model model[MODEL_KEYS];

static uint64_t
seed_choose(const char *what)
{
	const char *given = getenv("SEED");
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	random_state = given != NULL
			   ? strtoull(given, NULL, 0)
			   : (uint64_t)t.tv_nsec << 20 ^ (uint64_t)t.tv_sec;
	printf("%s: SEED=%llu\n", what, (unsigned long long)random_state);
	fflush(stdout);
	return random_state;
}

static uint32_t
model_dirty(void)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < MODEL_KEYS; k++)
		n += model[k].dirty;
	return n;
}

/* Put a random record into both, and see that both agree. */
static void
model_put(uint32_t serial)
{
	uint32_t k = random_below(MODEL_KEYS);
	struct model *m = &model[k];
	struct record r =
	    record_make(k, 1000 + serial / 64 + random_below(20), serial);
	uint64_t added = counter_get(&drain.added);
	uint64_t superseded = counter_get(&drain.superseded);
	uint64_t placed =
	    counter_get(&drain.used) + counter_get(&drain.evicted);
	bool here = slot_of(&table, &r) >= 0;
	bool full = !m->dirty && model_dirty() == table.keys;
	bool older = here && record_ts(&m->last) > record_ts(&r);

	r.overload = (uint8_t)random_below(2);
	must(here || !m->dirty);
	size_t n = table_put(&table, &r, 1, HORIZON);
	if (!older)
		must(n == !full);
	if (n == 0)
		return;
	must(counter_get(&drain.used) + counter_get(&drain.evicted) ==
	     (placed + !here));
	must(counter_get(&drain.superseded) ==
	     (superseded + (older || m->dirty)));
	must(counter_get(&drain.added) == added + (!older && !m->dirty));
	if (record_ts(&r) >= m->best_ts) {
		m->best_ts = record_ts(&r);
		m->best = serial;
	}
	if (!older) {
		m->last = r;
		m->known = m->dirty = true;
	}
}

/* The database's update: the newer ts wins, an equal one the later arrival. */
static void
model_commit(const struct record *r)
{
	struct model *m = &model[r->ip];

	if (record_ts(r) >= m->db_ts) {
		m->db_ts = record_ts(r);
		m->db = r->succ;
	}
}

/* Each record in the table is the model's, and each dirty key is there. */
static void
model_compare(void)
{
	uint32_t used = 0, dirty = 0;

	for (uint32_t i = 0; i < table.size; i++) {
		struct record r;
		uint64_t state = table_read(&table, i, &r);

		if (state == 0)
			continue;
		used++;
		dirty += (state & STATE_DIRTY) != 0;
		must(memcmp(&r, &model[r.ip].last, sizeof(r)) == 0);
		must(((state & STATE_DIRTY) != 0) == model[r.ip].dirty);
		must(slot_of(&table, &r) == i);
	}
	must(dirty == model_dirty());
	must(dirty == table_pending(&table));
	must(used == counter_get(&drain.used));
}

/* One flush: collect, let the drain work meanwhile, commit, settle. */
static void
model_flush(uint32_t *serial, uint32_t *position)
{
	static struct record committed[MODEL_KEYS];
	size_t n =
	    table_collect(&table, random_below(4) == 0 ? URGENT : DIRTY_ANY,
		position, rows, 1 + random_below(40));

	for (uint32_t i = random_below(60); i > 0; i--)
		model_put((*serial)++);
	for (size_t i = 0; i < n; i++) {
		if (random_below(2) == 0)
			table_refresh(&table, &rows[i]);
		committed[i] = rows[i].record;
		must(committed[i].ip < MODEL_KEYS);
	}
	for (uint32_t i = random_below(60); i > 0; i--)
		model_put((*serial)++);
	for (size_t i = 0; i < n; i++) {
		struct model *m = &model[committed[i].ip];
		bool newest = m->dirty && m->last.succ == committed[i].succ;

		if (random_below(10) == 0) {
			table_mark(&table, &rows[i]);
			continue;
		}
		model_commit(&committed[i]);
		if (random_below(20) == 0)
			must(table_refused(&table, &rows[i]) == newest);
		else
			must(table_stored(&table, &rows[i]) == newest);
		m->dirty = m->dirty && !newest;
	}
}

START_TEST(long_random_run_agrees_with_the_model)
{
	uint32_t serial = 1, position = 0;
	uint64_t done;

	/* Larger than the keys, a little smaller, much smaller. */
	table_begin(_i == 0 ? 400 : _i == 1 ? 256 : 40, seed_choose("model"));
	memset(model, 0, sizeof(model));
	for (int round = 0; round < 300; round++) {
		model_flush(&serial, &position);
		model_compare();
	}
	size_t n;
	while ((n = collect_all(DIRTY_ANY)) > 0)
		for (size_t i = 0; i < n; i++) {
			model_commit(&rows[i].record);
			ck_assert(table_stored(&table, &rows[i]));
			model[rows[i].record.ip].dirty = false;
		}
	model_compare();
	ck_assert_uint_eq(model_dirty(), 0);
	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		ck_assert_uint_eq(model[k].db_ts, model[k].best_ts);
		ck_assert_uint_eq(model[k].db, model[k].best);
	}
	done = serial - 1 - counter_get(&drain.full);
	ck_assert_uint_eq(done, counter_get(&drain.superseded) +
				    counter_get(&flush.stored) +
				    counter_get(&flush.dead_letter));
	ck_assert_uint_gt(counter_get(&flush.dead_letter), 0);
	if (_i > 0)
		ck_assert_uint_gt(counter_get(&drain.evicted), 0);
}
END_TEST

/* -------------------------------------------------------------- recovery -- */

/* Make SLOT look as a worker leaves it that is killed while it writes. */
static void
tear(uint32_t slot)
{
	struct slot *s = &table.slots[slot];

	counter_set(&s->state, counter_get(&s->state) | STATE_WRITING);
	counter_set(&s->words[0], UINT64_C(0x0101010101010101));
	counter_set(&s->words[2], 0);
}

START_TEST(torn_slot_is_cleared_and_its_record_replayed)
{
	table_begin(1024, 1);
	ck_assert(put(1, 10, 1));
	ck_assert(put(2, 10, 1));
	/* The third record, of key 1, is in the ring and half in the table. */
	struct record key = record_make(1, 0, 0);
	int64_t slot = slot_of(&table, &key);
	ck_assert_int_ge(slot, 0);
	tear((uint32_t)slot);

	ck_assert_uint_eq(table_recover(&table, 2), 1);
	ck_assert_uint_eq(table_pending(&table), 1);
	/* Key 1's first record was superseded by the one that was half in. */
	ck_counts(1, 1, 0);
	ck_assert_uint_eq(counter_get(&drain.used), 2);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert_uint_eq(rows[0].record.ip, 2);

	ck_assert(put(1, 11, 2));
	ck_assert_int_eq(serial_of(1), 2);
	ck_counts(2, 1, 0);
}
END_TEST

/* Also the key of which every field is 0 must not find a cleared slot. */
START_TEST(cleared_slot_matches_no_key)
{
	struct record zero = { .succ = 1 };

	table_begin(16, (uint64_t)_i);
	record_set_ts(&zero, 1);
	for (uint32_t key = 1; key < 15; key++)
		ck_assert(put(key, 10, 1));
	ck_assert_uint_eq(table_put(&table, &zero, 1, HORIZON), 1);
	for (uint32_t key = 1; key < 15; key++) {
		struct record r = record_make(key, 0, 0);

		tear((uint32_t)slot_of(&table, &r));
	}
	ck_assert_uint_eq(table_recover(&table, 1), 1);
	zero.succ = 2;
	ck_assert_uint_eq(table_put(&table, &zero, 1, HORIZON), 1);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 1);
	ck_assert_uint_eq(rows[0].record.succ, 2);
	ck_assert_uint_eq(table_pending(&table), 1);
}
END_TEST

START_TEST(recovery_finds_dirty_keys_without_marks)
{
	table_begin(1024, 1);
	for (uint32_t key = 0; key < 100; key++)
		ck_assert(put(key, 10, key));
	/* In the middle of a flush that had committed 30 of 60. */
	uint32_t position = 0;
	ck_assert_uint_eq(
	    table_collect(&table, DIRTY_ANY, &position, rows, 60), 60);
	for (int i = 0; i < 30; i++)
		ck_assert(table_stored(&table, &rows[i]));
	/* The kill came between the exchange and the count. */
	counter_set(&flush.stored, 29);
	/* And another one between a slot and its count. */
	counter_set(&drain.used, 99);

	ck_assert_uint_eq(table_recover(&table, 100), 70);
	ck_assert_uint_eq(table_pending(&table), 70);
	ck_assert_uint_eq(counter_get(&drain.used), 100);
	ck_assert_uint_eq(
	    counter_get(&drain.added) + counter_get(&drain.superseded), 100);
	ck_assert_uint_eq(collect_all(DIRTY_ANY), 70);
}
END_TEST

START_TEST(recovery_counts_what_will_be_replayed)
{
	table_begin(1024, 1);
	for (uint32_t key = 0; key < 100; key++)
		ck_assert(put(key, 10, key));
	/* The kill came before the tail passed the last 40. */
	table_recover(&table, 60);
	ck_assert_uint_eq(counter_get(&drain.replayed), 40);
	for (uint32_t key = 60; key < 100; key++)
		ck_assert(put(key, 10, key));
	ck_counts(100, 40, 0);
	/* 100 + replayed = added + superseded; again, it changes nothing. */
	table_recover(&table, 100);
	table_recover(&table, 100);
	ck_counts(100, 40, 0);
	ck_assert_uint_eq(counter_get(&drain.replayed), 40);
}
END_TEST

/* -------------------------------------------------- a worker that is killed */

/* More than half as many again as the table has slots, so that it evicts,
   and fills. */
#define KILL_KEYS 1700
#define BATCH 50 /* records that the drain takes at once */

/* One row of the database.  Two copies, so that a kill leaves a whole one. */
struct row {
	_Atomic uint32_t which;
	struct record copy[2];
};

static struct row *database; /* KILL_KEYS rows, shared with the worker */
static _Atomic bool *half;   /* likewise: half a record came to the database */
static struct worker_segment segment;
static _Atomic bool drain_over;

static const struct record *
row_read(uint32_t key)
{
	struct row *row = &database[key];

	return &row->copy[atomic_load(&row->which) & 1];
}

/* Serials wrap around in no test, so they tell the order of arrival. */
static bool
record_newer(const struct record *a, const struct record *b)
{
	return record_ts(a) != record_ts(b) ? record_ts(a) > record_ts(b)
					    : a->succ >= b->succ;
}

static bool
record_whole(const struct record *r)
{
	struct record whole = record_make(r->ip, record_ts(r), r->succ);

	return memcmp(r, &whole, sizeof(whole)) == 0;
}

/* As the statement does: an equal ts takes what comes later, right or not. */
static void
row_write(const struct record *r)
{
	struct row *row = &database[r->ip];
	uint32_t next = (atomic_load(&row->which) + 1) & 1;

	if (!record_whole(r))
		atomic_store(half, true);
	if (record_ts(r) < record_ts(row_read(r->ip)))
		return;
	row->copy[next] = *r;
	atomic_store(&row->which, next);
}

static void
flush_once(uint32_t *position, unsigned *random)
{
	static struct table_row batch[64];
	size_t n =
	    table_collect(&segment.table, DIRTY_ANY, position, batch, 64);

	if (n == 0)
		sched_yield();
	for (size_t i = 0; i < n; i++) {
		*random = *random * 1103515245 + 12345;
		if (*random >> 31)
			table_refresh(&segment.table, &batch[i]);
		row_write(&batch[i].record);
	}
	for (size_t i = 0; i < n; i++) {
		*random = *random * 1103515245 + 12345;
		if (*random >> 28 == 0)
			table_mark(&segment.table, &batch[i]);
		else
			table_stored(&segment.table, &batch[i]);
	}
}

static void *
flush_thread(void *arg)
{
	uint32_t position = 0;
	unsigned random = 1;

	(void)arg;
	while (!atomic_load(&drain_over) || table_pending(&segment.table) > 0)
		flush_once(&position, &random);
	return NULL;
}

/* The worker: drains until it is told to finish and has nothing left. */
static void
worker_run(void)
{
	pthread_t flusher;

	atomic_store(&drain_over, false);
	if (pthread_create(&flusher, NULL, flush_thread, NULL) != 0)
		_exit(2);
	for (;;) {
		enum ring_command asked = ring_asked(&segment.ring);
		uint64_t n = BATCH;
		const struct record *r = ring_peek(&segment.ring, &n);

		if (n == 0 && asked == RING_FINISH)
			break;
		if (n == 0) {
			ring_wait(&segment.ring, 60000);
			continue;
		}
		size_t in = table_put(&segment.table, r, n, HORIZON);
		ring_advance(&segment.ring, in);
		if (in < n)
			sched_yield();
	}
	atomic_store(&drain_over, true);
	pthread_join(flusher, NULL);
}

static void
worker_begin(void)
{
	char instance[INSTANCE_MAX];
	struct segment_spec spec = { instance, 1, 0, 1, RING_RECORDS_MIN,
		TABLE_KEYS_MIN };

	snprintf(instance, sizeof(instance), "unit-table-%d", (int)getpid());
	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
	/* Mapped it stays; the name is of no use here. */
	ck_assert_int_eq(segment_remove(segment.map.name), SHM_OK);
	database = mmap(NULL, KILL_KEYS * sizeof(*database) + sizeof(*half),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(database != MAP_FAILED);
	half = (_Atomic bool *)(database + KILL_KEYS);
}

/* All records in the order in which they were published. */
static struct record *journal;
static uint64_t journal_end, journal_max;
/* Of the records that the tail has passed, the newest of each key. */
static struct record newest[KILL_KEYS];
static uint64_t newest_until;

/* Begin anew, with room for so many: an earlier test in this process (with
   CK_FORK=no) has left its own. */
static void
journal_begin(uint64_t max)
{
	journal_max = max;
	journal_end = newest_until = 0;
	memset(newest, 0, sizeof(newest));
	journal = malloc(journal_max * sizeof(*journal));
	ck_assert_ptr_nonnull(journal);
}

/* Publish up to n random records.  Keys of which there are only a few come
   often, so that versions change while they are flushed. */
static void
produce(struct ring *ring, uint32_t n)
{
	uint64_t room = ring_room(ring, n);

	if (room > journal_max - journal_end)
		room = journal_max - journal_end;
	for (; n > 0 && room > 0; n--, room--) {
		uint32_t serial = (uint32_t)journal_end + 1;
		uint32_t key = random_below(random_below(2) ? KILL_KEYS : 20);
		struct record *r = &journal[journal_end++];

		*r = record_make(
		    key, 1 + serial / 1000 + random_below(3), serial);
		ring_put(ring, r, 1);
	}
	ring_publish(ring);
	ring_alert(ring);
}

static void
newest_advance(uint64_t until)
{
	for (; newest_until < until; newest_until++) {
		const struct record *r = &journal[newest_until];

		if (record_newer(r, &newest[r->ip]))
			newest[r->ip] = *r;
	}
}

static void
identity_holds(uint64_t drained)
{
	const struct drain_counters *d = &segment.shared->drain;
	const struct flush_counters *f = &segment.shared->flush;

	must(drained + counter_get(&d->replayed) ==
	     (counter_get(&f->stored) + counter_get(&f->dead_letter) +
		 table_pending(&segment.table) + counter_get(&d->superseded)));
}

/* Whether the batch behind the tail has a record that takes KEY's newest one's
   place: the slot was cleared because that record was half in. */
static bool
comes_again(uint32_t key, uint64_t tail)
{
	for (uint64_t i = tail; i < tail + BATCH && i < journal_end; i++)
		if (journal[i].ip == key &&
		    record_newer(&journal[i], &newest[key]))
			return true;
	return false;
}

/* After a kill and table_recover(): nothing that the tail has passed is lost,
   and no key is clean that the database has not. */
static void
nothing_is_lost(void)
{
	static bool pending[KILL_KEYS];
	const struct table *t = &segment.table;
	uint64_t tail = counter_get(&segment.shared->consumer.tail);

	must(tail <= journal_end);
	must(!atomic_load(half));
	identity_holds(tail);
	newest_advance(tail);
	memset(pending, 0, sizeof(pending));
	for (uint32_t i = 0; i < t->size; i++) {
		struct record r;
		uint64_t state = table_read(t, i, &r);

		must(!(counter_get(&t->slots[i].state) & STATE_WRITING));
		if (state == 0 || r.unused != 0)
			continue;
		must(r.ip < KILL_KEYS);
		must(record_whole(&r));
		if (state & STATE_DIRTY) {
			must(!pending[r.ip]);
			pending[r.ip] = true;
			must(atomic_load(&t->dirty[i]) != DIRTY_NOT);
			must(record_newer(&r, &newest[r.ip]) ||
			     record_newer(row_read(r.ip), &newest[r.ip]));
		} else
			must(record_newer(row_read(r.ip), &r));
	}
	for (uint32_t k = 0; k < KILL_KEYS; k++)
		if (!pending[k] && !record_newer(row_read(k), &newest[k]))
			ck_assert_msg(comes_again(k, tail),
			    "key %u has lost its newest record", k);
}

static pid_t
worker_fork(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* As a worker does: its own view of the words. */
		ring_attach(&segment.ring, &segment.shared->producer,
		    &segment.shared->consumer, segment.ring.records,
		    segment.ring.mask + 1);
		table_recover(&segment.table,
		    counter_get(&segment.shared->consumer.tail));
		worker_run();
		_exit(0);
	}
	return pid;
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

START_TEST(killed_worker_loses_nothing)
{
	uint64_t until = now_us() + 2000000;
	int kills = 0, status, progress = 0;

	journal_begin(4000000);
	worker_begin();
	seed_choose("kill");
	while (kills < 600 && (now_us() < until || kills < 100)) {
		pid_t pid = worker_fork();
		uint64_t tail = counter_get(&segment.shared->consumer.tail);
		/* Some die as they start, most at work. */
		uint64_t patience = now_us() + 5000000;
		if (kills % 8 != 0)
			while (counter_get(&segment.shared->consumer.tail) ==
				   tail &&
			       now_us() < patience)
				produce(&segment.ring, random_below(200));
		uint64_t alive = now_us() + random_below(1500);
		while (now_us() < alive)
			produce(&segment.ring, random_below(200));
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		kills++;
		progress += counter_get(&segment.shared->consumer.tail) != tail;
		table_recover(&segment.table,
		    counter_get(&segment.shared->consumer.tail));
		nothing_is_lost();
	}
	/* The last one may finish. */
	pid_t pid = worker_fork();
	ring_command(&segment.ring, RING_FINISH);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	nothing_is_lost();
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	ck_assert_uint_eq(newest_until, journal_end);
	for (uint32_t k = 0; k < KILL_KEYS; k++)
		ck_assert_mem_eq(row_read(k), &newest[k],
		    newest[k].succ != 0 ? sizeof(newest[k]) : 0);
	printf("kill: %d kills, %d after progress, %llu records, "
	       "%llu replayed, %llu evicted, full %llu times\n",
	    kills, progress, (unsigned long long)journal_end,
	    (unsigned long long)counter_get(&segment.shared->drain.replayed),
	    (unsigned long long)counter_get(&segment.shared->drain.evicted),
	    (unsigned long long)counter_get(&segment.shared->drain.full));
	ck_assert_int_ge(kills, 100);
	ck_assert_int_gt(progress, kills / 4);
	free(journal);
}
END_TEST

static volatile sig_atomic_t rewritten;

static void
rewrite(int signal)
{
	uint32_t serial = (uint32_t)++rewritten;
	struct record r = record_make(1, 10, serial);

	(void)signal;
	table_put(&table, &r, 1, HORIZON);
}

/* The signal falls between any two instructions of the read, and puts a whole
   new record there: what two processors do to each other by chance. */
START_TEST(reader_never_sees_half_a_record)
{
	const struct sigaction action = { .sa_handler = rewrite };
	struct itimerval every = { { 0, 20 }, { 0, 20 } };
	struct record key = record_make(1, 0, 0), r;
	uint64_t until = now_us() + 300000;

	table_begin(1024, 1);
	ck_assert(put(1, 10, 0));
	uint32_t slot = (uint32_t)slot_of(&table, &key);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
	while (now_us() < until)
		for (int i = 0; i < 1000; i++)
			must(table_read(&table, slot, &r) == 0 ||
			     record_whole(&r));
	every = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
	ck_assert_int_gt(rewritten, 10);
}
END_TEST

static void *
worker_thread(void *arg)
{
	(void)arg;
	worker_run();
	return NULL;
}

START_TEST(drain_and_flush_at_once)
{
	pthread_t worker;
	struct ring mine;

	journal_begin(1000000);
	worker_begin();
	seed_choose("threads");
	/* The worker's threads have segment.ring. */
	mine = segment.ring;
	ck_assert_int_eq(pthread_create(&worker, NULL, worker_thread, NULL), 0);
	while (journal_end < journal_max) {
		uint64_t before = journal_end;

		produce(&mine, 1 + random_below(100));
		if (journal_end == before)
			sched_yield();
	}
	ring_command(&mine, RING_FINISH);
	ck_assert_int_eq(pthread_join(worker, NULL), 0);
	nothing_is_lost();
	ck_assert_uint_eq(counter_get(&segment.shared->drain.replayed), 0);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	for (uint32_t k = 0; k < KILL_KEYS; k++)
		ck_assert_mem_eq(row_read(k), &newest[k], sizeof(newest[k]));
	free(journal);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("table");
	TCase *c = tcase_create("records");

	tcase_add_test(c, newer_record_wins);
	tcase_add_test(c, damaged_mark_or_slot_does_not_hold_up_the_flush);
	tcase_add_test(c, later_arrival_wins_when_times_are_equal);
	tcase_add_test(c, older_record_is_superseded);
	tcase_add_test(c, time_beyond_the_horizon_gives_way);
	tcase_add_test(c, takeover_refused_for_room_is_not_counted);
	tcase_add_test(c, every_field_of_the_key_counts);
	suite_add_tcase(suite, c);

	c = tcase_create("room");
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, full_of_dirty_keys_stops, 0, 20);
	tcase_add_loop_test(c, clean_keys_make_room_dirty_ones_never, 0, 50);
	tcase_add_loop_test(c, room_never_runs_out_over_the_years, 0, 3);
	tcase_add_test(c, related_keys_spread);
	tcase_add_loop_test(c, chosen_keys_spread_like_random_ones, 0, 7);
	tcase_add_loop_test(c, put_looks_at_1024_slots_at_most, 0, 8);
	suite_add_tcase(suite, c);

	c = tcase_create("flush");
	tcase_add_test(c, collect_takes_each_dirty_key_once);
	tcase_add_test(c, version_that_changed_stays_dirty);
	tcase_add_test(c, key_collected_twice_counts_once);
	tcase_add_test(c, older_record_does_not_disturb_a_commit);
	tcase_add_test(c, refresh_brings_the_newest_version);
	tcase_add_test(c, refused_counts_as_dead_letter);
	tcase_add_test(c, marked_row_is_collected_again);
	tcase_add_test(c, changed_overload_goes_first);
	tcase_add_test(c, a_dialect_is_no_part_of_a_key_nor_urgent);
	tcase_add_test(c, collect_within_looks_at_so_many_slots);
	suite_add_tcase(suite, c);

	c = tcase_create("model");
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, long_random_run_agrees_with_the_model, 0, 3);
	suite_add_tcase(suite, c);

	c = tcase_create("recovery");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, torn_slot_is_cleared_and_its_record_replayed);
	tcase_add_loop_test(c, cleared_slot_matches_no_key, 0, 200);
	tcase_add_test(c, recovery_finds_dirty_keys_without_marks);
	tcase_add_test(c, recovery_counts_what_will_be_replayed);
	tcase_add_test(c, killed_worker_loses_nothing);
	tcase_add_test(c, drain_and_flush_at_once);
	tcase_add_test(c, reader_never_sees_half_a_record);
	suite_add_tcase(suite, c);

	return suite_run(suite);
}
