/* SPDX-License-Identifier: MIT
 *
 * The configuration: the option table against the manual and the sample file,
 * in both directions; defaults, ranges, units; errors with their lines; lists,
 * inclusion; dump and comparison.  One process; files in a folder of its own.
 */
#include "config.h"

#include "log.h"
#include "option.h"
#include "segment.h"
#include "settings.h"
#include "value.h"

#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];
static char *errors; /* of the last load() */

static void
setup(void)
{
	strcpy(folder, "/tmp/reporter-unit-option.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.conf", folder);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
	free(errors);
	errors = NULL;
}

/* Write a file into the folder. */
static void
put_file(const char *name, const char *text, size_t length)
{
	char full[160];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", folder, name);
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

/* Load a file; its errors come into `errors`, without the folder's name. */
static struct settings *
load_path(const char *name)
{
	struct settings *settings;
	size_t size, strip = strlen(folder) + 1;
	FILE *out;
	char *at;

	free(errors);
	out = open_memstream(&errors, &size);
	ck_assert_ptr_nonnull(out);
	settings = settings_load(name, out);
	fclose(out);
	while ((at = strstr(errors, folder)) != NULL)
		memmove(at, at + strip, strlen(at + strip) + 1);
	return settings;
}

static struct settings *
load(const char *text)
{
	put_file("a.conf", text, strlen(text));
	return load_path(path);
}

/* The text is right. */
static struct settings *
load_right(const char *text)
{
	struct settings *settings = load(text);

	ck_assert_msg(settings != NULL, "%s", errors);
	ck_assert_str_eq(errors, "");
	return settings;
}

/* The text is wrong, in exactly this way. */
static void
load_wrong(const char *text, const char *wanted)
{
	ck_assert_ptr_null(load(text));
	ck_assert_str_eq(errors, wanted);
}

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

/* The default as manual and sample have it: for localstatedir=/var. */
static const char *
standard(const struct option *option)
{
	static char text[512];
	size_t length = strlen(LOCALSTATEDIR);

	if (strncmp(option->standard, LOCALSTATEDIR "/", length + 1) != 0)
		return option->standard;
	snprintf(text, sizeof(text), "/var%s", option->standard + length);
	return text;
}

/* The part of a text from a line to the next line that begins as `end`. */
static char *
part(const char *text, const char *line, const char *end)
{
	char begin[128], stop[32];
	const char *from, *to;

	snprintf(begin, sizeof(begin), "\n%s\n", line);
	snprintf(stop, sizeof(stop), "\n%s", end);
	from = strstr(text, begin);
	ck_assert_msg(from != NULL, "there is no line \"%s\"", line);
	from += strlen(begin) - 1;
	to = strstr(from, stop);
	return strndup(
	    from, to == NULL ? strlen(from) : (size_t)(to - from) + 1);
}

START_TEST(every_option_is_in_the_manual)
{
	const struct option *option = &option_table[_i];
	char *manual = source("man/reporter.conf.5");
	char heading[64], entry[1024], expects[OPTION_EXPECTS_MAX], *section;

	snprintf(heading, sizeof(heading), ".Ss [%s]", option->section);
	section = part(manual, heading, ".S");
	option_expects(option, expects, sizeof(expects));
	snprintf(entry, sizeof(entry),
	    "\n.It Ic %s\n%s.\n.br\nValue: %s\n.br\nDefault: %s\n.br\n"
	    "Reload: %s\n.Pp\n",
	    option->name, option->text, expects,
	    *standard(option) == '\0' ? "nothing" : standard(option),
	    option_live_text(option->live));
	ck_assert_msg(strstr(section, entry) != NULL,
	    "reporter.conf(5), section %s, has not:%s", option->section, entry);
	free(section);
	free(manual);
}
END_TEST

START_TEST(every_option_is_in_the_sample)
{
	const struct option *option = &option_table[_i];
	char *sample = source("etc/reporter.conf");
	char heading[64], entry[1024], expects[OPTION_EXPECTS_MAX], *section;

	snprintf(heading, sizeof(heading), "[%s]", option->section);
	section = part(sample, heading, "[");
	option_expects(option, expects, sizeof(expects));
	snprintf(entry, sizeof(entry), "\n# %s\n# Value: %s\n#%s =%s%s\n",
	    option->text, expects, option->name,
	    *standard(option) == '\0' ? "" : " ", standard(option));
	ck_assert_msg(strstr(section, entry) != NULL,
	    "etc/reporter.conf, section %s, has not:%s", option->section,
	    entry);
	free(section);
	free(sample);
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

static void
fail_on_difference(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	(void)arg;
	(void)live;
	if (strcmp(name, "mysql.dead_letter_file") != 0)
		ck_abort_msg("%s: %s became %s", name, old_value, new_value);
}

/* With all its options uncommented the sample changes nothing. */
START_TEST(sample_can_be_loaded)
{
	char *sample = source("etc/reporter.conf");
	struct settings *before = settings_load(NULL, stderr), *after;

	after = load_right(sample);
	settings_compare(before, after, fail_on_difference, NULL);
	settings_free(after);
	for (char *at = sample; (at = strstr(at, "\n#")) != NULL; at++) {
		if (islower((unsigned char)at[2]))
			at[1] = ' ';
	}
	after = load_right(sample);
	ck_assert_ptr_nonnull(
	    strstr(after->origins[option_count - 1], "a.conf:"));
	settings_compare(before, after, fail_on_difference, NULL);
	settings_free(after);
	settings_free(before);
	free(sample);
}
END_TEST

START_TEST(option_is_found_under_its_name)
{
	const struct option *option = &option_table[_i];
	char name[OPTION_NAME_MAX];

	ck_assert_ptr_eq(option_find(option->section, option->name), option);
	ck_assert_ptr_null(option_find("nowhere", option->name));
	option_name(option, name, sizeof(name));
	ck_assert_uint_lt(strlen(name), sizeof(name) - 1);
	ck_assert_uint_le(option->least, option->most);
}
END_TEST

/* The default is what its own parser makes of it, and is written as it is
   shown. */
START_TEST(default_goes_through_its_parser)
{
	const struct option *option = &option_table[_i];
	struct settings *settings = calloc(1, sizeof(*settings));
	char reason[VALUE_REASON_MAX] = "", *shown;

	ck_assert_ptr_nonnull(settings);
	ck_assert_msg(value_parse(option, settings, option->standard, reason,
			  sizeof(reason)),
	    "%s: %s", option->name, reason);
	shown = value_format(option, settings);
	ck_assert_str_eq(shown, option->standard);
	free(shown);
	value_free(option, settings);
	free(settings);
}
END_TEST

/* ----------------------------------------------------- values, one by one ---
 */

static bool
is_number(const struct option *option)
{
	return option->type <= OPTION_SIZE;
}

/* Parse one value of one option; what came of it, or UINT64_MAX. */
static uint64_t
parse_number(const struct option *option, const char *text)
{
	struct settings settings = { .workers = 0 };
	char reason[VALUE_REASON_MAX], expects[OPTION_EXPECTS_MAX];

	if (!value_parse(option, &settings, text, reason, sizeof(reason))) {
		option_expects(option, expects, sizeof(expects));
		ck_assert_ptr_nonnull(strstr(reason, expects));
		return UINT64_MAX;
	}
	return *(uint64_t *)(void *)((char *)&settings + option->offset);
}

static void
number_text(
    const struct option *option, uint64_t number, char *text, size_t size)
{
	snprintf(text, size, "%" PRIu64 "%s", number,
	    option->type == OPTION_TIME ? "ms" : "");
}

START_TEST(range_ends_where_the_table_says)
{
	const struct option *option = &option_table[_i];
	char text[64];

	if (!is_number(option))
		return;
	number_text(option, option->least, text, sizeof(text));
	ck_assert_uint_eq(parse_number(option, text), option->least);
	number_text(option, option->most, text, sizeof(text));
	ck_assert_uint_eq(parse_number(option, text), option->most);
	if (option->type == OPTION_POWER) {
		ck_assert_uint_eq(option->least & (option->least - 1), 0);
		number_text(option, option->most * 2, text, sizeof(text));
	} else {
		number_text(option, option->most + 1, text, sizeof(text));
	}
	ck_assert_uint_eq(parse_number(option, text), UINT64_MAX);
	number_text(option, option->least - 1, text, sizeof(text));
	if (option->type == OPTION_POWER)
		number_text(option, option->least / 2, text, sizeof(text));
	if (option->least > 0)
		ck_assert_uint_eq(parse_number(option, text), UINT64_MAX);
}
END_TEST

START_TEST(number_that_is_none_is_refused)
{
	static const char *const texts[] = { "", "-1", "+1", "x", "1x", "1.5",
		"0x10", "1 2", "1e3", " ", "1,000", "\"1\"",
		"18446744073709551616", "18446744073709551615g",
		"99999999999999999999999999999" };
	const struct option *option = &option_table[_i];

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
	{ "mysql", "connect_timeout", "3", 3000 },
	{ "mysql", "connect_timeout", "1500ms", 1500 },
	{ "limits", "idle_timeout", "90", 90000 },
	{ "limits", "idle_timeout", "0", 0 },
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
	const struct option *option =
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
		char text[32];

		value_format_number(
		    numbers[i].type, numbers[i].number, text, sizeof(text));
		ck_assert_str_eq(text, numbers[i].text);
	}
}
END_TEST

/* An option that holds a text, and a value: right, or the reason's end. */
static const struct {
	const char *section, *name, *text, *fault;
} texts[] = {
	{ "reporter", "instance", "a-B_9", NULL },
	{ "reporter", "instance", "", "nothing is given" },
	{ "reporter", "instance", "a/b", "is no name of an instance" },
	{ "reporter", "instance", "1234567890123456789012345678901", NULL },
	{ "reporter", "instance", "12345678901234567890123456789012",
	    "a text of 32 bytes is too long" },
	{ "reporter", "listen", "", "nothing is given" },
	{ "reporter", "listen", "*:1, [::1]:2,localhost:0", NULL },
	{ "reporter", "listen", "127.0.0.1", "has no port" },
	{ "reporter", "listen", "*:1,,*:2", "a word is missing" },
	{ "reporter", "listen", "*:1, *:1", "\"*:1\" is given twice" },
	{ "reporter", "user", "www-data", NULL },
	{ "reporter", "user", "0", "does not begin as a user's name" },
	{ "reporter", "user", "a:b", "is no user's name" },
	{ "reporter", "pid_file", "/run/reporter.pid", NULL },
	{ "reporter", "pid_file", "reporter.pid", "does not begin with /" },
	{ "reporter", "pid_file", "/run/", "is the path of a folder" },
	{ "limits", "allow", "10.0.0.0/8,::1", NULL },
	{ "limits", "allow", "10.1.0.0/8", "did you mean 10.0.0.0/8?" },
	{ "queue", "overflow", "drop", NULL },
	{ "queue", "overflow", "Drop", "\"Drop\" is no choice" },
	{ "queue", "overflow", "", "\"\" is no choice" },
	{ "mysql", "host", "db1, db2:3307, [::1]:3306", NULL },
	{ "mysql", "host", "*", "is no host to connect to" },
	{ "mysql", "host", "db1:0", "has port 0" },
	{ "mysql", "password", "a,b=c", NULL },
	{ "mysql", "table", "db$1.Server_Call", NULL },
	{ "mysql", "table", "a.b.c", "has a dot in the wrong place" },
	{ "mysql", "table", ".a", "has a dot in the wrong place" },
	{ "mysql", "table", "a.", "has a dot in the wrong place" },
	{ "mysql", "table", "a`b", "has another character" },
	{ "mysql", "table",
	    "a12345678901234567890123456789012345678901234567890123456789"
	    "01234",
	    "has too long a name" },
	{ "log", "target", "stderr", NULL },
	{ "log", "target", "/var/log/reporter.log", NULL },
	{ "log", "target", "", "nothing is given" },
	{ "log", "target", "Syslog", "does not begin with /" },
	{ "log", "level", "debug", NULL },
	{ "log", "level", "warning", "\"warning\" is no choice" },
};

START_TEST(text_is_checked)
{
	const struct option *option =
	    option_find(texts[_i].section, texts[_i].name);
	struct settings *settings = settings_load(NULL, stderr);
	char reason[VALUE_REASON_MAX] = "", *before, *after;
	bool right;

	before = value_format(option, settings);
	right = value_parse(
	    option, settings, texts[_i].text, reason, sizeof(reason));
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
	    load_right("[queue]\noverflow = drop\n[log]\nlevel = warn\n");

	ck_assert_int_eq(settings->overflow, OVERFLOW_DROP);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_WARN);
	settings_free(settings);
	settings =
	    load_right("[queue]\noverflow = block\n[log]\nlevel = debug\n");
	ck_assert_int_eq(settings->overflow, OVERFLOW_BLOCK);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_DEBUG);
	settings_free(settings);
}
END_TEST

