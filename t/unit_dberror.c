/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/dberror.c: every number that is known, by class.
 */
#include "config.h"

#include "sql/dberror.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

#define NUMBERS 40

static const struct {
	enum db_class kind;
	unsigned numbers[NUMBERS]; /* ended by 0 */
} expected[] = {
	{ DB_RETRY, { 1020, 1180, 1213, 1243, 1317, 1615, 3101, 3168, 8002,
			8005, 8022, 8028, 9004, 9005, 9007 } },
	{ DB_RECONNECT,
	    { 1040, 1053, 1129, 1156, 1158, 1159, 1160, 1161, 1184, 1203, 1226,
		1927, 2001, 2002, 2003, 2005, 2006, 2012, 2013, 2014, 2027,
		2055, 3169, 4031, 5013, 5014, 9006 } },
	{ DB_NEXT_HOST,
	    { 1036, 1047, 1290, 1792, 1836, 3032, 8027, 9001, 9002 } },
	{ DB_WAIT_ROOM, { 3, 1021, 1026, 1037, 1041, 1114, 2008, 9003, 9008 } },
	{ DB_SPLIT, { 1153, 1197, 1205, 1206, 1705, 1969, 2020, 3024, 3100,
			8004, 8175, 8252, 9500 } },
	{ DB_REFUSED, { 1048, 1062, 1264, 1265, 1292, 1366, 1369, 1406, 1416,
			  1452, 1526, 1644, 1690, 3140, 3819, 4025 } },
	{ DB_HOLD, { 1016, 1034, 1044, 1045, 1046, 1049, 1054, 1064, 1136, 1142,
		       1143, 1146, 1194, 1195, 1227, 1288, 1305, 1348, 1356,
		       1364, 1370, 1442, 1449, 1471, 1698, 1814, 1820, 1906,
		       1932, 2019, 2026, 2049, 2054, 2059, 2061, 3105, 5010 } },
};

/* The class that the list above gives, or that of a number that it does not
   name. */
static enum db_class
expected_class(unsigned number)
{
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		for (size_t k = 0; expected[i].numbers[k] != 0; k++) {
			if (expected[i].numbers[k] == number)
				return expected[i].kind;
		}
	}
	return (number >= 2000 && number <= 2999) ||
		       (number >= 5000 && number <= 5999)
		   ? DB_RECONNECT
		   : DB_UNLISTED;
}

START_TEST(every_number_has_its_class)
{
	for (unsigned number = 1; number < 12000; number++)
		ck_assert_msg(
		    dberror_class(number, "") == expected_class(number),
		    "error %u has class %d, not %d", number,
		    dberror_class(number, ""), expected_class(number));
}
END_TEST

START_TEST(no_error_is_ok_and_others_are_unlisted)
{
	ck_assert_int_eq(dberror_class(0, ""), DB_OK);
	ck_assert_int_eq(dberror_class(1105, "Unknown error"), DB_UNLISTED);
	ck_assert_int_eq(dberror_class(4294967295u, ""), DB_UNLISTED);
}
END_TEST

/* As MariaDB 10.2 and 10.11 with Galera report it. */
START_TEST(a_write_set_that_is_too_large_is_divided)
{
	static const char size[] = "Maximum writeset size exceeded";
	static const char rows[] = "wsrep_max_ws_rows exceeded";
	static const char old[] =
	    "Got error 90 \"Message too long\" during COMMIT";

	ck_assert_int_eq(dberror_class(1105, size), DB_SPLIT);
	ck_assert_int_eq(dberror_class(1180, rows), DB_SPLIT);
	ck_assert_int_eq(dberror_class(1180, old), DB_SPLIT);
	ck_assert_int_eq(
	    dberror_class(1180, "Got error 5 during COMMIT"), DB_RETRY);
	/* The text matters for these two numbers only. */
	ck_assert_int_eq(dberror_class(1213, rows), DB_RETRY);
}
END_TEST

/* Texts as the servers and proxies send them. */
static const struct {
	unsigned number;
	enum db_class kind;
	const char *text;
} by_text[] = {
	{ 1180, DB_NEXT_HOST,
	    "Got error 6 \"No such device or address\" during COMMIT" },
	{ 1180, DB_NEXT_HOST, "Got error 107 during COMMIT" },
	{ 1180, DB_RETRY, "Got error 60 during COMMIT" },
	{ 1105, DB_NEXT_HOST,
	    "Transaction was rolled back: not in the primary component" },
	{ 1105, DB_NEXT_HOST,
	    "WSREP has not yet prepared node for application use" },
	{ 1105, DB_RETRY,
	    "target: commerce.0.primary: primary is not serving, there is a "
	    "reparent operation in progress" },
	{ 1105, DB_RETRY, "primary is not available" },
	{ 1105, DB_RETRY, "current keyspace is being resharded" },
	{ 1105, DB_RETRY,
	    "target: ks.-80.primary: vttablet: rpc error: code = Unavailable "
	    "desc = connection refused" },
	{ 1105, DB_RETRY, "target: ks.-.primary: no healthy tablet available" },
	{ 1105, DB_UNLISTED, "unsupported: something else" },
	{ 9001, DB_NEXT_HOST,
	    "Max connect timeout reached while reaching hostgroup 10 after "
	    "10000ms" },
	{ 9002, DB_NEXT_HOST,
	    "Max connect failure while reaching hostgroup 10" },
	{ 9002, DB_NEXT_HOST, "TiKV server timeout" },
	{ 9005, DB_RETRY, "Region is unavailable" },
	{ 9005, DB_RECONNECT,
	    "Session trying to reach HG 1 while locked on HG 2 . Rejecting "
	    "query: INSERT" },
	{ 9006, DB_RECONNECT,
	    "ProxySQL Error: connection is locked to hostgroup 1 but trying to "
	    "reach hostgroup 2" },
	{ 3100, DB_SPLIT,
	    "Error on observer while running replication hook "
	    "'before_commit'." },
};

START_TEST(text_decides_where_a_number_means_much)
{
	for (size_t i = 0; i < sizeof(by_text) / sizeof(*by_text); i++)
		ck_assert_msg(dberror_class(by_text[i].number,
				  by_text[i].text) == by_text[i].kind,
		    "%u %s: class %d", by_text[i].number, by_text[i].text,
		    dberror_class(by_text[i].number, by_text[i].text));
}
END_TEST

START_TEST(every_class_has_a_name)
{
	for (int i = 0; i < DB_CLASSES; i++)
		ck_assert_str_ne(db_class_name((enum db_class)i), "unknown");
	ck_assert_str_eq(db_class_name(DB_CLASSES), "unknown");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dberror");
	TCase *all = tcase_create("all");

	tcase_add_test(all, every_number_has_its_class);
	tcase_add_test(all, no_error_is_ok_and_others_are_unlisted);
	tcase_add_test(all, a_write_set_that_is_too_large_is_divided);
	tcase_add_test(all, text_decides_where_a_number_means_much);
	tcase_add_test(all, every_class_has_a_name);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
