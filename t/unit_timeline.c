/* SPDX-License-Identifier: MIT
 *
 * What looks have shown: samples of services that come and go, and flips.
 */
#include "config.h"

#include "status/timeline.h"
#include "look_fixture.h"

#include <stdlib.h>

static struct timeline *timeline;
static double step_s = 60;
static struct timeline_samples samples;
static struct timeline_event events[TIMELINE_EVENTS];

static void
add(int64_t seconds)
{
	take(seconds);
	timeline_add(timeline, look, step_s);
}

static size_t
events_since(uint64_t since, uint64_t wanted_next, bool wanted_lost)
{
	uint64_t next;
	bool lost;
	size_t count = timeline_events(
	    timeline, since, events, TIMELINE_EVENTS, &next, &lost);

	ck_assert_uint_eq(next, wanted_next);
	ck_assert_int_eq(lost, wanted_lost);
	return count;
}

START_TEST(samples_are_kept_of_the_last_looks)
{
	struct record r = record(1, 1, 1, 0);

	begin(1024);
	timeline = timeline_new();
	timeline_samples(NULL, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, 0);
	timeline_samples(timeline, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, 0);
	r.succ = 995;
	r.err = 5;
	put_record(r);
	add(0);
	timeline_samples(timeline, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, 1);
	ck_assert(samples.step_s == TIMELINE_STEP_S);
	uint64_t first_ms = samples.first_ms;
	samples.first_ms = 0;
	timeline_samples(timeline, 9, 9, &samples);
	ck_assert_uint_eq(samples.count, 0);
	ck_assert_uint_eq(samples.first_ms, first_ms);
	r.overload = 1;
	record_set_ts(&r, NOW + 5);
	put_record(r);
	put(2, 1, 1, -5, false);
	add(5);
	timeline_samples(timeline, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, 2);
	ck_assert_uint_eq(samples.first_ms, NOW * 1000);
	ck_assert(samples.step_s == 5);
	ck_assert_int_eq(samples.errors[0], 5);
	ck_assert_int_eq(samples.overloaded[0], 0);
	ck_assert_int_eq(samples.overloaded[1], 1);
	timeline_samples(timeline, 2, 1, &samples);
	ck_assert_uint_eq(samples.count, 2);
	ck_assert_int_eq(samples.errors[0], -1);
	ck_assert_int_eq(samples.overloaded[0], -1);
	ck_assert_int_eq(samples.errors[1], 0);
	/* Late, and then gone; what is older than 120 looks is forgotten. */
	add(60);
	begin_again();
	for (int64_t i = 1; i < TIMELINE_SAMPLES - 1; i++)
		add(60 + 5 * i);
	timeline_samples(timeline, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, TIMELINE_SAMPLES);
	ck_assert_uint_eq(samples.first_ms, (NOW + 5) * 1000);
	ck_assert_int_eq(samples.overloaded[0], 1);
	ck_assert_int_eq(samples.errors[1], -1);
	ck_assert_int_eq(samples.overloaded[1], 0);
	ck_assert_int_eq(samples.overloaded[2], -1);
	free(timeline);
	end();
}
END_TEST

/* No look succeeds for 60 s, and then for an hour. */
START_TEST(missed_looks_are_samples_of_nothing)
{
	begin(1024);
	timeline = timeline_new();
	step_s = 5;
	put(1, 1, 1, 0, true);
	add(0);
	add(5);
	add(65);
	timeline_samples(timeline, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, 13 + 1);
	ck_assert(samples.step_s == 5);
	ck_assert_int_eq(samples.overloaded[1], 1);
	for (int i = 2; i < 13; i++)
		ck_assert_int_eq(samples.overloaded[i], -1);
	ck_assert_int_eq(samples.errors[2], -1);
	ck_assert_int_ge(samples.overloaded[13], 0);
	add(3665);
	timeline_samples(timeline, 1, 1, &samples);
	ck_assert_uint_eq(samples.count, TIMELINE_SAMPLES);
	ck_assert(samples.step_s > 4.9 && samples.step_s < 5.1);
	ck_assert_int_eq(samples.overloaded[0], -1);
	ck_assert_int_eq(samples.overloaded[TIMELINE_SAMPLES - 2], -1);
	step_s = 60;
	free(timeline);
	end();
}
END_TEST

