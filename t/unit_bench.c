/* SPDX-License-Identifier: MIT
 *
 * The pure parts of reporter-bench: medians and percentiles, figures for
 * people, numbers of the command line, key sets and streams.
 */
#include "config.h"

#include "bench/bench.h"
#include "intake/native.h"
#include "suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- quantiles -- */

START_TEST(median_of_odd_and_even)
{
	double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 };
	struct spread a = spread_of(odd, 3), b = spread_of(even, 4);

	ck_assert_double_eq(a.median, 3);
	ck_assert_double_eq(a.min, 1);
	ck_assert_double_eq(a.max, 5);
	ck_assert_double_eq(b.median, 2.5);
	ck_assert_double_eq(b.min, 1);
	ck_assert_double_eq(b.max, 4);
}
END_TEST

START_TEST(median_of_one_and_none)
{
	double one[] = { 7 };
	struct spread a = spread_of(one, 1), b = spread_of(one, 0);

	ck_assert_double_eq(a.median, 7);
	ck_assert_double_eq(a.min, 7);
	ck_assert_double_eq(a.max, 7);
	ck_assert_uint_eq(b.n, 0);
	ck_assert(isnan(b.median) && isnan(b.min) && isnan(b.max));
}
END_TEST

START_TEST(quantile_is_the_nearest_rank)
{
	double values[1000];

	for (int i = 0; i < 1000; i++)
		values[i] = i + 1;
	ck_assert_double_eq(quantile_of(values, 1000, 0.5), 500);
	ck_assert_double_eq(quantile_of(values, 1000, 0.99), 990);
	ck_assert_double_eq(quantile_of(values, 1000, 0.999), 999);
	ck_assert_double_eq(quantile_of(values, 1000, 1), 1000);
	ck_assert_double_eq(quantile_of(values, 3, 0.5), 2);
	ck_assert_double_eq(quantile_of(values, 10, 0.99), 10);
	ck_assert_double_eq(quantile_of(values, 1, 0.001), 1);
	ck_assert(isnan(quantile_of(values, 0, 0.5)));
}
END_TEST

START_TEST(quantile_needs_samples)
{
	ck_assert(quantile_backed(100, 0.99));
	ck_assert(!quantile_backed(99, 0.99));
	ck_assert(quantile_backed(1000, 0.999));
	ck_assert(!quantile_backed(999, 0.999));
	ck_assert(quantile_backed(2, 0.5));
	ck_assert(!quantile_backed(1, 0.5));
}
END_TEST

/* --------------------------------------------------------------- figures -- */

static void
figure_is(double value, const char *unit, const char *expected)
{
	char text[32];

	figure_text(text, sizeof(text), value, unit);
	ck_assert_str_eq(text, expected);
}

START_TEST(figures_for_people)
{
	figure_is(6.589e6, "records/s", "6.59 M");
	figure_is(12.34e3, "rows/s", "12.3 k");
	figure_is(999.6e3, "rows/s", "1.00 M");
	figure_is(999.4, "rows/s", "999");
	figure_is(2.2e9, "B/s", "2.20 G");
	figure_is(0.0954, "ratio", "0.095");
	figure_is(1.3, "ratio", "1.300");
	figure_is(8.76, "ms", "8.76");
	figure_is(1024, "bytes", "1024");
	figure_is(0.0423, "s", "0.042");
	figure_is(0, "s", "0.00");
	figure_is(NAN, "ms", "-");
}
END_TEST

/* ----------------------------------------------------------------- lists -- */

START_TEST(lists_are_read)
{
	struct list list;

	ck_assert(list_read(&list, "10,1k,2M", 10000000));
	ck_assert_uint_eq(list.n, 3);
	ck_assert_uint_eq(list.value[0], 10);
	ck_assert_uint_eq(list.value[1], 1000);
	ck_assert_uint_eq(list.value[2], 2000000);
	ck_assert(list_read(&list, "10", 10));
	ck_assert(list_read(&list, "1,2,3,4,5,6,7,8", 10));
}
END_TEST

