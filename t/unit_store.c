/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/worker/store.c: what becomes of rows, by what the database
 * answers.
 */
#include "config.h"

#include "collect.h"
#include "store_fixture.h"
#include "suite.h"
#include "worker/store.h"
#include "conf/settings.h"
#include "lib/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 16384

static struct store *store;
static struct table_row rows[MANY];

static void
begin(void)
{
	fixture_begin();
	store = store_new(&settings, &password, &segment);
	ck_assert_ptr_nonnull(store);
}

static void
end(void)
{
	store_free(store);
	ck_assert_uint_eq(counter_get(&segment.shared->flush.connected), 0);
	fixture_end();
}

/* The store again, with other settings. */
static void
renew(uint64_t flush_rows)
{
	store_free(store);
	settings.flush_rows = flush_rows;
	store = store_new(&settings, &password, &segment);
	ck_assert_ptr_nonnull(store);
}

/* Put n keys and collect them, in the order of their slots. */
static size_t
dirty(uint32_t n)
{
	uint32_t position = 0;

	put(0, n, FIXTURE_TS, false);
	size_t collected =
	    table_collect(&segment.table, DIRTY_ANY, &position, rows, MANY);
	ck_assert_uint_eq(collected, n);
	return n;
}

static uint64_t
counted(const counter *c)
{
	return counter_get(c);
}

#define FLUSH(name) counted(&segment.shared->flush.name)

/* The linker leads the clock here: no test can wait for half a minute, and a
   slow machine divides for longer than a round may. */
static _Atomic uint64_t skipped_ms, stopped_ms;
uint64_t __real_monotonic_ms(void);
uint64_t __wrap_monotonic_ms(void);

uint64_t
__wrap_monotonic_ms(void)
{
	return stopped_ms != 0 ? stopped_ms
			       : __real_monotonic_ms() + skipped_ms;
}

/* store_rows(), which takes no time. */
static size_t
store_at_once(size_t n)
{
	stopped_ms = __real_monotonic_ms() + skipped_ms;
	n = store_rows(store, rows, n);
	stopped_ms = 0;
	return n;
}

START_TEST(rows_are_stored)
{
	ck_assert_uint_eq(store_rows(store, rows, dirty(10)), 10);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	ck_assert_uint_eq(FLUSH(stored), 10);
	ck_assert_uint_eq(FLUSH(rows), 10);
	ck_assert_uint_eq(FLUSH(flushes), 1);
	ck_assert_uint_eq(FLUSH(clamped), 1);
	ck_assert_uint_eq(FLUSH(connects), 1);
	ck_assert_uint_eq(FLUSH(connected), 1);
	ck_assert_uint_ne(FLUSH(last_flush_ts), 0);
	ck_assert_uint_ne(FLUSH(waiting_since), 0);
	ck_assert_uint_eq(stub_calls(), 1);
	ck_assert_uint_eq(stub_call(0).rows, 10);
	ck_assert_str_eq(stub_password(), "first");
	ck_assert_uint_eq(lines_with("database played: connected"), 1);
}
END_TEST

START_TEST(flush_rows_bounds_a_transaction)
{
	size_t n = dirty(250), done = 0;

	while (done < n)
		done += store_rows(store, rows + done, n - done);
	ck_assert_uint_eq(stub_calls(), 3);
	ck_assert_uint_eq(stub_call(0).rows, 100);
	ck_assert_uint_eq(stub_call(1).rows, 100);
	ck_assert_uint_eq(stub_call(2).rows, 50);
	renew(1);
	put(0, 2, FIXTURE_TS + 1, false);
	uint32_t position = 0;
	n = table_collect(&segment.table, DIRTY_ANY, &position, rows, MANY);
	ck_assert_uint_eq(store_rows(store, rows, n), 1);
}
END_TEST

START_TEST(a_statement_has_a_limit_of_its_own)
{
	renew(1000000);
	ck_assert_uint_eq(store_rows(store, rows, dirty(12000)), DB_ROWS_MAX);
	ck_assert_uint_eq(stub_call(0).rows, DB_ROWS_MAX);
}
END_TEST

START_TEST(what_a_statement_leaves_is_sent_next)
{
	stub_takes(4);
	ck_assert_uint_eq(store_rows(store, rows, dirty(10)), 10);
	ck_assert_uint_eq(stub_calls(), 3);
	ck_assert_uint_eq(stub_call(2).rows, 2);
	ck_assert_uint_eq(FLUSH(stored), 10);
	ck_assert_uint_eq(FLUSH(rows), 10);
}
END_TEST

