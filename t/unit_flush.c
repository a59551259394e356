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

/* Keys first to first + n - 1 are stored, and so no longer new. */
static void
know(uint32_t first, uint32_t n)
{
	settings.urgent_interval = 1;
	start(false);
	drain(first, n, FIXTURE_TS, false);
	wait_stored();
	flush_stop(flush);
	flush_join(flush);
	settings.urgent_interval = 3600 * 1000;
	start(false);
	drain(first, 1, FIXTURE_TS + 1, false);
	wait_stored();
}

START_TEST(calm_keys_wait_however_many)
{
	know(0, 1000);
	size_t calls = stub_calls();
	drain(0, 1000, FIXTURE_TS + 2, false);
	expect_rest(calls);
	ck_assert_uint_eq(table_pending(&segment.table), 1000);
}
END_TEST

START_TEST(a_table_that_fills_does_not_wait)
{
	uint32_t keys = segment.table.keys, most = keys - keys / 8;

	know(0, keys);
	size_t calls = stub_calls();
	drain(0, most - 1, FIXTURE_TS + 2, false);
	expect_rest(calls);
	drain(most - 1, 1, FIXTURE_TS + 2, false);
	wait_stored();
	/* Each transaction has flush_rows. */
	ck_assert_uint_eq(stub_calls() - calls, (most + 99) / 100);
}
END_TEST

/* As when all slots within reach are dirty. */
START_TEST(a_drain_that_waits_for_room_wakes_the_flush)
{
	know(0, 10);
	drain(0, 10, FIXTURE_TS + 2, false);
	ck_assert_uint_eq(table_pending(&segment.table), 10);
	uint64_t began = monotonic_ms();
	flush_wait_room(flush, PATIENCE_MS);
	ck_assert_uint_lt(monotonic_ms() - began, PATIENCE_MS / 2);
	wait_stored();
}
END_TEST

static bool
overloaded(const struct stub_call *call)
{
	return call->first.overload;
}

START_TEST(changes_of_overload_and_new_keys_do_not_wait)
{
	know(0, 100);
	flush_stop(flush);
	flush_join(flush);
	settings.urgent_interval = 20;
	start(false);
	drain(0, 1, FIXTURE_TS + 2, false);
	wait_stored();
	drain(0, 50, FIXTURE_TS + 3, false);
	size_t calls = stub_calls();
	expect_rest(calls);
	/* Neither takes the calm ones along. */
	drain(77, 1, FIXTURE_TS + 3, true);
	wait_calls(calls + 1);
	ck_assert_uint_eq(stub_call(calls).rows, 1);
	ck_assert_uint_eq(stub_call(calls).first.ip, 77);
	drain(200, 1, FIXTURE_TS + 3, false);
	wait_calls(calls + 2);
	ck_assert_uint_eq(stub_call(calls + 1).rows, 1);
	ck_assert_uint_eq(stub_call(calls + 1).first.ip, 200);
	expect_rest(calls + 2);
	ck_assert_uint_eq(table_pending(&segment.table), 50);
}
END_TEST

START_TEST(urgent_keys_wait_for_their_interval)
{
	know(0, 100);
	flush_stop(flush);
	flush_join(flush);
	settings.urgent_interval = 400;
	start(false);
	drain(0, 1, FIXTURE_TS + 2, false);
	wait_stored();
	size_t calls = stub_calls();
	for (uint32_t i = 0; i < 50; i++)
		drain(i, 1, FIXTURE_TS + 3, true);
	expect_rest(calls);
	wait_stored();
	ck_assert_uint_eq(stub_calls(), calls + 1);
	ck_assert_uint_eq(stub_call(calls).rows, 50);
}
END_TEST

static void
slow(void)
{
	nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
}

/* End the flush, for one with slow batches.  Returns the calls until then. */
static size_t
slowed(void)
{
	flush_stop(flush);
	flush_join(flush);
	settings.urgent_interval = 1;
	stub_during(slow);
	return stub_calls();
}