/* ---------------------------------------------------------------- files ----
 */

START_TEST(defaults_alone)
{
	struct settings *settings = load_path(NULL);

	ck_assert_ptr_nonnull(settings);
	ck_assert_str_eq(errors, "");
	ck_assert_str_eq(settings->instance, "default");
	ck_assert_uint_eq(settings->listen.count, 1);
	ck_assert_str_eq(settings->listen.words[0], "0.0.0.0:12316");
	ck_assert_ptr_null(settings->listen.words[1]);
	ck_assert_uint_eq(settings->allow.count, 0);
	ck_assert_uint_eq(settings->flush_interval, 1000);
	ck_assert_uint_eq(settings->max_message, 65536);
	ck_assert_str_eq(settings->table, "ServerCallStatus");
	settings_free(settings);
}
END_TEST

START_TEST(auto_is_the_number_of_processors_but_at_most_four)
{
	struct settings *settings = load_right("[reporter]\nworkers = auto\n");
	cpu_set_t all, one;
	int count, cpu = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	count = CPU_COUNT(&all);
	ck_assert_uint_eq(settings->workers, (uint64_t)(count > 4 ? 4 : count));
	settings_free(settings);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	settings = load_right("[reporter]\nworkers = auto\n");
	ck_assert_uint_eq(settings->workers, 1);
	settings_free(settings);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
}
END_TEST