START_TEST(the_newest_version_is_sent)
{
	size_t n = dirty(1);

	put(0, 1, FIXTURE_TS + 5, true);
	ck_assert_uint_eq(store_rows(store, rows, n), 1);
	struct stub_call call = stub_call(0);
	ck_assert_uint_eq(record_ts(&call.first), FIXTURE_TS + 5);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	ck_assert_uint_eq(FLUSH(stored), 1);
}
END_TEST

static void
newer(void)
{
	put(1, 1, FIXTURE_TS + 9, false);
}

START_TEST(a_newer_version_stays_dirty)
{
	stub_during(newer);
	ck_assert_uint_eq(store_rows(store, rows, dirty(3)), 3);
	ck_assert_uint_eq(FLUSH(stored), 2);
	ck_assert_uint_eq(table_pending(&segment.table), 1);
}
END_TEST

START_TEST(a_deadlock_repeats_the_statement)
{
	stub_answers((enum db_class[]){ DB_RETRY, DB_RETRY, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, dirty(5)), 5);
	ck_assert_uint_eq(stub_calls(), 3);
	ck_assert_uint_eq(FLUSH(errors[DB_RETRY]), 2);
	ck_assert_uint_eq(FLUSH(connects), 1);
	ck_assert_uint_eq(FLUSH(flushes), 1);
	ck_assert_uint_eq(lines_with("database played: error"), 2);
	/* The connection was never lost, so nothing recovers. */
	ck_assert_uint_eq(lines_with("recovered"), 0);
}
END_TEST

START_TEST(a_lost_connection_is_made_again)
{
	char text[256];

	password_put("second");
	stub_answers((enum db_class[]){ DB_RECONNECT, DB_OK });
	stub_connecting(DB_OK, 0);
	ck_assert_uint_eq(store_rows(store, rows, dirty(5)), 5);
	ck_assert_uint_eq(FLUSH(connects), 2);
	ck_assert_uint_eq(FLUSH(connected), 1);
	ck_assert_uint_eq(FLUSH(errors[DB_RECONNECT]), 1);
	ck_assert_uint_eq(
	    last_error_get(&segment.shared->flush, text, sizeof(text)),
	    1000 + DB_RECONNECT);
	ck_assert_str_eq(text, "played reconnect");
	ck_assert_uint_ne(FLUSH(last_error_ts), 0);
	ck_assert_uint_gt(FLUSH(recovered_ts), FLUSH(last_error_ts));
	ck_assert_uint_eq(lines_with("recovered"), 1);
}
END_TEST

START_TEST(the_password_is_read_before_each_connect)
{
	ck_assert_uint_eq(store_rows(store, rows, dirty(1)), 1);
	ck_assert_str_eq(stub_password(), "first");
	password_put("second");
	put(0, 1, FIXTURE_TS + 1, false);
	stub_answers((enum db_class[]){ DB_RECONNECT, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, 1), 1);
	ck_assert_str_eq(stub_password(), "second");
	/* One that cannot be read leaves the one before in use. */
	password_put(NULL);
	put(0, 1, FIXTURE_TS + 2, false);
	stub_answers((enum db_class[]){ DB_RECONNECT, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, 1), 1);
	ck_assert_str_eq(stub_password(), "second");
	ck_assert_uint_eq(lines_with("password"), 1);
}
END_TEST

START_TEST(with_one_host_there_is_no_next_one)
{
	stub_connecting(DB_NEXT_HOST, 1);
	ck_assert_uint_eq(store_rows(store, rows, dirty(1)), 1);
	ck_assert_uint_eq(FLUSH(errors[DB_NEXT_HOST]), 1);
	ck_assert_uint_eq(lines_with("next host"), 0);
	ck_assert_uint_eq(lines_with("reconnecting"), 1);
}
END_TEST

