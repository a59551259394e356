/* SPDX-License-Identifier: MIT
 *
 * Which services a filter takes, and how its errors are told.
 */
#include "config.h"

#include "status/filter.h"
#include "look_fixture.h"

#include <stdlib.h>

static const char file[] = "1 1 login front\n2 1 登录 api\n";
static struct names *names;

static void
complain(const char *text)
{
	ck_abort_msg("%s", text);
}

static void
names_make(void)
{
	char path[] = "/tmp/reporter-filter-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(write(fd, file, strlen(file)), 0);
	close(fd);
	names = names_read(path, false, NULL, complain);
	unlink(path);
	ck_assert_uint_eq(names_count(names), 2);
}

/* The modids of what a filter takes, as in "1 3 ". */
static const char *
taken(const char *text)
{
	static char result[256];
	static struct filter filter;
	char error[FILTER_ERROR];
	size_t at = 0;

	ck_assert_msg(filter_parse(&filter, text, error, sizeof(error)),
	    "%s: %s", text, error);
	result[0] = '\0';
	for (int32_t i = -9; i < 10; i++)
		if (look_find(look, i, 1) != NULL &&
		    filter_match(&filter, look, names, service(i)))
			at += (size_t)snprintf(
			    result + at, sizeof(result) - at, "%d ", i);
	return result;
}

START_TEST(each_term_takes_its_services)
{
	struct record r;

	begin(1024);
	put(1, 0x0a000005, 0xc0a80001, 0, true);
	put(2, 0x0a000006, 0xc0a80002, 100, true);
	put(3, 0x0a010005, 0xc0a80001, 400, true);
	r = record(4, 0x0a010006, 0xc0a80002, 10);
	r.succ = 90;
	r.err = 10;
	put_record(r);
	put(-5, 1, 1, 0, false);
	put(6, 0x0a000005, 1, 0, false); /* a server of 1's address */
	take(0);
	names_make();
	static const char *const cases[][2] = {
		{ "", "-5 1 2 3 4 6 " },
		{ "  \t ", "-5 1 2 3 4 6 " },
		{ "3", "3 " },
		{ "-5", "-5 " },
		{ "3/1", "3 " },
		{ "3/2", "" },
		{ "10.0.0.5", "1 6 " },
		{ "10.0.0.0/16", "1 2 6 " },
		{ "10.0.0.0/8", "1 2 3 4 6 " },
		{ "192.168.0.1", "1 3 " },
		{ "0.0.0.0/0", "-5 1 2 3 4 6 " },
		{ "state:overloaded", "1 " },
		{ "state:silent,late", "2 3 " },
		{ "state:fine,errors", "-5 4 6 " },
		{ "err>5", "4 " },
		{ "err<5", "-5 1 6 " },
		{ "err>9.99 err<10.01", "4 " },
		{ "age>60", "2 3 " },
		{ "age<60 age>5", "4 " },
		{ "LOGIN", "1 " },
		{ "gin front", "1 " },
		{ "登录", "2 " },
		{ "api state:late 10.0.0.0/16 age>60", "2 " },
		{ "api state:fine", "" },
		{ "errors", "" }, /* a name */
		{ "nobody", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(strcmp(taken(cases[i][0]), cases[i][1]) == 0,
		    "\"%s\": %s", cases[i][0], taken(cases[i][0]));
	names_free(names);
	names = NULL;
	ck_assert_str_eq(taken("login"), "");
	end();
}
END_TEST

START_TEST(an_error_names_its_term)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "7 1.2.3", "found \"1.2.3\", expected an IPv4 address" },
		{ "10.0.0.1/16", "found \"10.0.0.1/16\", expected an IPv4" },
		{ "10.0.0.0/33", "found \"10.0.0.0/33\", expected an IPv4" },
		{ "state:", "found \"state:\", expected overloaded, errors" },
		{ "state:fine,", "found \"state:fine,\", expected overloaded" },
		{ "state:Fine", "found \"state:Fine\", expected overloaded" },
		{ "err>", "found \"err>\", expected err> or err< and a perc" },
		{ "err>5%", "found \"err>5%\", expected err> or err<" },
		{ "err>nan", "found \"err>nan\", expected err>" },
		{ "err>1e3", "found \"err>1e3\", expected err>" },
		{ "age>-1", "found \"age>-1\", expected age> or age< and sec" },
		{ "age>=1", "found \"age>=1\", expected age>" },
		{ "7/", "found \"7/\", expected MODID, MODID/CMDID, an addr" },
		{ "/7", "found \"/7\", expected MODID" },
		{ "7/1/2", "found \"7/1/2\", expected MODID" },
		{ "2147483648", "found \"2147483648\", expected MODID" },
		{ "12345678901234567", "found \"12345678901234567\", expect" },
		{ "+", "found \"+\", expected MODID" },
		{ "\001", "found \"\\x01\", expected MODID" },
		{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
		    "found \"17\", expected up to 16 terms" },
	};
	static struct filter filter;
	char error[FILTER_ERROR], text[FILTER_TEXT_MAX + 2];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(
		    !filter_parse(&filter, cases[i].text, error, sizeof(error)),
		    "%s", cases[i].text);
		ck_assert_msg(
		    strncmp(error, cases[i].error, strlen(cases[i].error)) == 0,
		    "\"%s\": %s", cases[i].text, error);
		ck_assert_uint_eq(filter.count, 0);
	}
	memset(text, 'a', sizeof(text));
	text[FILTER_TEXT_MAX + 1] = '\0';
	ck_assert(!filter_parse(&filter, text, error, sizeof(error)));
	ck_assert_ptr_nonnull(strstr(error, "expected up to 256 bytes"));
	text[FILTER_TEXT_MAX] = '\0';
	ck_assert(filter_parse(&filter, text, error, sizeof(error)));
	ck_assert_uint_eq(filter.count, 1);
	/* A short buffer cuts the error. */
	ck_assert(!filter_parse(&filter, "state:x", error, 8));
	ck_assert_str_eq(error, "found \"");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("filter");
	TCase *tcase = tcase_create("filter");

	snprintf(instance, sizeof(instance), "unit-filter-%d", (int)getpid());
	tcase_add_test(tcase, each_term_takes_its_services);
	tcase_add_test(tcase, an_error_names_its_term);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