START_TEST(all_errors_come_in_one_go_with_their_lines)
{
	load_wrong("[reporter]\n"
		   "instance = a b\n"
		   "\n"
		   "  listen = 1.2.3.4,\n"
		   "    # the rest\n"
		   "    *:99999\n"
		   "workers = 0\n"
		   "[mysq]\n"
		   "host = 127.0.0.1\n"
		   "[mysql]\n"
		   "flush_intervall = 3\n"
		   "flush_rows = 1000001\n"
		   "flush_interval = 5m\n"
		   "junk\n"
		   "port: 3306\n"
		   "[queue] more\n"
		   "[queue\n"
		   "[queue]\n"
		   "ring_records = 60000\n"
		   "overflow = dorp\n",
	    "a.conf:2: reporter.instance: \"a b\" is no name of an instance; "
	    "expected 1 to 31 letters, digits, - and _\n"
	    "a.conf:4: reporter.listen: \"1.2.3.4\" has no port; expected "
	    "ADDRESS:PORT, [ADDRESS6]:PORT or *:PORT, several separated by "
	    "commas\n"
	    "a.conf:7: reporter.workers: 0 is too small; expected auto, or a "
	    "number from 1 to 64\n"
	    "a.conf:8: [mysq]: unknown section; did you mean [mysql]?\n"
	    "a.conf:11: mysql.flush_intervall: unknown option; did you mean "
	    "flush_interval?\n"
	    "a.conf:12: mysql.flush_rows: 1000001 is too large; expected a "
	    "number from 1 to 1000000\n"
	    "a.conf:13: mysql.flush_interval: \"5m\" is not understood (units "
	    "are ms, s, min and h); expected a time from 1ms to 1h, a bare "
	    "number is in ms\n"
	    "a.conf:14: this is neither [section] nor name = value\n"
	    "a.conf:15: this is neither [section] nor name = value\n"
	    "a.conf:16: something stands after the section's bracket\n"
	    "a.conf:17: the section has no closing bracket\n"
	    "a.conf:19: queue.ring_records: 60000 is no power of two, the "
	    "nearest is 65536; expected a power of two from 32768 to "
	    "268435456\n"
	    "a.conf:20: queue.overflow: \"dorp\" is no choice; expected block "
	    "or drop\n");
}
END_TEST

