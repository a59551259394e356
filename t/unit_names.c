/* SPDX-License-Identifier: MIT
 *
 * The file of services' names: what counts, what is complained of and how
 * often, when it is read again.
 */
#include "config.h"

#include "status/names.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64], told[8192];
static unsigned tellings;

static void
complain(const char *text)
{
	ck_assert_uint_lt(strlen(told) + strlen(text) + 1, sizeof(told));
	strcat(strcat(told, text), "\n");
	tellings++;
}

static void
write_bytes(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

static struct names *
read_again(struct names *before)
{
	told[0] = '\0';
	tellings = 0;
	struct names *names = names_read(path, false, before, complain);
	ck_assert_ptr_nonnull(names);
	if (names != before)
		names_free(before);
	return names;
}

static struct names *
read_text(struct names *before, const char *text)
{
	write_bytes(text, strlen(text));
	return read_again(before);
}

static void
check_name(
    const struct names *names, int32_t modid, int32_t cmdid, const char *wanted)
{
	const char *name = names_find(names, modid, cmdid);

	if (wanted == NULL)
		ck_assert_ptr_null(name);
	else
		ck_assert_msg(name != NULL && strcmp(name, wanted) == 0,
		    "%d/%d is %s and not %s", modid, cmdid,
		    name == NULL ? "nameless" : name, wanted);
}

START_TEST(lines_name_services)
{
	char name[70], text[128];
	struct names *names = read_text(NULL,
	    "# modid cmdid name\n\n7 1 login\n \t7\t2  log in again \r\n"
	    "  # 7 3 not this\n-1 2147483647 登录\n7 4 a # b\n8 1 end");

	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(names_count(names), 5);
	check_name(names, 7, 1, "login");
	check_name(names, 7, 2, "log in again");
	check_name(names, 7, 3, NULL);
	check_name(names, 7, 4, "a # b");
	check_name(names, -1, INT32_MAX, "登录");
	check_name(names, 8, 1, "end");
	check_name(names, 1, 7, NULL);
	check_name(NULL, 1, 7, NULL);
	memset(name, 'x', sizeof(name));
	name[NAMES_NAME_MAX] = '\0';
	snprintf(text, sizeof(text), "1 1 %s\n", name);
	names = read_text(names, text);
	check_name(names, 1, 1, name);
	names_free(names);
}
END_TEST

START_TEST(bad_lines_are_told_once_and_the_others_count)
{
	static const struct {
		const char *line, *told;
	} cases[] = {
		{ "7", "2: found \"\", expected a cmdid" },
		{ "7 1", "2: found \"7 1\", expected modid, cmdid and a name" },
		{ "x 1 y", "2: found \"x\", expected a modid" },
		{ "2147483648 1 y", "2: found \"2147483648\", expected a mod" },
		{ "7 1.5 y", "2: found \"1.5\", expected a cmdid" },
		{ "7 1 a\tb", "2: found \"a\\tb\", expected a name of up to " },
		{ "7 1 \xff", "2: found \"\\xff\", expected a name" },
		{ "7 1 a\\b", "2: found \"a\\\\b\", expected a name" },
		{ "7 1 0123456789012345678901234567890123456789012345678901234"
		  "5678901234",
		    "2: found \"0123456789" },
		{ "1 1 again", "2: found \"again\", expected one name for" },
	};
	struct names *names = NULL;
	char text[256], wanted[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "1 1 one\n%s\n2 1 two\n",
		    cases[i].line);
		names = read_text(names, text);
		snprintf(wanted, sizeof(wanted), "%s:%s", path, cases[i].told);
		bool long_name = strlen(cases[i].line) > NAMES_NAME_MAX;
		ck_assert_msg(strncmp(told, wanted, strlen(wanted)) == 0,
		    "\"%s\": %s", cases[i].line, told);
		ck_assert_ptr_nonnull(strstr(told, "ignoring the line"));
		ck_assert_uint_eq(tellings, 1);
		ck_assert_uint_eq(names_count(names), 2);
		check_name(names, 1, 1, "one");
		check_name(names, 2, 1, "two");
		ck_assert(long_name || strlen(told) < 300);
	}
	/* Read again without a change: nothing is told. */
	struct names *same = read_again(names);
	ck_assert_ptr_eq(same, names);
	ck_assert_uint_eq(tellings, 0);
	names_free(names);
}
END_TEST

START_TEST(a_file_of_another_kind_is_told_in_few_lines)
{
	static char text[200000];
	struct names *names;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 100 == 99 ? '\n' : (char)(i * 7 + i / 256);
	write_bytes(text, sizeof(text));
	names = read_again(NULL);
	ck_assert_uint_eq(names_count(names), 0);
	ck_assert_uint_eq(tellings, NAMES_COMPLAINTS_MAX);
	ck_assert_ptr_nonnull(strstr(told, "without a message"));
	/* One line without an end. */
	memset(text, 'x', sizeof(text));
	write_bytes(text, sizeof(text));
	names = read_again(names);
	ck_assert_uint_eq(tellings, 1);
	/* As a file system leaves it after a loss of power. */
	int fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(ftruncate(fd, 16 << 20), 0);
	close(fd);
	names = read_again(names);
	ck_assert_uint_eq(tellings, 1);
	names_free(names);
}
END_TEST

START_TEST(it_is_read_again_when_it_changes)
{
	struct stat st;
	struct names *names = read_text(NULL, "1 1 one\n");

	ck_assert_ptr_eq(read_again(names), names);
	names = read_text(names, "1 1 changed\n"); /* its size */
	check_name(names, 1, 1, "changed");
	ck_assert_int_eq(stat(path, &st), 0);
	unlink(path); /* its inode or its mtime */
	names = read_text(names, "1 1 chinged\n");
	check_name(names, 1, 1, "chinged");
	/* Gone: the names stay, and that is told once. */
	unlink(path);
	names = read_again(names);
	check_name(names, 1, 1, "chinged");
	ck_assert_uint_eq(tellings, 1);
	ck_assert_ptr_nonnull(strstr(told, "cannot read "));
	names = read_again(names);
	ck_assert_uint_eq(tellings, 0);
	names = read_text(names, "1 1 back\n");
	check_name(names, 1, 1, "back");
	/* Not a file, after it was gone: another reason is told, too. */
	unlink(path);
	names = read_again(names);
	ck_assert_uint_eq(tellings, 1);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	names = read_again(names);
	ck_assert_uint_eq(tellings, 1);
	check_name(names, 1, 1, "back");
	rmdir(path);
	/* The default one need not be there: then there are no names. */
	struct names *none = names_read(path, true, names, complain);
	ck_assert_ptr_ne(none, names);
	ck_assert_uint_eq(names_count(none), 0);
	ck_assert_ptr_eq(names_read(path, true, none, complain), none);
	ck_assert_uint_eq(tellings, 1);
	names_free(names);
	names_free(none);
	names_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("names");
	TCase *tcase = tcase_create("names");

	snprintf(path, sizeof(path), "/tmp/reporter-names-%d", (int)getpid());
	tcase_add_test(tcase, lines_name_services);
	tcase_add_test(tcase, bad_lines_are_told_once_and_the_others_count);
	tcase_add_test(tcase, a_file_of_another_kind_is_told_in_few_lines);
	tcase_add_test(tcase, it_is_read_again_when_it_changes);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	unlink(path);
	return failed;
}
