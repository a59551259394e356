/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/probe.c on a real server: a right table is found right,
 * each fault is said, and all of them in one go.
 */
#include "config.h"

#include "sql/batch.h"
#include "sql/client.h"
#include "db_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT "prober"

/* What was said, a line each: "wrong: " or "found: " and the text. */
static char *said;
static FILE *out;

static void
note(void *arg, bool wrong, const char *text)
{
	ck_assert_ptr_null(arg);
	fprintf(out, "%s: %s\n", wrong ? "wrong" : "found", text);
}

static void
probe(const struct db_options *options)
{
	struct db *db = db_new(options);
	size_t size;

	free(said);
	out = open_memstream(&said, &size);
	db_probe(db, note, NULL);
	fclose(out);
	ck_assert(!db_connected(db));
	db_free(db);
}

static int
lines(void)
{
	int n = 0;

	for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	return n;
}

static void
expect(const char *text)
{
	ck_assert_msg(
	    strstr(said, text) != NULL, "not \"%s\" in:\n%s", text, said);
}

START_TEST(a_right_table_is_right)
{
	struct db_options options = fixture_options();

	make_table(_i == 0 ? SIGNED : UNSIGNED);
	probe(&options);
	expect("found: ");
	expect(", table ServerCallStatus OK, max_allowed_packet ");
	ck_assert_int_eq(lines(), 1);
	options.table = TEST_DATABASE ".ServerCallStatus";
	probe(&options);
	expect(", table " TEST_DATABASE ".ServerCallStatus OK");
}
END_TEST

static const struct {
	const char *change, *said;
} changes[] = {
	{ "DROP TABLE ServerCallStatus",
	    "wrong: there is no table ServerCallStatus, or the account has no "
	    "right to see it; make it with schema.sql, and see grants.sql\n" },
	{ "ALTER TABLE ServerCallStatus DROP COLUMN overload",
	    "wrong: table ServerCallStatus: there is no column overload, or "
	    "the account may not see it; expected as in schema.sql\n" },
	{ "ALTER TABLE ServerCallStatus MODIFY ts date NOT NULL",
	    "wrong: table ServerCallStatus: column ts is date; expected as in "
	    "schema.sql\n" },
	{ "ALTER TABLE ServerCallStatus MODIFY port smallint NOT NULL",
	    "wrong: table ServerCallStatus: column port is smallint; "
	    "expected as in schema.sql\n" },
	{ "ALTER TABLE ServerCallStatus MODIFY ip varchar(15) NOT NULL",
	    "wrong: table ServerCallStatus: column ip is varchar(15); expected "
	    "as in schema.sql\n" },
	{ "ALTER TABLE ServerCallStatus ADD COLUMN more int NOT NULL",
	    "wrong: table ServerCallStatus: column more has no default, and "
	    "reporter does not write it; give it one\n" },
	{ "ALTER TABLE ServerCallStatus DROP PRIMARY KEY, "
	  "ADD KEY (modid, cmdid, ip, port, caller)",
	    "wrong: table ServerCallStatus has no primary key (modid, cmdid, "
	    "ip, port, caller): each report would add rows\n" },
	{ "ALTER TABLE ServerCallStatus ADD UNIQUE KEY narrow (modid, ip)",
	    "wrong: table ServerCallStatus: unique key narrow lacks some of "
	    "modid, cmdid, ip, port, caller: rows of different keys would take "
	    "each other's place\n" },
	{ "ALTER TABLE ServerCallStatus MODIFY overload enum('1','2') NOT NULL",
	    "wrong: table ServerCallStatus: column overload is enum('1','2'); "
	    "expected the values '0' and '1'\n" },
	{ "ALTER TABLE ServerCallStatus MODIFY overload set('10','01') NOT "
	  "NULL",
	    "wrong: table ServerCallStatus: column overload is "
	    "set('10','01'); expected the values '0' and '1'\n" },
	{ "ALTER TABLE ServerCallStatus ADD region int NOT NULL DEFAULT 1, "
	  "ADD UNIQUE KEY far (modid, region)",
	    "wrong: table ServerCallStatus: unique key far lacks some of "
	    "modid, cmdid, ip, port, caller: rows of different keys would take "
	    "each other's place, unless it has a column that numbers them, "
	    "which the account has no right to see\n" },
	{ "ALTER TABLE ServerCallStatus DROP PRIMARY KEY, "
	  "ADD PRIMARY KEY (modid, cmdid, ip, port, caller, ts)",
	    "wrong: table ServerCallStatus has no primary key (modid, cmdid, "
	    "ip, port, caller): each report would add rows\n" },
};