/* More services than rows: the first ones have them, until they have been
   gone for all that is kept. */
START_TEST(rows_are_taken_over_when_nothing_is_left_of_them)
{
	begin(4 * TIMELINE_SERVICES);
	timeline = timeline_new();
	for (int32_t i = 0; i < TIMELINE_SERVICES + 1000; i++)
		put(i, 1, 1, 0, false);
	add(0);
	size_t kept = 0;
	for (int32_t i = 0; i < TIMELINE_SERVICES + 1000; i++) {
		timeline_samples(timeline, i, 1, &samples);
		kept += samples.count > 0;
		ck_assert(samples.count == 0 || samples.overloaded[0] == 0);
	}
	ck_assert_uint_eq(kept, TIMELINE_SERVICES);
	begin_again();
	put(-1, 1, 1, -1, true);
	for (int64_t i = 1; i <= TIMELINE_SAMPLES; i++) {
		timeline_samples(timeline, -1, 1, &samples);
		ck_assert_uint_eq(samples.count, 0);
		add(i);
	}
	add(TIMELINE_SAMPLES + 1);
	timeline_samples(timeline, -1, 1, &samples);
	ck_assert_uint_eq(samples.count, TIMELINE_SAMPLES);
	ck_assert_int_eq(samples.overloaded[TIMELINE_SAMPLES - 3], -1);
	ck_assert_int_ge(samples.overloaded[TIMELINE_SAMPLES - 1], 0);
	timeline_samples(timeline, 5, 1, &samples);
	ck_assert_uint_eq(samples.count, 0);
	free(timeline);
	end();
}
END_TEST

START_TEST(flips_are_events)
{
	begin(8192);
	timeline = timeline_new();
	put(1, 7, 1, 0, true);
	add(0);
	ck_assert_uint_eq(events_since(0, 0, false), 0);
	ck_assert_uint_eq(events_since(5, 0, true), 0);
	put(1, 7, 1, -1, false);
	put(1, 8, 1, -1, true);
	add(1);
	ck_assert_uint_eq(events_since(0, 2, false), 2);
	ck_assert_uint_eq(events[0].number, 1);
	ck_assert_uint_eq(events[1].number, 2);
	ck_assert_uint_eq(events[0].time_ms, (NOW + 1) * 1000);
	ck_assert(events[0].flip.overloaded != events[1].flip.overloaded);
	ck_assert_uint_eq(events_since(1, 2, false), 1);
	ck_assert_uint_eq(events[0].number, 2);
	ck_assert_uint_eq(events_since(2, 2, false), 0);
	/* More than are kept. */
	for (int64_t i = 2; i <= 4; i++) {
		for (uint32_t ip = 100; ip < 2148; ip++)
			put(2, ip, 1, -i, i % 2 == 0);
		add(i);
	}
	ck_assert_uint_eq(events_since(0, 6146, true), TIMELINE_EVENTS);
	ck_assert_uint_eq(events[0].number, 6146 - TIMELINE_EVENTS + 1);
	ck_assert_uint_eq(
	    events_since(6146 - TIMELINE_EVENTS, 6146, false), TIMELINE_EVENTS);
	ck_assert_uint_eq(events_since(7000, 6146, true), TIMELINE_EVENTS);
	free(timeline);
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("timeline");
	TCase *tcase = tcase_create("timeline");

	snprintf(instance, sizeof(instance), "unit-timeline-%d", (int)getpid());
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, samples_are_kept_of_the_last_looks);
	tcase_add_test(tcase, missed_looks_are_samples_of_nothing);
	tcase_add_test(tcase, rows_are_taken_over_when_nothing_is_left_of_them);
	tcase_add_test(tcase, flips_are_events);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
