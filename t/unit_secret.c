/* SPDX-License-Identifier: MIT
 *
 * A secret of the configuration: read alone, with the parser of all options,
 * kept when the file has become wrong; and reading lines without leaving
 * pieces of them.
 */
#include "config.h"

#include "config_fixture.h"
#include "conf/secret.h"
#include "lib/text.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct secret secret;
static char *errors;

static enum secret_status
read_again(void)
{
	size_t size, strip = strlen(config_directory) + 1;
	char *at;

	free(errors);
	FILE *out = open_memstream(&errors, &size);
	enum secret_status status = secret_read(&secret, out);
	fclose(out);
	while ((at = strstr(errors, config_directory)) != NULL)
		memmove(at, at + strip, strlen(at + strip) + 1);
	return status;
}

static void
put(const char *text)
{
	config_put("a.conf", text, strlen(text));
}

static void
setup(void)
{
	config_setup();
	secret = (struct secret){ .path = config_path };
}

static void
teardown(void)
{
	secret_wipe(&secret);
	free(errors);
	errors = NULL;
	config_teardown();
}

START_TEST(it_is_read_as_all_options_are)
{
	config_put("b.conf", "[mysql]\npassword = inner\n", 25);
	put("[mysql]\npassword = \" a#b\"\n");
	ck_assert_int_eq(read_again(), SECRET_READ);
	ck_assert_str_eq(secret.text, " a#b");
	put("[mysql]\npassword = one\npassword = two\n");
	ck_assert_int_eq(read_again(), SECRET_READ);
	ck_assert_str_eq(secret.text, "two");
	put("[mysql]\npassword = outer\n[reporter]\ninclude = b.conf\n");
	ck_assert_int_eq(read_again(), SECRET_READ);
	ck_assert_str_eq(secret.text, "inner");
	put("[mysql]\nport = 1\n");
	ck_assert_int_eq(read_again(), SECRET_READ);
	ck_assert_ptr_null(secret.text);
	ck_assert_str_eq(errors, "");
}
END_TEST

START_TEST(what_is_wrong_leaves_the_one_of_before)
{
	put("[mysql]\npassword = good\n");
	ck_assert_int_eq(read_again(), SECRET_READ);
	put("[mysql]\npassword = cut ;off\n");
	ck_assert_int_eq(read_again(), SECRET_REFUSED);
	ck_assert_ptr_nonnull(strstr(errors, "a.conf:2: mysql.password: "));
	ck_assert_ptr_null(strstr(errors, "cut"));
	ck_assert_str_eq(secret.text, "good");
	put("[mysq]\npassword = hidden\n");
	ck_assert_int_eq(read_again(), SECRET_REFUSED);
	ck_assert_str_eq(secret.text, "good");
	put("[mysql]\npassword = new\n[reporter]\ninclude = b.conf\n");
	ck_assert_int_eq(read_again(), SECRET_REFUSED);
	ck_assert_str_eq(secret.text, "good");
	ck_assert_int_eq(unlink(config_path), 0);
	ck_assert_int_eq(read_again(), SECRET_REFUSED);
	ck_assert_str_eq(
	    errors, "a.conf: cannot read: No such file or directory\n");
	ck_assert_str_eq(secret.text, "good");
}
END_TEST

START_TEST(what_is_wrong_elsewhere_is_no_matter)
{
	put("[mysql]\npassword = one\nport = x\nprot = 1\n[mysq]\n");
	ck_assert_int_eq(read_again(), SECRET_READ);
	ck_assert_str_eq(secret.text, "one");
}
END_TEST

START_TEST(a_shortage_is_not_the_files_fault)
{
	struct rlimit none, before;

	put("[mysql]\npassword = good\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum secret_status status = read_again();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(status, SECRET_SHORTAGE);
	ck_assert_int_eq(read_again(), SECRET_READ);
}
END_TEST

/* Lines of all lengths around those at which the buffer grows. */
START_TEST(lines_are_read_as_getline_reads_them)
{
	char *text, *mine = NULL, *theirs = NULL;
	size_t size, mine_size = 0, theirs_size = 0;
	ssize_t wanted;
	FILE *out = open_memstream(&text, &size);

	for (int length = 0; length < 1100; length += length < 250 ? 50 : 1)
		fprintf(out, "%0*d\n", length, 0);
	fputs("no end", out);
	fclose(out);
	FILE *a = fmemopen(text, size, "r"), *b = fmemopen(text, size, "r");
	do {
		wanted = getline(&theirs, &theirs_size, b);
		ck_assert_int_eq(wipe_getline(&mine, &mine_size, a), wanted);
		if (wanted >= 0)
			ck_assert_str_eq(mine, theirs);
	} while (wanted >= 0);
	ck_assert_uint_ge(mine_size, 1100);
	fclose(a);
	fclose(b);
	free(mine);
	free(theirs);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("secret");
	TCase *tc = tcase_create("secret");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_read_as_all_options_are);
	tcase_add_test(tc, what_is_wrong_leaves_the_one_of_before);
	tcase_add_test(tc, what_is_wrong_elsewhere_is_no_matter);
	tcase_add_test(tc, a_shortage_is_not_the_files_fault);
	tcase_add_test(tc, lines_are_read_as_getline_reads_them);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
