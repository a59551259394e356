/* SPDX-License-Identifier: MIT
 *
 * Check suite of the rate limiter: so many events a second, evenly, at any
 * rate and after any pause.
 */
#include "config.h"

#include "edge/limiter.h"
#include "suite.h"

#include <check.h>
#include <stdbool.h>

/* How many events come in so many milliseconds when as many as may come do,
   by somebody who waits exactly as long as said. */
static uint64_t
events(struct limiter *limiter, uint64_t from_ms, uint64_t ms)
{
	uint64_t now = from_ms, n = 0;

	while (now < from_ms + ms) {
		uint64_t wait = limiter_wait(limiter, now);

		now += wait;
		if (wait > 0)
			continue;
		limiter_take(limiter);
		n++;
	}
	return n;
}

static const uint64_t rates[] = { 1, 2, 3, 7, 10, 999, 1000, 1001, 50000,
	1000000 };

START_TEST(the_rate_is_kept)
{
	struct limiter limiter = { 0 };
	uint64_t rate = rates[_i], n;

	limiter_set(&limiter, rate, 123456);
	n = events(&limiter, 123456, 10000);
	ck_assert_uint_ge(n, 10 * rate * 99 / 100);
	/* The bucket is full at first: a tenth of a second's, at least one. */
	ck_assert_uint_le(n, 10 * rate + rate / 10 + 1);
}
END_TEST

START_TEST(a_pause_saves_up_a_tenth_of_a_second)
{
	struct limiter limiter = { 0 };

	limiter_set(&limiter, 100, 0);
	events(&limiter, 0, 1000);
	ck_assert_uint_eq(limiter_wait(&limiter, UINT64_MAX / 2), 0);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(limiter_wait(&limiter, UINT64_MAX / 2), 0);
		limiter_take(&limiter);
	}
	ck_assert_uint_eq(limiter_wait(&limiter, UINT64_MAX / 2), 10);
}
END_TEST

START_TEST(zero_is_no_limit)
{
	struct limiter limiter = { 0 };

	for (int i = 0; i < 1000; i++) {
		ck_assert_uint_eq(limiter_wait(&limiter, 5), 0);
		limiter_take(&limiter);
	}
	limiter_set(&limiter, 1, 5);
	limiter_take(&limiter);
	ck_assert_uint_eq(limiter_wait(&limiter, 5), 1000);
	limiter_set(&limiter, 0, 5);
	ck_assert_uint_eq(limiter_wait(&limiter, 5), 0);
}
END_TEST

START_TEST(the_same_rate_again_gives_nothing_for_free)
{
	struct limiter limiter = { 0 };

	limiter_set(&limiter, 1, 5);
	limiter_take(&limiter);
	limiter_set(&limiter, 1, 5);
	ck_assert_uint_eq(limiter_wait(&limiter, 5), 1000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limiter");
	TCase *tc = tcase_create("limiter");

	tcase_add_loop_test(
	    tc, the_rate_is_kept, 0, sizeof(rates) / sizeof(*rates));
	tcase_add_test(tc, a_pause_saves_up_a_tenth_of_a_second);
	tcase_add_test(tc, zero_is_no_limit);
	tcase_add_test(tc, the_same_rate_again_gives_nothing_for_free);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
