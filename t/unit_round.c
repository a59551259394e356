/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/worker/round.c: what a round takes and in what order, and
 * that no key waits for ever while others change all the time.
 */
#include "config.h"

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
		.seed = 1,
		.drain = &drain,
		.flush = &flush,
	};
	ck_assert_ptr_nonnull(table.slots);
	ck_assert(round_open(&a_round, CAPACITY));
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
	for (uint32_t key = 0; key < 100; key++)
		put(key, 1, key % 10 == 0);
	round_collect(&a_round, &table, (uint32_t)_i, 4);
	ck_assert_uint_eq(rows_of_runs(), 100);
	ck_assert_uint_eq(a_round.runs[0].begin, 0);
	ck_assert_uint_eq(a_round.runs[0].end, 10);
	/* Worker i of four begins after i quarters of the others. */
	ck_assert_uint_eq(a_round.runs[1].begin, 10 + 90 * (size_t)_i / 4);
	ck_assert_uint_eq(a_round.runs[2].begin, 10);
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
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, key % 2 == 0);
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
	ck_assert_uint_eq(a_round.runs[0].end, CAPACITY / 2);
	ck_assert_uint_eq(a_round.runs[1].end, CAPACITY);
}
END_TEST

START_TEST(what_one_kind_leaves_the_other_has)
{
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, key >= 10);
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(rows_of_runs(), CAPACITY);
	ck_assert_uint_eq(a_round.runs[0].end, CAPACITY / 2);
	ck_assert_uint_eq(a_round.runs[1].end, CAPACITY / 2 + 10);
	ck_assert_uint_eq(a_round.runs[3].end, CAPACITY);
	for (size_t at = a_round.runs[3].begin; at < CAPACITY; at++)
		ck_assert(row_at(at)->record.overload);
}
END_TEST

START_TEST(keys_of_one_kind_are_one_run)
{
	for (uint32_t key = 0; key < 1000; key++)
		put(key, 1, _i);
	round_collect(&a_round, &table, 0, 1);
	ck_assert_uint_eq(a_round.runs[_i ? 0 : 1].begin, 0);
	ck_assert_uint_eq(a_round.runs[_i ? 0 : 1].end, CAPACITY);
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
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