static const struct {
	const char *text, *error;
} names[] = {
	{ "[mysql]\nprot = 1\n",
	    "a.conf:2: mysql.prot: unknown option; did you mean port?\n" },
	{ "[mysql]\nflush-rows = 1\n",
	    "a.conf:2: mysql.flush-rows: unknown option; "
	    "did you mean flush_rows?\n" },
	{ "[mysql]\nPort = 1\n",
	    "a.conf:2: mysql.Port: unknown option; did you mean port?\n" },
	{ "[mysql]\nlevel = debug\n", "a.conf:2: mysql.level: unknown option; "
				      "did you mean level in [log]?\n" },
	{ "[mysql]\nxyz = 1\n", "a.conf:2: mysql.xyz: unknown option\n" },
	{ "[mysql]\n= 1\n", "a.conf:2: mysql.: unknown option\n" },
	{ "[mysql]\ninclude = x\n",
	    "a.conf:2: mysql.include: unknown option\n" },
	{ "port = 1\n", "a.conf:1: port: stands before any section; "
			"did you mean port in [mysql]?\n" },
	{ "xyz = 1\n", "a.conf:1: xyz: unknown option\n" },
	{ "[Log]\n",
	    "a.conf:1: [Log]: unknown section; did you mean [log]?\n" },
	{ "[ log ]\n",
	    "a.conf:1: [ log ]: unknown section; did you mean [log]?\n" },
	{ "[databases]\nx = 1\n", "a.conf:1: [databases]: unknown section\n" },
	{ "[]\n", "a.conf:1: []: unknown section\n" },
};

START_TEST(unknown_name_is_an_error_with_a_suggestion)
{
	load_wrong(names[_i].text, names[_i].error);
}
END_TEST

