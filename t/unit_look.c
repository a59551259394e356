/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/db.c, sql/probe.c and sql/session.c on a real server: a
 * table that is altered or replaced while connected, sessions that begin in
 * another state, servers that call themselves read-only.
 */
#include "config.h"

#include "sql/client.h"
#include "sql/probe.h"
#include "sql/session.h"
#include "db_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAR RECORD_TS_MAX
#define FIVE "(modid, cmdid, ip, port, caller)"

/* As text and by bulk execution, on a strict server and on a lax one. */
#define WAYS 4
#define WAY_TEXT(way) ((way) % 2 == 0)
#define WAY_LAX(way) ((way) / 2 != 0)

static void
look_open(void)
{
	fixture_open();
	admin("SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES'; SET sql_mode = ''"
	      "; SET GLOBAL autocommit = 1; SET GLOBAL completion_type = 0"
	      "; SET GLOBAL init_connect = ''");
	admin_fails("DROP USER r@localhost");
	admin("CREATE USER r@localhost");
	admin("GRANT SELECT, INSERT, UPDATE ON " TEST_DATABASE
	      ".* TO r@localhost");
}

static void
look_close(void)
{
	admin("DROP USER r@localhost; SET GLOBAL init_connect = ''"
	      "; SET GLOBAL autocommit = 1; SET GLOBAL completion_type = 0"
	      "; SET GLOBAL read_only = 0");
	fixture_close();
}

static struct db *
open_way(int way)
{
	struct db_options options = fixture_options();

	if (WAY_LAX(way))
		admin("SET GLOBAL sql_mode = ''");
	options.user = "r";
	options.text_only = WAY_TEXT(way);
	return open_db(&options);
}

/* Stores until it succeeds, as a worker does; each answer but the last must be
   of this class.  Returns how often it was. */
static int
store_again(struct db *db, const struct record *r, size_t n, enum db_class kind)
{
	const struct record *const *all = pointers(r, n);
	uint64_t clamped = 0;
	size_t sent;

	for (int tries = 0; tries < 5; tries++) {
		enum db_class got = db_upsert(db, all, n, FAR, &clamped, &sent);

		if (got == DB_OK) {
			ck_assert_uint_eq(sent, n);
			return tries;
		}
		ck_assert_msg(got == kind, "%s", db_error(db)->text);
	}
	ck_abort_msg("%s", db_error(db)->text);
	return 0;
}

/* Must be refused for the table's sake, with this text. */
static void
expect_hold(struct db *db, const char *text)
{
	uint64_t clamped = 0;
	size_t sent;

	ck_assert_int_eq(db_upsert(db, pointers(make_records(MANY, 9), MANY),
			     MANY, FAR, &clamped, &sent),
	    DB_HOLD);
	ck_assert_msg(
	    strstr(db_error(db)->text, text) != NULL, "%s", db_error(db)->text);
	ck_assert(db_connected(db));
}

/* Records whose addresses do not fit into a signed column, nor negative into
   an unsigned one. */
static struct record *
high_records(uint64_t ts)
{
	struct record *r = make_records(MANY, ts);

	for (uint32_t i = 0; i < MANY; i++)
		r[i].ip = UINT32_MAX - i;
	return r;
}

static void
expect_high(long long rows)
{
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus WHERE "
			 "ip & 4294967295 > 4294967295 - %d AND ip <> 0",
		MANY),
	    rows);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), rows);
}

/* The changes of a table that a worker must follow. */
static const char *const changes[] = {
	"ALTER TABLE ServerCallStatus MODIFY ip int unsigned NOT NULL",
	("DROP TABLE ServerCallStatus; CREATE TABLE ServerCallStatus LIKE "
	 "Other"),
	"RENAME TABLE ServerCallStatus TO Old, Other TO ServerCallStatus",
};

