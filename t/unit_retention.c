/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/worker/retention.c: when old rows may be removed.
 */
#include "config.h"

#include "worker/retention.h"
#include "suite.h"

#define MINUTE UINT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define BEGIN 1795364256

static struct attendance attendance;
static struct census census;
static uint64_t now_ms;

static void
begin(void)
{
	attendance = (struct attendance){ 0 };
	now_ms = 1000;
}

/* A pass, `seconds` after the one before, on a table with so many rows of these
   ages. */
static enum verdict
pass(uint64_t seconds, uint64_t retention, uint64_t fresh, uint64_t recent,
    uint64_t lapsed, uint64_t older)
{
	now_ms += seconds * 1000;
	census = (struct census){ .fresh = fresh,
		.recent = fresh + recent,
		.lapsed = lapsed,
		.old = lapsed + older };
	return attendance_judge(&attendance, &census, now_ms, retention);
}

START_TEST(ages_are_counted)
{
	static const struct {
		uint64_t retention, age;
		uint64_t fresh, recent, lapsed, old;
	} cases[] = {
		{ DAY, 0, 1, 1, 0, 0 },
		{ DAY, HOUR, 1, 1, 0, 0 },
		{ DAY, HOUR + 1, 0, 1, 0, 0 },
		{ DAY, DAY, 0, 1, 0, 0 },
		{ DAY, DAY + 1, 0, 0, 1, 1 },
		{ DAY, 2 * DAY, 0, 0, 1, 1 },
		{ DAY, 2 * DAY + 1, 0, 0, 0, 1 },
		{ DAY, BEGIN, 0, 0, 0, 1 },
		{ MINUTE, MINUTE, 1, 1, 0, 0 },
		{ MINUTE, MINUTE + 1, 0, 0, 1, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct census c = { 0 };

		census_count(&c, BEGIN - (int64_t)cases[i].age, BEGIN,
		    cases[i].retention);
		ck_assert_uint_eq(c.fresh, cases[i].fresh);
		ck_assert_uint_eq(c.recent, cases[i].recent);
		ck_assert_uint_eq(c.lapsed, cases[i].lapsed);
		ck_assert_uint_eq(c.old, cases[i].old);
	}
	/* A clock that is ahead is fresh; no time at all is not. */
	struct census c = { 0 };
	census_count(&c, BEGIN + 1000, BEGIN, DAY);
	census_count(&c, INT64_MAX, BEGIN, DAY);
	ck_assert_uint_eq(c.fresh, 1);
	ck_assert_uint_eq(c.recent, 1);
	ck_assert_uint_eq(c.old, 0);
}
END_TEST

START_TEST(most_rows_are_dead_when_it_is_switched_on)
{
	ck_assert_int_eq(pass(0, WEEK, 1000, 50, 100, 900000), VERDICT_WAIT);
	ck_assert_int_eq(
	    pass(HOUR, WEEK, 1000, 50, 100, 900000), VERDICT_REMOVE);
}
END_TEST

START_TEST(all_agents_are_away)
{
	ck_assert_int_eq(pass(0, DAY, 1000, 0, 0, 0), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR, DAY, 1000, 0, 0, 0), VERDICT_REMOVE);
	/* Nothing is old yet. */
	ck_assert_int_eq(pass(HOUR, DAY, 0, 1000, 0, 0), VERDICT_REMOVE);
	/* However long it takes. */
	ck_assert_int_eq(pass(DAY, DAY, 0, 0, 1000, 0), VERDICT_AWAY);
	ck_assert_int_eq(pass(DAY, DAY, 0, 0, 0, 1000), VERDICT_AWAY);
	ck_assert_int_eq(pass(100 * DAY, DAY, 0, 0, 0, 1000), VERDICT_AWAY);
	/* They come back, one after the other. */
	for (uint64_t n = 1; n < 1000; n += n / 5 + 1)
		ck_assert_int_eq(
		    pass(HOUR - 1, DAY, n, 0, 0, 1000 - n), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR - 1, DAY, 1000, 0, 0, 10), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR, DAY, 1000, 0, 0, 10), VERDICT_REMOVE);
}
END_TEST

START_TEST(half_of_the_agents_are_away)
{
	ck_assert_int_eq(pass(0, DAY, 1000, 5, 5, 0), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR, DAY, 1000, 5, 5, 0), VERDICT_REMOVE);
	/* A few are only churn. */
	ck_assert_int_eq(pass(DAY, DAY, 900, 0, 100, 0), VERDICT_REMOVE);
	ck_assert_int_eq(pass(DAY, DAY, 490, 5, 505, 5), VERDICT_AWAY);
	/* For ever: then they are gone after twice the time. */
	ck_assert_int_eq(pass(DAY, DAY, 490, 5, 5, 505), VERDICT_REMOVE);
}
END_TEST

START_TEST(reporter_was_stopped_for_days)
{
	/* For less than twice retention, and for longer. */
	ck_assert_int_eq(pass(0, DAY, 0, 0, 1000, 0), VERDICT_AWAY);
	ck_assert_int_eq(pass(HOUR, DAY, 400, 0, 600, 0), VERDICT_AWAY);
	ck_assert_int_eq(pass(HOUR, DAY, 900, 0, 100, 0), VERDICT_WAIT);
	begin();
	ck_assert_int_eq(pass(0, DAY, 0, 0, 0, 1000), VERDICT_AWAY);
	ck_assert_int_eq(pass(HOUR, DAY, 1, 0, 0, 999), VERDICT_WAIT);
	ck_assert_int_eq(pass(MINUTE, DAY, 700, 0, 0, 300), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR - MINUTE, DAY, 990, 0, 0, 10), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR, DAY, 990, 0, 0, 10), VERDICT_REMOVE);
}
END_TEST

START_TEST(agents_left_one_after_the_other_until_none_reports)
{
	/* Rows of the first are old while those of the last are not. */
	ck_assert_int_eq(pass(0, DAY, 1000, 0, 0, 0), VERDICT_WAIT);
	ck_assert_int_eq(pass(DAY, DAY, 0, 900, 100, 0), VERDICT_AWAY);
	ck_assert_int_eq(pass(HOUR, DAY, 0, 800, 200, 0), VERDICT_AWAY);
}
END_TEST

START_TEST(keys_that_live_shortly_block_nothing)
{
	/* 100 containers, each of which lives for a day. */
	ck_assert_int_eq(pass(0, WEEK, 104, 700, 700, 9000), VERDICT_WAIT);
	ck_assert_int_eq(pass(HOUR, WEEK, 104, 700, 700, 9000), VERDICT_REMOVE);
	ck_assert_int_eq(pass(HOUR, WEEK, 104, 700, 4, 0), VERDICT_REMOVE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("retention");
	TCase *c = tcase_create("retention");

	tcase_add_checked_fixture(c, begin, NULL);
	tcase_add_test(c, ages_are_counted);
	tcase_add_test(c, most_rows_are_dead_when_it_is_switched_on);
	tcase_add_test(c, all_agents_are_away);
	tcase_add_test(c, half_of_the_agents_are_away);
	tcase_add_test(c, reporter_was_stopped_for_days);
	tcase_add_test(c, agents_left_one_after_the_other_until_none_reports);
	tcase_add_test(c, keys_that_live_shortly_block_nothing);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
