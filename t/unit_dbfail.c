/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/db.c on a real server: what goes wrong, by class; the
 * choice of the host; limits of time.
 */
#include "config.h"

#include "sql/client.h"
#include "db_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAR RECORD_TS_MAX
#define PASSWORD "do-not-tell-anyone"

/* Connecting must fail in this way. */
static void
expect_no_connection(
    const struct db_options *options, enum db_class kind, unsigned number)
{
	struct db *db = db_new(options);

	ck_assert_int_eq(db_connect(db), kind);
	ck_assert_int_eq(db_error(db)->kind, kind);
	ck_assert_msg(number == 0 || db_error(db)->number == number, "%u: %s",
	    db_error(db)->number, db_error(db)->text);
	ck_assert_str_ne(db_error(db)->text, "");
	ck_assert_ptr_null(strstr(db_error(db)->text, PASSWORD));
	ck_assert(!db_connected(db));
	db_free(db);
}

/* Storing must fail in this way; way 0 as text, 1 by bulk execution. */
static void
expect_failure(struct db *db, enum db_class kind, unsigned number)
{
	struct record *r = make_records(MANY, 1000);
	uint64_t clamped = 0;
	size_t sent;

	r[0].succ = UINT32_MAX;
	ck_assert_int_eq(
	    db_upsert(db, pointers(r, MANY), MANY, FAR, &clamped, &sent), kind);
	ck_assert_int_eq(db_error(db)->kind, kind);
	ck_assert_msg(number == 0 || db_error(db)->number == number, "%u: %s",
	    db_error(db)->number, db_error(db)->text);
	ck_assert_str_ne(db_error(db)->text, "");
	ck_assert_uint_eq(clamped, 0);
	ck_assert(
	    db_connected(db) == (kind != DB_RECONNECT && kind != DB_NEXT_HOST));
}

static struct db *
open_way(int way)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	options.text_only = way == 0;
	return open_db(&options);
}

START_TEST(what_is_wrong_when_connecting)
{
	struct db_options right = fixture_options(), options = right;

	options.socket = "/nonexistent/socket";
	expect_no_connection(&options, DB_RECONNECT, CR_CONNECTION_ERROR);
	/* For an account that it has not, MySQL makes up a way to log in. */
	admin_fails("DROP USER r@localhost");
	admin("CREATE USER r@localhost IDENTIFIED BY 'right'");
	options = right;
	options.user = "r";
	options.password = PASSWORD;
	expect_no_connection(&options, DB_HOLD, ER_ACCESS_DENIED_ERROR);
	admin("DROP USER r@localhost");
	options = right;
	options.database = "no_such_database";
	expect_no_connection(&options, DB_HOLD, ER_BAD_DB_ERROR);
	options = right;
	options.defaults_file = "/nonexistent/file";
	expect_no_connection(&options, DB_HOLD, 0);
	options = right;
	options.hosts = (char *[]){ (char[]){ "bad:port" }, NULL };
	expect_no_connection(&options, DB_HOLD, 0);
}
END_TEST

START_TEST(what_is_wrong_with_the_table)
{
	struct db_options options = fixture_options();

	expect_no_connection(&options, DB_HOLD, ER_NO_SUCH_TABLE);
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus DROP COLUMN overload");
	expect_no_connection(&options, DB_HOLD, ER_BAD_FIELD_ERROR);
	admin("DROP TABLE ServerCallStatus");
	make_table(SIGNED);
	admin("ALTER TABLE ServerCallStatus DROP PRIMARY KEY");
	expect_no_connection(&options, DB_HOLD, 0);
	admin("ALTER TABLE ServerCallStatus ADD PRIMARY KEY (modid, cmdid)");
	expect_no_connection(&options, DB_HOLD, 0);
}
END_TEST

START_TEST(a_packet_too_small_for_any_statement)
{
	struct db_options options = fixture_options();

	make_table(SIGNED);
	admin("SET GLOBAL max_allowed_packet = 4096");
	expect_no_connection(&options, DB_HOLD, 0);
	admin("SET GLOBAL max_allowed_packet = 5120");
	db_free(open_db(&options));
}
END_TEST

START_TEST(not_connected)
{
	struct db_options options = fixture_options();
	struct db *db = db_new(&options);

	expect_failure(db, DB_RECONNECT, CR_SERVER_GONE_ERROR);
	db_free(db);
	db_free(NULL);
}
END_TEST

START_TEST(the_table_goes_away)
{
	struct db *db = open_way(_i);

	admin("DROP TABLE ServerCallStatus");
	expect_failure(db, DB_HOLD, ER_NO_SUCH_TABLE);
	/* And is back: the same connection serves, another horizon too. */
	make_table(UNSIGNED);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	store(db, make_records(MANY, 1), MANY, FAR - 1, NULL);
	db_free(db);
}
END_TEST

