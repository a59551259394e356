/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/worker/flush.c: when the flush thread flushes, what ends
 * it, and what the drain thread sees of it.  The database is played.
 */
#include "config.h"

#include "lib/clock.h"
#include "store_fixture.h"
#include "suite.h"
#include "worker/flush.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct master_shared master;
static struct flush *flush;

static void
begin(void)
{
	fixture_begin();
	memset(&master, 0, sizeof(master));
	counter_set(&master.oldest_generation, 2);
	flush = NULL;
}

static void
end(void)
{
	if (flush != NULL) {
		flush_stop(flush);
		flush_join(flush);
	}
	fixture_end();
}

static void
start(bool trial)
{
	flush = flush_start(&settings, &password, &segment, &master, trial);
	ck_assert_ptr_nonnull(flush);
}

/* As the drain does. */
static void
drain(uint32_t first, uint32_t n, uint64_t ts, bool overload)
{
	put(first, n, ts, overload);
	flush_notify(flush);
}

static void
nap(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* Until no key is pending. */
static void
wait_stored(void)
{
	uint64_t until = monotonic_ms() + PATIENCE_MS;

	while (table_pending(&segment.table) > 0) {
		ck_assert_uint_lt(monotonic_ms(), until);
		nap();
	}
}

static void
wait_calls(size_t n)
{
	uint64_t until = monotonic_ms() + PATIENCE_MS;

	while (stub_calls() < n) {
		ck_assert_uint_lt(monotonic_ms(), until);
		nap();
	}
}

/* Nothing is stored for a while. */
static void
expect_rest(size_t calls)
{
	uint64_t until = monotonic_ms() + 200;

	while (monotonic_ms() < until) {
		ck_assert_uint_eq(stub_calls(), calls);
		nap();
	}
}

START_TEST(the_first_record_goes_at_once)
{
	start(false);
	expect_rest(0);
	drain(1, 1, FIXTURE_TS, false);
	wait_stored();
	ck_assert_uint_eq(stub_calls(), 1);
	/* The next one waits for its interval, an hour. */
	drain(1, 1, FIXTURE_TS + 1, false);
	expect_rest(1);
	ck_assert_uint_eq(table_pending(&segment.table), 1);
}
END_TEST

START_TEST(enough_keys_do_not_wait)
{
	start(false);
	drain(0, 1, FIXTURE_TS, false);
	wait_stored();
	drain(1, 99, FIXTURE_TS, false);
	expect_rest(1);
	drain(100, 1, FIXTURE_TS, false);
	wait_stored();
	ck_assert_uint_eq(stub_calls(), 2);
	ck_assert_uint_eq(stub_call(1).rows, 100);
}
END_TEST

START_TEST(a_small_table_needs_fewer_keys)
{
	uint32_t keys = segment.table.keys;

	settings.flush_rows = 1000000;
	start(false);
	drain(0, 1, FIXTURE_TS, false);
	wait_stored();
	drain(1, keys, FIXTURE_TS, false);
	wait_stored();
	ck_assert_uint_eq(counter_get(&segment.shared->flush.stored), keys + 1);
}
END_TEST

START_TEST(the_interval_passes)
{
	settings.flush_interval = 20;
	start(false);
	for (uint64_t i = 0; i < 3; i++) {
		drain(1, 1, FIXTURE_TS + i, false);
		wait_stored();
	}
	ck_assert_uint_eq(stub_calls(), 3);
}
END_TEST

START_TEST(an_older_generation_goes_first)
{
	counter_set(&master.oldest_generation, 1);
	start(false);
	drain(1, 5, FIXTURE_TS, false);
	expect_rest(0);
	/* Keys wait, and that is shown. */
	ck_assert_uint_gt(
	    counter_get(&segment.shared->flush.waiting_since), FIXTURE_TS);
	counter_set(&master.oldest_generation, 2);
	wait_stored();
	uint64_t until = monotonic_ms() + PATIENCE_MS;
	while (counter_get(&segment.shared->flush.waiting_since) != 0) {
		ck_assert_uint_lt(monotonic_ms(), until);
		nap();
	}
}
END_TEST

START_TEST(urgent_keys_go_first)
{
	put(1, 150, FIXTURE_TS, false);
	put(1000, 150, FIXTURE_TS, true);
	start(false);
	wait_stored();
	/* Both kinds in transactions of flush_rows. */
	ck_assert_uint_eq(stub_calls(), 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(stub_call(i).rows, i % 2 == 0 ? 100 : 50);
		ck_assert_uint_eq(stub_call(i).first.overload, i < 2);
		ck_assert_uint_eq(stub_call(i).last.overload, i < 2);
	}
	/* In the order of keys. */
	ck_assert_uint_eq(stub_call(0).first.ip, 1000);
	ck_assert_uint_eq(stub_call(1).last.ip, 1149);
	ck_assert_uint_eq(stub_call(2).first.ip, 1);
	ck_assert_uint_eq(stub_call(3).last.ip, 150);
}
END_TEST

START_TEST(finish_brings_all_and_ends)
{
	start(false);
	drain(0, 1, FIXTURE_TS, false);
	wait_stored();
	drain(1, 50, FIXTURE_TS, false);
	ck_assert(!flush_ended(flush, 10));
	flush_finish(flush);
	flush_finish(flush);
	ck_assert(flush_ended(flush, PATIENCE_MS));
	ck_assert_uint_eq(table_pending(&segment.table), 0);
}
END_TEST

START_TEST(finish_without_work_ends)
{
	start(false);
	flush_finish(flush);
	ck_assert(flush_ended(flush, PATIENCE_MS));
	ck_assert_uint_eq(stub_calls(), 0);
}
END_TEST

START_TEST(stop_does_not_wait_for_the_database)
{
	stub_always(DB_HOLD);
	start(false);
	drain(1, 5, FIXTURE_TS, false);
	wait_calls(1);
	flush_finish(flush);
	ck_assert(!flush_ended(flush, 50));
	flush_stop(flush);
	ck_assert(flush_ended(flush, PATIENCE_MS));
	ck_assert_uint_eq(table_pending(&segment.table), 5);
}
END_TEST

static void
slow(void)
{
	nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
}

START_TEST(the_drain_waits_for_room)
{
	start(false);
	stub_during(slow);
	drain(1, 1, FIXTURE_TS, false);
	uint64_t began = monotonic_ms();
	flush_wait_room(flush, PATIENCE_MS);
	ck_assert_uint_lt(monotonic_ms() - began, PATIENCE_MS);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	/* And when nothing is stored, no longer than it said. */
	flush_wait_room(flush, 10);
}
END_TEST

START_TEST(the_first_round_is_on_trial)
{
	put(1, 3, FIXTURE_TS, false);
	start(true);
	wait_stored();
	ck_assert_uint_eq(stub_calls(), 3);
	drain(1, 100, FIXTURE_TS + 1, false);
	wait_stored();
	ck_assert_uint_eq(stub_calls(), 4);
}
END_TEST

/* Until so many keys are held. */
static void
wait_held(size_t n)
{
	uint64_t until = monotonic_ms() + PATIENCE_MS;

	while (counter_get(&segment.shared->flush.held) != n) {
		ck_assert_uint_lt(monotonic_ms(), until);
		nap();
	}
}

START_TEST(a_finish_leaves_held_rows)
{
	settings.flush_interval = 20;
	stub_bad(DB_UNLISTED, 1, 2);
	start(false);
	drain(0, 3, FIXTURE_TS, false);
	wait_held(1);
	ck_assert_uint_eq(table_pending(&segment.table), 1);
	/* Others go on, and there is nothing to do in between. */
	drain(2, 1, FIXTURE_TS + 1, false);
	flush_finish(flush);
	ck_assert(flush_ended(flush, PATIENCE_MS));
	ck_assert_uint_eq(table_pending(&segment.table), 1);
	ck_assert_uint_eq(counter_get(&segment.shared->flush.stored), 3);
}
END_TEST

START_TEST(a_retired_generation_leaves_none)
{
	settings.flush_interval = 20;
	stub_bad(DB_UNLISTED, 1, 2);
	start(false);
	drain(0, 3, FIXTURE_TS, false);
	wait_held(1);
	counter_set(&master.generation, 3);
	flush_finish(flush);
	ck_assert(flush_ended(flush, PATIENCE_MS));
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	ck_assert_uint_eq(counter_get(&segment.shared->flush.dead_letter), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flush");
	TCase *c = tcase_create("flush");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, the_first_record_goes_at_once);
	tcase_add_test(c, enough_keys_do_not_wait);
	tcase_add_test(c, a_small_table_needs_fewer_keys);
	tcase_add_test(c, the_interval_passes);
	tcase_add_test(c, an_older_generation_goes_first);
	tcase_add_test(c, urgent_keys_go_first);
	tcase_add_test(c, finish_brings_all_and_ends);
	tcase_add_test(c, finish_without_work_ends);
	tcase_add_test(c, stop_does_not_wait_for_the_database);
	tcase_add_test(c, the_drain_waits_for_room);
	tcase_add_test(c, the_first_round_is_on_trial);
	tcase_add_test(c, a_finish_leaves_held_rows);
	tcase_add_test(c, a_retired_generation_leaves_none);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