START_TEST(a_fault_is_said)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	admin("%s", changes[_i].change);
	probe(&options);
	/* MySQL shows no widths. */
	char *width = strstr(said, "(6)");
	if (width != NULL)
		memmove(width, width + 3, strlen(width + 3) + 1);
	ck_assert_str_eq(said, changes[_i].said);
}
END_TEST

static const char *const harmless[] = {
	"ALTER TABLE ServerCallStatus ADD COLUMN more int",
	"ALTER TABLE ServerCallStatus ADD COLUMN more int NOT NULL DEFAULT 1",
	"ALTER TABLE ServerCallStatus MODIFY port smallint unsigned NOT NULL",
	("ALTER TABLE ServerCallStatus DROP PRIMARY KEY, "
	 "ADD PRIMARY KEY (caller, port, ip, cmdid, modid)"),
	"ALTER TABLE ServerCallStatus ADD KEY (ts)",
	"ALTER TABLE ServerCallStatus MODIFY overload tinyint NOT NULL",
	"ALTER TABLE ServerCallStatus MODIFY overload bit NOT NULL",
	"ALTER TABLE ServerCallStatus MODIFY overload enum('a','1','0')",
	"ALTER TABLE ServerCallStatus MODIFY overload set('0','1')",
	("ALTER TABLE ServerCallStatus DROP PRIMARY KEY, ADD id bigint "
	 "AUTO_INCREMENT PRIMARY KEY, ADD UNIQUE KEY (modid, cmdid, ip, port, "
	 "caller)"),
};

START_TEST(what_does_no_harm_is_let_be)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	admin("%s", harmless[_i]);
	probe(&options);
	ck_assert_msg(strncmp(said, "found: ", 7) == 0, "%s", said);
}
END_TEST

START_TEST(a_generated_column_cannot_be_written)
{
	struct db_options options = fixture_options();

	if (server_version() < GENERATED_COLUMNS)
		return;
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus DROP overload, ADD overload int AS "
	      "(err_cnt > 0) STORED");
	probe(&options);
	ck_assert_int_eq(lines(), 1);
	expect("column overload is generated; reporter writes it");
}
END_TEST

START_TEST(all_faults_come_in_one_go)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus DROP PRIMARY KEY, DROP COLUMN ts, "
	      "MODIFY ip char(4), ADD COLUMN more int NOT NULL");
	probe(&options);
	ck_assert_int_eq(lines(), 4);
	expect("column ip is char(4)");
	expect("column more has no default");
	expect("no column ts");
	expect("no primary key");
}
END_TEST

/* Rights that an account has, and those that it is told to lack: NULL is
   none.  Some servers do not need it to update the key. */
#define KEY "modid, cmdid, ip, port, caller"
#define ALL KEY ", succ_cnt, err_cnt, ts, overload"
static const struct {
	const char *rights, *lacks;
	bool key_only;
} grants[] = {
	{ "SELECT, INSERT, UPDATE", NULL, false },
	{ "SELECT, INSERT", "update " ALL, false },
	{ "SELECT, UPDATE", "insert " ALL, false },
	{ "INSERT, UPDATE", "select " ALL, false },
	{ "SELECT (" ALL "), INSERT (" ALL "), UPDATE (" ALL ")", NULL, false },
	{ "SELECT, INSERT, UPDATE (succ_cnt, err_cnt, ts)",
	    "update " KEY ", overload", false },
	{ "SELECT, INSERT (" ALL "), UPDATE (" KEY ", ts, overload)",
	    "update succ_cnt, err_cnt", false },
	{ "SELECT (" KEY ", ts, overload), INSERT, UPDATE",
	    "select succ_cnt, err_cnt", false },
	{ "SELECT (" ALL "), INSERT (" ALL "), UPDATE (succ_cnt, err_cnt, ts, "
	  "overload)",
	    "update " KEY, true },
};

static const char upsert[] =
    "INSERT INTO ServerCallStatus (" ALL
    ") VALUES (1,2,3,4,5,6,7,8,'0') ON DUPLICATE "
    "KEY UPDATE succ_cnt=6,err_cnt=7,overload='0',ts=VALUES(ts)";

/* Whether the server itself takes it from that account. */
static bool
server_accepts(const struct db_options *options)
{
	MYSQL *mysql = mysql_init(NULL);
	bool good =
	    mysql_real_connect(mysql, NULL, options->user, options->password,
		TEST_DATABASE, 0, options->socket, 0) != NULL &&
	    mysql_query(mysql, upsert) == 0;

	mysql_close(mysql);
	return good;
}

