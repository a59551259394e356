/* SPDX-License-Identifier: MIT
 *
 * The pure parts of reporter-bench's engine: key sets and streams.
 */
#include "config.h"

#include "t/bench/bench.h"
#include "intake/native.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

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
