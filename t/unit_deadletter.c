/* SPDX-License-Identifier: MIT
 *
 * Check suite of the dead-letter file: its lines, its cap, its mode.
 */
#include "worker/deadletter.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/reporter-deadletter.XXXXXX";
static char path[64];
static struct settings file;

static void
setup(void)
{
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/dead.jsonl", directory);
	file = (struct settings){ .dead_letter_file = path,
		.dead_letter_size = 1 << 20 };
}

static void
teardown(void)
{
	unlink(path);
	rmdir(directory);
}

static struct record
sample(void)
{
	struct record r = {
		.modid = -7,
		.cmdid = INT32_MAX,
		.ip = 0xffffffff,
		.caller = 0x7f000001,
		.succ = UINT32_MAX,
		.err = 3,
		.port = 65535,
		.overload = 1,
	};

	record_set_ts(&r, UINT64_C(5000000000));
	return r;
}

START_TEST(a_line_tells_all)
{
	struct record r = sample();
	json_error_t error;
	char line[1024];

	ck_assert_int_eq(
	    deadletter_write(&file, &r, 1264, "Out of \"range\"\n\xff"), 0);
	FILE *in = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	ck_assert_ptr_null(fgets(line + strlen(line), 2, in));
	fclose(in);
	json_t *json = json_loads(line, 0, &error);
	ck_assert_msg(json != NULL, "%s: %s", error.text, line);
	json_t *record = json_object_get(json, "record");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json, "error")), 1264);
	ck_assert_ptr_nonnull(json_string_value(json_object_get(json, "time")));
	ck_assert_ptr_nonnull(
	    json_string_value(json_object_get(json, "message")));
	ck_assert_int_eq(
	    json_integer_value(json_object_get(record, "modid")), -7);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(record, "cmdid")), INT32_MAX);
	ck_assert_str_eq(json_string_value(json_object_get(record, "ip")),
	    "255.255.255.255");
	ck_assert_str_eq(
	    json_string_value(json_object_get(record, "caller")), "127.0.0.1");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(record, "port")), 65535);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(record, "succ")), UINT32_MAX);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(record, "ts")), 5000000000);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(record, "overload")), 1);
	ck_assert_ptr_null(json_object_get(record, "dialect"));
	json_decref(json);
}
END_TEST

START_TEST(a_record_of_an_elb_agent_has_its_dialect)
{
	struct record r = sample();
	char line[1024];

	r.ip = (uint32_t)-939524086;
	r.elb = true;
	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), 0);
	FILE *in = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	fclose(in);
	ck_assert_ptr_nonnull(strstr(line, "\"ip\":\"10.0.0.200\""));
	ck_assert_ptr_nonnull(
	    strstr(line, "\"overload\":1,\"dialect\":\"elb\"}}"));
}
END_TEST

START_TEST(it_is_capped_at_whole_lines)
{
	struct record r = sample();
	struct stat st;
	int written = 0;

	file.dead_letter_size = 1000;
	while (deadletter_write(&file, &r, 1264, "why") == 0)
		written++;
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_gt(written, 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_le(st.st_size, 1000);
	ck_assert_int_eq(st.st_size % written, 0);
}
END_TEST

/* As on a full disk: what a write leaves behind is no part of later lines. */
START_TEST(line_that_was_cut_spoils_no_other)
{
	struct record r = sample();
	struct rlimit all, less;
	struct stat st;
	char line[1024];

	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	less = all;
	less.rlim_cur = (rlim_t)st.st_size + 10;
	/* No assertion between: Check itself writes a file for each. */
	setrlimit(RLIMIT_FSIZE, &less);
	int result = deadletter_write(&file, &r, 1264, "why"), error = errno;
	setrlimit(RLIMIT_FSIZE, &all);
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(error, ENOSPC);
	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), 0);
	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), 0);

	FILE *in = fopen(path, "r");
	int whole = 0, cut = 0;
	while (fgets(line, sizeof(line), in) != NULL) {
		json_t *json = json_loads(line, 0, NULL);

		whole += json != NULL;
		cut += json == NULL;
		json_decref(json);
	}
	fclose(in);
	ck_assert_int_eq(whole, 3);
	ck_assert_int_eq(cut, 1);
}
END_TEST

START_TEST(others_cannot_read_it)
{
	struct record r = sample();
	struct stat st;

	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(no_file_is_an_error)
{
	struct record r = sample();

	file.dead_letter_file = "";
	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), -1);
	snprintf(path, sizeof(path), "%s/none/dead.jsonl", directory);
	file.dead_letter_file = path;
	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(pipe_does_not_hold_us_up)
{
	struct record r = sample();

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(deadletter_write(&file, &r, 1264, "why"), -1);
	ck_assert_int_eq(errno, ENXIO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deadletter");
	TCase *tc = tcase_create("deadletter");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_tells_all);
	tcase_add_test(tc, a_record_of_an_elb_agent_has_its_dialect);
	tcase_add_test(tc, it_is_capped_at_whole_lines);
	tcase_add_test(tc, line_that_was_cut_spoils_no_other);
	tcase_add_test(tc, others_cannot_read_it);
	tcase_add_test(tc, no_file_is_an_error);
	tcase_add_test(tc, pipe_does_not_hold_us_up);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