START_TEST(rights_are_looked_at)
{
	struct db_options options = fixture_options();
	char expected[512];

	make_table(SIGNED);
	admin_fails("DROP USER " ACCOUNT "@localhost");
	admin("CREATE USER " ACCOUNT "@localhost IDENTIFIED BY 'p'");
	admin("GRANT %s ON " TEST_DATABASE ".ServerCallStatus TO " ACCOUNT
	      "@localhost",
	    grants[_i].rights);
	options.user = ACCOUNT;
	options.password = "p";
	probe(&options);
	snprintf(expected, sizeof(expected),
	    "wrong: table ServerCallStatus: the account may not %s; expected "
	    "SELECT, INSERT and UPDATE, as in grants.sql\n",
	    grants[_i].lacks != NULL ? grants[_i].lacks : "");
	if (grants[_i].lacks == NULL ||
	    (grants[_i].key_only && server_accepts(&options)))
		ck_assert_msg(strncmp(said, "found: ", 7) == 0, "%s", said);
	else
		ck_assert_str_eq(said, expected);
	admin("DROP USER " ACCOUNT "@localhost");
}
END_TEST

/* In one of these MySQL's library refuses to escape a name, in another " is a
   quote. */
START_TEST(names_are_quoted_in_every_mode)
{
	static const char *const modes[] = { "NO_BACKSLASH_ESCAPES",
		"ANSI_QUOTES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "" };
	static const char *const names[] = { "it's", "a\\b", "a\"b", "a`b",
		"\\'" };
	struct db_options options = fixture_options();
	char init[128], table[64];

	make_table(SIGNED);
	admin_fails("DROP USER " ACCOUNT "@localhost");
	admin("CREATE USER " ACCOUNT "@localhost IDENTIFIED BY 'p'");
	admin("GRANT ALL ON " TEST_DATABASE ".* TO " ACCOUNT "@localhost");
	options.user = ACCOUNT;
	options.password = "p";
	snprintf(init, sizeof(init), "SET GLOBAL sql_mode = '%s'", modes[_i]);
	admin("%s", init);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *quoted = batch_quote(names[i]);

		admin("CREATE TABLE %s LIKE ServerCallStatus", quoted);
		snprintf(
		    table, sizeof(table), "%s.%s", TEST_DATABASE, names[i]);
		for (int full = 0; full < 2; full++) {
			options.table = full ? table : names[i];
			probe(&options);
			ck_assert_msg(
			    strncmp(said, "found: ", 7) == 0, "%s", said);
			struct db *db = open_db(&options);
			store(db, make_records(3, 7), 3, 9, NULL);
			db_free(db);
		}
		ck_assert_int_eq(
		    admin_number("SELECT COUNT(*) FROM %s", quoted), 3);
		free(quoted);
	}
	admin("SET GLOBAL sql_mode = DEFAULT; DROP USER " ACCOUNT "@localhost");
}
END_TEST

START_TEST(who_cannot_connect_is_told_why)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	options.user = "nobody-here";
	options.password = "p";
	probe(&options);
	expect("wrong: Access denied for user 'nobody-here'");
	ck_assert_int_eq(lines(), 1);
	options = fixture_options();
	options.socket = "/nonexistent/socket";
	probe(&options);
	expect("wrong: Can't connect to local ");
}
END_TEST

START_TEST(a_server_that_stands_by_is_not_wrong)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	admin("SET GLOBAL read_only = 1");
	probe(&options);
	admin("SET GLOBAL read_only = 0");
	expect("found: ");
	expect(", read-only\n");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("probe");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, fixture_open, fixture_close);
	tcase_add_loop_test(all, a_right_table_is_right, 0, 2);
	tcase_add_loop_test(all, a_fault_is_said, 0, COUNT(changes));
	tcase_add_loop_test(
	    all, what_does_no_harm_is_let_be, 0, COUNT(harmless));
	tcase_add_test(all, a_generated_column_cannot_be_written);
	tcase_add_test(all, all_faults_come_in_one_go);
	tcase_add_loop_test(all, rights_are_looked_at, 0, COUNT(grants));
	tcase_add_loop_test(all, names_are_quoted_in_every_mode, 0, 4);
	tcase_add_test(all, who_cannot_connect_is_told_why);
	tcase_add_test(all, a_server_that_stands_by_is_not_wrong);
	suite_add_tcase(suite, all);
	return fixture_main(suite);
}
