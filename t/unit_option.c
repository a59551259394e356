/* SPDX-License-Identifier: MIT
 *
 * The option table against the manual and the sample file, in both directions;
 * each option's default, range, units and form.  One process; files in a
 * directory of its own.
 */
#include "config.h"

#include "config_fixture.h"
#include "lib/log.h"
#include "conf/option.h"
#include "suite.h"

#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of a file of the source tree. */
static char *
source(const char *name)
{
	const char *top = getenv("srcdir");
	char full[4096], *text;
	size_t length;
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", top == NULL ? "." : top, name);
	file = fopen(full, "r");
	ck_assert_msg(file != NULL, "%s is missing", full);
	text = calloc(1, 1 << 18);
	ck_assert_ptr_nonnull(text);
	length = fread(text, 1, (1 << 18) - 1, file);
	ck_assert_uint_lt(length, (1 << 18) - 1);
	fclose(file);
	return text;
}

/* ------------------------------------------- the table and its readers ---- */

/* The default as manual and sample have it: for localstatedir=/var and
   runstatedir=/run. */
static const char *
initial(const struct conf_option *option)
{
	static char text[512];
	size_t length = strlen(LOCALSTATEDIR);

	if (strcmp(option->initial, RUNSTATEDIR "/reporter") == 0)
		return "/run/reporter";
	if (strncmp(option->initial, LOCALSTATEDIR "/", length + 1) != 0)
		return option->initial;
	snprintf(text, sizeof(text), "/var%s", option->initial + length);
	return text;
}

/* What a change does at a reload, as in the manual. */
static const char *
live_text(enum option_live live)
{
	static const char *const texts[] = {
		[OPTION_LIVE] = "immediate",
		[OPTION_WORKERS] = "restarts the workers",
		[OPTION_QUEUE] = "replaces the queues",
		[OPTION_RESTART] = "requires a restart",
	};

	return texts[live];
}

/* The part of a text from a line to the next line that begins as `end`. */
static char *
part(const char *text, const char *line, const char *end)
{
	char begin[128], stop[32];
	const char *from, *to;
	char *copy;

	snprintf(begin, sizeof(begin), "\n%s\n", line);
	snprintf(stop, sizeof(stop), "\n%s", end);
	from = strstr(text, begin);
	ck_assert_msg(from != NULL, "there is no line \"%s\"", line);
	from += strlen(begin) - 1;
	to = strstr(from, stop);
	copy =
	    strndup(from, to == NULL ? strlen(from) : (size_t)(to - from) + 1);
	ck_assert_ptr_nonnull(copy);
	return copy;
}

/* What the sample says of an option: the line before its value, default and
   name, without its "# ".  Freed by the caller. */
static char *
sample_text(const struct conf_option *option)
{
	char *sample = source("etc/reporter.conf");
	char heading[64], entry[1024], expects[VALUE_EXPECTS_MAX];
	char *section, *end, *text;

	snprintf(heading, sizeof(heading), "[%s]", option->section);
	section = part(sample, heading, "[");
	value_expects(option, expects, sizeof(expects));
	snprintf(entry, sizeof(entry), "\n# Value: %s\n#%s =%s%s\n", expects,
	    option->name, *initial(option) == '\0' ? "" : " ", initial(option));
	end = strstr(section, entry);
	ck_assert_msg(end != NULL, "etc/reporter.conf, section %s, has not:%s",
	    option->section, entry);
	*end = '\0';
	text = strrchr(section, '\n') + 1;
	ck_assert_msg(strncmp(text, "# ", 2) == 0 && strlen(text) > 10,
	    "etc/reporter.conf does not explain %s", option->name);
	text = strdup(text + 2);
	free(section);
	free(sample);
	return text;
}