START_TEST(rights_are_taken_away)
{
	struct db_options options = fixture_options();
	struct db *db;

	make_table(SIGNED);
	admin_fails("DROP USER r@localhost");
	admin("CREATE USER r@localhost");
	admin("GRANT SELECT, INSERT, UPDATE ON " TEST_DATABASE
	      ".ServerCallStatus TO r@localhost");
	options.user = "r";
	options.text_only = _i == 0;
	db = open_db(&options);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	admin("REVOKE UPDATE ON " TEST_DATABASE
	      ".ServerCallStatus FROM r@localhost");
	expect_failure(db, DB_HOLD, 0);
	db_free(db);
	admin("DROP USER r@localhost");
}
END_TEST

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Connect until it succeeds: that waits for the end of a session that was lost,
   which may be later than the client notices.  Returns the seconds it took. */
static double
connect_at_last(struct db *db)
{
	double began = now();
	enum db_class kind;

	do {
		kind = db_connect(db);
		ck_assert(kind == DB_OK || kind == DB_RECONNECT);
	} while (kind != DB_OK && now() - began < 20);
	ck_assert_msg(kind == DB_OK, "%s", db_error(db)->text);
	return now() - began;
}

START_TEST(a_killed_connection_is_made_again)
{
	struct db_options options = fixture_options();
	struct db *db;

	make_table(SIGNED);
	options.text_only = _i == 0;
	/* MySQL 5.6 may list a killed session for longer than 20 seconds; after
	   this time it is not waited for. */
	options.read_timeout_ms = 5000;
	db = open_db(&options);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	admin("KILL %lld",
	    /* One of the test before may be there still. */
	    admin_number("SELECT MAX(id) FROM information_schema.PROCESSLIST "
			 "WHERE id <> CONNECTION_ID() AND user = 'root'"));
	expect_failure(db, DB_RECONNECT, 0);
	expect_failure(db, DB_RECONNECT, CR_SERVER_GONE_ERROR);
	connect_at_last(db);
	store(db, make_records(MANY, 2), MANY, FAR, NULL);
	ck_assert_int_eq(
	    admin_number("SELECT MIN(ts) FROM ServerCallStatus"), 2);
	db_free(db);
}
END_TEST

START_TEST(a_read_only_server_is_left)
{
	struct db_options options = fixture_options();
	struct db *db;

	/* Seen by what a statement says. */
	make_table(SIGNED);
	admin_fails("DROP USER r@localhost");
	admin("CREATE USER r@localhost");
	admin("GRANT SELECT, INSERT, UPDATE ON " TEST_DATABASE
	      ".ServerCallStatus TO r@localhost");
	options.user = "r";
	options.text_only = _i == 0;
	options.hosts = (char *[]){ (char[]){ "localhost" },
		(char[]){ "127.0.0.1:1" }, NULL };
	db = open_db(&options);
	admin("SET GLOBAL read_only = 1");
	expect_failure(db, DB_NEXT_HOST, ER_OPTION_PREVENTS_STATEMENT);
	ck_assert_int_eq(db_connect(db), DB_RECONNECT);
	ck_assert_str_eq(db_host(db), "127.0.0.1:1");
	/* Seen by a look when connecting. */
	ck_assert_int_eq(db_connect(db), DB_NEXT_HOST);
	ck_assert_str_eq(db_host(db), options.socket);
	ck_assert(!db_connected(db));
	admin("SET GLOBAL read_only = 0");
	ck_assert_int_eq(db_connect(db), DB_RECONNECT);
	ck_assert_int_eq(db_connect(db), DB_OK);
	db_free(db);
	admin("DROP USER r@localhost");
}
END_TEST

START_TEST(what_worked_last_comes_first)
{
	struct db_options options = fixture_options();
	struct db *db;

	make_table(SIGNED);
	options.hosts = (char *[]){ (char[]){ "127.0.0.1:1" },
		(char[]){ "[::1]:1" }, (char[]){ "localhost" }, NULL };
	db = db_new(&options);
	ck_assert_int_eq(db_connect(db), DB_RECONNECT);
	ck_assert_str_eq(db_host(db), "127.0.0.1:1");
	ck_assert_int_eq(db_connect(db), DB_RECONNECT);
	ck_assert_str_eq(db_host(db), "[::1]:1");
	ck_assert_int_eq(db_connect(db), DB_OK);
	ck_assert_str_eq(db_host(db), options.socket);
	db_close(db);
	ck_assert(!db_connected(db));
	ck_assert_int_eq(db_connect(db), DB_OK);
	ck_assert_str_eq(db_host(db), options.socket);
	db_free(db);
}
END_TEST