START_TEST(a_refused_row_is_singled_out)
{
	stub_refuses(5);
	ck_assert_uint_eq(store_rows(store, rows, dirty(8)), 8);
	ck_assert_uint_eq(FLUSH(stored), 7);
	ck_assert_uint_eq(FLUSH(dead_letter), 1);
	ck_assert_uint_eq(FLUSH(dead_lost), 0);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
	const char *text = text_of(dead_letter);
	ck_assert_ptr_nonnull(strstr(text, "\"ip\":\"0.0.0.5\""));
	ck_assert_ptr_nonnull(strstr(text, "played refused"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	/* A refused row says nothing of how long statements may be. */
	put(10, 60, FIXTURE_TS, false);
	uint32_t position = 0;
	size_t n =
	    table_collect(&segment.table, DIRTY_ANY, &position, rows, MANY);
	ck_assert_uint_eq(store_rows(store, rows, n), 60);
	ck_assert_uint_eq(stub_call(stub_calls() - 1).rows, 60);
}
END_TEST

START_TEST(without_a_dead_letter_file_it_is_lost)
{
	settings.dead_letter_file = (char[]){ "/dev/null/file" };
	renew(100);
	stub_refuses(0);
	ck_assert_uint_eq(store_rows(store, rows, dirty(2)), 2);
	ck_assert_uint_eq(FLUSH(dead_letter), 1);
	ck_assert_uint_eq(FLUSH(dead_lost), 1);
	ck_assert_uint_eq(
	    lines_with("cannot write dead-letter file /dev/null/file"), 1);
}
END_TEST

START_TEST(a_statement_too_large_is_halved)
{
	size_t n = dirty(80);

	stub_answers((enum db_class[]){ DB_SPLIT, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, n), 80);
	ck_assert_uint_eq(stub_call(1).rows, 40);
	ck_assert_uint_eq(stub_call(2).rows, 40);
	/* It grew by a sixteenth, since one statement filled it; a new
	   connection changes nothing. */
	put(0, 80, FIXTURE_TS + 1, false);
	stub_answers((enum db_class[]){ DB_NEXT_HOST, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, n), 42);
}
END_TEST

START_TEST(a_window_is_found_and_grows_again)
{
	size_t n = dirty(100);

	stub_most(10);
	ck_assert_uint_eq(store_rows(store, rows, n), 100);
	ck_assert_uint_eq(stub_call(4).rows, 6); /* 100, 50, 25, 12 failed */
	ck_assert_uint_eq(FLUSH(stored), 100);
	ck_assert_uint_lt(stub_calls(), 25);
	stub_most(SIZE_MAX);
	for (uint64_t i = 1; i < 200; i++) {
		put(0, 100, FIXTURE_TS + i, false);
		if (store_rows(store, rows, n) == 100)
			return;
	}
	ck_abort_msg("it never grows back to flush_rows");
}
END_TEST

START_TEST(a_lost_connection_makes_statements_smaller)
{
	size_t n = dirty(80);

	stub_answers((enum db_class[]){ DB_RECONNECT, DB_RECONNECT, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, n), 80);
	ck_assert_uint_eq(stub_call(1).rows, 40);
	ck_assert_uint_eq(stub_call(2).rows, 20);
	ck_assert_uint_eq(stub_call(3).rows, 40); /* doubled: 40 may pass */
	/* One that was never made says nothing. */
	renew(100);
	put(0, 80, FIXTURE_TS + 1, false);
	stub_connecting(DB_RECONNECT, 2);
	ck_assert_uint_eq(store_rows(store, rows, n), 80);
}
END_TEST

START_TEST(a_connection_lost_over_size_does_not_count_twice)
{
	size_t n = dirty(80);

	/* The server closes the connection that sent too much. */
	stub_answers((enum db_class[]){ DB_SPLIT, DB_RECONNECT, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, n), 80);
	ck_assert_uint_eq(stub_call(2).rows, 40);
}
END_TEST

/* Until no row is held, or the time is over. */
static void
retry_until(size_t held, int seconds)
{
	for (int i = 0; i < seconds * 100; i++) {
		if (store_retry(store) == held)
			return;
		usleep(10000);
	}
	ck_abort_msg("%zu rows are held", store_retry(store));
}

/* No row has proved itself yet when the first two fail. */
START_TEST(one_row_too_large_is_held)
{
	stub_answers((enum db_class[]){ DB_SPLIT, DB_SPLIT, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, dirty(2)), 2);
	retry_until(0, 3);
	ck_assert_uint_eq(FLUSH(dead_letter), 0);
	ck_assert_uint_eq(FLUSH(stored), 2);
	ck_assert_uint_eq(FLUSH(held), 0);
}
END_TEST

static size_t
collect(void)
{
	uint32_t position = 0;

	return table_collect(&segment.table, DIRTY_ANY, &position, rows, MANY);
}

/* A new version of a key, with a call. */
static void
put_good(uint32_t ip, uint64_t ts)
{
	struct record r = { .modid = 1, .ip = ip, .succ = 1 };

	record_set_ts(&r, ts);
	ck_assert_uint_eq(table_put(&segment.table, &r, 1, RECORD_TS_MAX), 1);
}

START_TEST(an_unlisted_row_is_held_and_stored_later)
{
	stub_bad(DB_UNLISTED, 5, 6);
	ck_assert_uint_eq(store_rows(store, rows, dirty(64)), 64);
	ck_assert_uint_eq(FLUSH(stored), 63);
	ck_assert_uint_eq(FLUSH(dead_letter), 0);
	ck_assert_uint_eq(FLUSH(held), 1);
	ck_assert_uint_eq(table_pending(&segment.table), 1);
	ck_assert_uint_eq(lines_with("holding the row (modid 1, cmdid 0)"), 1);
	/* A newer version is left out of batches. */
	size_t calls = stub_calls();
	put_good(5, FIXTURE_TS + 1);
	put(6, 1, FIXTURE_TS + 1, false);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 2);
	ck_assert_uint_eq(stub_calls(), calls + 1);
	ck_assert_uint_eq(stub_call(calls).rows, 1);
	ck_assert_uint_eq(stub_call(calls).first.ip, 6);
	/* And it is what is sent again. */
	retry_until(0, 3);
	ck_assert_uint_eq(FLUSH(stored), 65);
	ck_assert_uint_eq(FLUSH(held), 0);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
}
END_TEST

START_TEST(a_held_row_is_retried_slowly)
{
	stub_bad(DB_UNLISTED, 5, 6);
	ck_assert_uint_eq(store_rows(store, rows, dirty(64)), 64);
	size_t calls = stub_calls();
	for (int i = 0; i < 40; i++) {
		ck_assert_uint_eq(store_retry(store), 1);
		usleep(100000);
	}
	/* After 0.75 to 1 s, 1.5 to 2 s more, and 3 to 4 s more. */
	ck_assert_uint_eq(stub_calls() - calls, 2);
}
END_TEST

START_TEST(a_row_held_too_long_is_set_aside)
{
	settings.hold_time = 100;
	renew(100);
	stub_bad(DB_UNLISTED, 5, 6);
	ck_assert_uint_eq(store_rows(store, rows, dirty(64)), 64);
	ck_assert_uint_eq(FLUSH(dead_letter), 0);
	retry_until(0, 3);
	ck_assert_uint_eq(FLUSH(dead_letter), 1);
	ck_assert_ptr_nonnull(strstr(text_of(dead_letter), "played unlisted"));
}
END_TEST

START_TEST(a_flood_of_bad_rows_holds_up_no_other)
{
	stub_bad(DB_UNLISTED, 0, 1500);
	put_good(3000, FIXTURE_TS);
	renew(2000);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 1);
	ck_assert_uint_eq(store_at_once(dirty(1600)), 1600);
	ck_assert_uint_eq(FLUSH(stored), 101);
	/* There is no room for more, and the file has the rest. */
	ck_assert_uint_eq(FLUSH(held), 1024);
	ck_assert_uint_eq(FLUSH(dead_letter), 1500 - 1024);
	ck_assert_uint_eq(FLUSH(dead_lost), 0);
	ck_assert_uint_eq(FLUSH(errors[DB_HOLD]), 0);
	/* One verdict serves them all for a second. */
	ck_assert_uint_le(stub_canaries(), 10);
}
END_TEST