START_TEST(missing_file_is_said)
{
	ck_assert_ptr_null(load_path(path));
	ck_assert_str_eq(
	    errors, "a.conf: cannot be opened: No such file or directory\n");
	ck_assert_ptr_null(load_path("/"));
	ck_assert_str_eq(errors, "/: cannot be read: Is a directory\n");
}
END_TEST

START_TEST(form_of_lines_is_free)
{
	struct settings *settings = load_right("\xef\xbb\xbf"
					       "; comment\r\n"
					       "  # comment\r\n"
					       "\t[mysql]  # comment\r\n"
					       "\r\n"
					       "   user=a#b;c\t; comment\r\n"
					       "\tdatabase\t = x y  \r\n"
					       "      port =  1 # comment\n"
					       "table = \"t\"\n"
					       "[log]\n"
					       "target = \"/a \"");

	ck_assert_str_eq(settings->mysql_user, "a#b;c");
	ck_assert_str_eq(settings->database, "x y");
	ck_assert_uint_eq(settings->port, 1);
	ck_assert_str_eq(settings->table, "t");
	ck_assert_str_eq(settings->log_target, "/a ");
	settings_free(settings);
}
END_TEST

START_TEST(later_value_counts)
{
	struct settings *settings = load_right("[mysql]\nport = 1\nhost = a\n"
					       "[log]\nlevel = warn\n[mysql]\n"
					       "port = 2\nhost = b\n");

	ck_assert_uint_eq(settings->port, 2);
	ck_assert_uint_eq(settings->host.count, 1);
	ck_assert_str_eq(settings->host.words[0], "b");
	settings_free(settings);
}
END_TEST

START_TEST(list_goes_on_after_a_comma)
{
	struct settings *settings = load_right("[reporter]\n"
					       "listen = *:1, *:2,\n"
					       "\n"
					       "   # comment\n"
					       "[::1]:3, # comment\n"
					       "\t*:4\n"
					       "instance = x\n");

	ck_assert_uint_eq(settings->listen.count, 4);
	ck_assert_str_eq(settings->listen.words[0], "*:1");
	ck_assert_str_eq(settings->listen.words[2], "[::1]:3");
	ck_assert_str_eq(settings->listen.words[3], "*:4");
	ck_assert_ptr_null(settings->listen.words[4]);
	ck_assert_str_eq(settings->instance, "x");
	settings_free(settings);
	load_wrong("[mysql]\nhost = a,\n\n",
	    "a.conf:2: host: the list ends in a comma, and the file ends "
	    "there\n");
	/* What follows a list by mistake is not passed over. */
	ck_assert_ptr_null(load("[mysql]\nhost = a,\nport = 1\n"));
	ck_assert_ptr_nonnull(strstr(errors, "\"port = 1\" is no address"));
	ck_assert_ptr_null(load("[mysql]\nhost = a,\n[log]\n"));
	ck_assert_ptr_nonnull(strstr(errors, "a.conf:2: mysql.host: "));
	/* Other values may end in a comma. */
	settings = load_right("[mysql]\npassword = a,\nport = 1\n");
	ck_assert_str_eq(settings->password, "a,");
	ck_assert_uint_eq(settings->port, 1);
	settings_free(settings);
}
END_TEST

START_TEST(too_long_a_line_is_an_error)
{
	char text[1024], path_text[200], *at;
	struct settings *settings;

	memset(path_text, 'x', sizeof(path_text));
	path_text[0] = '/';
	path_text[196 - 9] = '\0'; /* "target = " */
	snprintf(
	    text, sizeof(text), "[log]\ntarget = %s # %0500d\n", path_text, 0);
	settings = load_right(text);
	ck_assert_str_eq(settings->log_target, path_text);
	settings_free(settings);
	at = strchr(text, '#');
	at[-1] = 'x';
	at[0] = ' ';
	at[1] = '#';
	load_wrong(
	    text, "a.conf:2: the line has 197 bytes, the longest has 196\n");
}
END_TEST

START_TEST(control_character_is_an_error)
{
	static const char zero[] = "[log]\nlevel = info\0x\n";

	load_wrong("[log]\nlevel = \x1b[31minfo\n",
	    "a.conf:2: the line has a control character\n");
	put_file("a.conf", zero, sizeof(zero) - 1);
	ck_assert_ptr_null(load_path(path));
	ck_assert_str_eq(
	    errors, "a.conf:2: the line has a control character\n");
}
END_TEST