START_TEST(lists_are_refused)
{
	static const char *const wrong[] = { "", ",", "1,", ",1", "0", "-1",
		"1x", "11", "1 ", "1k", "1,2,3,4,5,6,7,8,9",
		"99999999999999999999999" };
	struct list list;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_msg(!list_read(&list, wrong[i], 10), "%s", wrong[i]);
}
END_TEST

START_TEST(lists_have_a_default)
{
	const struct list own = { 2, { 1, 2 } };
	struct list given = { 1, { 9 } }, none = { 0 };

	ck_assert_uint_eq(list_or(&given, own).n, 1);
	ck_assert_uint_eq(list_or(&given, own).value[0], 9);
	ck_assert_uint_eq(list_or(&none, own).n, 2);
	ck_assert_uint_eq(list_or(&none, own).value[1], 2);
	ck_assert_uint_eq(number_or(&given, 7), 9);
	ck_assert_uint_eq(number_or(&none, 7), 7);
}
END_TEST

/* ------------------------------------------------------------------ keys -- */

struct walk {
	struct record last;
	uint64_t n, wrong;
};

static void
walk_record(void *arg, const struct record *record)
{
	struct walk *walk = arg;

	if (walk->n > 0 && record_compare(&walk->last, record) >= 0)
		walk->wrong++;
	if (record->succ != 7 || record_ts(record) != 99)
		walk->wrong++;
	walk->last = *record;
	walk->n++;
}

/* Strictly rising over as many records as keys: each key once, in order. */
START_TEST(sorted_keys_are_distinct_and_in_order)
{
	static const uint64_t sizes[] = { 10, 50, 10000, 25010, 100000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct keyset set = { 5, sizes[i] };
		struct walk walk = { .n = 0 };

		keyset_sorted(&set, 7, 99, walk_record, &walk);
		ck_assert_uint_eq(walk.n, sizes[i]);
		ck_assert_uint_eq(walk.wrong, 0);
		ck_assert_int_eq(walk.last.modid, keyset_last(&set));
	}
}
END_TEST

static int
compare(const void *a, const void *b)
{
	return record_compare(a, b);
}

/* The reports hold the same keys as the sorted walk. */
START_TEST(reports_hold_every_key_once)
{
	struct keyset set = { 5, 25010 };
	struct record *records = calloc(set.keys, sizeof(*records));

	ck_assert_ptr_nonnull(records);
	for (uint64_t i = 0; i < keyset_reports(&set); i++) {
		struct record *r = records + i * KEYSET_RESULTS;

		keyset_report(&set, i, 1, 1, r);
		for (int j = 1; j < KEYSET_RESULTS; j++) {
			ck_assert_int_eq(r[j].modid, r->modid);
			ck_assert_int_eq(r[j].cmdid, r->cmdid);
			ck_assert_uint_eq(r[j].caller, r->caller);
		}
	}
	qsort(records, set.keys, sizeof(*records), compare);
	for (uint64_t i = 1; i < set.keys; i++)
		ck_assert_int_lt(
		    record_compare(&records[i - 1], &records[i]), 0);
	ck_assert_int_ge(records[0].modid, set.base);
	ck_assert_int_eq(records[set.keys - 1].modid, keyset_last(&set));
	free(records);
}
END_TEST

/* None of a larger or a smaller set with the same services counts as one of
   this set. */
START_TEST(callers_have_bounds)
{
	static const uint64_t sizes[] = { 10, 10000, 10010, 25010 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct keyset set = { 5, sizes[i] };
		struct record r[KEYSET_RESULTS];
		uint32_t first, last;

		keyset_callers(&set, &first, &last);
		keyset_report(&set, 0, 1, 1, r);
		ck_assert_uint_eq(r->caller, first);
		keyset_report(&set, keyset_reports(&set) - 1, 1, 1, r);
		ck_assert_uint_eq(r->caller, last);
	}
}
END_TEST

