/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/db.c and sql/bulk.c, on a real server: what is stored,
 * as text and by bulk execution, in signed and unsigned columns.
 */
#include "config.h"

#include "sql/client.h"
#include "db_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The four ways of a loop test: text or bulk, signed or unsigned columns. */
#define WAYS 4
#define WAY_TEXT(way) ((way) % 2 == 0)
#define WAY_UNSIGNED(way) ((way) / 2 != 0)

#define FAR RECORD_TS_MAX

static struct db *
open_way(int way)
{
	struct db_options options = fixture_options();

	make_table(WAY_UNSIGNED(way) ? UNSIGNED : SIGNED);
	options.text_only = WAY_TEXT(way);
	return open_db(&options);
}

/* Statements executed after being prepared, ever. */
static long long
executions(void)
{
	const char *said =
	    admin_ask("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'");
	const char *number = strchr(said, ' ');

	ck_assert_ptr_nonnull(number);
	return strtoll(number, NULL, 10);
}

START_TEST(every_pattern_comes_back)
{
	struct db *db = open_way(_i);
	struct record *r = make_records(MANY, 1795364256);
	long long before = executions();
	uint64_t clamped = 5;

	r[MANY - 1] = (struct record){ .modid = INT32_MAX,
		.cmdid = INT32_MIN,
		.ip = UINT32_MAX,
		.caller = UINT32_MAX - 1,
		.succ = UINT32_MAX,
		.err = UINT32_MAX,
		.port = 65535,
		.overload = 1 };
	record_set_ts(&r[MANY - 1], RECORD_TS_MAX);
	r[MANY - 2].ip = 1u << 31;
	r[MANY - 2].succ = INT32_MAX;
	ck_assert_uint_eq(store(db, r, MANY, FAR, &clamped), 1);
	/* As many executions as the way asks for: none, or one. */
	ck_assert_int_eq(executions() - before, !WAY_TEXT(_i));

	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), MANY);
	ck_assert_str_eq(admin_ask("SELECT * FROM ServerCallStatus "
				   "WHERE modid=2147483647"),
	    WAY_UNSIGNED(_i) ? "2147483647 -2147483648 4294967295 65535 "
			       "4294967294 4294967295 4294967295 "
			       "1099511627775 1"
			     : "2147483647 -2147483648 -1 65535 -2 2147483647 "
			       "2147483647 1099511627775 1");
	ck_assert_uint_eq(clamped, WAY_UNSIGNED(_i) ? 5 : 7);
	ck_assert_str_eq(admin_ask("SELECT ip & 4294967295, ip, succ_cnt "
				   "FROM ServerCallStatus "
				   "WHERE ip & 4294967295 = 2147483648"),
	    WAY_UNSIGNED(_i) ? "2147483648 2147483648 2147483647"
			     : "2147483648 -2147483648 2147483647");
	ck_assert_str_eq(admin_ask("SELECT *, INET_NTOA(caller & 4294967295) "
				   "FROM ServerCallStatus WHERE ip=7"),
	    "1 2 7 80 2130706433 1 0 1795364256 0 127.0.0.1");
	db_free(db);
}
END_TEST

START_TEST(bigint_columns_hold_unsigned_numbers)
{
	struct db_options options = fixture_options();
	struct record *r = make_records(MANY, 9);
	uint64_t clamped = 0;
	struct db *db;

	make_table("bigint(20)");
	options.text_only = WAY_TEXT(_i);
	db = open_db(&options);
	r[MANY - 1].ip = r[MANY - 1].err = UINT32_MAX;
	store(db, r, MANY, FAR, &clamped);
	ck_assert_str_eq(
	    admin_ask("SELECT ip, err_cnt FROM ServerCallStatus WHERE err_cnt"),
	    "4294967295 4294967295");
	ck_assert_uint_eq(clamped, 0);
	db_free(db);
}
END_TEST

