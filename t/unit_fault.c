/* SPDX-License-Identifier: MIT
 *
 * Check suite of t/fault_db.c, and of sql/db.c under pretended failures, on a
 * real server.  Built with REPORTER_FAULTS.
 */
#include "config.h"

#include "db_fixture.h"
#include "sql/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 10000

/* Draws CALLS times in a process of its own, as Check forks each test. */
static void
draw(const char *settings, const char *call, unsigned *numbers)
{
	setenv("REPORTER_FAULT_DB", settings, 1);
	for (int i = 0; i < CALLS; i++)
		numbers[i] = fault_db(call);
}

static unsigned
count(const unsigned *numbers, unsigned number)
{
	unsigned n = 0;

	for (int i = 0; i < CALLS; i++)
		n += numbers[i] == number;
	return n;
}

START_TEST(failures_come_at_the_rate_asked_for)
{
	static unsigned numbers[CALLS];
	unsigned late = 0;

	draw("rate=100,seed=5,errors=1213:2013", "query", numbers);
	ck_assert_uint_gt(count(numbers, 1213), 400);
	ck_assert_uint_lt(count(numbers, 1213), 600);
	ck_assert_uint_gt(count(numbers, 2013), 400);
	ck_assert_uint_lt(count(numbers, 2013), 600);
	ck_assert_uint_eq(
	    count(numbers, 0) + count(numbers, 1213) + count(numbers, 2013),
	    CALLS);
	for (int i = 0; i < 1000; i++) {
		late += fault_late(2013);
		ck_assert(!fault_late(1213));
	}
	ck_assert_uint_gt(late, 400);
	ck_assert_uint_lt(late, 600);
}
END_TEST

