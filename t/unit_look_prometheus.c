/* SPDX-License-Identifier: MIT
 *
 * What a look shows a scraper: only fresh records are overloaded, and services
 * in trouble come first.
 */
#include "config.h"

#include "look_fixture.h"
#include "status/names.h"

#include <stdlib.h>

static char *text;
static size_t length;

static void
add(int32_t modid, uint32_t ip, int64_t age, bool overload, uint32_t err)
{
	struct record r = record(modid, ip, (uint32_t)modid, age);

	r.cmdid = -1;
	r.succ = 90;
	r.err = err;
	r.overload = overload;
	put_record(r);
}

static void
begin_with_services(void)
{
	begin(1024);
	add(1, 1, 1, false, 0);
	add(2, 1, 7200, true, 9); /* a dead agent's last word */
	add(3, 1, 100, true, 9);
	add(4, 1, 2, true, 10);
	add(4, 2, 2, false, 0);
	ck_assert_int_eq(
	    look_new(&look, instance, NULL, &limits, NOW * 1000 + 500), SHM_OK);
}

static void
check_all(const char *const *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(strstr(text, samples[i]) != NULL, "no %s in %s",
		    samples[i], text);
}

#define CHECK_ALL(samples) \
	check_all(samples, sizeof(samples) / sizeof(*(samples)))

START_TEST(a_look_is_shown_by_state)
{
	static const char *const samples[] = {
		"# TYPE reporter_services gauge\n",
		"\nreporter_look_timestamp_seconds 1700000000.5\n",
		"\nreporter_look_truncated 0\n",
		"\nreporter_overloaded_servers 1\n",
		"\nreporter_services{state=\"overloaded\"} 1\n",
		"\nreporter_services{state=\"silent\"} 1\n",
		"\nreporter_services{state=\"late\"} 1\n",
		"\nreporter_services{state=\"fine\"} 1\n",
		"\nreporter_callers{state=\"fresh\"} 2\n",
		"\nreporter_callers{state=\"late\"} 1\n",
		"\nreporter_callers{state=\"silent\"} 1\n",
	};

	begin_with_services();
	FILE *out = open_memstream(&text, &length);
	look_prometheus(look, out);
	fclose(out);
	CHECK_ALL(samples);
	free(text);
	end();
}
END_TEST

static void
show_services(size_t limit)
{
	FILE *out = open_memstream(&text, &length);

	ck_assert(look_prometheus_services(look, NULL, limit, out));
	fclose(out);
}

START_TEST(services_have_series_trouble_first)
{
	static const char *const samples[] = {
		"\nreporter_services_left_out 0\n",
		"\nreporter_service_overloaded_servers{modid=\"4\","
		"cmdid=\"-1\"} 1\n",
		"\nreporter_service_overloaded_servers{modid=\"2\","
		"cmdid=\"-1\"} 0\n",
		"\nreporter_service_servers{modid=\"4\",cmdid=\"-1\"} 2\n",
		"\nreporter_service_callers{modid=\"4\",cmdid=\"-1\"} 1\n",
		"\nreporter_service_succeeded_calls{modid=\"4\","
		"cmdid=\"-1\"} 180\n",
		"\nreporter_service_failed_calls{modid=\"4\",cmdid=\"-1\"} "
		"10\n",
		"\nreporter_service_newest_record_timestamp_seconds"
		"{modid=\"3\",cmdid=\"-1\"} 1699999900\n",
	};

	begin_with_services();
	show_services(1000);
	CHECK_ALL(samples);
	ck_assert_ptr_null(strstr(text, "failed_calls{modid=\"2\""));
	free(text);
	show_services(1);
	ck_assert_ptr_nonnull(strstr(text, "\nreporter_services_left_out 3\n"));
	ck_assert_ptr_nonnull(strstr(text, "{modid=\"4\""));
	ck_assert_ptr_null(strstr(text, "{modid=\"1\""));
	free(text);
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("look_prometheus");
	TCase *tcase = tcase_create("look_prometheus");

	snprintf(instance, sizeof(instance), "unit-lp-%d", (int)getpid());
	tcase_add_test(tcase, a_look_is_shown_by_state);
	tcase_add_test(tcase, services_have_series_trouble_first);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