START_TEST(overload_is_the_same_in_any_column)
{
	static const char *const types[] = { "char(1)", "varchar(10)",
		"enum('0','1')", "enum('1','0')", "enum('N','Y','0','1')",
		"set('0','1')", "set('1','x','0')", "bool", "bit", "bit(8)",
		"tinyint", "tinyint unsigned", "smallint", "mediumint", "int",
		"bigint unsigned" };
	struct db_options options = fixture_options();

	options.text_only = WAY_TEXT(_i);
	make_table(SIGNED);
	for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++) {
		struct record *r = make_records(MANY, 1000 + t);
		struct db *db;

		admin("TRUNCATE TABLE ServerCallStatus");
		admin("ALTER TABLE ServerCallStatus "
		      "MODIFY overload %s NOT NULL",
		    types[t]);
		for (size_t i = 0; i < MANY; i++)
			r[i].overload = i % 4 == 0;
		db = open_db(&options);
		store(db, r, MANY, FAR, NULL);
		db_free(db);
		ck_assert_msg(admin_number("SELECT COUNT(*) "
					   "FROM ServerCallStatus "
					   "WHERE %s = "
					   "IF(ip %% 4 = 0, '1', '0')",
				  strstr(types[t], "bit") != NULL
				      ? "overload + 0"
				      : "CONCAT(overload)") == MANY,
		    "%s: %s", types[t],
		    admin_ask("SELECT GROUP_CONCAT(DISTINCT overload) "
			      "FROM ServerCallStatus"));
	}
}
END_TEST

/* A table of columns that differ: of each type that has a sign, and others
   beside ours. */
START_TEST(each_column_has_its_own_type)
{
	static const char *const types[] = { "int", "int unsigned", "bigint",
		"bigint unsigned" };
	static const char *const names[] = { "ip", "caller", "succ_cnt",
		"err_cnt" };
	struct db_options options = fixture_options();

	if (server_version() < GENERATED_COLUMNS)
		return;
	options.text_only = WAY_TEXT(_i);
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus ADD at bigint AS (ts + 1) STORED "
	      "FIRST, ADD calls bigint AS (succ_cnt + err_cnt) VIRTUAL AFTER "
	      "ip, ADD seen int DEFAULT 5, ADD note varchar(9) NOT NULL "
	      "DEFAULT 'x' FIRST");
	if (server_has_bulk())
		admin("ALTER TABLE ServerCallStatus ADD hid int INVISIBLE "
		      "DEFAULT 3 FIRST");
	for (int t = 0; t < 16; t++) {
		struct record *r = make_records(MANY, 1000);
		const char *type = types[t % 4];
		bool cut = strcmp(type, "int") == 0;
		uint64_t clamped = 0;

		/* One column has the one type, the rest the other. */
		for (int i = 0; i < 4; i++)
			admin("ALTER TABLE ServerCallStatus MODIFY %s %s NOT "
			      "NULL",
			    names[i], i == t / 4 ? type : types[t / 4 % 2]);
		for (uint32_t i = 0; i < MANY; i++) {
			r[i].ip = UINT32_MAX - i;
			r[i].caller = r[i].succ = r[i].err = UINT32_MAX;
		}
		struct db *db = open_db(&options);
		store(db, r, MANY, FAR, &clamped);
		db_free(db);
		ck_assert_msg(
		    admin_number("SELECT COUNT(*) FROM "
				 "ServerCallStatus WHERE caller & "
				 "4294967295 = 4294967295 AND at = "
				 "1001 AND calls = succ_cnt + err_cnt "
				 "AND ip & 4294967295 > 4294966995") == MANY,
		    "%s %s", names[t / 4], type);
		ck_assert_int_eq(
		    admin_number(
			"SELECT MAX(%s) FROM ServerCallStatus", names[t / 4]),
		    !cut         ? (long long)UINT32_MAX
		    : t / 4 >= 2 ? INT32_MAX
				 : -1);
		ck_assert_uint_eq(clamped % MANY, 0);
		admin("DELETE FROM ServerCallStatus");
	}
}
END_TEST

/* Stores all rows with this ts and value; returns what row 5 has then. */
static const char *
store_at(struct db *db, uint64_t ts, uint32_t value, uint64_t horizon)
{
	struct record *r = make_records(MANY, ts);

	for (int i = 0; i < MANY; i++) {
		r[i].succ = value;
		r[i].err = value + 1;
		r[i].overload = value % 2;
	}
	store(db, r, MANY, horizon, NULL);
	return admin_ask("SELECT succ_cnt, err_cnt, overload, ts "
			 "FROM ServerCallStatus WHERE ip=5");
}