START_TEST(a_trigger_refuses_a_row)
{
	struct db *db = open_way(_i);

	admin("CREATE TRIGGER no BEFORE INSERT ON ServerCallStatus FOR EACH "
	      "ROW BEGIN IF NEW.ip = 100 THEN SIGNAL SQLSTATE '45000' "
	      "SET MESSAGE_TEXT = 'not this one'; END IF; END");
	expect_failure(db, DB_REFUSED, ER_SIGNAL_EXCEPTION);
	ck_assert_str_eq(db_error(db)->text, "not this one");
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), 0);
	store(db, make_records(100, 1), 100, FAR, NULL);
	db_free(db);
}
END_TEST

START_TEST(a_locked_row_is_for_smaller_batches)
{
	struct db *db;

	admin("SET GLOBAL innodb_lock_wait_timeout = 1");
	db = open_way(_i);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	admin("BEGIN; SELECT * FROM ServerCallStatus WHERE modid=1 AND cmdid=2 "
	      "AND ip=100 FOR UPDATE");
	expect_failure(db, DB_SPLIT, ER_LOCK_WAIT_TIMEOUT);
	admin("ROLLBACK");
	store(db, make_records(MANY, 2), MANY, FAR, NULL);
	ck_assert_int_eq(
	    admin_number("SELECT MIN(ts) FROM ServerCallStatus"), 2);
	db_free(db);
}
END_TEST

/* Wait until a stop signal has reached each thread of a process. */
static void
server_stands_still(pid_t pid)
{
	char command[128];

	snprintf(command, sizeof(command),
	    "for i in $(seq 500); do cat /proc/%d/task/*/stat | "
	    "grep -qv ') T ' || exit 0; sleep 0.01; done; exit 1",
	    (int)pid);
	if (system(command) != 0)
		fprintf(stderr, "the server does not stand still\n");
}

START_TEST(a_server_that_hangs_has_a_limit)
{
	struct db_options options = fixture_options();
	double began, stored, connected;
	enum db_class kind, again;
	struct record *r = make_records(MANY, 1);
	uint64_t clamped = 0;
	size_t sent;
	struct db *db;

	make_table(SIGNED);
	options.text_only = _i == 0;
	options.read_timeout_ms = 900;
	options.connect_timeout_ms = 1000;
	db = open_db(&options);
	store(db, r, MANY, FAR, NULL);
	pointers(r, MANY);

	/* No assertion before it goes on: others use this server, too. */
	kill(fixture_server()->pid, SIGSTOP);
	/* It is no child of a forked test, so look at its threads. */
	server_stands_still(fixture_server()->pid);
	began = now();
	kind = db_upsert(db, pointers(r, MANY), MANY, FAR, &clamped, &sent);
	stored = now();
	again = db_connect(db);
	connected = now();
	kill(fixture_server()->pid, SIGCONT);

	ck_assert_int_eq(kind, DB_RECONNECT);
	ck_assert_int_eq(again, DB_RECONNECT);
	/* MySQL's library waits up to three times as long as it is told. */
	ck_assert_double_ge(stored - began, 0.9);
	ck_assert_double_lt(stored - began, 4);
	ck_assert_double_lt(connected - stored, 4);
	connect_at_last(db);
	store(db, r, MANY, FAR, NULL);
	db_free(db);
}
END_TEST

/* What outlives a worker, as in its segment. */
struct words {
	counter session, mark;
};

