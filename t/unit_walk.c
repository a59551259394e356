/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/walk.c on a real server: every row is seen once, old ones
 * are removed, those that are updated meanwhile stay, each step costs the same.
 */
#include "config.h"

#include "sql/client.h"
#include "sql/walk.h"
#include "db_fixture.h"

#include <string.h>

#define NOW 1795364256
#define OLD 1795000000
#define STEPS 3
#define REMOVED 200 /* at most, by a step */
#define ROWS ((STEPS - 1) * WALK_ROWS + 17)

static struct walk walk;
static struct db *db;

#define DIGIT \
	"(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION " \
	"SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION " \
	"SELECT 8 UNION SELECT 9) AS "

/* ROWS rows with equal and with different numbers in each column of the key,
   of both signs; each third is old, one has no time. */
static void
fill(const char *type)
{
	bool negative = strcmp(type, SIGNED) == 0;

	admin("DROP TABLE ServerCallStatus");
	make_table(type);
	admin("ALTER TABLE ServerCallStatus MODIFY ts bigint(20) NULL");
	admin("INSERT INTO ServerCallStatus SELECT seq%%7-3, seq%%11-5, "
	      "seq%%13-%d, seq%%2, seq+%lld, 1, 1, IF(seq%%3=0,%d,%d), '1' "
	      "FROM (SELECT CAST(1 + a.n + 10*b.n + 100*c.n + 1000*d.n AS "
	      "SIGNED) AS seq FROM " DIGIT "a, " DIGIT "b, " DIGIT "c, " DIGIT
	      "d) AS s WHERE seq <= %d",
	    negative ? 6 : 0, negative ? -2000LL : 4294900000LL, OLD, NOW,
	    ROWS);
	admin("UPDATE ServerCallStatus SET ts=NULL WHERE caller=%lld",
	    negative ? -1997LL : 4294900003LL);
}

static void
begin(void)
{
	struct db_options options = fixture_options();

	fixture_open();
	make_table(SIGNED);
	db = open_db(&options);
	walk = (struct walk){ .removed = 0 };
}

static void
end(void)
{
	db_free(db);
	fixture_close();
}

static enum db_class
step(uint64_t before)
{
	return walk_step(db, "ServerCallStatus", &walk, before);
}

/* Walks to the end.  Returns how many rows were seen. */
static size_t
walk_all(uint64_t before, unsigned *steps)
{
	size_t seen = 0;

	for (*steps = 1;; ++*steps) {
		bool reads = walk_is_read(&walk);

		ck_assert_int_eq(step(before), DB_OK);
		seen += reads ? walk.rows : 0;
		if (walk.rows < WALK_ROWS && walk_is_read(&walk))
			return seen;
	}
}

START_TEST(old_rows_go_and_all_others_stay)
{
	unsigned steps;

	fill(_i == 0 ? SIGNED : UNSIGNED);
	ck_assert_uint_eq(walk_all(0, &steps), ROWS);
	ck_assert_uint_eq(steps, STEPS);
	ck_assert_uint_eq(walk.removed, 0);
	ck_assert_int_eq(
	    admin_number("SELECT COUNT(*) FROM ServerCallStatus"), ROWS);

	walk = (struct walk){ .removed = 5 };
	ck_assert_uint_eq(walk_all(OLD + 1, &steps), ROWS);
	ck_assert_uint_eq(walk.removed, 5 + ROWS / 3 - 1);
	ck_assert_int_eq(admin_number("SELECT COUNT(*) FROM ServerCallStatus "
				      "WHERE ts=%d",
			     NOW),
	    ROWS - ROWS / 3);
	ck_assert_int_eq(admin_number("SELECT COUNT(*) FROM ServerCallStatus"),
	    ROWS - ROWS / 3 + 1);
	walk = (struct walk){ .removed = 0 };
	ck_assert_uint_eq(walk_all(OLD, &steps), ROWS - ROWS / 3 + 1);
	ck_assert_uint_eq(walk.removed, 0);
}
END_TEST