START_TEST(the_newer_time_wins)
{
	struct db *db = open_way(_i);

	ck_assert_str_eq(store_at(db, 1000, 10, 2000), "10 11 0 1000");
	ck_assert_str_eq(store_at(db, 999, 21, 2000), "10 11 0 1000");
	ck_assert_str_eq(store_at(db, 1000, 31, 2000), "31 32 1 1000");
	ck_assert_str_eq(store_at(db, 1001, 40, 2000), "40 41 0 1001");
	/* A time at the horizon stays, one beyond gives way. */
	ck_assert_str_eq(store_at(db, 5000, 50, 5000), "50 51 0 5000");
	ck_assert_str_eq(store_at(db, 1002, 61, 5000), "50 51 0 5000");
	ck_assert_str_eq(store_at(db, 1002, 61, 4999), "61 62 1 1002");
	db_free(db);
}
END_TEST

START_TEST(repeating_changes_nothing)
{
	struct db *db = open_way(_i);
	struct record *r = make_records(MANY, 1000);
	long long sum;

	store(db, r, MANY, FAR, NULL);
	sum = admin_number("CHECKSUM TABLE ServerCallStatus");
	store(db, r, MANY, FAR, NULL);
	ck_assert_int_eq(admin_number("CHECKSUM TABLE ServerCallStatus"), sum);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), MANY);
	db_free(db);
}
END_TEST

START_TEST(a_call_is_one_transaction)
{
	struct db *db = open_way(_i);
	struct record *r = make_records(MANY, 1000);
	size_t sent;
	uint64_t clamped = 0;

	/* The server refuses a row in the middle: nothing of the call stays,
	   and the rows before are those that were there. */
	admin("ALTER TABLE ServerCallStatus MODIFY succ_cnt tinyint NOT NULL");
	ck_assert_int_eq(db_connect(db), DB_OK);
	store(db, r, MANY / 4, FAR, NULL);
	for (int i = 0; i < MANY; i++)
		r[i].err = 7;
	r[MANY / 2].succ = 1000;
	ck_assert_int_eq(
	    db_upsert(db, pointers(r, MANY), MANY, FAR, &clamped, &sent),
	    DB_REFUSED);
	ck_assert_uint_eq(db_error(db)->number, ER_WARN_DATA_OUT_OF_RANGE);
	ck_assert_str_eq(admin_ask("SELECT COUNT(*), SUM(err_cnt) "
				   "FROM ServerCallStatus"),
	    "75 0");
	/* The connection is still good for the others. */
	ck_assert(db_connected(db));
	store(db, r, MANY / 2, FAR, NULL);
	ck_assert_str_eq(admin_ask("SELECT COUNT(*), SUM(err_cnt) "
				   "FROM ServerCallStatus"),
	    "150 1050");
	db_free(db);
}
END_TEST

/* Statements of this kind, ever. */
static long long
statements(const char *kind)
{
	return strtoll(
	    strchr(admin_ask("SHOW GLOBAL STATUS LIKE 'Com_%s'", kind), ' '),
	    NULL, 10);
}

#define LONG 1000

