/* SPDX-License-Identifier: MIT
 *
 * Check suite of the pure policies of waiting: respawn and backoff.
 */
#include "worker/backoff.h"
#include "master/child_state.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

START_TEST(first_death_starts_at_once)
{
	struct respawn r = { 0, 0 };

	ck_assert_uint_eq(respawn_death(&r, false, 1000), 0);
	ck_assert_uint_eq(r.not_before, 1000);
}
END_TEST

START_TEST(further_deaths_double_up_to_the_cap)
{
	static const uint64_t delays[] = { 0, 100, 200, 400, 800, 1600, 3200,
		6400, 12800, 25600, 30000 };
	struct respawn r = { 0, 0 };

	for (size_t i = 0; i < sizeof(delays) / sizeof(*delays); i++)
		ck_assert_uint_eq(respawn_death(&r, false, 50), delays[i]);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(respawn_death(&r, false, 50), 30000);
	ck_assert_uint_eq(r.not_before, 30050);
}
END_TEST

START_TEST(a_life_that_served_starts_anew)
{
	struct respawn r = { 0, 0 };

	for (int i = 0; i < 5; i++)
		respawn_death(&r, false, 0);
	ck_assert_uint_eq(respawn_death(&r, true, 7), 0);
	ck_assert_uint_eq(r.not_before, 7);
	ck_assert_uint_eq(respawn_death(&r, false, 7), 0);
	ck_assert_uint_eq(respawn_death(&r, false, 7), 100);
}
END_TEST

START_TEST(backoff_doubles_within_its_jitter)
{
	struct backoff b = { .first_ms = 50, .cap_ms = 5000, .random = 42 };
	uint64_t full = 50;

	for (int i = 0; i < 100; i++) {
		uint32_t wait = backoff_next(&b);

		ck_assert_uint_le(wait, full);
		ck_assert_uint_ge(wait, full - full / 4);
		full = full * 2 > 5000 ? 5000 : full * 2;
	}
	b.tries = 0;
	ck_assert_uint_le(backoff_next(&b), 50);
}
END_TEST

START_TEST(backoff_differs_between_workers)
{
	struct backoff a = { .first_ms = 1000, .cap_ms = 1000, .random = 1 };
	struct backoff b = { .first_ms = 1000, .cap_ms = 1000, .random = 2 };
	int same = 0;

	for (int i = 0; i < 100; i++)
		same += backoff_next(&a) == backoff_next(&b);
	ck_assert_int_lt(same, 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("respawn");
	TCase *tc = tcase_create("respawn");

	tcase_add_test(tc, first_death_starts_at_once);
	tcase_add_test(tc, further_deaths_double_up_to_the_cap);
	tcase_add_test(tc, a_life_that_served_starts_anew);
	tcase_add_test(tc, backoff_doubles_within_its_jitter);
	tcase_add_test(tc, backoff_differs_between_workers);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
