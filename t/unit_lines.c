/* SPDX-License-Identifier: MIT
 *
 * Reading lines, and parsing the lines that people write.
 */
#include "config.h"

#include "send/lines.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

static struct lines lines;
static char *output; /* what the parser complained about */
static size_t output_length;

/* --------------------------------------------------------------- reading -- */

/* A descriptor that has these bytes to read. */
static int
text_fd(const char *text, size_t length)
{
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fflush(file), 0);
	int fd = dup(fileno(file));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	fclose(file);
	return fd;
}

static void
expect_text(unsigned long number, const char *expected)
{
	size_t length;
	char *text;

	ck_assert_int_eq(lines_next(&lines, &text, &length), LINES_TEXT);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(length, strlen(expected));
	ck_assert_uint_eq(lines.number, number);
}

static void
expect(enum lines_found found)
{
	size_t length;
	char *text;

	ck_assert_int_eq(lines_next(&lines, &text, &length), found);
}

START_TEST(lines_are_found_with_and_without_a_last_end)
{
	int fd = text_fd("one\n\nthree", 10);

	lines_init(&lines, fd, "file");
	expect_text(1, "one");
	expect_text(2, "");
	expect_text(3, "three");
	expect(LINES_END);
	expect(LINES_END);
	close(fd);

	fd = text_fd("one\n", 4);
	lines_init(&lines, fd, "file");
	expect_text(1, "one");
	expect(LINES_END);
	close(fd);

	fd = text_fd("", 0);
	lines_init(&lines, fd, "file");
	expect(LINES_END);
	close(fd);
}
END_TEST

/* Many lines of all lengths: each lies across the buffer's end once. */
START_TEST(lines_survive_the_buffer)
{
	enum {
		COUNT = 3000
	};
	char *text = malloc((size_t)COUNT * 500), *at = text;
	char expected[512];

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < COUNT; i++)
		at += sprintf(at, "%0*d\n", i % 400 + 5, i);
	int fd = text_fd(text, (size_t)(at - text));
	lines_init(&lines, fd, "file");
	for (int i = 0; i < COUNT; i++) {
		sprintf(expected, "%0*d", i % 400 + 5, i);
		expect_text((unsigned long)i + 1, expected);
	}
	expect(LINES_END);
	close(fd);
	free(text);
}
END_TEST

START_TEST(a_line_over_the_limit_is_passed_over)
{
	size_t longest = LINES_LENGTH_MAX - 2;
	size_t size = longest + 1 + 3 * LINES_LENGTH_MAX + 1 + 3;
	char *text = malloc(size), *found;
	size_t length;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', size);
	text[longest] = '\n';
	text[size - 4] = '\n';
	memcpy(text + size - 3, "end", 3);
	int fd = text_fd(text, size);
	lines_init(&lines, fd, "file");
	ck_assert_int_eq(lines_next(&lines, &found, &length), LINES_TEXT);
	ck_assert_uint_eq(length, longest);
	expect(LINES_TOO_LONG);
	ck_assert_uint_eq(lines.number, 2);
	expect_text(3, "end");
	expect(LINES_END);
	close(fd);

	/* And when nothing comes after it. */
	memset(text, 'x', size);
	fd = text_fd(text, size);
	lines_init(&lines, fd, "file");
	expect(LINES_TOO_LONG);
	expect(LINES_END);
	close(fd);
	free(text);
}
END_TEST

static bool
count_reads(void *arg)
{
	unsigned *reads = arg;

	return ++*reads < 4;
}

START_TEST(the_caller_is_asked_before_each_read)
{
	unsigned reads = 0;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	lines_init(&lines, fds[0], "pipe");
	lines.wait = count_reads;
	lines.arg = &reads;
	ck_assert_int_eq(write(fds[1], "a\nb\nc", 5), 5);
	expect_text(1, "a");
	expect_text(2, "b");
	ck_assert_uint_eq(reads, 1);
	ck_assert_int_eq(write(fds[1], "c\nd\n", 4), 4);
	expect_text(3, "cc");
	ck_assert_uint_eq(reads, 2);
	ck_assert_int_eq(write(fds[1], "e", 1), 1);
	expect_text(4, "d");
	/* The fourth time the answer is no: the file ends, whatever is there.
	 */
	expect_text(5, "e");
	ck_assert_uint_eq(reads, 4);
	expect(LINES_END);
	ck_assert_uint_eq(reads, 4);
	close(fds[1]);
	close(fds[0]);
}
END_TEST

START_TEST(a_failed_read_is_reported)
{
	lines_init(&lines, -1, "file");
	expect(LINES_ERROR);
}
END_TEST

