/* SPDX-License-Identifier: MIT
 *
 * Keys summed up by service, from tables that the test fills itself; and
 * figures in few columns.
 */
#include "config.h"

#include "lib/figures.h"
#include "status/services.h"
#include "instance_fixture.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#define HORIZON UINT64_C(2000000000)

static char instance[INSTANCE_MAX];
static struct segment master;
static struct worker_segment segment;
static struct services *services;
static struct services_result result;
static struct keys_filter filter;

static void
make(uint64_t generation, uint32_t keys)
{
	struct segment_spec spec = {
		.instance = instance,
		.generation = generation,
		.workers = 1,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = keys,
	};

	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
}

static void
begin(uint32_t keys)
{
	instance_remove(instance);
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	make(1, keys);
	services = services_new();
	ck_assert_ptr_nonnull(services);
	memset(&filter, 0, sizeof(filter));
}

static void
put(int32_t modid, uint32_t ip, uint32_t caller, uint32_t err, bool overload)
{
	struct record r = { .modid = modid,
		.cmdid = 1,
		.ip = ip,
		.port = 80,
		.caller = caller,
		.succ = 10,
		.err = err,
		.overload = overload };

	record_set_ts(&r, 1700000000);
	ck_assert_uint_eq(table_put(&segment.table, &r, 1, HORIZON), 1);
}

static void
take(enum services_order order, uint64_t now_ms)
{
	ck_assert_int_eq(
	    services_scan(services, instance, &filter, order, now_ms, &result),
	    SHM_OK);
}

static double
records_per_second(unsigned i)
{
	return (double)result.list[i].puts / result.seconds;
}

static double
reports_per_second(unsigned i)
{
	return (double)result.list[i].reports / result.seconds;
}

START_TEST(keys_are_summed_up)
{
	begin(TABLE_KEYS_MIN);
	/* One server, overloaded as three agents see it, and one that is
	   well. */
	for (uint32_t caller = 1; caller <= 3; caller++)
		put(5, 1, caller, 2, true);
	put(5, 2, 1, 0, false);
	put(6, 1, 1, 7, true);
	put(6, 2, 1, 7, true);
	/* The second one, as an ELB agent sends its address. */
	struct record elb = { .modid = 6,
		.cmdid = 1,
		.ip = 2u << 24,
		.elb = 1,
		.caller = 2,
		.port = 80,
		.overload = 1 };
	record_set_ts(&elb, 1700000000);
	ck_assert_uint_eq(table_put(&segment.table, &elb, 1, HORIZON), 1);
	take(SERVICES_BY_OVERLOAD, 1000);
	ck_assert_uint_eq(result.count, 2);
	ck_assert_uint_eq(result.keys, 7);
	ck_assert_uint_eq(result.dirty, 7);
	ck_assert(result.seconds == 0);
	ck_assert(!result.cut);
	ck_assert_int_eq(result.list[0].modid, 6);
	ck_assert_uint_eq(result.list[0].overloaded, 2);
	ck_assert_uint_eq(result.list[1].overloaded, 1);
	ck_assert_uint_eq(result.list[1].keys, 4);
	ck_assert_uint_eq(result.list[1].succ, 40);
	ck_assert_uint_eq(result.list[1].err, 6);
	ck_assert_uint_eq(result.list[1].newest_ts, 1700000000);
	services_free(services);
}
END_TEST

START_TEST(speed_is_what_came_between_two_looks)
{
	begin(TABLE_KEYS_MIN);
	for (int i = 0; i < 50; i++)
		put(1, 1, 1, 0, false);
	take(SERVICES_BY_RECORDS, 1000);
	for (int i = 0; i < 30; i++)
		put(2, (uint32_t)i, 1, 0, false);
	for (int i = 0; i < 10; i++)
		put(1, 1, 1, 0, false);
	take(SERVICES_BY_RECORDS, 3000);
	ck_assert(result.seconds > 0);
	ck_assert_int_eq(result.list[0].modid, 2);
	ck_assert_double_eq(records_per_second(0), 15);
	ck_assert_double_eq(records_per_second(1), 5);
	take(SERVICES_BY_RECORDS, 4000);
	ck_assert_double_eq(records_per_second(0), 0);

	/* A reload brings another segment of the same name. */
	segment_remove(segment.map.name);
	make(2, TABLE_KEYS_MIN);
	for (int i = 0; i < 7; i++)
		put(1, 1, 1, 0, false);
	take(SERVICES_BY_RECORDS, 5000);
	ck_assert_uint_eq(result.count, 1);
	ck_assert_double_eq(records_per_second(0), 7);
	services_free(services);
}
END_TEST

