/* SPDX-License-Identifier: MIT
 *
 * Check suite of the trial: a record is set aside after it killed three
 * workers, and no other one is.
 */
#include "collect.h"
#include "worker/trial.h"
#include "instance_fixture.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct worker_segment segment;
static char instance[INSTANCE_MAX];
static struct settings nowhere = { .dead_letter_file = "/dev/null/dead.jsonl",
	.dead_letter_size = 1 << 20 };

static void
setup(void)
{
	struct segment_spec spec = instance_spec(instance);

	snprintf(instance, sizeof(instance), "trial-%d", (int)getpid());
	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
}

static void
teardown(void)
{
	segment_remove(segment.map.name);
	segment_close(&segment.map);
}

static void
put(int n)
{
	for (int i = 0; i < n; i++) {
		struct record r = { .modid = 1, .ip = (uint32_t)i };

		record_set_ts(&r, 100);
		ring_put(&segment.ring, &r, 1);
	}
	ring_publish(&segment.ring);
}

/* One worker's life with the drain: it dies at `poison`.  Returns how many
   records it passed over. */
static uint64_t
live(bool crashed, uint64_t poison)
{
	struct trial trial;
	uint64_t begun = counter_get(&segment.shared->consumer.tail);

	trial_open(&trial, &segment, crashed, &nowhere);
	for (;;) {
		uint64_t tail = counter_get(&segment.shared->consumer.tail);
		uint64_t n = tail < trial.drain_end ? 1 : 4;
		const struct record *records = ring_peek(&segment.ring, &n);

		if (n == 0)
			break;
		if (tail < trial.drain_end)
			trial_drain(&segment.shared->info, tail);
		if (poison >= tail && poison < tail + n)
			break; /* dead */
		table_put(&segment.table, records, n, 1000);
		ring_advance(&segment.ring, n);
		trial_drained(&segment.shared->info);
	}
	return counter_get(&segment.shared->consumer.tail) - begun;
}

START_TEST(third_death_sets_the_record_aside)
{
	put(10);
	ck_assert_uint_eq(live(false, 6), 4);
	ck_assert_uint_eq(live(true, 6), 2);
	ck_assert_uint_eq(live(true, 6), 0);
	ck_assert_uint_eq(counter_get(&segment.shared->info.poisoned), 0);
	/* The fourth life sets it aside, and lives. */
	ck_assert_uint_eq(live(true, 6), 4);
	ck_assert_uint_eq(counter_get(&segment.shared->info.poisoned), 1);
	ck_assert_uint_eq(counter_get(&segment.shared->flush.dead_letter), 1);
	ck_assert_uint_eq(counter_get(&segment.shared->flush.dead_lost), 1);
	ck_assert_uint_eq(table_pending(&segment.table), 9);
	ck_assert_uint_eq(counter_get(&segment.shared->drain.added) +
			      counter_get(&segment.shared->drain.superseded),
	    10);
}
END_TEST

START_TEST(a_kill_from_outside_is_nobodys_fault)
{
	put(10);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_le(live(false, 2), 0);
	ck_assert_uint_eq(counter_get(&segment.shared->info.poisoned), 0);
}
END_TEST

START_TEST(different_records_are_not_added_up)
{
	put(10);
	live(false, 3);
	live(true, 3);
	live(true, 5); /* this time the third record did no harm */
	live(true, 5);
	ck_assert_uint_eq(counter_get(&segment.shared->info.poisoned), 0);
}
END_TEST

START_TEST(a_row_that_kills_the_flush_is_set_aside)
{
	struct trial trial;
	struct table_row rows[4];
	uint32_t position = 0;

	put(3);
	live(false, UINT64_MAX);
	ck_assert_uint_eq(
	    table_collect(&segment.table, DIRTY_ANY, &position, rows, 4), 3);
	/* The batch that began with row 0 died, then each trial of row 1. */
	trial_flush(&segment.shared->info, rows[0].slot);
	for (int i = 0; i < 3; i++) {
		trial_open(&trial, &segment, true, &nowhere);
		ck_assert(trial.flush);
		ck_assert_uint_eq(table_pending(&segment.table), 3);
		trial_flush(&segment.shared->info, rows[0].slot);
		trial_flushed(&segment.shared->info);
		trial_flush(&segment.shared->info, rows[1].slot);
	}
	trial_open(&trial, &segment, true, &nowhere);
	ck_assert_uint_eq(table_pending(&segment.table), 2);
	ck_assert_uint_eq(counter_get(&segment.shared->info.poisoned), 1);
	struct record record;
	ck_assert(
	    !(table_read(&segment.table, rows[1].slot, &record) & STATE_DIRTY));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("trial");
	TCase *tc = tcase_create("trial");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, third_death_sets_the_record_aside);
	tcase_add_test(tc, a_kill_from_outside_is_nobodys_fault);
	tcase_add_test(tc, different_records_are_not_added_up);
	tcase_add_test(tc, a_row_that_kills_the_flush_is_set_aside);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
