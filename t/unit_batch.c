/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/batch.c and of sql/host.c: texts, exactly.
 */
#include "config.h"

#include "sql/batch.h"
#include "sql/host.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD \
	"INSERT INTO `t` (modid,cmdid,ip,port,caller,succ_cnt,err_cnt,ts," \
	"overload) VALUES "
#define TAIL(h) \
	" ON DUPLICATE KEY UPDATE " \
	"succ_cnt=IF(ts>VALUES(ts) AND ts<=" h ",succ_cnt,VALUES(succ_cnt))," \
	"err_cnt=IF(ts>VALUES(ts) AND ts<=" h ",err_cnt,VALUES(err_cnt))," \
	"overload=IF(ts>VALUES(ts) AND ts<=" h ",overload,VALUES(overload))," \
	"ts=IF(ts>VALUES(ts) AND ts<=" h ",ts,VALUES(ts))"

static const struct column_signs all_signed;
static const struct column_signs all_unsigned = { .ip_unsigned = true,
	.caller_unsigned = true,
	.succ_unsigned = true,
	.err_unsigned = true };

static struct record
record(uint32_t ip, uint32_t caller, uint32_t succ, uint32_t err, uint64_t ts)
{
	struct record r = { .modid = 1,
		.cmdid = 2,
		.ip = ip,
		.caller = caller,
		.succ = succ,
		.err = err,
		.port = 80 };

	record_set_ts(&r, ts);
	return r;
}

/* Builds the statement of one record and compares it with HEAD, `row` and
   TAIL. */
static void
expect_row(struct column_signs signs, struct record r, const char *row,
    uint64_t clamped)
{
	struct batch batch;
	char wanted[2048];
	const char *text;
	size_t length;

	ck_assert_int_eq(batch_open(&batch, "t", BATCH_MIN, signs), 0);
	batch_begin(&batch, 77);
	ck_assert(batch_add(&batch, &r));
	text = batch_end(&batch, &length);
	snprintf(wanted, sizeof(wanted), "%s%s%s", HEAD, row, TAIL("77"));
	ck_assert_uint_eq(length, strlen(wanted));
	ck_assert_mem_eq(text, wanted, length);
	ck_assert_uint_eq(batch.clamped, clamped);
	batch_close(&batch);
}

START_TEST(the_statement_is_this)
{
	struct record a = record(3, 4, 5, 6, 7), b = record(8, 9, 10, 11, 12);
	struct batch batch;
	const char *text;
	size_t length;

	b.overload = 1;
	ck_assert_int_eq(batch_open(&batch, "t", BATCH_MIN, all_signed), 0);
	for (int i = 0; i < 2; i++) {
		batch_begin(&batch, RECORD_TS_MAX);
		ck_assert(batch_add(&batch, &a));
		ck_assert(batch_add(&batch, &b));
		ck_assert_uint_eq(batch.rows, 2);
		text = batch_end(&batch, &length);
		ck_assert_str_eq(strndupa(text, length), HEAD
		    "(1,2,3,80,4,5,6,7,'0'),(1,2,8,80,9,10,11,12,'1')" TAIL(
			"1099511627775"));
	}
	batch_close(&batch);
}
END_TEST

START_TEST(every_limit_of_a_row)
{
	struct record low = { .modid = INT32_MIN, .cmdid = INT32_MIN };
	struct record high = { .modid = INT32_MAX,
		.cmdid = INT32_MAX,
		.ip = UINT32_MAX,
		.caller = UINT32_MAX,
		.succ = UINT32_MAX,
		.err = UINT32_MAX,
		.port = UINT16_MAX,
		.overload = 1 };

	record_set_ts(&high, RECORD_TS_MAX);
	expect_row(
	    all_signed, low, "(-2147483648,-2147483648,0,0,0,0,0,0,'0')", 0);
	expect_row(
	    all_unsigned, low, "(-2147483648,-2147483648,0,0,0,0,0,0,'0')", 0);
	expect_row(all_signed, high,
	    "(2147483647,2147483647,-1,65535,-1,2147483647,2147483647,"
	    "1099511627775,'1')",
	    2);
	expect_row(all_unsigned, high,
	    "(2147483647,2147483647,4294967295,65535,4294967295,4294967295,"
	    "4294967295,1099511627775,'1')",
	    0);
}
END_TEST

