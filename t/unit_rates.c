/* SPDX-License-Identifier: MIT
 *
 * The history of the counters, and the rates that come of it.
 */
#include "config.h"

#include "shm/history.h"
#include "suite.h"

#include <check.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

static struct history history;
static struct history_sample now;

static void
put(uint64_t at_ms, uint64_t received)
{
	struct history_sample sample = { .at_ms = at_ms };

	for (int i = 0; i < HISTORY_COUNTS; i++)
		sample.counts[i] = received;
	history_put(&history, &sample);
}

static void
begin(void)
{
	memset(&history, 0, sizeof(history));
	memset(&now, 0, sizeof(now));
}

static double
rate(unsigned seconds)
{
	struct rates rates;

	rates_over(&rates, &history, &now, seconds);
	return rates.per_second[HISTORY_RECEIVED];
}

START_TEST(no_samples_are_no_rates)
{
	struct rates rates;

	begin();
	now.at_ms = 5000;
	now.counts[HISTORY_RECEIVED] = 100;
	rates_over(&rates, &history, &now, 10);
	ck_assert_double_eq(rates.seconds, 0);
	ck_assert_double_eq(rates.per_second[HISTORY_RECEIVED], 0);
	put(1000, 50);
	rates_over(&rates, &history, &now, 10);
	ck_assert_double_eq(rates.seconds, 4);
	history_reset(&history);
	rates_over(&rates, &history, &now, 10);
	ck_assert_double_eq(rates.seconds, 0);
}
END_TEST

START_TEST(each_span_has_its_own_rate)
{
	begin();
	/* 10 a second for a minute, then 100 a second for ten seconds, then a
	   second of 1000. */
	for (uint64_t s = 1; s <= 60; s++)
		put(s * 1000, s * 10);
	for (uint64_t s = 61; s <= 70; s++)
		put(s * 1000, 600 + (s - 60) * 100);
	now.at_ms = 71000;
	for (int i = 0; i < HISTORY_COUNTS; i++)
		now.counts[i] = 600 + 1000 + 1000;
	ck_assert_double_eq_tol(rate(1), 1000, 1e-9);
	ck_assert_double_eq_tol(rate(10), (2600 - 700) / 10.0, 1e-9);
	ck_assert_double_eq_tol(rate(60), (2600 - 110) / 60.0, 1e-9);
}
END_TEST

START_TEST(an_idle_span_has_rate_zero)
{
	struct rates rates;

	begin();
	for (uint64_t s = 1; s <= 200; s++)
		put(s * 1000, 12345);
	now.at_ms = 200500;
	now.counts[HISTORY_RECEIVED] = 12345;
	rates_over(&rates, &history, &now, 60);
	ck_assert_double_eq(rates.per_second[HISTORY_RECEIVED], 0);
	ck_assert_double_ge(rates.seconds, 59.5);
	ck_assert_double_le(rates.seconds, 60.5);
}
END_TEST

START_TEST(a_short_life_and_a_gap_say_what_they_are_over)
{
	struct rates rates;

	begin();
	put(1000, 0);
	put(2000, 10);
	now.at_ms = 3000;
	now.counts[HISTORY_RECEIVED] = 20;
	rates_over(&rates, &history, &now, 60);
	ck_assert_double_eq(rates.seconds, 2);
	ck_assert_double_eq(rates.per_second[HISTORY_RECEIVED], 10);
	/* The master stood still for half a minute. */
	now.at_ms = 32000;
	now.counts[HISTORY_RECEIVED] = 40;
	rates_over(&rates, &history, &now, 1);
	ck_assert_double_eq(rates.seconds, 30);
	ck_assert_double_eq(rates.per_second[HISTORY_RECEIVED], 1);
}
END_TEST

START_TEST(a_count_that_goes_back_has_no_rate)
{
	begin();
	put(1000, 100);
	now.at_ms = 2000;
	now.counts[HISTORY_RECEIVED] = 99;
	ck_assert_double_eq(rate(1), 0);
}
END_TEST

START_TEST(two_looks_at_once_are_no_rate)
{
	struct rates rates;

	begin();
	put(1000, 0);
	now.at_ms = 1001;
	now.counts[HISTORY_RECEIVED] = 1;
	rates_over(&rates, &history, &now, 1);
	ck_assert_double_eq(rates.seconds, 0);
}
END_TEST

static _Atomic bool writing;

/* All words of a sample are equal, so half of one shows. */
static void *
write_samples(void *arg)
{
	(void)arg;
	for (uint64_t n = 1; writing; n++) {
		put(n, n);
		/* In bursts, or the reader would never get a whole one. */
		if (n % 100 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 1000 }, NULL);
	}
	return NULL;
}

START_TEST(nobody_reads_half_a_sample)
{
	pthread_t thread;
	unsigned read = 0, torn = 0;

	begin();
	writing = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, write_samples, NULL), 0);
	/* Not before it writes; the test has a time limit. */
	for (unsigned i = 0; read < 20000; i++) {
		struct history_sample sample;

		/* The newest one, and the one that goes next. */
		if (!history_nearest(&history, i % 2 ? UINT64_MAX : 0, &sample))
			continue;
		read++;
		for (int j = 0; j < HISTORY_COUNTS; j++)
			torn += sample.counts[j] != sample.at_ms;
	}
	writing = false;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(torn, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rates");
	TCase *tcase = tcase_create("rates");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, no_samples_are_no_rates);
	tcase_add_test(tcase, each_span_has_its_own_rate);
	tcase_add_test(tcase, an_idle_span_has_rate_zero);
	tcase_add_test(tcase, a_short_life_and_a_gap_say_what_they_are_over);
	tcase_add_test(tcase, a_count_that_goes_back_has_no_rate);
	tcase_add_test(tcase, two_looks_at_once_are_no_rate);
	tcase_add_test(tcase, nobody_reads_half_a_sample);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