START_TEST(many_words_are_taken_up_to_the_limit)
{
	const struct option *option = option_find("limits", "allow");
	struct settings *settings;
	char *text = malloc(64 * 1024), *at = text;

	ck_assert_ptr_nonnull(text);
	at += sprintf(at, "[limits]\nallow = ");
	for (unsigned i = 0; i < option->most; i++)
		at += sprintf(
		    at, "%s10.0.%u.%u", i == 0 ? "" : ",\n", i / 256, i % 256);
	settings = load_right(text);
	ck_assert_uint_eq(settings->allow.count, option->most);
	settings_free(settings);
	sprintf(at, ",\n::1\n");
	ck_assert_ptr_null(load(text));
	ck_assert_ptr_nonnull(strstr(errors, "more than 1024 are given"));
	free(text);
}
END_TEST

/* ------------------------------------------------------------ inclusion ----
 */

static const char *
origin(const struct settings *settings, const char *section, const char *name)
{
	const char *text =
	    settings->origins[option_find(section, name) - option_table];
	const char *slash = strrchr(text, '/');

	return slash == NULL ? text : slash + 1;
}

START_TEST(files_are_included_in_their_place)
{
	static const char one[] = "[mysql]\nport = 1\nuser = one\n";
	static const char two[] = "[mysql]\n\nport = 2\n";
	struct settings *settings;
	char conf_d[96];

	snprintf(conf_d, sizeof(conf_d), "%s/conf.d", folder);
	ck_assert_int_eq(mkdir(conf_d, 0700), 0);
	put_file("conf.d/1.conf", one, sizeof(one) - 1);
	put_file("conf.d/2.conf", two, sizeof(two) - 1);
	put_file("conf.d/3.other", "junk", 4);
	settings = load_right("[mysql]\nport = 9\ndatabase = d\n[reporter]\n"
			      "include = conf.d/*.conf\n"
			      "instance = x\n[mysql]\nuser = last\n");
	ck_assert_uint_eq(settings->port, 2);
	ck_assert_str_eq(settings->mysql_user, "last");
	ck_assert_str_eq(settings->instance, "x");
	ck_assert_str_eq(origin(settings, "mysql", "port"), "2.conf:3");
	ck_assert_str_eq(origin(settings, "mysql", "user"), "a.conf:8");
	ck_assert_str_eq(origin(settings, "mysql", "database"), "a.conf:3");
	ck_assert_str_eq(origin(settings, "mysql", "host"), "default");
	settings_free(settings);
	/* Before any section; what comes after overrides it. */
	settings = load_right("include = conf.d/1.conf\n[mysql]\nport = 9\n");
	ck_assert_uint_eq(settings->port, 9);
	ck_assert_str_eq(settings->mysql_user, "one");
	settings_free(settings);
}
END_TEST

START_TEST(errors_of_an_included_file_have_its_name)
{
	static const char wrong[] = "port = 1\n[mysql]\nport = x\n";

	put_file("b.conf", wrong, sizeof(wrong) - 1);
	load_wrong("[reporter]\ninclude = b.conf\nworkers = x\n",
	    "b.conf:1: port: stands before any section; did you mean port in "
	    "[mysql]?\n"
	    "b.conf:3: mysql.port: \"x\" is not understood; expected a number "
	    "from 1 to 65535\n"
	    "a.conf:3: reporter.workers: \"x\" is not understood; expected "
	    "auto, or a number from 1 to 64\n");
}
END_TEST

START_TEST(include_of_nothing)
{
	settings_free(load_right("include = no.d/*.conf\n"));
	load_wrong("include = no.conf\n",
	    "a.conf:1: include: there is no file no.conf\n");
	load_wrong("include =\n", "a.conf:1: include: nothing is given\n");
}
END_TEST

START_TEST(include_has_a_limited_depth)
{
	load_wrong("include = a.conf\n",
	    "a.conf:1: include: more than 8 files include one another\n");
}
END_TEST

/* --------------------------------------------------- what hangs together ----
 */

START_TEST(flush_rows_fits_the_table)
{
	struct settings *settings = load_right("[queue]\ntable_keys = 1024\n");

	ck_assert_uint_eq(settings->flush_rows, 1024);
	settings_free(settings);
	settings_free(load_right(
	    "[queue]\ntable_keys = 1024\n[mysql]\nflush_rows = 1024\n"));
	load_wrong("[queue]\ntable_keys = 1024\n[mysql]\nflush_rows = 1025\n",
	    "a.conf:4: mysql.flush_rows: is more than queue.table_keys, so it "
	    "is never reached\n");
}
END_TEST

START_TEST(socket_needs_localhost)
{
	settings_free(load_right("[mysql]\nsocket = /s\n"));
	settings_free(load_right("[mysql]\nsocket = /s\nhost = a,localhost\n"));
	load_wrong("[mysql]\nsocket = /s\nhost = 127.0.0.1\n",
	    "a.conf:2: mysql.socket: is used for localhost, which mysql.host "
	    "does not name\n");
}
END_TEST