START_TEST(a_change_of_signs_takes_effect)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		admin("DROP TABLE IF EXISTS ServerCallStatus, Old, Other");
		make_table(SIGNED);
		admin("CREATE TABLE Other LIKE ServerCallStatus; ALTER TABLE "
		      "Other MODIFY ip int unsigned NOT NULL");
		struct db *db = open_way(_i);
		store(db, high_records(1), MANY, FAR, NULL);
		expect_high(MANY);
		admin("DELETE FROM ServerCallStatus");
		admin("%s", changes[i]);
		ck_assert_int_eq(
		    store_again(db, high_records(2), MANY, DB_RETRY), 1);
		expect_high(MANY);
		ck_assert_int_eq(
		    admin_number("SELECT MIN(ip) FROM ServerCallStatus"),
		    4294967296 - MANY);
		/* And back. */
		admin("DELETE FROM ServerCallStatus");
		admin("ALTER TABLE ServerCallStatus MODIFY ip int NOT NULL");
		store_again(db, high_records(3), MANY, DB_RETRY);
		ck_assert_int_eq(
		    admin_number("SELECT MAX(ip) FROM ServerCallStatus"), -1);
		expect_high(MANY);
		db_free(db);
	}
}
END_TEST

/* The type of overload, and one of its labels. */
START_TEST(a_change_of_labels_is_seen)
{
	make_table(SIGNED);
	struct db *db = open_way(_i);
	struct record *r = make_records(MANY, 1);

	store(db, r, MANY, FAR, NULL);
	admin("ALTER TABLE ServerCallStatus MODIFY overload enum('no','yes') "
	      "NOT NULL");
	uint64_t clamped = 0;
	size_t sent;
	ck_assert_int_eq(
	    db_upsert(db, pointers(r, MANY), MANY, FAR, &clamped, &sent),
	    DB_HOLD);
	expect_hold(db, "column overload is enum('no','yes'); expected the "
			"values '0' and '1'");
	ck_assert_uint_eq(admin_number("SELECT COUNT(*) FROM ServerCallStatus "
				       "WHERE ts = 9"),
	    0);
	admin("ALTER TABLE ServerCallStatus MODIFY overload bit NOT NULL");
	r = make_records(MANY, 2);
	r[7].overload = 1;
	store_again(db, r, MANY, DB_RETRY);
	ck_assert_str_eq(admin_ask("SELECT SUM(overload+0), MAX(overload+0), "
				   "MIN(ts) FROM ServerCallStatus"),
	    "1 1 2");
	db_free(db);
}
END_TEST

/* What lets a server take rows only when it is lax still does. */
START_TEST(a_lax_server_stays_lax)
{
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus ADD region varchar(20) NOT NULL");
	struct db *db = open_way(_i);
	struct record *r = make_records(MANY, 1);
	uint64_t clamped = 0;
	size_t sent;

	if (WAY_LAX(_i)) {
		ck_assert_int_eq(store_again(db, r, MANY, DB_RETRY), 1);
		ck_assert_int_eq(store_again(db, r, MANY, DB_RETRY), 0);
		/* It is looked at each time now. */
		admin("DELETE FROM ServerCallStatus; ALTER TABLE "
		      "ServerCallStatus MODIFY ip int unsigned NOT NULL");
		store_again(db, high_records(2), MANY, DB_RETRY);
		expect_high(MANY);
	} else {
		ck_assert_int_ne(db_upsert(db, pointers(r, MANY), MANY, FAR,
				     &clamped, &sent),
		    DB_OK);
		ck_assert_uint_eq(
		    db_error(db)->number, ER_NO_DEFAULT_FOR_FIELD);
		admin("ALTER TABLE ServerCallStatus DROP region");
		store_again(db, r, MANY, DB_RETRY);
	}
	db_free(db);
}
END_TEST

