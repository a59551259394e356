/* SPDX-License-Identifier: MIT
 *
 * Check suite of the pace: so many events a second and no more, evenly, at any
 * rate and after any pause.
 */
#include "config.h"

#include "edge/pace.h"
#include "suite.h"

#include <check.h>
#include <stdbool.h>

/* How many events come in so many milliseconds when as many as may come do,
   by somebody who waits exactly as long as said. */
static uint64_t
events(struct pace *pace, uint64_t from_ms, uint64_t ms)
{
	uint64_t now = from_ms, n = 0;

	while (now < from_ms + ms) {
		uint64_t wait = pace_wait(pace, now);

		now += wait;
		if (wait > 0)
			continue;
		pace_take(pace);
		n++;
	}
	return n;
}

static const uint64_t rates[] = { 1, 2, 3, 7, 10, 999, 1000, 1001, 50000,
	1000000 };

START_TEST(the_rate_is_kept)
{
	struct pace pace = { 0 };
	uint64_t rate = rates[_i], n;

	pace_set(&pace, rate, 123456);
	n = events(&pace, 123456, 10000);
	ck_assert_uint_ge(n, 10 * rate * 99 / 100);
	/* The bucket is full at first: a tenth of a second's, at least one. */
	ck_assert_uint_le(n, 10 * rate + rate / 10 + 1);
}
END_TEST

START_TEST(a_pause_saves_up_a_tenth_of_a_second)
{
	struct pace pace = { 0 };

	pace_set(&pace, 100, 0);
	events(&pace, 0, 1000);
	ck_assert_uint_eq(pace_wait(&pace, UINT64_MAX / 2), 0);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(pace_wait(&pace, UINT64_MAX / 2), 0);
		pace_take(&pace);
	}
	ck_assert_uint_eq(pace_wait(&pace, UINT64_MAX / 2), 10);
}
END_TEST

START_TEST(zero_is_no_limit)
{
	struct pace pace = { 0 };

	for (int i = 0; i < 1000; i++) {
		ck_assert_uint_eq(pace_wait(&pace, 5), 0);
		pace_take(&pace);
	}
	pace_set(&pace, 1, 5);
	pace_take(&pace);
	ck_assert_uint_eq(pace_wait(&pace, 5), 1000);
	pace_set(&pace, 0, 5);
	ck_assert_uint_eq(pace_wait(&pace, 5), 0);
}
END_TEST

START_TEST(the_same_rate_again_gives_nothing_for_free)
{
	struct pace pace = { 0 };

	pace_set(&pace, 1, 5);
	pace_take(&pace);
	pace_set(&pace, 1, 5);
	ck_assert_uint_eq(pace_wait(&pace, 5), 1000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tc = tcase_create("pace");

	tcase_add_loop_test(
	    tc, the_rate_is_kept, 0, sizeof(rates) / sizeof(*rates));
	tcase_add_test(tc, a_pause_saves_up_a_tenth_of_a_second);
	tcase_add_test(tc, zero_is_no_limit);
	tcase_add_test(tc, the_same_rate_again_gives_nothing_for_free);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