/* Nor do they wait for the end of a round. */
START_TEST(urgent_keys_go_in_between)
{
	know(0, 4000);
	size_t calls = slowed();
	put(0, 1000, FIXTURE_TS + 2, false);
	start(false);
	wait_calls(calls + 2);
	/* More than the rest of the round has: no kind waits for the other. */
	drain(2000, 1500, FIXTURE_TS + 2, true);
	wait_stored();
	size_t n = stub_calls(), urgent = 0, in_turn = 0, calm = 0;
	for (size_t i = calls + 1; i < n; i++) {
		struct stub_call before = stub_call(i - 1);
		struct stub_call now = stub_call(i);

		ck_assert_uint_le(now.rows, 100);
		urgent += overloaded(&now);
		calm += !overloaded(&now);
		in_turn += overloaded(&now) != overloaded(&before);
	}
	ck_assert_uint_eq(urgent, 15);
	ck_assert_uint_ge(calm, 9);
	/* Seven batches of the round were left, or eight: each is followed by
	   urgent ones. */
	ck_assert_uint_ge(in_turn, 12);
}
END_TEST

/* As when a whole site is new: what is overloaded comes first. */
START_TEST(new_keys_hold_up_no_change_of_overload)
{
	know(5000, 10);
	size_t calls = slowed();
	put(0, 1000, FIXTURE_TS, false);
	put(5000, 1, FIXTURE_TS + 2, true); /* of a known key */
	put(6000, 1, FIXTURE_TS, true);     /* of a new one */
	start(false);
	wait_calls(calls + 1);
	ck_assert_uint_eq(stub_call(calls).first.ip, 5000);
	/* So does one of a round that began before it, though there are more
	   new keys than go in between. */
	drain(2000, 1000, FIXTURE_TS, false);
	drain(5001, 1, FIXTURE_TS + 2, true);
	wait_calls(calls + 4);
	size_t changed = 0;
	for (size_t i = calls + 1; i < calls + 4; i++) {
		struct stub_call call = stub_call(i);

		changed += call.rows == 1 && call.first.ip == 5001;
	}
	ck_assert_uint_eq(changed, 1);
	wait_stored();
	/* The new ones were not torn apart. */
	ck_assert_uint_le(stub_calls() - calls, 23);
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
	ck_assert_uint_ne(counter_get(&segment.shared->flush.waiting_since), 0);
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
	know(1, 150);
	flush_stop(flush);
	flush_join(flush);
	size_t calls = stub_calls();
	put(1, 150, FIXTURE_TS + 2, false);
	put(1000, 150, FIXTURE_TS, true);
	start(false);
	wait_stored();
	/* Both kinds in transactions of flush_rows. */
	ck_assert_uint_eq(stub_calls(), calls + 4);
	for (size_t i = 0; i < 4; i++) {
		struct stub_call call = stub_call(calls + i);

		ck_assert_uint_eq(call.rows, i % 2 == 0 ? 100 : 50);
		ck_assert_uint_eq(call.first.overload, i < 2);
		ck_assert_uint_eq(call.last.overload, i < 2);
	}
	/* In the order of keys. */
	ck_assert_uint_eq(stub_call(calls).first.ip, 1000);
	ck_assert_uint_eq(stub_call(calls + 1).last.ip, 1149);
	ck_assert_uint_eq(stub_call(calls + 2).first.ip, 1);
	ck_assert_uint_eq(stub_call(calls + 3).last.ip, 150);
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
	drain(1, 3, FIXTURE_TS + 1, false);
	flush_finish(flush);
	wait_stored();
	ck_assert_uint_eq(stub_calls(), 4);
}
END_TEST

/* Until so many keys are held, and the others are stored. */
static void
wait_held(size_t n)
{
	uint64_t until = monotonic_ms() + PATIENCE_MS;

	while (counter_get(&segment.shared->flush.held) != n ||
	       table_pending(&segment.table) != n) {
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
	tcase_add_test(c, calm_keys_wait_however_many);
	tcase_add_test(c, a_table_that_fills_does_not_wait);
	tcase_add_test(c, a_drain_that_waits_for_room_wakes_the_flush);
	tcase_add_test(c, changes_of_overload_and_new_keys_do_not_wait);
	tcase_add_test(c, urgent_keys_wait_for_their_interval);
	tcase_add_test(c, urgent_keys_go_in_between);
	tcase_add_test(c, new_keys_hold_up_no_change_of_overload);
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