START_TEST(signs_are_taken_column_by_column)
{
	struct record r = record(1u << 31, 3u << 30, 1u << 31, 1u << 31, 1);

	expect_row((struct column_signs){ .ip_unsigned = true }, r,
	    "(1,2,2147483648,80,-1073741824,2147483647,2147483647,1,'0')", 2);
	expect_row((struct column_signs){ .caller_unsigned = true }, r,
	    "(1,2,-2147483648,80,3221225472,2147483647,2147483647,1,'0')", 2);
	expect_row((struct column_signs){ .succ_unsigned = true }, r,
	    "(1,2,-2147483648,80,-1073741824,2147483648,2147483647,1,'0')", 1);
	expect_row((struct column_signs){ .err_unsigned = true }, r,
	    "(1,2,-2147483648,80,-1073741824,2147483647,2147483648,1,'0')", 1);
}
END_TEST

START_TEST(numbers_of_every_length)
{
	uint64_t value = 0;
	char row[128];

	/* 0, 1, 9, 10, 11, 99, 100, ...: around each power of ten. */
	for (uint64_t power = 1; power <= RECORD_TS_MAX; power *= 10) {
		for (uint64_t step = 0; step < 3; step++) {
			value = power - 1 + step;
			snprintf(row, sizeof(row), "(1,2,3,80,4,%u,6,%llu,'0')",
			    (unsigned)(value & INT32_MAX),
			    (unsigned long long)value);
			expect_row(all_signed,
			    record(3, 4, value & INT32_MAX, 6, value), row, 0);
		}
	}
}
END_TEST

START_TEST(a_statement_keeps_to_its_capacity)
{
	struct record longest = { .modid = INT32_MIN,
		.cmdid = INT32_MIN,
		.ip = 1u << 31,
		.caller = 1u << 31,
		.succ = INT32_MAX,
		.err = INT32_MAX,
		.port = UINT16_MAX };
	size_t capacity = BATCH_MIN + (size_t)_i, length;
	struct batch batch;

	record_set_ts(&longest, RECORD_TS_MAX);
	ck_assert_int_eq(batch_open(&batch, "t", capacity, all_signed), 0);
	batch_begin(&batch, RECORD_TS_MAX);
	ck_assert(batch_add(&batch, &longest));
	while (batch_add(&batch, &longest))
		ck_assert_uint_le(batch.length + batch.tail_length, capacity);
	batch_end(&batch, &length);
	ck_assert_uint_le(length, capacity);
	/* Not for being too careful: no room for one more is left. */
	ck_assert_uint_gt(length + BATCH_ROW_MAX, capacity);
	batch_close(&batch);
}
END_TEST

START_TEST(the_longest_row_is_known)
{
	struct record longest = { .modid = INT32_MIN,
		.cmdid = INT32_MIN,
		.ip = 1u << 31,
		.caller = 1u << 31,
		.succ = UINT32_MAX,
		.err = UINT32_MAX,
		.port = UINT16_MAX };
	struct batch batch;
	size_t before;

	record_set_ts(&longest, RECORD_TS_MAX);
	ck_assert_int_eq(batch_open(&batch, "t", BATCH_MIN, all_signed), 0);
	batch_begin(&batch, 0);
	ck_assert(batch_add(&batch, &longest));
	before = batch.length;
	ck_assert(batch_add(&batch, &longest));
	ck_assert_uint_eq(batch.length - before, BATCH_ROW_MAX);
	batch_close(&batch);
}
END_TEST