/* ------------------------------------------------- the password is hidden ---
 */

#define SECRET "Xyzzy9"

START_TEST(password_is_never_shown)
{
	struct settings *a = load_right("[mysql]\npassword = " SECRET "\n");
	struct settings *b;
	char *dump, wrong[400], filler[] = SECRET SECRET SECRET SECRET;
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	ck_assert_str_eq(a->password, SECRET);
	settings_dump(a, out);
	fclose(out);
	ck_assert_ptr_null(strstr(dump, SECRET));
	ck_assert_ptr_nonnull(strstr(dump, "# password = (hidden) "));
	ck_assert_ptr_nonnull(strstr(dump, "a.conf:2\n"));
	/* Nor in an error. */
	snprintf(wrong, sizeof(wrong),
	    "[mysql]\npassword = %s%s%s%s%s%s\n" SECRET "\n", filler, filler,
	    filler, filler, filler, filler);
	ck_assert_ptr_null(load(wrong));
	ck_assert_ptr_nonnull(strstr(errors, "a text of 144 bytes"));
	ck_assert_ptr_null(strstr(errors, SECRET));
	b = load_right("[mysql]\npassword = \"" SECRET "\"\n");
	ck_assert_str_eq(b->password, SECRET);
	settings_free(b);
	settings_free(a);
	free(dump);
}
END_TEST

START_TEST(password_is_not_cut_off_silently)
{
	static const char *const wanted =
	    "a.conf:2: mysql.password: a comment follows it, or it has a # or "
	    "; after a blank; put the comment into a line of its own, or such "
	    "a password into mysql.defaults_file\n";
	struct settings *settings = load_right("[mysql]\npassword = a#b;c\n");

	ck_assert_str_eq(settings->password, "a#b;c");
	settings_free(settings);
	load_wrong("[mysql]\npassword = a ;b\n", wanted);
	load_wrong("[mysql]\npassword = a\t#b\n", wanted);
	load_wrong("[mysql]\npassword = \"a #b\"\n", wanted);
}
END_TEST

/* ---------------------------------------------------- dump and comparison ---
 */

/* Another value than the default for every option. */
static const char *const all_other =
    "[reporter]\n"
    "instance = other\nlisten = *:1,[::1]:2\nworkers = 3\nuser = nobody\n"
    "pid_file = /run/x.pid\nshutdown_timeout = 1500ms\n"
    "[limits]\n"
    "max_connections = 7\nmax_message = 1025\nidle_timeout = 0\n"
    "allow = 10.0.0.0/8\nmax_clock_skew = 2h\n"
    "[queue]\n"
    "ring_records = 32768\ntable_keys = 5555\noverflow = drop\n"
    "[mysql]\n"
    "host = localhost,db:1\nport = 2\nsocket = /s\nuser = \" u \"\n"
    "password = " SECRET "\ndatabase = \"\"q\"\"\ntable = a.b\n"
    "defaults_file = /d\nflush_interval = 1ms\nflush_rows = 77\n"
    "connect_timeout = 1s\nread_timeout = 61\ndead_letter_file =\n"
    "dead_letter_size = 5000\n"
    "[log]\n"
    "target = /l\nlevel = debug\n";

START_TEST(dump_can_be_loaded_again)
{
	struct settings *before = load_right(_i == 0 ? "" : all_other), *after;
	char *dump;
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	settings_dump(before, out);
	fclose(out);
	after = load_right(dump);
	/* All but the password. */
	free(after->password);
	after->password = strdup(before->password);
	settings_compare(before, after, fail_on_difference, NULL);
	ck_assert_str_eq(before->dead_letter_file, after->dead_letter_file);
	settings_free(after);
	settings_free(before);
	free(dump);
}
END_TEST

START_TEST(dump_names_every_origin)
{
	struct settings *settings = load_right("[log]\n\nlevel = warn\n");
	char *dump, wanted[160];
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	settings_dump(settings, out);
	fclose(out);
	snprintf(
	    wanted, sizeof(wanted), "\nlevel = warn%*s # %s:3\n", 28, "", path);
	ck_assert_msg(strstr(dump, wanted) != NULL, "%s", dump);
	ck_assert_ptr_nonnull(strstr(
	    dump, "\ntable = ServerCallStatus                 # default\n"));
	ck_assert_ptr_nonnull(strstr(dump, " # default, auto\n"));
	settings_free(settings);
	free(dump);
}
END_TEST

struct differences {
	size_t count;
	char names[64][OPTION_NAME_MAX];
	enum option_live live[64];
	char *text;
};