START_TEST(every_option_is_in_the_manual_and_in_the_sample)
{
	const struct conf_option *option = &option_table[_i];
	char *manual = source("man/reporter.conf.5");
	char heading[64], entry[1024], expects[VALUE_EXPECTS_MAX], *section;
	char *text = sample_text(option);

	snprintf(heading, sizeof(heading), ".Ss [%s]", option->section);
	section = part(manual, heading, ".Ss [");
	value_expects(option, expects, sizeof(expects));
	snprintf(entry, sizeof(entry),
	    "\n.It Ic %s\n%s.\n.br\nValue: %s\n.br\nDefault: %s\n.br\n"
	    "Reload: %s\n.Pp\n",
	    option->name, text, expects,
	    *initial(option) == '\0' ? "empty" : initial(option),
	    live_text(option->live));
	ck_assert_msg(strstr(section, entry) != NULL,
	    "reporter.conf(5), section %s, has not:%s", option->section, entry);
	free(text);
	free(section);
	free(manual);
}
END_TEST

/*
 * Every line that begins as `mark` and a letter, in a section that begins as
 * `heading`, names an option of the table, and all of them once.  Only lines
 * with `after` behind the name count; `include` is no option.
 */
static void
names_are_known(
    const char *text, const char *heading, const char *mark, const char *after)
{
	char *copy = strdup(text), section[64] = "";
	size_t found = 0;

	for (char *line = strtok(copy, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		char name[64] = "", *end;

		if (strncmp(line, heading, strlen(heading)) == 0) {
			snprintf(section, sizeof(section), "%s",
			    line + strlen(heading));
			section[strcspn(section, "]")] = '\0';
			continue;
		}
		if (strncmp(line, mark, strlen(mark)) != 0 ||
		    !islower((unsigned char)line[strlen(mark)]))
			continue;
		end = stpncpy(name, line + strlen(mark), sizeof(name) - 1);
		*end = '\0';
		name[strcspn(name, " ")] = '\0';
		end = line + strlen(mark) + strlen(name);
		if (strncmp(end, after, strlen(after)) != 0 ||
		    strcmp(name, "include") == 0)
			continue;
		ck_assert_msg(option_find(section, name) != NULL,
		    "the table has no option %s.%s", section, name);
		found++;
	}
	ck_assert_uint_eq(found, option_count);
	free(copy);
}

START_TEST(manual_names_no_other_options)
{
	char *manual = source("man/reporter.conf.5");
	char *options = part(manual, ".Sh OPTIONS", ".Sh");

	names_are_known(options, ".Ss [", ".It Ic ", "");
	free(options);
	free(manual);
}
END_TEST

START_TEST(sample_names_no_other_options)
{
	char *sample = source("etc/reporter.conf");

	names_are_known(sample, "[", "#", " =");
	free(sample);
}
END_TEST

/* With all its options uncommented the sample changes nothing. */
START_TEST(sample_can_be_loaded)
{
	char *sample = source("etc/reporter.conf");
	struct settings *before = settings_load(NULL, stderr), *after;

	after = config_valid(sample);
	settings_compare(before, after, config_same, NULL);
	settings_free(after);
	for (char *at = sample; (at = strstr(at, "\n#")) != NULL; at++) {
		if (islower((unsigned char)at[2]))
			at[1] = ' ';
	}
	after = config_valid(sample);
	ck_assert_ptr_nonnull(
	    strstr(after->origins[option_count - 1], "a.conf:"));
	settings_compare(before, after, config_same, NULL);
	settings_free(after);
	settings_free(before);
	free(sample);
}
END_TEST

START_TEST(option_is_found_under_its_name)
{
	const struct conf_option *option = &option_table[_i];
	char name[OPTION_NAME_MAX];

	ck_assert_ptr_eq(option_find(option->section, option->name), option);
	ck_assert_ptr_null(option_find("nowhere", option->name));
	snprintf(name, sizeof(name), "%s.%s", option->section, option->name);
	ck_assert_str_eq(option->full, name);
	ck_assert_uint_lt(strlen(name), sizeof(name) - 1);
	ck_assert_uint_le(option->min, option->max);
}
END_TEST

/* The default is what its own parser makes of it, and is written as it is
   shown. */
START_TEST(default_goes_through_its_parser)
{
	const struct conf_option *option = &option_table[_i];
	struct settings *settings = calloc(1, sizeof(*settings));
	char reason[VALUE_REASON_MAX] = "", *shown;

	ck_assert_ptr_nonnull(settings);
	ck_assert_msg(value_parse(option, settings, option->initial, reason),
	    "%s: %s", option->name, reason);
	shown = value_format(option, settings);
	ck_assert_str_eq(shown, option->initial);
	free(shown);
	value_free(option, settings);
	free(settings);
}
END_TEST

/* ----------------------------------------------------- values, one by one ---
 */

static bool
is_number(const struct conf_option *option)
{
	return option->type <= OPTION_SIZE;
}

/* Parse one value of one option; what came of it, or UINT64_MAX. */
static uint64_t
parse_number(const struct conf_option *option, const char *text)
{
	struct settings settings = { .workers = 0 };
	char reason[VALUE_REASON_MAX], expects[VALUE_EXPECTS_MAX];

	if (!value_parse(option, &settings, text, reason)) {
		value_expects(option, expects, sizeof(expects));
		ck_assert_ptr_nonnull(strstr(reason, expects));
		return UINT64_MAX;
	}
	return *(uint64_t *)(void *)((char *)&settings + option->offset);
}

static void
number_text(
    const struct conf_option *option, uint64_t number, char *text, size_t size)
{
	snprintf(text, size, "%" PRIu64 "%s", number,
	    option->type == OPTION_TIME ? "ms" : "");
}

START_TEST(range_ends_where_the_table_says)
{
	const struct conf_option *option = &option_table[_i];
	char text[64];

	if (!is_number(option))
		return;
	number_text(option, option->min, text, sizeof(text));
	ck_assert_uint_eq(parse_number(option, text), option->min);
	number_text(option, option->max, text, sizeof(text));
	ck_assert_uint_eq(parse_number(option, text), option->max);
	if (option->type == OPTION_POWER) {
		ck_assert_uint_eq(option->min & (option->min - 1), 0);
		number_text(option, option->max * 2, text, sizeof(text));
	} else {
		number_text(option, option->max + 1, text, sizeof(text));
	}
	ck_assert_uint_eq(parse_number(option, text), UINT64_MAX);
	number_text(option, option->min - 1, text, sizeof(text));
	if (option->type == OPTION_POWER)
		number_text(option, option->min / 2, text, sizeof(text));
	if (option->min > 0)
		ck_assert_uint_eq(parse_number(option, text), UINT64_MAX);
}
END_TEST

START_TEST(number_that_is_none_is_refused)
{
	static const char *const texts[] = { "", "-1", "+1", "x", "1x", "1.5",
		"0x10", "1 2", "1e3", " ", "1,000", "\"1\"",
		"18446744073709551616", "18446744073709551615g",
		"99999999999999999999999999999" };
	const struct conf_option *option = &option_table[_i];

	if (!is_number(option))
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_uint_eq(parse_number(option, texts[i]), UINT64_MAX);
}
END_TEST

static const struct {
	const char *section, *name, *text;
	uint64_t number;
} units[] = {
	{ "mysql", "flush_interval", "250", 250 },
	{ "mysql", "flush_interval", "250ms", 250 },
	{ "mysql", "flush_interval", "2s", 2000 },
	{ "mysql", "flush_interval", "2 s", 2000 },
	{ "mysql", "flush_interval", "1min", 60000 },
	{ "mysql", "flush_interval", "1h", 3600000 },
	{ "mysql", "flush_interval", "1m", UINT64_MAX },
	{ "mysql", "flush_interval", "1k", UINT64_MAX },
	/* 2^64 and a little, once the unit is counted. */
	{ "mysql", "flush_interval", "18446744073709552s", UINT64_MAX },
	{ "limits", "max_message", "18014398509481986k", UINT64_MAX },
	{ "mysql", "connect_timeout", "3", 3000 },
	{ "mysql", "flush_interval", "1500ms", 1500 },
	{ "mysql", "connect_timeout", "2000ms", 2000 },
	{ "mysql", "connect_timeout", "1500ms", UINT64_MAX },
	{ "mysql", "read_timeout", "1500ms", UINT64_MAX },
	{ "limits", "max_clock_skew", "1min", 60000 },
	{ "limits", "max_clock_skew", "999ms", UINT64_MAX },
	{ "limits", "idle_timeout", "90", 90000 },
	{ "limits", "idle_timeout", "0", 0 },
	{ "limits", "max_connection_age", "10min", 600000 },
	{ "limits", "max_message", "2048", 2048 },
	{ "limits", "max_message", "2k", 2048 },
	{ "limits", "max_message", "2K", 2048 },
	{ "limits", "max_message", "2kb", UINT64_MAX },
	{ "limits", "max_message", "2s", UINT64_MAX },
	{ "mysql", "dead_letter_size", "3m", UINT64_C(3) << 20 },
	{ "mysql", "dead_letter_size", "1024g", UINT64_C(1) << 40 },
	{ "mysql", "dead_letter_size", "1025g", UINT64_MAX },
	{ "mysql", "port", "3306s", UINT64_MAX },
	{ "queue", "table_keys", "4k", UINT64_MAX },
	{ "reporter", "workers", "auto", 0 },
	{ "reporter", "workers", "Auto", UINT64_MAX },
	{ "mysql", "port", "auto", UINT64_MAX },
};

START_TEST(units_are_taken)
{
	const struct conf_option *option =
	    option_find(units[_i].section, units[_i].name);

	ck_assert_uint_eq(
	    parse_number(option, units[_i].text), units[_i].number);
}
END_TEST

START_TEST(number_is_shown_with_its_largest_unit)
{
	static const struct {
		enum option_type type;
		uint64_t number;
		const char *text;
	} numbers[] = {
		{ OPTION_TIME, 0, "0" },
		{ OPTION_TIME, 1, "1ms" },
		{ OPTION_TIME, 1500, "1500ms" },
		{ OPTION_TIME, 90000, "90s" },
		{ OPTION_TIME, 5 * 60000, "5min" },
		{ OPTION_TIME, 86400000, "24h" },
		{ OPTION_SIZE, 1000, "1000" },
		{ OPTION_SIZE, 65536, "64k" },
		{ OPTION_SIZE, UINT64_C(1) << 40, "1024g" },
		{ OPTION_NUMBER, 3600000, "3600000" },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct conf_option option = { .type = numbers[i].type,
			.offset = offsetof(struct settings, db.port) };
		struct settings settings = { .db.port = numbers[i].number };
		char *text = value_format(&option, &settings);

		ck_assert_str_eq(text, numbers[i].text);
		free(text);
	}
}
END_TEST

/* An option that holds a text, and a value: right, or the reason's end. */
static const struct {
	const char *section, *name, *text, *fault;
} texts[] = {
	{ "reporter", "instance", "a-B_9", NULL },
	{ "reporter", "instance", "", "empty value" },
	{ "reporter", "instance", "a/b", "is not a valid instance name" },
	{ "reporter", "instance", "1234567890123456789012345678901", NULL },
	{ "reporter", "instance", "12345678901234567890123456789012",
	    "too long (32 bytes)" },
	{ "reporter", "listen", "", "empty value" },
	{ "reporter", "listen", "*:1, [::1]:2,localhost:0", NULL },
	{ "reporter", "listen", "127.0.0.1", "has no port" },
	{ "reporter", "listen", "*:1,,*:2", "empty entry" },
	{ "reporter", "listen", "*:1, *:1", "\"*:1\" is repeated" },
	{ "reporter", "user", "www-data", NULL },
	{ "reporter", "user", "0", "is not a valid user name" },
	{ "reporter", "user", "a:b", "is not a valid user name" },
	{ "reporter", "group", "adm", NULL },
	{ "reporter", "group", "-adm", "is not a valid group name" },
	{ "reporter", "group", "a:b", "is not a valid group name" },
	{ "reporter", "pid_file", "/run/reporter.pid", NULL },
	{ "reporter", "pid_file", "reporter.pid", "is not an absolute path" },
	{ "reporter", "pid_file", "/run/", "is the path of a directory" },
	{ "limits", "allow", "10.0.0.0/8,::1", NULL },
	{ "limits", "allow", "10.1.0.0/8", "did you mean 10.0.0.0/8?" },
	{ "queue", "overflow", "drop", NULL },
	{ "queue", "overflow", "Drop", "invalid value \"Drop\"" },
	{ "queue", "overflow", "", "invalid value \"\"" },
	{ "mysql", "host", "db1, db2:3307, [::1]:3306", NULL },
	{ "mysql", "host", "*", "is not a host to connect to" },
	{ "mysql", "host", "db1:0", "has port 0" },
	{ "mysql", "password", "a,b=c", NULL },
	{ "mysql", "table", "db$1.Server_Call", NULL },
	{ "mysql", "table", "a.b.c", "has a misplaced dot" },
	{ "mysql", "table", ".a", "has a misplaced dot" },
	{ "mysql", "table", "a.", "has a misplaced dot" },
	{ "mysql", "table", "a`b", "contains an invalid character" },
	{ "mysql", "table",
	    "a12345678901234567890123456789012345678901234567890123456789"
	    "01234",
	    "has a name of more than 64 characters" },
	{ "log", "target", "stderr", NULL },
	{ "log", "target", "/var/log/reporter.log", NULL },
	{ "log", "target", "", "empty value" },
	{ "log", "target", "Syslog", "is not an absolute path" },
	{ "log", "level", "debug", NULL },
	{ "log", "level", "warning", "invalid value \"warning\"" },
};

START_TEST(text_is_checked)
{
	const struct conf_option *option =
	    option_find(texts[_i].section, texts[_i].name);
	struct settings *settings = settings_load(NULL, stderr);
	char reason[VALUE_REASON_MAX] = "", *before, *after;
	bool right;

	before = value_format(option, settings);
	right = value_parse(option, settings, texts[_i].text, reason);
	after = value_format(option, settings);
	ck_assert_msg(right == (texts[_i].fault == NULL), "%s", reason);
	if (!right) {
		ck_assert_msg(
		    strstr(reason, texts[_i].fault) != NULL, "%s", reason);
		ck_assert_str_eq(before, after);
	} else {
		ck_assert_str_ne(before, after);
	}
	free(before);
	free(after);
	settings_free(settings);
}
END_TEST

START_TEST(choices_are_in_the_order_of_their_enum)
{
	struct settings *settings =
	    config_valid("[queue]\noverflow = drop\n[log]\nlevel = warn\n");

	ck_assert_int_eq(settings->overflow, OVERFLOW_DROP);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_WARN);
	settings_free(settings);
	settings =
	    config_valid("[queue]\noverflow = block\n[log]\nlevel = debug\n");
	ck_assert_int_eq(settings->overflow, OVERFLOW_BLOCK);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_DEBUG);
	settings_free(settings);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *
table_tests(void)
{
	TCase *tc = tcase_create("table");
	int count = (int)option_count;

	tcase_add_checked_fixture(tc, config_setup, config_teardown);
	tcase_add_loop_test(
	    tc, every_option_is_in_the_manual_and_in_the_sample, 0, count);
	tcase_add_test(tc, manual_names_no_other_options);
	tcase_add_test(tc, sample_names_no_other_options);
	tcase_add_test(tc, sample_can_be_loaded);
	tcase_add_loop_test(tc, option_is_found_under_its_name, 0, count);
	tcase_add_loop_test(tc, default_goes_through_its_parser, 0, count);
	tcase_add_loop_test(tc, range_ends_where_the_table_says, 0, count);
	tcase_add_loop_test(tc, number_that_is_none_is_refused, 0, count);
	tcase_add_loop_test(tc, units_are_taken, 0, COUNT(units));
	tcase_add_test(tc, number_is_shown_with_its_largest_unit);
	tcase_add_loop_test(tc, text_is_checked, 0, COUNT(texts));
	tcase_add_test(tc, choices_are_in_the_order_of_their_enum);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("option");

	suite_add_tcase(suite, table_tests());
	return suite_run(suite);
}