static void
table_mended(void)
{
	static unsigned calls;

	if (++calls > 25)
		stub_table_refuses(false);
}

START_TEST(a_table_that_refuses_every_row_holds_them)
{
	put_good(3000, FIXTURE_TS);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 1);
	stub_table_refuses(true);
	stub_during(table_mended);
	ck_assert_uint_eq(store_rows(store, rows, dirty(100)), 100);
	retry_until(0, 3);
	ck_assert_uint_eq(FLUSH(stored), 101);
	ck_assert_uint_eq(FLUSH(dead_letter), 0);
	ck_assert_uint_lt(stub_calls(), 60);
	ck_assert_uint_le(stub_canaries(), 100);
	/* An unknown error may pass by itself, as this one does. */
	ck_assert_uint_eq(lines_with("every row is refused, retrying"), 1);
	ck_assert_uint_eq(lines_with("until this is fixed"), 0);
	ck_assert_uint_eq(lines_with("recovered"), 1);
}
END_TEST

/* It takes no row until half a minute has passed and the log has it. */
static void
table_mended_late(void)
{
	if (skipped_ms == 0 && lines_with("every row is refused, retrying") > 0)
		skipped_ms = 30000;
	if (lines_with("until this is fixed") > 0)
		stub_table_refuses(false);
}