static struct words *
make_words(void)
{
	struct words *words = mmap(NULL, sizeof(*words), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(words, MAP_FAILED);
	return words;
}

static struct db *
successor(struct words *words, unsigned read_timeout_ms)
{
	struct db_options options = fixture_options();

	options.session = &words->session;
	options.session_mark = &words->mark;
	options.read_timeout_ms = read_timeout_ms;
	return db_new(&options);
}

#define UNDER_WAY \
	"SELECT COUNT(*) FROM information_schema.PROCESSLIST " \
	"WHERE COMMAND NOT IN ('Sleep', 'Daemon') AND ID <> CONNECTION_ID()"

static void
wait_until(const char *question, long long wanted)
{
	double began = now();

	while (admin_number("%s", question) != wanted) {
		ck_assert_msg(now() - began < 20, "%s: not %lld in time",
		    question, wanted);
		usleep(10000);
	}
}

/* The batch of a worker waits for a row when the worker is killed, or hangs;
   the next one stores another row of it, with the same ts. */
START_TEST(a_late_statement_turns_nothing_back)
{
	struct words *words = make_words();
	struct record *r = make_records(MANY, 1000);
	const struct record *const *all = pointers(r, MANY);
	struct db *db = successor(words, 20000);
	uint64_t clamped = 0;
	size_t sent;
	double took;
	pid_t child;

	make_table(SIGNED);
	connect_at_last(db);
	store(db, r, MANY, FAR, NULL);
	db_close(db);
	ck_assert_uint_eq(counter_get(&words->session), 0);
	all = pointers(r, MANY);
	admin("BEGIN; SELECT * FROM ServerCallStatus WHERE modid=1 AND cmdid=2 "
	      "AND ip=%u FOR UPDATE",
	    r[0].ip);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < MANY; i++)
			r[i].succ = 10;
		if (db_connect(db) == DB_OK)
			db_upsert(db, all, MANY, FAR, &clamped, &sent);
		_exit(1);
	}
	wait_until(UNDER_WAY " AND INFO LIKE 'INSERT%%'", 1);
	kill(child, _i == 0 ? SIGKILL : SIGSTOP);
	took = connect_at_last(db);
	r[1].succ = 20;
	ck_assert_int_eq(
	    db_upsert(db, all + 1, 1, FAR, &clamped, &sent), DB_OK);
	ck_assert_double_lt(took, 5);
	admin("ROLLBACK");
	wait_until(UNDER_WAY, 0);
	ck_assert_int_eq(admin_number("SELECT succ_cnt FROM ServerCallStatus "
				      "WHERE ip=%u",
			     r[1].ip),
	    20);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	db_free(db);
	ck_assert_uint_eq(counter_get(&words->session), 0);
	munmap(words, sizeof(*words));
}
END_TEST

/* Its number is known, and not whose it is. */
START_TEST(a_session_of_somebody_else_is_let_be)
{
	struct words *words = make_words();
	struct db *db = successor(words, 1000);

	make_table(SIGNED);
	counter_set(
	    &words->session, (uint64_t)admin_number("SELECT CONNECTION_ID()"));
	counter_set(&words->mark, 1);
	ck_assert_double_lt(connect_at_last(db), 1);
	admin("SELECT 1");
	ck_assert_uint_eq(counter_get(&words->session),
	    (uint64_t)admin_number("SELECT id FROM "
				   "information_schema.PROCESSLIST WHERE id <> "
				   "CONNECTION_ID() AND user = 'root'"));
	db_free(db);
	munmap(words, sizeof(*words));
}
END_TEST

/* A statement ends before its worker stops waiting. */
START_TEST(a_statement_ends_in_time)
{
	struct db_options options = fixture_options();
	struct db *db;
	double began;

	options.read_timeout_ms = 2000;
	make_table(SIGNED);
	if (strstr(admin_ask("SELECT VERSION()"), "MariaDB") == NULL)
		return;
	admin("SET GLOBAL innodb_lock_wait_timeout = 50");
	db = open_db(&options);
	store(db, make_records(MANY, 1), MANY, FAR, NULL);
	admin("BEGIN; SELECT * FROM ServerCallStatus FOR UPDATE");
	began = now();
	expect_failure(db, DB_SPLIT, 0);
	ck_assert_double_lt(now() - began, 1.95);
	ck_assert(db_connected(db));
	admin("ROLLBACK");
	db_free(db);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dbfail");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, fixture_open, fixture_close);
	tcase_add_test(all, what_is_wrong_when_connecting);
	tcase_add_test(all, what_is_wrong_with_the_table);
	tcase_add_test(all, a_packet_too_small_for_any_statement);
	tcase_add_test(all, not_connected);
	tcase_add_loop_test(all, the_table_goes_away, 0, 2);
	tcase_add_loop_test(all, rights_are_taken_away, 0, 2);
	tcase_add_loop_test(all, a_killed_connection_is_made_again, 0, 2);
	tcase_add_loop_test(all, a_read_only_server_is_left, 0, 2);
	tcase_add_test(all, what_worked_last_comes_first);
	tcase_add_loop_test(all, a_trigger_refuses_a_row, 0, 2);
	tcase_add_loop_test(all, a_locked_row_is_for_smaller_batches, 0, 2);
	tcase_add_loop_test(all, a_server_that_hangs_has_a_limit, 0, 2);
	tcase_add_loop_test(all, a_late_statement_turns_nothing_back, 0, 2);
	tcase_add_test(all, a_session_of_somebody_else_is_let_be);
	tcase_add_test(all, a_statement_ends_in_time);
	suite_add_tcase(suite, all);
	return fixture_main(suite);
}