/* --------------------------------------------------------------- parsing -- */

static enum lines_kind
parse_bytes(
    const char *line, size_t length, uint64_t ts_max, struct record *record)
{
	char text[1024];

	free(output);
	FILE *errors = open_memstream(&output, &output_length);
	ck_assert_ptr_nonnull(errors);
	memcpy(text, line, length);
	text[length] = '\0';
	lines.file = "file";
	lines.number = 7;
	enum lines_kind kind =
	    lines_parse(&lines, text, length, ts_max, record, errors);
	fclose(errors);
	ck_assert_int_eq(kind == LINES_BAD, output_length > 0);
	return kind;
}

static enum lines_kind
parse(const char *line, struct record *record)
{
	return parse_bytes(line, strlen(line), RECORD_TS_MAX, record);
}

START_TEST(a_line_is_a_record)
{
	struct record r;

	ck_assert_int_eq(
	    parse("1 2 10.0.0.1 1700000000 192.168.1.2 80 3 4 1", &r),
	    LINES_RECORD);
	ck_assert_int_eq(r.modid, 1);
	ck_assert_int_eq(r.cmdid, 2);
	ck_assert_uint_eq(r.caller, 0x0a000001);
	ck_assert_uint_eq(record_ts(&r), 1700000000);
	ck_assert_uint_eq(r.ip, 0xc0a80102);
	ck_assert_uint_eq(r.port, 80);
	ck_assert_uint_eq(r.succ, 3);
	ck_assert_uint_eq(r.err, 4);
	ck_assert_uint_eq(r.overload, 1);
}
END_TEST

START_TEST(fields_take_their_whole_range)
{
	struct record r;

	ck_assert_int_eq(parse("-2147483648 2147483647 255.255.255.255 "
			       "1099511627775 0.0.0.0 65535 4294967295 "
			       "4294967295 0",
			     &r),
	    LINES_RECORD);
	ck_assert_int_eq(r.modid, INT32_MIN);
	ck_assert_int_eq(r.cmdid, INT32_MAX);
	ck_assert_uint_eq(r.caller, UINT32_MAX);
	ck_assert_uint_eq(record_ts(&r), RECORD_TS_MAX);
	ck_assert_uint_eq(r.ip, 0);
	ck_assert_uint_eq(r.port, UINT16_MAX);
	ck_assert_uint_eq(r.succ, UINT32_MAX);
	ck_assert_uint_eq(r.err, UINT32_MAX);
	ck_assert_uint_eq(r.overload, 0);
}
END_TEST

START_TEST(blanks_and_comments_do_not_matter)
{
	struct record r;

	ck_assert_int_eq(parse("", &r), LINES_NOTHING);
	ck_assert_int_eq(parse(" \t\r", &r), LINES_NOTHING);
	ck_assert_int_eq(parse("# 1 2 3", &r), LINES_NOTHING);
	ck_assert_int_eq(parse("  #1 2 3", &r), LINES_NOTHING);
	ck_assert_int_eq(
	    parse("\t1\t2 1.1.1.1  0\t2.2.2.2 80 3 4 0\r", &r), LINES_RECORD);
	ck_assert_int_eq(
	    parse("1 2 1.1.1.1 0 2.2.2.2 80 3 4 0 # why", &r), LINES_RECORD);
	ck_assert_uint_eq(r.overload, 0);
}
END_TEST

struct fault {
	const char *line, *output;
};

#define NUMBER32 "a number from -2147483648 to 2147483647\n"
#define COUNT32 "a number from 0 to 4294967295\n"
#define ADDRESS "a dotted IPv4 address\n"
#define NINE "9: modid cmdid caller ts ip port succ err overload\n"