START_TEST(an_unknown_error_that_lasts_is_for_a_person_to_fix)
{
	put_good(3000, FIXTURE_TS);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 1);
	stub_table_refuses(true);
	stub_during(table_mended_late);
	ck_assert_uint_eq(store_rows(store, rows, dirty(100)), 100);
	ck_assert_uint_eq(lines_with("every row is refused, retrying"), 1);
	ck_assert_uint_eq(lines_with("until this is fixed"), 1);
}
END_TEST

START_TEST(before_any_row_was_stored_none_is_set_aside)
{
	stub_bad(DB_REFUSED, 0, 4);
	ck_assert_uint_eq(store_at_once(dirty(4)), 4);
	ck_assert_uint_eq(FLUSH(held), 4);
	ck_assert_uint_eq(FLUSH(dead_letter), 0);
	/* The first one that is stored shows that it was the rows. */
	put_good(9, FIXTURE_TS);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 1);
	ck_assert_uint_eq(FLUSH(held), 0);
	ck_assert_uint_eq(FLUSH(dead_letter), 4);
}
END_TEST

START_TEST(a_row_of_the_table_serves_before_one_was_stored)
{
	stub_resent(DB_OK);
	stub_bad(DB_REFUSED, 0, 1000);
	renew(1000);
	ck_assert_uint_eq(store_at_once(dirty(1000)), 1000);
	ck_assert_uint_eq(FLUSH(dead_letter), 1000);
	/* One that is refused as well proves nothing. */
	stub_resent(DB_REFUSED);
	renew(1000);
	put(0, 4, FIXTURE_TS + 1, false);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 4);
	ck_assert_uint_eq(FLUSH(dead_letter), 1000);
	ck_assert_uint_eq(FLUSH(held), 4);
}
END_TEST

/* What was stored last is of those that are bad now. */
START_TEST(a_bad_canary_holds_up_no_other)
{
	put(3, 1, FIXTURE_TS, false);
	ck_assert_uint_eq(store_rows(store, rows, collect()), 1);
	stub_bad(DB_REFUSED, 0, 50);
	for (uint32_t ip = 0; ip < 100; ip++)
		put(ip, 1, FIXTURE_TS + 1, false);
	ck_assert_uint_eq(store_at_once(collect()), 100);
	retry_until(0, 3);
	ck_assert_uint_eq(FLUSH(stored), 51);
	ck_assert_uint_eq(FLUSH(dead_letter), 50);
}
END_TEST

START_TEST(a_finish_tries_held_rows_once_more)
{
	stub_bad(DB_UNLISTED, 5, 7);
	ck_assert_uint_eq(store_rows(store, rows, dirty(64)), 64);
	ck_assert_uint_eq(FLUSH(held), 2);
	put_good(5, FIXTURE_TS + 1);
	store_finish(store, false);
	ck_assert_uint_eq(FLUSH(held), 1);
	ck_assert_uint_eq(table_pending(&segment.table), 1);
	/* None may be left. */
	store_finish(store, true);
	ck_assert_uint_eq(FLUSH(held), 0);
	ck_assert_uint_eq(FLUSH(dead_letter), 1);
	ck_assert_uint_eq(table_pending(&segment.table), 0);
}
END_TEST

static void
stop(void)
{
	store_stop(store);
}

START_TEST(a_stop_ends_the_wait)
{
	stub_always(DB_WAIT_ROOM);
	stub_during(stop);
	ck_assert_uint_eq(store_rows(store, rows, dirty(10)), 0);
	ck_assert_uint_eq(stub_calls(), 1);
	ck_assert_uint_eq(table_pending(&segment.table), 10);
	ck_assert_uint_eq(FLUSH(errors[DB_WAIT_ROOM]), 1);
	/* And every later one. */
	ck_assert_uint_eq(store_rows(store, rows, 10), 0);
}
END_TEST

