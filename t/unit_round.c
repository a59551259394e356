/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/worker/round.c: what a round takes and in what order, and
 * that no key waits for ever while others change all the time.
 */
#include "config.h"

#include "collect.h"
#include "worker/round.h"
#include "suite.h"

#include <stdlib.h>

#define KEYS 2048
#define CAPACITY 128
#define HORIZON 1000000

static struct drain_counters drain;
static struct flush_counters flush;
static struct table table;
static struct round a_round;

static void
begin(void)
{
	uint32_t size = table_slots(KEYS);

	memset(&drain, 0, sizeof(drain));
	memset(&flush, 0, sizeof(flush));
	table = (struct table){
		.slots = calloc(size, sizeof(struct slot)),
		.dirty = calloc(size, 1),
		.size = size,
		.keys = KEYS,
		.secret = { 1, 2 },
		.drain = &drain,
		.flush = &flush,
	};
	ck_assert_ptr_nonnull(table.slots);
	ck_assert(round_open(&a_round, CAPACITY, CAPACITY));
}

static void
end(void)
{
	round_close(&a_round);
	free(table.slots);
	free((void *)(uintptr_t)table.dirty);
}

static void
put(uint32_t key, uint64_t ts, bool overload)
{
	struct record r = { .modid = (int32_t)(key % 3),
		.ip = key * 2654435761u,
		.port = (uint16_t)key,
		.overload = overload };

	record_set_ts(&r, ts);
	ck_assert_uint_eq(table_put(&table, &r, 1, HORIZON), 1);
}

/* Keys that the database has: no longer new. */
static void
known(uint32_t keys)
{
	static struct table_row rows[KEYS];
	uint32_t position = 0;

	for (uint32_t key = 0; key < keys; key++)
		put(key, 0, false);
	size_t n = table_collect(&table, DIRTY_ANY, &position, rows, KEYS);
	ck_assert_uint_eq(n, keys);
	for (size_t i = 0; i < n; i++)
		ck_assert(table_stored(&table, &rows[i]));
}

static const struct table_row *
row_at(size_t place)
{
	return &a_round.rows[a_round.order[place].row];
}

/* Store all of the round, and note in which round each key was: rounds_of[]. */
static void
store(size_t rounds, size_t rounds_of[KEYS])
{
	for (int i = 0; i < ROUND_RUNS; i++) {
		struct run run = a_round.runs[i];

		for (size_t at = run.begin; at < run.end; at++) {
			uint16_t key = row_at(at)->record.port;

			if (rounds_of[key] == 0)
				rounds_of[key] = rounds;
			table_stored(&table, row_at(at));
		}
	}
}

static size_t
rows_of_runs(void)
{
	size_t n = 0;

	for (int i = 0; i < ROUND_RUNS; i++)
		n += a_round.runs[i].end - a_round.runs[i].begin;
	return n;
}

START_TEST(urgent_keys_go_first_and_runs_are_in_order)
{
	known(100);
	for (uint32_t key = 0; key < 100; key++)
		put(key, 1, key % 10 == 0);
	round_collect(&a_round, &table, (uint32_t)_i, 4);
	ck_assert_uint_eq(rows_of_runs(), 100);
	ck_assert_uint_eq(a_round.runs[0].begin, 0);
	ck_assert_uint_eq(a_round.runs[0].end, 10);
	/* Worker i of four begins after i quarters of the others. */
	ck_assert_uint_eq(a_round.runs[2].begin, 10 + 90 * (size_t)_i / 4);
	ck_assert_uint_eq(a_round.runs[3].begin, 10);
	for (int i = 0; i < ROUND_RUNS; i++) {
		struct run run = a_round.runs[i];

		for (size_t at = run.begin; at < run.end; at++) {
			ck_assert_int_eq(row_at(at)->record.overload, i == 0);
			if (at > run.begin)
				ck_assert_int_lt(
				    record_compare(&row_at(at - 1)->record,
					&row_at(at)->record),
				    0);
		}
	}
}
END_TEST

START_TEST(a_round_takes_half_of_each_kind)
{
	known(1000);
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, key % 2 == 0);
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
	ck_assert_uint_eq(a_round.runs[0].end, CAPACITY / 2);
	ck_assert_uint_eq(a_round.runs[2].end, CAPACITY);
}
END_TEST

START_TEST(what_one_kind_leaves_the_other_has)
{
	known(1000);
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, key >= 10);
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
	ck_assert_uint_eq(a_round.runs[0].end, CAPACITY / 2);
	ck_assert_uint_eq(a_round.runs[2].end, CAPACITY / 2 + 10);
	ck_assert_uint_eq(a_round.runs[1].end, CAPACITY);
	for (size_t at = a_round.runs[1].begin; at < CAPACITY; at++)
		ck_assert(row_at(at)->record.overload);
}
END_TEST

START_TEST(keys_of_one_kind_are_one_run)
{
	known(1000);
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, _i);
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(a_round.runs[_i ? 0 : 2].begin, 0);
	ck_assert_uint_eq(a_round.runs[_i ? 0 : 2].end, CAPACITY);
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
}
END_TEST

/* All but one in eight keys flip their overload before each round. */
START_TEST(keys_that_always_change_starve_nobody)
{
	const uint32_t keys = 1600;
	const size_t enough = 2 * table_slots(KEYS) / CAPACITY + 1;
	static size_t rounds_of[KEYS];

	memset(rounds_of, 0, sizeof(rounds_of));
	known(keys);
	for (uint32_t key = 0; key < keys; key++)
		put(key, 1, false);
	for (size_t round = 1; round <= enough; round++) {
		for (uint32_t key = 0; key < keys; key++) {
			if (key % 8 != 0)
				put(key, 1 + round, round % 2 != 0);
		}
		round_collect(&a_round, &table, 0, 1);
		store(round, rounds_of);
	}
	for (uint32_t key = 0; key < keys; key++) {
		ck_assert_msg(rounds_of[key] != 0,
		    "key %u was in none of %zu rounds", key, enough);
		/* Of the others there are 200: four rounds. */
		if (key % 8 == 0)
			ck_assert_uint_le(rounds_of[key], 4);
	}
}
END_TEST