START_TEST(many_rows_are_one_transaction_of_several_statements)
{
	struct db *db = open_way(_i);
	struct record *r = make_records(LONG, 1000);
	const struct record *const *all;
	long long inserts = statements("insert"),
		  commits = statements("commit"), before = executions();
	uint64_t clamped = 0;
	size_t sent, first = 0, n;

	ck_assert_uint_eq(store(db, r, LONG, FAR, NULL), 1);
	/* Prepared, or as text, but not by bulk execution. */
	ck_assert_int_eq(executions() - before, WAY_TEXT(_i) ? 0
						: server_has_bulk()
						    ? 1
						    : LONG / 250);
	if (!WAY_TEXT(_i) && server_has_bulk()) {
		db_free(db);
		return;
	}
	ck_assert_int_eq(statements("insert") - inserts, LONG / 250);
	ck_assert_int_eq(statements("commit") - commits, 1);
	/* One of the third statement is refused: nothing stays, and it is among
	   those that count as sent. */
	admin("ALTER TABLE ServerCallStatus MODIFY succ_cnt tinyint NOT NULL");
	ck_assert_int_eq(db_connect(db), DB_OK);
	for (int i = 0; i < LONG; i++)
		r[i].err = 7;
	r[600].succ = 1000;
	all = pointers(r, LONG);
	ck_assert_int_eq(
	    db_upsert(db, all, LONG, FAR, &clamped, &sent), DB_REFUSED);
	ck_assert_uint_eq(db_error(db)->number, ER_WARN_DATA_OUT_OF_RANGE);
	ck_assert_uint_eq(sent, 750);
	ck_assert_str_eq(admin_ask("SELECT COUNT(*), SUM(err_cnt) "
				   "FROM ServerCallStatus"),
	    "1000 0");
	/* Nor is anything of it locked, or left open. */
	admin("SET innodb_lock_wait_timeout = 1; UPDATE ServerCallStatus SET "
	      "err_cnt = 1");
	/* It is found by dividing. */
	n = sent;
	while (n > 1) {
		enum db_class kind =
		    db_upsert(db, all + first, n / 2, FAR, &clamped, &sent);

		ck_assert_uint_eq(sent, n / 2);
		if (kind == DB_OK) {
			first += n / 2;
			n -= n / 2;
		} else {
			n /= 2;
		}
		ck_assert(first <= 600 && 600 < first + n);
	}
	ck_assert_uint_eq(n, 1);
	store(db, r, 600, FAR, NULL);
	store(db, r + 601, LONG - 601, FAR, NULL);
	ck_assert_str_eq(admin_ask("SELECT SUM(err_cnt = 7), SUM(err_cnt) "
				   "FROM ServerCallStatus"),
	    "999 6994");
	db_free(db);
}
END_TEST

START_TEST(a_small_packet_bounds_the_statement)
{
	struct db *db;
	struct record *r = make_records(3000, 1795364256);

	for (int i = 0; i < 3000; i++)
		r[i].ip = UINT32_MAX - (uint32_t)i;
	admin("SET GLOBAL max_allowed_packet = 16384");
	db = open_way(_i);
	/* Of text, a transaction has several. */
	long long before = statements("insert");
	size_t calls = store(db, r, 3000, FAR, NULL);
	ck_assert(calls > 8 || statements("insert") - before > 8);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), 3000);
	db_free(db);
}
END_TEST

START_TEST(max_rows_bound_the_statement)
{
	struct db_options options = fixture_options();
	struct record *r = make_records(1000, 1000);
	struct db *db;

	make_table(SIGNED);
	options.max_rows = 100;
	options.text_only = WAY_TEXT(_i);
	db = open_db(&options);
	ck_assert_uint_eq(store(db, r, 1000, FAR, NULL), 10);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), 1000);
	db_free(db);
}
END_TEST

START_TEST(a_lone_row)
{
	struct db *db = open_way(_i);

	ck_assert_uint_eq(store(db, make_records(1, 1000), 1, FAR, NULL), 1);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), 1);
	db_free(db);
}
END_TEST

START_TEST(text_serves_where_nothing_can_be_prepared)
{
	struct db_options options = fixture_options();
	long long before;
	struct db *db;

	make_table(SIGNED);
	db = open_db(&options);
	admin("SET GLOBAL max_prepared_stmt_count = 0");
	store(db, make_records(MANY, 1000), MANY, FAR, NULL);
	admin("SET GLOBAL max_prepared_stmt_count = 16382");
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), MANY);
	/* As long as it is the same server. */
	before = executions();
	store(db, make_records(MANY, 1001), MANY, FAR, NULL);
	ck_assert_int_eq(executions(), before);
	ck_assert_int_eq(db_connect(db), DB_OK);
	store(db, make_records(MANY, 1002), MANY, FAR, NULL);
	ck_assert_int_gt(executions(), before);
	ck_assert_int_eq(
	    admin_number("SELECT MIN(ts) FROM ServerCallStatus"), 1002);
	db_free(db);
}
END_TEST