START_TEST(times_are_those_of_the_rows)
{
	admin("ALTER TABLE ServerCallStatus MODIFY ts bigint(20) NULL");
	admin("INSERT INTO ServerCallStatus VALUES (1,1,1,1,1,1,1,5,'0'), "
	      "(1,1,-1,1,1,1,1,NULL,'0'), (-1,1,1,1,1,1,1,%d,'0')",
	    NOW);
	ck_assert_int_eq(step(0), DB_OK);
	ck_assert_uint_eq(walk.rows, 3);
	ck_assert_int_eq(walk.row[0].ts, NOW);
	ck_assert_int_eq(walk.row[1].ts, INT64_MAX);
	ck_assert_int_eq(walk.row[2].ts, 5);
	ck_assert_int_eq(step(0), DB_OK);
	ck_assert_uint_eq(walk.rows, 0);
}
END_TEST

START_TEST(a_row_that_is_updated_meanwhile_stays)
{
	admin("INSERT INTO ServerCallStatus VALUES (1,1,1,1,1,1,1,%d,'0'), "
	      "(1,1,2,1,1,1,1,%d,'0')",
	    OLD, OLD);
	ck_assert_int_eq(step(OLD + 1), DB_OK);
	ck_assert(!walk_is_read(&walk));
	/* It has read both as old. */
	admin("UPDATE ServerCallStatus SET ts=%d WHERE ip=2", NOW);
	ck_assert_int_eq(step(OLD + 1), DB_OK);
	ck_assert(walk_is_read(&walk));
	ck_assert_uint_eq(walk.removed, 1);
	ck_assert_str_eq(
	    admin_ask("SELECT ip, ts FROM ServerCallStatus"), "2 1795364256");
}
END_TEST

/* Rows that the server read for the statements of all sessions so far. */
static long long
rows_read(void)
{
	unsigned long version = server_version();

	return admin_number("SELECT SUM(VARIABLE_VALUE) FROM "
			    "%s WHERE "
			    "VARIABLE_NAME LIKE 'HANDLER_READ_%%' AND "
			    "VARIABLE_NAME NOT LIKE '%%RND%%'",
	    version >= 50700 && version < MARIADB
		? "performance_schema.global_status"
		: "information_schema.GLOBAL_STATUS");
}

START_TEST(each_step_reads_its_rows_only)
{
	/* MySQL reads the neighbors of a key as well. */
	long long removed = server_version() < MARIADB ? 4 * REMOVED : REMOVED;

	fill(SIGNED);
	do {
		bool reads = walk_is_read(&walk);
		long long before = rows_read();

		ck_assert_int_eq(step(OLD + 1), DB_OK);
		ck_assert_int_gt(rows_read(), before);
		ck_assert_int_le(rows_read() - before,
		    reads ? WALK_ROWS + 10 : removed + 10);
	} while (walk.rows == WALK_ROWS || !walk_is_read(&walk));
}
END_TEST

START_TEST(errors_leave_the_walk_where_it_was)
{
	fill(SIGNED);
	ck_assert_int_eq(step(0), DB_OK);
	struct walk before = walk;
	admin("RENAME TABLE ServerCallStatus TO elsewhere");
	ck_assert_int_eq(step(0), DB_HOLD);
	ck_assert_uint_eq(db_error(db)->number, ER_NO_SUCH_TABLE);
	ck_assert(db_connected(db));
	ck_assert_mem_eq(&walk, &before, sizeof(walk));
	admin("RENAME TABLE elsewhere TO ServerCallStatus");
	/* Text in place of a number does not get into a statement. */
	admin("ALTER TABLE ServerCallStatus MODIFY caller VARCHAR(50)");
	admin("UPDATE ServerCallStatus SET caller='5000 OR 1=1', ts=%d "
	      "ORDER BY modid DESC, cmdid DESC, ip DESC, port DESC, "
	      "caller DESC LIMIT 1",
	    OLD);
	ck_assert_int_eq(step(0), DB_OK);
	ck_assert_int_eq(step(OLD + 1), DB_OK);
	if (step(OLD + 1) != DB_OK) {
		/* MySQL does not even compare it. */
		ck_assert_uint_lt(server_version(), MARIADB);
		ck_assert_uint_eq(db_error(db)->number, 1292);
		return;
	}
	ck_assert_uint_eq(walk.removed, 1 + ROWS % WALK_ROWS / 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("walk");
	TCase *c = tcase_create("walk");

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, old_rows_go_and_all_others_stay, 0, 2);
	tcase_add_test(c, times_are_those_of_the_rows);
	tcase_add_test(c, a_row_that_is_updated_meanwhile_stays);
	tcase_add_test(c, each_step_reads_its_rows_only);
	tcase_add_test(c, errors_leave_the_walk_where_it_was);
	suite_add_tcase(suite, c);
	return fixture_main(suite);
}