START_TEST(a_table_without_its_key_is_left_alone)
{
	static const struct {
		const char *change, *text;
	} faults[] = {
		{ "DROP PRIMARY KEY, ADD KEY " FIVE,
		    "has no primary key " FIVE ": each report would add rows" },
		{ "DROP PRIMARY KEY, ADD UNIQUE KEY few (modid, cmdid, ip)",
		    "unique key few lacks some of" },
		{ "ADD UNIQUE KEY few (modid, cmdid, ip, port)",
		    "unique key few lacks some of" },
		{ "MODIFY ip varchar(20) NOT NULL, DROP PRIMARY KEY, "
		  "ADD UNIQUE KEY part (modid, cmdid, ip(4), port, caller)",
		    "unique key part lacks some of" },
		{ "DROP PRIMARY KEY, ADD PRIMARY KEY (modid, cmdid, ip, port, "
		  "caller, ts)",
		    "has no primary key " FIVE },
	};
	struct db_options options = fixture_options();

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		admin("DROP TABLE IF EXISTS ServerCallStatus");
		make_table(SIGNED);
		admin("ALTER TABLE ServerCallStatus %s", faults[i].change);
		struct db *db = db_new(&options);
		ck_assert_int_eq(db_connect(db), DB_HOLD);
		ck_assert_msg(
		    strstr(db_error(db)->text, faults[i].text) != NULL, "%s",
		    db_error(db)->text);
		db_free(db);
	}
}
END_TEST

/* As a change of the schema does that swaps tables: nothing is refused. */
START_TEST(a_key_that_goes_away_is_noticed)
{
	make_table(SIGNED);
	struct db *db = open_way(_i);

	admin(
	    "CREATE TABLE Other LIKE ServerCallStatus; ALTER TABLE Other DROP "
	    "PRIMARY KEY; RENAME TABLE ServerCallStatus TO Old, Other TO "
	    "ServerCallStatus");
	sleep(11);
	expect_hold(db, "has no primary key " FIVE);
	expect_hold(db, "has no primary key " FIVE);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), 0);
	admin("ALTER TABLE ServerCallStatus ADD UNIQUE KEY " FIVE
	      ", MODIFY ip int unsigned NOT NULL");
	store_again(db, high_records(1), MANY, DB_RETRY);
	store_again(db, high_records(2), MANY, DB_RETRY);
	expect_high(MANY);
	db_free(db);
}
END_TEST

START_TEST(other_keys_do_no_harm)
{
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus DROP PRIMARY KEY, "
	      "ADD id bigint AUTO_INCREMENT PRIMARY KEY, "
	      "ADD UNIQUE KEY ours (caller, port, ip, cmdid, modid), "
	      "ADD UNIQUE KEY wide (modid, cmdid, ip, port, caller, ts)");
	struct db *db = open_way(_i);

	for (uint64_t ts = 1; ts < 4; ts++)
		store(db, high_records(ts), MANY, FAR, NULL);
	expect_high(MANY);
	db_free(db);
}
END_TEST

/* 0 would become a number of the table's own, a new row each time. */
START_TEST(a_key_that_numbers_rows_keeps_its_zeros)
{
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus MODIFY modid int NOT NULL "
	      "AUTO_INCREMENT");
	struct db *db = open_way(_i);

	for (uint64_t ts = 1; ts < 4; ts++) {
		struct record *r = make_records(MANY, ts);

		for (int i = 0; i < MANY; i++)
			r[i].modid = 0;
		store(db, r, MANY, FAR, NULL);
	}
	ck_assert_str_eq(admin_ask("SELECT COUNT(*), MIN(modid), MAX(modid), "
				   "MIN(ts) FROM ServerCallStatus"),
	    "300 0 0 3");
	/* In the server's own mode as well. */
	admin("ALTER TABLE ServerCallStatus ADD region varchar(9) NOT NULL");
	if (WAY_LAX(_i)) {
		struct record *r = make_records(MANY, 4);

		r[0].modid = 0;
		store_again(db, r, 1, DB_RETRY);
		ck_assert_int_eq(
		    admin_number("SELECT COUNT(*) FROM ServerCallStatus"),
		    MANY);
	}
	db_free(db);
}
END_TEST

START_TEST(old_versions_do_no_harm)
{
	make_table(SIGNED);
	if (strstr(admin_ask("SELECT VERSION()"), "MariaDB") == NULL)
		return;
	admin("ALTER TABLE ServerCallStatus "
	      "ADD b BIGINT UNSIGNED GENERATED ALWAYS AS ROW START INVISIBLE, "
	      "ADD e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END INVISIBLE, "
	      "ADD PERIOD FOR SYSTEM_TIME(b, e), ADD SYSTEM VERSIONING");
	struct db *db = open_way(_i);

	store(db, high_records(1), MANY, FAR, NULL);
	store(db, high_records(2), MANY, FAR, NULL);
	expect_high(MANY);
	db_free(db);
}
END_TEST