START_TEST(what_the_table_takes_is_asked_without_writing)
{
	struct db_options options = fixture_options();
	struct record *r = make_records(2, 1000);
	uint64_t clamped = 0;
	struct db *db;

	make_table(SIGNED);
	db = open_db(&options);
	/* An empty table has no row to send again. */
	ck_assert_int_eq(db_takes(db, NULL, RECORD_TS_MAX), DB_HOLD);
	ck_assert_int_eq(db_takes(db, &r[0], RECORD_TS_MAX), DB_OK);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), 0);
	store(db, r, 2, RECORD_TS_MAX, &clamped);
	ck_assert_int_eq(db_takes(db, NULL, RECORD_TS_MAX), DB_OK);
	admin("CREATE TRIGGER never BEFORE INSERT ON ServerCallStatus "
	      "FOR EACH ROW SIGNAL SQLSTATE '45000'");
	ck_assert_int_eq(db_takes(db, &r[0], RECORD_TS_MAX), DB_REFUSED);
	ck_assert_uint_eq(db_error(db)->number, ER_SIGNAL_EXCEPTION);
	ck_assert_int_eq(db_takes(db, NULL, RECORD_TS_MAX), DB_REFUSED);
	admin("DROP TRIGGER never");
	/* No transaction is left open. */
	r[0].succ = 77;
	store(db, r, 2, RECORD_TS_MAX, &clamped);
	ck_assert_int_eq(
	    admin_number("SELECT MAX(succ_cnt) FROM ServerCallStatus"), 77);
	db_free(db);
}
END_TEST

START_TEST(the_table_may_be_in_another_database)
{
	struct db_options options = fixture_options();
	struct db *db;

	make_table(SIGNED);
	options.database = "mysql";
	options.table = TEST_DATABASE ".ServerCallStatus";
	db = open_db(&options);
	store(db, make_records(MANY, 1000), MANY, FAR, NULL);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), MANY);
	db_free(db);
}
END_TEST

START_TEST(the_files_for_administrators_fit)
{
	struct db_options options = fixture_options();
	struct record *r = make_records(MANY, 1795364256);
	struct db *db;

	if (server_version() < 50700)
		return; /* no CREATE USER IF NOT EXISTS: see grants.sql */
	admin_fails("DROP USER " TEST_DATABASE "@localhost");
	for (int i = 0; i < 2; i++) { /* each may be run again */
		admin_file("sql/schema.sql");
		admin_file("sql/view.sql");
		admin_file("sql/grants.sql");
	}
	options.user = TEST_DATABASE;
	options.password = "CHANGE-THIS-PASSWORD";
	options.text_only = WAY_TEXT(_i);
	db = open_db(&options);
	r[0].ip = UINT32_MAX;
	r[0].overload = 1;
	store(db, r, MANY, FAR, NULL);
	store(db, r, MANY, FAR, NULL);
	admin("SET time_zone = '+00:00'");
	ck_assert_str_eq(
	    admin_ask("SELECT modid, cmdid, ip, port, caller, succ_cnt, "
		      "err_cnt, reported, overload FROM ServerCallStatusView "
		      "WHERE overload = 'yes'"),
	    "1 2 255.255.255.255 80 127.0.0.1 1 0 2026-11-22 16:17:36 yes");
	ck_assert_int_eq(admin_number("SELECT COUNT(*) FROM "
				      "ServerCallStatusView "
				      "WHERE overload = 'no'"),
	    MANY - 1);
	/* No index but the primary key. */
	ck_assert_int_eq(admin_number("SELECT COUNT(DISTINCT INDEX_NAME) FROM "
				      "information_schema.STATISTICS WHERE "
				      "TABLE_SCHEMA = '" TEST_DATABASE "'"),
	    1);
	db_free(db);
	admin("DROP USER " TEST_DATABASE "@localhost");
}
END_TEST

/* What the table is made of, as this server shows it. */
static const char *
columns_of(const char *table)
{
	return admin_ask("SELECT GROUP_CONCAT(COLUMN_NAME, ' ', COLUMN_TYPE, "
			 "' ', IS_NULLABLE ORDER BY ORDINAL_POSITION) FROM "
			 "information_schema.COLUMNS WHERE TABLE_SCHEMA = "
			 "DATABASE() AND TABLE_NAME = '%s'",
	    table);
}