START_TEST(reports_are_told_from_the_servers_records)
{
	begin(TABLE_KEYS_MIN);
	put(1, 1, 1, 0, false);
	take(SERVICES_BY_REPORTS, 1000);
	/* Ten reports of a caller, with three servers each but for the last
	   one; two of another caller. */
	for (int i = 0; i < 10; i++)
		for (uint32_t ip = 1; ip <= (i < 9 ? 3 : 1); ip++)
			put(1, ip, 1, 0, false);
	for (int i = 0; i < 2; i++)
		put(1, 2, 2, 0, false);
	for (int i = 0; i < 11; i++)
		put(2, 1, 1, 0, false);
	take(SERVICES_BY_REPORTS, 3000);
	ck_assert_int_eq(result.list[0].modid, 1);
	ck_assert_double_eq(reports_per_second(0), 6);
	ck_assert_double_eq(records_per_second(0), 15);
	ck_assert_int_eq(result.list[1].modid, 2);
	ck_assert_double_eq(reports_per_second(1), 5.5);
	take(SERVICES_BY_REPORTS, 4000);
	ck_assert_double_eq(reports_per_second(0), 0);
	services_free(services);
}
END_TEST

START_TEST(more_callers_than_room_are_cut)
{
	begin(CALLERS_MAX);
	take(SERVICES_BY_NUMBER, 1000);
	ck_assert(!result.cut);
	for (uint32_t i = 0; i < CALLERS_MAX; i++)
		put(1, 1, i, 0, false);
	take(SERVICES_BY_NUMBER, 2000);
	ck_assert(result.cut);
	ck_assert_double_eq(reports_per_second(0), CALLERS_MAX / 4 * 3);
	ck_assert_double_eq(records_per_second(0), CALLERS_MAX);
	take(SERVICES_BY_NUMBER, 3000);
	ck_assert(!result.cut);
	services_free(services);
}
END_TEST

START_TEST(each_order_has_its_first)
{
	static const int32_t first[SERVICES_ORDERS] = {
		[SERVICES_BY_OVERLOAD] = 4,
		[SERVICES_BY_ERRORS] = 3,
		[SERVICES_BY_REPORTS] = 2,
		[SERVICES_BY_RECORDS] = 6,
		[SERVICES_BY_KEYS] = 5,
		[SERVICES_BY_SUCC] = 5,
		[SERVICES_BY_NUMBER] = -1,
	};

	begin(TABLE_KEYS_MIN);
	take(SERVICES_BY_NUMBER, 1000);
	put(-1, 1, 1, 1, false);
	put(4, 1, 1, 1, true);
	put(3, 1, 1, 100, false);
	for (uint32_t i = 0; i < 3; i++)
		put(5, i, 1, 1, false);
	for (int i = 0; i < SERVICES_ORDERS; i++) {
		for (int j = 0; j < 9; j++)
			put(2, 1, 1, 1, false);
		for (uint32_t j = 0; j < 10; j++)
			put(6, j % 2, 1, 1, false);
		take((enum services_order)i, 2000 + (uint64_t)i);
		ck_assert_int_eq(result.list[0].modid, first[i]);
	}
	services_free(services);
}
END_TEST