START_TEST(placeholders_stand_for_rows)
{
	struct batch batch;
	const char *text;
	size_t length;

	ck_assert_int_eq(batch_open(&batch, "t", BATCH_MIN, all_signed), 0);
	batch_begin(&batch, 5);
	batch_placeholders(&batch, 2);
	text = batch_end(&batch, &length);
	ck_assert_str_eq(strndupa(text, length),
	    HEAD "(?,?,?,?,?,?,?,?,?),(?,?,?,?,?,?,?,?,?)" TAIL("5"));
	batch_close(&batch);
}
END_TEST

START_TEST(names_are_quoted)
{
	static const char *const names[][2] = { { "t", "`t`" },
		{ "d.t", "`d`.`t`" }, { "a`b.c`d", "`a``b`.`c``d`" },
		{ "a.b.c", "`a`.`b.c`" }, { "x y", "`x y`" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *quoted = batch_quote(names[i][0]);

		ck_assert_str_eq(quoted, names[i][1]);
		free(quoted);
	}
}
END_TEST

START_TEST(what_cannot_be_opened)
{
	struct batch batch;
	char name[2000];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = 0;
	ck_assert_int_eq(
	    batch_open(&batch, "t", BATCH_MIN - 1, all_signed), -1);
	ck_assert_int_eq(batch_open(&batch, "", BATCH_MIN, all_signed), -1);
	ck_assert_int_eq(batch_open(&batch, name, BATCH_MIN, all_signed), -1);
}
END_TEST

START_TEST(hosts_are_taken_apart)
{
	static const struct {
		const char *word, *name;
		unsigned port;
		bool right, local;
	} words[] = {
		{ "", "", 0, true, true },
		{ "localhost", "localhost", 0, true, true },
		{ "localhost:3306", "localhost", 3306, true, false },
		{ "db1", "db1", 0, true, false },
		{ "db1:1", "db1", 1, true, false },
		{ "10.0.0.1:65535", "10.0.0.1", 65535, true, false },
		{ "::1", "::1", 0, true, false },
		{ "[::1]", "::1", 0, true, false },
		{ "[fe80::1]:3307", "fe80::1", 3307, true, false },
		{ .word = "db1:" },
		{ .word = "db1:0" },
		{ .word = "db1:65536" },
		{ .word = "db1:99999999999999999999" },
		{ .word = "db1:+5" },
		{ .word = "db1:12x" },
		{ .word = ":3306" },
		{ .word = "[]:3306" },
		{ .word = "[::1" },
		{ .word = "[::1]3306" },
	};
	struct host host;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		ck_assert_msg(host_read(&host, words[i].word) == words[i].right,
		    "%s", words[i].word);
		if (!words[i].right)
			continue;
		ck_assert_str_eq(host.name, words[i].name);
		ck_assert_uint_eq(host.port, words[i].port);
		ck_assert_msg(host_is_local(&host) == words[i].local, "%s",
		    words[i].word);
	}
}
END_TEST

START_TEST(a_host_of_the_longest_name)
{
	struct host host;
	char name[HOST_MAX + 1];

	memset(name, 'x', sizeof(name));
	name[HOST_MAX - 1] = 0;
	ck_assert(host_read(&host, name));
	ck_assert_str_eq(host.name, name);
	name[HOST_MAX - 1] = 'x';
	name[HOST_MAX] = 0;
	ck_assert(!host_read(&host, name));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("batch");
	TCase *all = tcase_create("all");

	tcase_add_test(all, the_statement_is_this);
	tcase_add_test(all, every_limit_of_a_row);
	tcase_add_test(all, signs_are_taken_column_by_column);
	tcase_add_test(all, numbers_of_every_length);
	tcase_add_loop_test(all, a_statement_keeps_to_its_capacity, 0, 200);
	tcase_add_test(all, the_longest_row_is_known);
	tcase_add_test(all, placeholders_stand_for_rows);
	tcase_add_test(all, names_are_quoted);
	tcase_add_test(all, what_cannot_be_opened);
	tcase_add_test(all, hosts_are_taken_apart);
	tcase_add_test(all, a_host_of_the_longest_name);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