static void
note_difference(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	struct differences *seen = arg;

	ck_assert_uint_lt(seen->count, 64);
	strcpy(seen->names[seen->count], name);
	seen->live[seen->count] = live;
	seen->count++;
	free(seen->text);
	ck_assert_int_gt(
	    asprintf(&seen->text, "%s: %s -> %s", name, old_value, new_value),
	    0);
}

START_TEST(comparison_finds_every_option)
{
	struct settings *before = load_right(""), *after;
	struct differences seen = { .count = 0 };

	/* The processors of this machine may be three. */
	before->workers = 1;
	after = load_right(all_other);
	settings_compare(before, after, note_difference, &seen);
	ck_assert_uint_eq(seen.count, option_count);
	for (size_t i = 0; i < option_count; i++) {
		char name[OPTION_NAME_MAX];

		option_name(&option_table[i], name, sizeof(name));
		ck_assert_str_eq(seen.names[i], name);
		ck_assert_int_eq(seen.live[i], option_table[i].live);
	}
	seen.count = 0;
	settings_compare(after, after, note_difference, &seen);
	ck_assert_uint_eq(seen.count, 0);
	free(seen.text);
	settings_free(before);
	settings_free(after);
}
END_TEST

static const struct {
	const char *before, *after, *text;
} changes[] = {
	{ "[mysql]\nflush_interval = 1s\n", "[mysql]\nflush_interval = 90s\n",
	    "mysql.flush_interval: 1s -> 90s" },
	{ "[mysql]\nflush_interval = 1000\n", "[mysql]\nflush_interval = 1s\n",
	    NULL },
	{ "[mysql]\npassword = " SECRET "\n", "[mysql]\npassword = x\n",
	    "mysql.password: (hidden) -> (hidden)" },
	{ "[mysql]\npassword = " SECRET "\n", "",
	    "mysql.password: (hidden) -> " },
	{ "[mysql]\nhost = a,b\n", "[mysql]\nhost = b,a\n",
	    "mysql.host: a,\n\tb -> b,\n\ta" },
	{ "[mysql]\nhost = a,b\n", "[mysql]\nhost = a\n",
	    "mysql.host: a,\n\tb -> a" },
	{ "", "[log]\nlevel = debug\n", "log.level: info -> debug" },
};

START_TEST(comparison_tells_both_values)
{
	struct settings *before = load_right(changes[_i].before);
	struct settings *after = load_right(changes[_i].after);
	struct differences seen = { .count = 0 };

	settings_compare(before, after, note_difference, &seen);
	if (changes[_i].text == NULL) {
		ck_assert_uint_eq(seen.count, 0);
	} else {
		ck_assert_uint_eq(seen.count, 1);
		ck_assert_str_eq(seen.text, changes[_i].text);
	}
	free(seen.text);
	settings_free(before);
	settings_free(after);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *
table_tests(void)
{
	TCase *tc = tcase_create("table");
	int count = (int)option_count;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_option_is_in_the_manual, 0, count);
	tcase_add_loop_test(tc, every_option_is_in_the_sample, 0, count);
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

static TCase *
file_tests(void)
{
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults_alone);
	tcase_add_test(tc, auto_is_the_number_of_processors_but_at_most_four);
	tcase_add_test(tc, all_errors_come_in_one_go_with_their_lines);
	tcase_add_loop_test(
	    tc, unknown_name_is_an_error_with_a_suggestion, 0, COUNT(names));
	tcase_add_test(tc, missing_file_is_said);
	tcase_add_test(tc, form_of_lines_is_free);
	tcase_add_test(tc, later_value_counts);
	tcase_add_test(tc, list_goes_on_after_a_comma);
	tcase_add_test(tc, too_long_a_line_is_an_error);
	tcase_add_test(tc, control_character_is_an_error);
	tcase_add_test(tc, many_words_are_taken_up_to_the_limit);
	tcase_add_test(tc, files_are_included_in_their_place);
	tcase_add_test(tc, errors_of_an_included_file_have_its_name);
	tcase_add_test(tc, include_of_nothing);
	tcase_add_test(tc, include_has_a_limited_depth);
	tcase_add_test(tc, flush_rows_fits_the_table);
	tcase_add_test(tc, socket_needs_localhost);
	tcase_add_test(tc, password_is_never_shown);
	tcase_add_test(tc, password_is_not_cut_off_silently);
	tcase_add_loop_test(tc, dump_can_be_loaded_again, 0, 2);
	tcase_add_test(tc, dump_names_every_origin);
	tcase_add_test(tc, comparison_finds_every_option);
	tcase_add_loop_test(
	    tc, comparison_tells_both_values, 0, COUNT(changes));
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("option");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, table_tests());
	suite_add_tcase(suite, file_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