static const struct fault faults[] = {
	{ "x 2 1.1.1.1 0 2.2.2.2 80 3 4 0",
	    "file:7: modid: found \"x\", expected " NUMBER32 },
	{ "2147483648 2 1.1.1.1 0 2.2.2.2 80 3 4 0",
	    "file:7: modid: found \"2147483648\", expected " NUMBER32 },
	{ "-2147483649 2 1.1.1.1 0 2.2.2.2 80 3 4 0",
	    "file:7: modid: found \"-2147483649\", expected " NUMBER32 },
	{ "1 99999999999999999999999999 1.1.1.1 0 2.2.2.2 80 3 4 0",
	    "file:7: cmdid: found \"99999999999999999999999999\", "
	    "expected " NUMBER32 },
	{ "1 - 1.1.1.1 0 2.2.2.2 80 3 4 0",
	    "file:7: cmdid: found \"-\", expected " NUMBER32 },
	{ "1 2 1.1.1 0 2.2.2.2 80 3 4 0",
	    "file:7: caller: found \"1.1.1\", expected " ADDRESS },
	{ "1 2 1.1.1.1 -1 2.2.2.2 80 3 4 0",
	    "file:7: ts: found \"-1\", expected a number from 0 to "
	    "1099511627775\n" },
	{ "1 2 1.1.1.1 1099511627776 2.2.2.2 80 3 4 0",
	    "file:7: ts: found \"1099511627776\", expected a number from 0 to "
	    "1099511627775\n" },
	{ "1 2 1.1.1.1 0 2.2.2.256 80 3 4 0",
	    "file:7: ip: found \"2.2.2.256\", expected " ADDRESS },
	{ "1 2 1.1.1.1 0 ::1 80 3 4 0",
	    "file:7: ip: found \"::1\", expected " ADDRESS },
	{ "1 2 1.1.1.1 0 2.2.2.2 65536 3 4 0",
	    "file:7: port: found \"65536\", expected a number from 0 to "
	    "65535\n" },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 4294967296 4 0",
	    "file:7: succ: found \"4294967296\", expected " COUNT32 },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 3 4.5 0",
	    "file:7: err: found \"4.5\", expected " COUNT32 },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 3 4 2",
	    "file:7: overload: found \"2\", expected a number from 0 to 1\n" },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 3 4 \033[2J",
	    "file:7: overload: found \"\033[2J\", expected a number from 0 to "
	    "1\n" },
	{ "a b 1.1.1.1 0 c 80 3 4 0",
	    "file:7: modid: found \"a\", expected " NUMBER32
	    "file:7: cmdid: found \"b\", expected " NUMBER32
	    "file:7: ip: found \"c\", expected " ADDRESS },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 3 4",
	    "file:7: line: found 8 fields, expected " NINE },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 3 4 0 0",
	    "file:7: line: found 10 fields, expected " NINE },
	{ "1 2 1.1.1.1 0 2.2.2.2 80 3 4 # 0",
	    "file:7: line: found 8 fields, expected " NINE },
	{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 2 1.1.1.1 0 2.2.2.2 8 3 "
	  "4 0",
	    "file:7: modid: found "
	    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\", "
	    "expected " NUMBER32 },
};

START_TEST(every_fault_is_reported)
{
	struct record r;

	ck_assert_int_eq(parse(faults[_i].line, &r), LINES_BAD);
	ck_assert_str_eq(output, faults[_i].output);
}
END_TEST

START_TEST(zero_bytes_are_no_text)
{
	static const char line[] = "1 2 1.1.1.1 0 2.2.2.2 80 3 4 0\0 # more";
	struct record r;

	ck_assert_int_eq(parse_bytes(line, sizeof(line) - 1, 1, &r), LINES_BAD);
	ck_assert_str_eq(
	    output, "file:7: line: found a zero byte, expected text\n");
}
END_TEST

START_TEST(a_dialect_bounds_the_time)
{
	static const char good[] = "1 2 1.1.1.1 4294967295 2.2.2.2 80 3 4 0";
	static const char bad[] = "1 2 1.1.1.1 4294967296 2.2.2.2 80 3 4 0";
	struct record r;

	ck_assert_int_eq(
	    parse_bytes(good, strlen(good), UINT32_MAX, &r), LINES_RECORD);
	ck_assert_int_eq(
	    parse_bytes(bad, strlen(bad), UINT32_MAX, &r), LINES_BAD);
	ck_assert_str_eq(output,
	    "file:7: ts: found \"4294967296\", expected a number from 0 to "
	    "4294967295\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lines");
	TCase *tcase = tcase_create("lines");

	tcase_add_test(tcase, lines_are_found_with_and_without_a_last_end);
	tcase_add_test(tcase, lines_survive_the_buffer);
	tcase_add_test(tcase, a_line_over_the_limit_is_passed_over);
	tcase_add_test(tcase, the_caller_is_asked_before_each_read);
	tcase_add_test(tcase, a_failed_read_is_reported);
	tcase_add_test(tcase, a_line_is_a_record);
	tcase_add_test(tcase, fields_take_their_whole_range);
	tcase_add_test(tcase, blanks_and_comments_do_not_matter);
	tcase_add_loop_test(tcase, every_fault_is_reported, 0,
	    (int)(sizeof(faults) / sizeof(*faults)));
	tcase_add_test(tcase, zero_bytes_are_no_text);
	tcase_add_test(tcase, a_dialect_bounds_the_time);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	free(output);
	return failed;
}