START_TEST(a_filter_leaves_the_others_out)
{
	begin(TABLE_KEYS_MIN);
	put(1, 1, 1, 0, true);
	put(2, 1, 1, 0, true);
	filter = (struct keys_filter){ .has_modid = true, .modid = 2 };
	take(SERVICES_BY_NUMBER, 1000);
	ck_assert_uint_eq(result.count, 1);
	ck_assert_uint_eq(result.keys, 1);
	ck_assert_int_eq(result.list[0].modid, 2);
	/* What was filtered out is known when the filter changes. */
	put(1, 1, 1, 0, true);
	filter.has_modid = false;
	take(SERVICES_BY_NUMBER, 2000);
	ck_assert_double_eq(records_per_second(0), 1);
	services_free(services);
}
END_TEST

START_TEST(more_services_than_room_are_counted)
{
	begin(SERVICES_MAX * 2);
	for (int32_t i = 0; i < SERVICES_MAX + 10; i++)
		put(i, 1, 1, 0, false);
	take(SERVICES_BY_NUMBER, 1000);
	ck_assert_uint_eq(result.count, SERVICES_MAX);
	ck_assert_uint_eq(result.keys, SERVICES_MAX + 10);
	ck_assert_uint_eq(result.beyond, 10);
	services_free(services);
}
END_TEST

START_TEST(more_servers_than_room_are_cut)
{
	begin(SERVERS_MAX);
	for (uint32_t i = 0; i < SERVERS_MAX; i++)
		put(1, i, 1, 0, true);
	for (int i = 0; i < 2; i++) {
		take(SERVICES_BY_NUMBER, 1000);
		ck_assert(result.cut);
		ck_assert_uint_eq(
		    result.list[0].overloaded, SERVERS_MAX / 4 * 3);
	}
	services_free(services);
}
END_TEST

START_TEST(an_instance_that_goes_is_told)
{
	begin(TABLE_KEYS_MIN);
	put(1, 1, 1, 0, true);
	take(SERVICES_BY_NUMBER, 1000);
	instance_remove(instance);
	ck_assert_int_eq(services_scan(services, instance, &filter,
			     SERVICES_BY_NUMBER, 2000, &result),
	    SHM_MISSING);
	ck_assert_uint_eq(result.count, 0);
	services_free(services);
}
END_TEST

/* --------------------------------------------------------------- figures -- */

START_TEST(figures_keep_to_their_columns)
{
	static const struct {
		double rate;
		const char *text;
	} rates[] = { { 0, "0.0" }, { 999.94, "999.9" }, { 999.96, "1000" },
		{ 123456.4, "123456" }, { 1234567890, "1234.6M" },
		{ 1e30, "18446.7P" } };
	char text[32];

	ck_assert_str_eq(figures_count(text, sizeof(text), 99999, 5), "99999");
	ck_assert_str_eq(figures_count(text, sizeof(text), 100000, 5), "0.1M");
	ck_assert_str_eq(
	    figures_count(text, sizeof(text), UINT64_MAX, 5), "18.4E");
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		ck_assert_str_eq(
		    figures_rate(text, sizeof(text), rates[i].rate, 8),
		    rates[i].text);
	ck_assert_str_eq(figures_age(text, sizeof(text), 119), "119s");
	ck_assert_str_eq(figures_age(text, sizeof(text), 120), "2m");
	ck_assert_str_eq(figures_age(text, sizeof(text), 7200), "2h");
	ck_assert_str_eq(figures_age(text, sizeof(text), 172800), "2d");
	ck_assert_str_eq(figures_age(text, sizeof(text), UINT64_MAX), "long");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("services");
	TCase *tcase = tcase_create("services");

	snprintf(instance, sizeof(instance), "unit-services-%d", (int)getpid());
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, keys_are_summed_up);
	tcase_add_test(tcase, speed_is_what_came_between_two_looks);
	tcase_add_test(tcase, reports_are_told_from_the_servers_records);
	tcase_add_test(tcase, more_callers_than_room_are_cut);
	tcase_add_test(tcase, each_order_has_its_first);
	tcase_add_test(tcase, a_filter_leaves_the_others_out);
	tcase_add_test(tcase, more_services_than_room_are_counted);
	tcase_add_test(tcase, more_servers_than_room_are_cut);
	tcase_add_test(tcase, an_instance_that_goes_is_told);
	tcase_add_test(tcase, figures_keep_to_their_columns);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