/* The first half succeeds, and half of the second; a stop ends the wait for
   the rest. */
static void
stop_late(void)
{
	static const enum db_class next[] = { DB_OK, DB_OK, DB_REFUSED, DB_OK,
		DB_RETRY };

	if (stub_calls() < 5)
		stub_always(next[stub_calls()]);
	else
		store_stop(store);
}

START_TEST(a_stop_amid_halves_returns_what_was_settled)
{
	size_t n = dirty(16);

	stub_answers((enum db_class[]){ DB_REFUSED, DB_OK });
	stub_during(stop_late);
	ck_assert_uint_eq(store_rows(store, rows, n), 12);
	ck_assert_uint_eq(stub_calls(), 5);
	ck_assert_uint_eq(table_pending(&segment.table), 4);
}
END_TEST

START_TEST(a_held_error_is_logged_once)
{
	stub_connecting(DB_HOLD, 3);
	ck_assert_uint_eq(store_rows(store, rows, dirty(1)), 1);
	ck_assert_uint_eq(FLUSH(errors[DB_HOLD]), 3);
	ck_assert_uint_eq(lines_with("played hold"), 1);
	ck_assert_uint_eq(lines_with("recovered"), 1);
	/* After it was over, it is logged again. */
	put(0, 1, FIXTURE_TS + 1, false);
	stub_answers((enum db_class[]){ DB_HOLD, DB_OK });
	ck_assert_uint_eq(store_rows(store, rows, 1), 1);
	ck_assert_uint_eq(lines_with("played hold"), 2);
}
END_TEST

START_TEST(a_trial_sends_rows_one_by_one)
{
	size_t n = dirty(3);

	store_trial(store, true);
	ck_assert_uint_eq(store_rows(store, rows, n), 1);
	ck_assert_uint_eq(stub_call(0).rows, 1);
	store_trial(store, false);
	ck_assert_uint_eq(store_rows(store, rows + 1, n - 1), 2);
	/* No row is under suspicion any more. */
	ck_assert_uint_eq(counted(&segment.shared->info.suspect_slot), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *c = tcase_create("store");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, rows_are_stored);
	tcase_add_test(c, flush_rows_bounds_a_transaction);
	tcase_add_test(c, a_statement_has_a_limit_of_its_own);
	tcase_add_test(c, what_a_statement_leaves_is_sent_next);
	tcase_add_test(c, the_newest_version_is_sent);
	tcase_add_test(c, a_newer_version_stays_dirty);
	tcase_add_test(c, a_deadlock_repeats_the_statement);
	tcase_add_test(c, a_lost_connection_is_made_again);
	tcase_add_test(c, the_password_is_read_before_each_connect);
	tcase_add_test(c, with_one_host_there_is_no_next_one);
	tcase_add_test(c, a_refused_row_is_singled_out);
	tcase_add_test(c, without_a_dead_letter_file_it_is_lost);
	tcase_add_test(c, a_statement_too_large_is_halved);
	tcase_add_test(c, a_window_is_found_and_grows_again);
	tcase_add_test(c, a_lost_connection_makes_statements_smaller);
	tcase_add_test(c, a_connection_lost_over_size_does_not_count_twice);
	tcase_add_test(c, one_row_too_large_is_held);
	tcase_add_test(c, an_unlisted_row_is_held_and_stored_later);
	tcase_add_test(c, a_held_row_is_retried_slowly);
	tcase_add_test(c, a_row_held_too_long_is_set_aside);
	tcase_add_test(c, a_flood_of_bad_rows_holds_up_no_other);
	tcase_add_test(c, a_table_that_refuses_every_row_holds_them);
	tcase_add_test(c, an_unknown_error_that_lasts_is_for_a_person_to_fix);
	tcase_add_test(c, before_any_row_was_stored_none_is_set_aside);
	tcase_add_test(c, a_row_of_the_table_serves_before_one_was_stored);
	tcase_add_test(c, a_bad_canary_holds_up_no_other);
	tcase_add_test(c, a_finish_tries_held_rows_once_more);
	tcase_add_test(c, a_stop_ends_the_wait);
	tcase_add_test(c, a_stop_amid_halves_returns_what_was_settled);
	tcase_add_test(c, a_held_error_is_logged_once);
	tcase_add_test(c, a_trial_sends_rows_one_by_one);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