START_TEST(the_files_have_no_warnings)
{
	static const char *const files[] = { "sql/schema.sql", "sql/view.sql",
		"sql/view-elb.sql", "sql/queries.sql", "sql/grants.sql" };
	/* 5.6 has no CREATE USER IF NOT EXISTS: see grants.sql. */
	size_t most = server_version() < 50700 ? 4 : 5;
	char ours[1024];

	admin_fails("DROP USER " TEST_DATABASE "@localhost");
	for (size_t i = 0; i < most; i++)
		ck_assert_msg(admin_file(files[i]) == 0, "%s", files[i]);
	snprintf(ours, sizeof(ours), "%s", columns_of("ServerCallStatus"));
	admin("DROP TABLE ServerCallStatus");
	/* The same table as with the widths of old. */
	make_table(SIGNED);
	ck_assert_str_eq(columns_of("ServerCallStatus"), ours);
	ck_assert_msg(
	    strncmp(ours, "modid int NO,cmdid int NO,ip int NO,", 36) == 0 ||
		strncmp(ours, "modid int(11) NO,cmdid int(11) NO,", 34) == 0,
	    "%s", ours);
	admin_fails("DROP USER " TEST_DATABASE "@localhost");
}
END_TEST

START_TEST(defaults_file_serves_what_is_not_set)
{
	struct db_options options = { .table = "ServerCallStatus",
		.connect_timeout_ms = 10000,
		.read_timeout_ms = 30000,
		.max_rows = 10 };
	char path[] = "/tmp/reporter-defaults-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	enum db_class kind;
	struct db *db;

	ck_assert_ptr_nonnull(file);
	make_table(SIGNED);
	admin_fails("DROP USER d@localhost");
	admin("CREATE USER d@localhost IDENTIFIED BY 'right'");
	admin("GRANT SELECT, INSERT, UPDATE ON " TEST_DATABASE
	      ".* TO d@localhost");
	fprintf(file,
	    "[client]\nsocket=%s\nuser=d\npassword=wrong\n"
	    "[reporter]\npassword=right\ndatabase=" TEST_DATABASE "\n",
	    fixture_server()->socket);
	fclose(file);
	options.defaults_file = path;
	db = db_new(&options);
	kind = db_connect(db);
	unlink(path);
	ck_assert_msg(kind == DB_OK, "%s", db_error(db)->text);
	db_free(db);
	admin("DROP USER d@localhost");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("db");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, fixture_open, fixture_close);
	tcase_add_loop_test(all, every_pattern_comes_back, 0, WAYS);
	tcase_add_loop_test(all, bigint_columns_hold_unsigned_numbers, 0, 2);
	tcase_add_loop_test(all, overload_is_the_same_in_any_column, 0, 2);
	tcase_add_loop_test(all, each_column_has_its_own_type, 0, 2);
	tcase_add_loop_test(all, the_newer_time_wins, 0, WAYS);
	tcase_add_loop_test(all, repeating_changes_nothing, 0, WAYS);
	tcase_add_loop_test(all, a_call_is_one_transaction, 0, WAYS);
	tcase_add_loop_test(
	    all, many_rows_are_one_transaction_of_several_statements, 0, 2);
	tcase_add_loop_test(all, a_small_packet_bounds_the_statement, 0, WAYS);
	tcase_add_loop_test(all, max_rows_bound_the_statement, 0, 2);
	tcase_add_loop_test(all, a_lone_row, 0, 2);
	tcase_add_test(all, text_serves_where_nothing_can_be_prepared);
	tcase_add_test(all, what_the_table_takes_is_asked_without_writing);
	tcase_add_test(all, the_table_may_be_in_another_database);
	tcase_add_loop_test(all, the_files_for_administrators_fit, 0, 2);
	tcase_add_test(all, the_files_have_no_warnings);
	tcase_add_test(all, defaults_file_serves_what_is_not_set);
	suite_add_tcase(suite, all);
	return fixture_main(suite);
}