START_TEST(each_agent_reports_every_service)
{
	struct keyset set = { 5, 25000 }; /* two agents and a half */
	struct record first[KEYSET_RESULTS], r[KEYSET_RESULTS];

	keyset_report(&set, 0, 1, 1, first);
	for (uint64_t i = 0; i < keyset_reports(&set); i++) {
		keyset_report(&set, i, 1, 1, r);
		ck_assert_uint_eq(
		    r->caller, first->caller + i / KEYSET_SERVICES);
	}
}
END_TEST

START_TEST(sum_after_passes)
{
	struct keyset set = { 1, 50 }; /* five reports */
	uint64_t rows;

	ck_assert_uint_eq(keyset_sum(&set, 0, &rows), 0);
	ck_assert_uint_eq(rows, 0);
	ck_assert_uint_eq(keyset_sum(&set, 2, &rows), 20);
	ck_assert_uint_eq(rows, 20);
	ck_assert_uint_eq(keyset_sum(&set, 5, &rows), 50);
	ck_assert_uint_eq(rows, 50);
	/* Three reports of the third pass, two of the second. */
	ck_assert_uint_eq(keyset_sum(&set, 13, &rows), 30 * 3 + 20 * 2);
	ck_assert_uint_eq(rows, 50);
}
END_TEST

/* --------------------------------------------------------------- streams -- */

START_TEST(streams_hold_the_reports)
{
	struct keyset set = { 1, 500 };
	struct stream stream = { 0 };
	static struct report report;

	stream_make(&stream, ENCODE_NATIVE, &set, 1700000000);
	/* Again, over what it held. */
	stream_make(&stream, ENCODE_NATIVE, &set, 1700000001);
	ck_assert_uint_eq(stream.reports, 50);
	ck_assert_uint_eq(stream.begins[0], 0);
	ck_assert_uint_eq(stream.begins[50], stream.length);
	report.now = 1700000002;
	report.horizon = 1700000062;
	report.max_message = MESSAGE_MAX;
	for (uint64_t i = 0; i < 50; i++) {
		struct record expected[KEYSET_RESULTS];
		uint64_t begin = stream.begins[i];

		enum decode found = native_decode(
		    stream.bytes + begin, stream.length - begin, &report);
		ck_assert_int_eq(found, DECODE_REPORT);
		ck_assert_uint_eq(report.used, stream.begins[i + 1] - begin);
		keyset_report(
		    &set, i, report.records[0].succ, 1700000001, expected);
		ck_assert_uint_eq(report.count, KEYSET_RESULTS);
		ck_assert_mem_eq(report.records, expected, sizeof(expected));
	}
	stream_free(&stream);
}
END_TEST

START_TEST(streams_are_searched)
{
	struct keyset set = { 1, 500 };
	struct stream stream = { 0 };

	stream_make(&stream, ENCODE_LARS, &set, 1700000000);
	for (uint64_t i = 0; i <= 50; i++) {
		ck_assert_uint_eq(
		    stream_report_at(&stream, stream.begins[i]), i);
		if (i > 0)
			ck_assert_uint_eq(
			    stream_report_at(&stream, stream.begins[i] - 1), i);
	}
	stream_free(&stream);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bench");
	TCase *tests = tcase_create("bench");

	tcase_add_test(tests, median_of_odd_and_even);
	tcase_add_test(tests, median_of_one_and_none);
	tcase_add_test(tests, quantile_is_the_nearest_rank);
	tcase_add_test(tests, quantile_needs_samples);
	tcase_add_test(tests, figures_for_people);
	tcase_add_test(tests, lists_are_read);
	tcase_add_test(tests, lists_are_refused);
	tcase_add_test(tests, lists_have_a_default);
	tcase_add_test(tests, sorted_keys_are_distinct_and_in_order);
	tcase_add_test(tests, reports_hold_every_key_once);
	tcase_add_test(tests, callers_have_bounds);
	tcase_add_test(tests, each_agent_reports_every_service);
	tcase_add_test(tests, sum_after_passes);
	tcase_add_test(tests, streams_hold_the_reports);
	tcase_add_test(tests, streams_are_searched);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