/* The same while new keys keep coming: as many as a round has room for. */
START_TEST(new_keys_starve_nobody)
{
	const uint32_t calm = 256;
	size_t rounds_of[KEYS] = { 0 };

	known(calm);
	for (uint32_t key = 0; key < calm; key++)
		put(key, 1, false);
	for (uint32_t round = 1; round <= 4; round++) {
		for (uint32_t i = 0; i < 2 * CAPACITY; i++)
			put(calm + round * 2 * CAPACITY + i, 1, false);
		round_collect(&a_round, &table, 0, 1);
		store(round, rounds_of);
	}
	for (uint32_t key = 0; key < calm; key++)
		ck_assert_uint_ne(rounds_of[key], 0);
}
END_TEST

/* However often they are reported meanwhile. */
START_TEST(calm_keys_are_written_once_a_sweep)
{
	const uint32_t keys = 300;
	size_t rounds_of[KEYS] = { 0 }, rows = 0;

	known(keys);
	for (uint32_t key = 0; key < keys; key++)
		put(key, 1, false);
	for (uint32_t round = 1; round <= 3; round++) {
		round_collect(&a_round, &table, 0, 1);
		rows += rows_of_runs();
		ck_assert_int_eq(a_round.sweep == 0, round == 3);
		store(round, rounds_of);
		for (uint32_t key = 0; key < keys; key++)
			if (rounds_of[key] != 0)
				put(key, 1 + round, false);
	}
	ck_assert_uint_eq(rows, keys);
	for (uint32_t key = 0; key < keys; key++)
		ck_assert_uint_ne(rounds_of[key], 0);
	/* The next sweep has them. */
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
}
END_TEST

START_TEST(urgent_keys_alone)
{
	size_t rounds_of[KEYS] = { 0 };
	size_t taken = 0;

	known(1000);
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, key % 5 == 0);
	for (size_t n = CAPACITY; n == CAPACITY; taken += n) {
		ck_assert_uint_gt(round_urgent(&a_round, &table), 0);
		round_collect_urgent(&a_round, &table);
		n = rows_of_runs();
		ck_assert_uint_eq(a_round.runs[0].end, n);
		for (size_t at = 0; at < n; at++) {
			ck_assert(row_at(at)->record.overload);
			if (at > 0)
				ck_assert_int_lt(
				    record_compare(&row_at(at - 1)->record,
					&row_at(at)->record),
				    0);
		}
		store(1, rounds_of);
	}
	ck_assert_uint_eq(taken, 200);
	ck_assert_uint_eq(round_urgent(&a_round, &table), 0);
	ck_assert_uint_eq(a_round.sweep, 0);
}
END_TEST

START_TEST(urgent_keys_between_two_batches)
{
	size_t rounds_of[KEYS] = { 0 }, taken = 0;
	struct run run;

	known(1000);
	for (uint32_t key = 0; key < CAPACITY; key++)
		put(key, 1, false);
	round_collect(&a_round, &table, 0, 1);
	struct record first = row_at(0)->record;
	for (uint32_t key = 500; key < 550; key++)
		put(key, 1, true);
	for (uint32_t key = 1000; key < 1010; key++)
		put(key, 1, false);
	run = round_between(&a_round, &table, CHANGED, 10);
	for (size_t at = run.begin; at < run.end; at++)
		ck_assert(table_stored(&table, row_at(at)));
	ck_assert_uint_eq(run.end - run.begin, 10);
	run = round_between(&a_round, &table, NEW, 20);
	for (size_t at = run.begin; at < run.end; at++) {
		ck_assert(!row_at(at)->record.overload);
		ck_assert(table_stored(&table, row_at(at)));
	}
	ck_assert_uint_eq(run.end - run.begin, 10);
	taken = 10;
	do {
		/* As long as not all were looked for. */
		ck_assert_uint_gt(round_urgent(&a_round, &table), 0);
		run = round_between(&a_round, &table, URGENT, 20);
		ck_assert_uint_le(run.end - run.begin, 20);
		for (size_t at = run.begin; at < run.end; at++) {
			ck_assert(row_at(at)->record.overload);
			ck_assert(table_stored(&table, row_at(at)));
		}
		taken += run.end - run.begin;
	} while (run.end - run.begin == 20);
	ck_assert_uint_eq(taken, 50);
	ck_assert_uint_eq(round_urgent(&a_round, &table), 0);
	/* The round is as it was. */
	ck_assert_mem_eq(&row_at(0)->record, &first, sizeof(first));
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
	store(1, rounds_of);
	ck_assert_uint_eq(table_pending(&table), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("round");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_loop_test(
	    all, urgent_keys_go_first_and_runs_are_in_order, 0, 4);
	tcase_add_test(all, a_round_takes_half_of_each_kind);
	tcase_add_test(all, what_one_kind_leaves_the_other_has);
	tcase_add_loop_test(all, keys_of_one_kind_are_one_run, 0, 2);
	tcase_add_test(all, keys_that_always_change_starve_nobody);
	tcase_add_test(all, new_keys_starve_nobody);
	tcase_add_test(all, calm_keys_are_written_once_a_sweep);
	tcase_add_test(all, urgent_keys_alone);
	tcase_add_test(all, urgent_keys_between_two_batches);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