/* Draws in a child, since a process reads its settings once. */
static unsigned *
draw_apart(const char *settings, const char *call)
{
	size_t size = CALLS * sizeof(unsigned);
	unsigned *numbers = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	ck_assert_ptr_ne(numbers, MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		draw(settings, call, numbers);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return numbers;
}

START_TEST(the_same_seed_gives_the_same_failures)
{
	static const char same[] = "rate=500,seed=7,errors=2013:1205";
	const unsigned *a = draw_apart(same, "query");
	const unsigned *b = draw_apart(same, "query");
	const unsigned *c =
	    draw_apart("rate=500,seed=8,errors=2013:1205", "query");

	ck_assert_mem_eq(a, b, CALLS * sizeof(*a));
	ck_assert_mem_ne(a, c, CALLS * sizeof(*a));
}
END_TEST

START_TEST(failures_can_be_kept_to_some_calls)
{
	static const char some[] = "rate=1000,seed=1,errors=5,calls=query:ping";

	ck_assert_uint_eq(count(draw_apart(some, "query"), 5), CALLS);
	ck_assert_uint_eq(count(draw_apart(some, "ping"), 5), CALLS);
	ck_assert_uint_eq(count(draw_apart(some, "que"), 5), 0);
	ck_assert_uint_eq(count(draw_apart(some, "execute"), 5), 0);
}
END_TEST

START_TEST(without_settings_nothing_is_pretended)
{
	unsetenv("REPORTER_FAULT_DB");
	for (int i = 0; i < CALLS; i++)
		ck_assert_uint_eq(fault_db("query"), 0);
}
END_TEST

/* Repeating whatever fails brings everything to the table, and only what was
   given; all classes of failure are met. */
START_TEST(whatever_fails_repeating_stores_all)
{
	struct db_options options = fixture_options();
	const struct record *const *all;
	struct record *r = make_records(20000, 1000);
	unsigned met[DB_CLASSES] = { 0 };
	uint64_t clamped = 0;
	struct db *db;
	size_t sent;

	make_table(SIGNED);
	setenv("REPORTER_FAULT_DB",
	    "rate=200,seed=3,errors=1213:2013:1205:1290:1021:1153:1146:1365",
	    1);
	options.max_rows = 100;
	options.text_only = _i == 0;
	options.hosts = (char *[]){ (char[]){ "localhost" },
		(char[]){ "localhost" }, NULL };
	db = db_new(&options);
	r[0].succ = r[10000].succ = UINT32_MAX;
	all = pointers(r, 20000);
	for (size_t at = 0; at < 20000;) {
		enum db_class kind = DB_OK;

		sent = 0;
		if (!db_connected(db))
			kind = db_connect(db);
		if (kind == DB_OK)
			kind = db_upsert(db, all + at, 20000 - at,
			    RECORD_TS_MAX, &clamped, &sent);
		met[kind]++;
		ck_assert(kind == DB_OK || db_error(db)->kind == kind);
		ck_assert(
		    db_connected(db) || (kind != DB_OK && kind != DB_REFUSED));
		if (kind == DB_OK)
			at += sent;
	}
	ck_assert_uint_eq(clamped, 2);
	for (int i = 0; i < DB_CLASSES; i++)
		ck_assert_msg((met[i] > 0) == (i != DB_REFUSED), "class %d", i);
	ck_assert_str_eq(admin_ask("SELECT COUNT(*), MAX(ip), MIN(ts), MAX(ts) "
				   "FROM ServerCallStatus"),
	    "20000 19999 1000 1000");
	db_free(db);
}
END_TEST

/* What the other end says before there is a connection, a proxy perhaps, is no
   reason to divide rows or to set them aside. */
START_TEST(no_row_is_refused_while_connecting)
{
	static const unsigned numbers[] = { 1153, 1644, 1365 };
	static const char *const calls[] = { "connect", "query" };
	struct db_options options = fixture_options();
	char settings[80];
	struct db *db;

	make_table(SIGNED);
	snprintf(settings, sizeof(settings),
	    "rate=1000,seed=1,errors=%u,calls=%s", numbers[_i / 2],
	    calls[_i % 2]);
	setenv("REPORTER_FAULT_DB", settings, 1);
	db = db_new(&options);
	ck_assert_int_eq(db_connect(db), DB_HOLD);
	ck_assert_int_eq(db_error(db)->kind, DB_HOLD);
	ck_assert_uint_eq(db_error(db)->number, numbers[_i / 2]);
	ck_assert(!db_connected(db));
	db_free(db);
}
END_TEST

/* Half of the lost connections come after the commit. */
START_TEST(an_answer_may_be_lost_after_the_commit)
{
	struct db_options options = fixture_options();
	/* A whole statement of the prepared form. */
	size_t sent, failed = 0, n = _i == 0 ? 1 : 250;
	struct record *r = make_records(100 * n, 1000);
	const struct record *const *all = pointers(r, 100 * n);
	uint64_t clamped = 0;
	struct db *db;

	make_table(SIGNED);
	setenv("REPORTER_FAULT_DB",
	    _i == 0 ? "rate=1000,seed=3,errors=2013,calls=insert"
		    : "rate=1000,seed=3,errors=2013,calls=execute",
	    1);
	options.text_only = _i == 0;
	db = db_new(&options);
	for (; failed < 100; failed++) {
		ck_assert_int_eq(db_connect(db), DB_OK);
		ck_assert_int_eq(db_upsert(db, all + failed * n, n,
				     RECORD_TS_MAX, &clamped, &sent),
		    DB_RECONNECT);
	}
	ck_assert_int_gt(admin_number("SELECT COUNT(*) FROM ServerCallStatus"),
	    30 * (long long)n);
	ck_assert_int_lt(admin_number("SELECT COUNT(*) FROM ServerCallStatus"),
	    70 * (long long)n);
	db_free(db);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fault");
	TCase *alone = tcase_create("alone");
	TCase *served = tcase_create("served");

	tcase_add_test(alone, failures_come_at_the_rate_asked_for);
	tcase_add_test(alone, the_same_seed_gives_the_same_failures);
	tcase_add_test(alone, failures_can_be_kept_to_some_calls);
	tcase_add_test(alone, without_settings_nothing_is_pretended);
	suite_add_tcase(suite, alone);
	tcase_set_timeout(served, 60);
	tcase_add_checked_fixture(served, fixture_open, fixture_close);
	tcase_add_loop_test(served, whatever_fails_repeating_stores_all, 0, 2);
	tcase_add_loop_test(served, no_row_is_refused_while_connecting, 0, 4);
	tcase_add_loop_test(
	    served, an_answer_may_be_lost_after_the_commit, 0, 2);
	suite_add_tcase(suite, served);
	return fixture_main(suite);
}