START_TEST(a_view_is_a_table)
{
	struct db_options options = fixture_options();

	make_table(UNSIGNED);
	admin("RENAME TABLE ServerCallStatus TO Behind; CREATE VIEW "
	      "ServerCallStatus AS SELECT * FROM Behind");
	struct db *db = open_way(_i);
	store(db, high_records(1), MANY, FAR, NULL);
	store(db, high_records(2), MANY, FAR, NULL);
	expect_high(MANY);
	db_free(db);
	admin("ALTER TABLE Behind DROP PRIMARY KEY, ADD PRIMARY KEY (modid, "
	      "cmdid, ip, port), ADD KEY (caller)");
	db = db_new(&options);
	ck_assert_int_eq(db_connect(db), DB_HOLD);
	db_free(db);
	admin("ALTER TABLE Behind DROP PRIMARY KEY, DROP KEY caller");
	db = db_new(&options);
	ck_assert_int_eq(db_connect(db), DB_HOLD);
	db_free(db);
}
END_TEST

START_TEST(a_time_that_is_null_is_the_oldest)
{
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus MODIFY ts bigint");
	struct db *db = open_way(_i);

	store(db, make_records(MANY, 5), MANY, FAR, NULL);
	admin("UPDATE ServerCallStatus SET ts = NULL, succ_cnt = 77");
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	ck_assert_str_eq(admin_ask("SELECT COUNT(ts), MAX(ts), MAX(succ_cnt) "
				   "FROM ServerCallStatus"),
	    "300 1 1");
	db_free(db);
}
END_TEST

/* ------------------------------------------------------- the session ------ */

static const char *const beginnings[] = {
	"SET GLOBAL init_connect = 'START TRANSACTION'",
	"SET GLOBAL init_connect = 'START TRANSACTION READ ONLY'",
	"SET GLOBAL init_connect = 'SET autocommit = 0'",
	"SET GLOBAL init_connect = 'SET completion_type = 1, autocommit = 0'",
	"SET GLOBAL init_connect = 'SET completion_type = 2, sql_select_limit "
	"= 1, sql_safe_updates = 1, unique_checks = 0'",
	"SET GLOBAL init_connect = 'SET SESSION TRANSACTION READ ONLY'",
	"SET GLOBAL init_connect = 'SET SESSION TRANSACTION ISOLATION LEVEL "
	"SERIALIZABLE'",
	("SET GLOBAL init_connect = 'SET sql_mode = \"ANSI\" /*M!100300 "
	 "\",ORACLE\"*/'"),
	"SET GLOBAL init_connect = 'USE information_schema'",
	"SET GLOBAL autocommit = 0",
	"SET GLOBAL completion_type = 1",
	"SET GLOBAL completion_type = 2",
};
#define BEGINNINGS ((int)(sizeof(beginnings) / sizeof(*beginnings)))

START_TEST(what_is_stored_stands_there)
{
	const char *beginning = beginnings[_i / 2];

	make_table(SIGNED);
	admin("%s", beginning);
	struct db *db = open_way(_i % 2);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	store(db, make_records(1, 2), 1, FAR, NULL);
	admin("ROLLBACK");
	ck_assert_msg(
	    admin_number("SELECT SUM(ts) FROM ServerCallStatus") == MANY + 1,
	    "%s", beginning);
	/* And is not locked. */
	admin("COMMIT; SET innodb_lock_wait_timeout = 1; UPDATE "
	      "ServerCallStatus SET ts = 3; COMMIT");
	db_free(db);
	ck_assert_int_eq(
	    admin_number("SELECT SUM(ts) FROM ServerCallStatus"), 3 * MANY);
}
END_TEST

/* A proxy has put us on a session whose state is not what we set. */
START_TEST(what_the_server_says_counts)
{
	static const char *const states[] = { "SET autocommit = 0",
		"START TRANSACTION",
		"SET completion_type = 1, autocommit = 0" };
	MYSQL *mysql = mysql_init(NULL);
	struct link link = {
		.mysql = mysql, .deadline = deadline_new(), .limit_ms = 5000
	};
	struct session session = { 0 };

	admin("CREATE TABLE Kept (n int) ENGINE=InnoDB");
	ck_assert_ptr_nonnull(mysql_real_connect(mysql, NULL, "root", NULL,
	    TEST_DATABASE, 0, fixture_server()->socket, 0));
	ck_assert_int_eq(session_begin(&link), DB_OK);
	ck_assert_int_eq(session_ask(&link, &session), DB_OK);
	ck_assert_int_eq(session_set(&link, &session), DB_OK);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mysql_query(mysql, states[i]), 0);
		ck_assert_int_eq(
		    mysql_query(mysql, "INSERT INTO Kept VALUES (1)"), 0);
		ck_assert_int_eq(session_commit(&link, &session), DB_OK);
		ck_assert_int_eq(
		    admin_number("SELECT COUNT(*) FROM Kept"), 2 * i + 1);
		/* And the next one needs no help. */
		ck_assert_int_eq(
		    mysql_query(mysql, "INSERT INTO Kept VALUES (2)"), 0);
		ck_assert_int_eq(
		    admin_number("SELECT COUNT(*) FROM Kept"), 2 * i + 2);
	}
	deadline_free(link.deadline);
	mysql_close(mysql);
}
END_TEST

/* ----------------------------------------------------- read-only servers -- */

START_TEST(a_lone_server_is_believed_by_its_answers)
{
	struct db_options options = fixture_options();
	struct db *db;

	make_table(SIGNED);
	/* It calls itself read-only, and takes what this account writes, as a
	   proxy does that asks a replica. */
	admin("SET GLOBAL read_only = 1");
	options.text_only = WAY_TEXT(_i);
	db = open_db(&options);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	db_free(db);
	/* Of several, each is left once. */
	options.hosts = (char *[]){ (char[]){ "localhost" },
		(char[]){ "localhost" }, NULL };
	db = db_new(&options);
	ck_assert_int_eq(db_connect(db), DB_NEXT_HOST);
	ck_assert_int_eq(db_connect(db), DB_NEXT_HOST);
	ck_assert_int_eq(db_connect(db), DB_OK);
	store(db, make_records(MANY, 2), MANY, FAR, NULL);
	db_free(db);
	/* Nor does it take what it refuses. */
	options.user = "r";
	options.hosts = NULL;
	db = open_db(&options);
	uint64_t clamped = 0;
	size_t sent;
	ck_assert_int_eq(db_upsert(db, pointers(make_records(1, 3), 1), 1, FAR,
			     &clamped, &sent),
	    DB_NEXT_HOST);
	ck_assert_uint_eq(db_error(db)->number, ER_OPTION_PREVENTS_STATEMENT);
	db_free(db);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("look");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, look_open, look_close);
	tcase_add_loop_test(all, a_change_of_signs_takes_effect, 0, WAYS);
	tcase_add_loop_test(all, a_change_of_labels_is_seen, 0, WAYS);
	tcase_add_loop_test(all, a_lax_server_stays_lax, 0, WAYS);
	tcase_add_test(all, a_table_without_its_key_is_left_alone);
	tcase_add_loop_test(all, a_key_that_goes_away_is_noticed, 0, 2);
	tcase_add_loop_test(all, other_keys_do_no_harm, 0, 2);
	tcase_add_loop_test(
	    all, a_key_that_numbers_rows_keeps_its_zeros, 0, WAYS);
	tcase_add_loop_test(all, old_versions_do_no_harm, 0, 2);
	tcase_add_loop_test(all, a_view_is_a_table, 0, 2);
	tcase_add_loop_test(all, a_time_that_is_null_is_the_oldest, 0, 2);
	tcase_add_loop_test(
	    all, what_is_stored_stands_there, 0, 2 * BEGINNINGS);
	tcase_add_test(all, what_the_server_says_counts);
	tcase_add_loop_test(
	    all, a_lone_server_is_believed_by_its_answers, 0, 2);
	suite_add_tcase(suite, all);
	return fixture_main(suite);
}
