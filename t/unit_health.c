/* SPDX-License-Identifier: MIT
 *
 * A status judged against limits.
 */
#include "config.h"

#include "health.h"
#include "suite.h"

#include <check.h>

static struct status status;
static struct health_limits limits;
static char text[1024];

static void
make_well(void)
{
	memset(&status, 0, sizeof(status));
	limits = health_defaults;
	strcpy(status.instance, "x");
	status.running = true;
	status.generation = 3;
	status.now = 1000000;
	status.connections = 12;
	status.count = 3;
	for (unsigned i = 0; i < 3; i++) {
		struct status_worker *w = &status.workers[i];

		w->slot = i;
		w->generation = 3;
		w->state = "running";
		w->ring_records = 1000;
		w->table_keys = 1000;
	}
	/* One that empties itself after a reload is no fault. */
	status.workers[2].generation = 2;
	status.workers[2].state = "finishing";
}

static enum health
judge(void)
{
	return health_judge(&status, &limits, text, sizeof(text));
}

#define HAS(part) \
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in %s", part, text)

START_TEST(well_is_ok)
{
	make_well();
	ck_assert_int_eq(judge(), HEALTH_OK);
	ck_assert_str_eq(text,
	    "2 of 2 workers run, 12 connections, 0.0 records/s received, "
	    "0.0/s stored | flush_age=0s;30;120;0 queued=0%;50;90;0;100 "
	    "pending=0%;80;95;0;100 down=0;;0;0 dead_letter=0c;0;;0 "
	    "dropped=0c;0;;0 connections=12;;;0 received=0c;;;0 "
	    "stored=0c;;;0");
}
END_TEST

START_TEST(each_measure_has_its_limits)
{
	struct status_worker *w = &status.workers[1];

	make_well();
	w->pending = 1;
	w->waiting_since = status.now - 30;
	ck_assert_int_eq(judge(), HEALTH_OK);
	w->waiting_since--;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("31 seconds without a commit while keys are pending, ");
	w->waiting_since = status.now - 121;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("pending (critical), ");

	make_well();
	w->queued = 500;
	ck_assert_int_eq(judge(), HEALTH_OK);
	w->queued = 501;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("50.1 % of a ring in use, ");
	w->queued = 901;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);

	make_well();
	w->pending = 801;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	w->pending = 951;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);

	make_well();
	status.records.dead_letter = 1;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	status.records.dead_letter = 0;
	status.records.dropped = 123456789;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("dropped=123456789c;0;;0");
}
END_TEST

START_TEST(a_worker_that_does_not_run_is_critical)
{
	unsigned down;

	make_well();
	status.workers[0].state = "waiting";
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("1 workers do not run (critical), 1 of 2 workers run");
	make_well();
	status.workers[1].trouble = "damaged";
	ck_assert_uint_eq(health_workers(&status, &down), 2);
	ck_assert_uint_eq(down, 1);
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
}
END_TEST

START_TEST(no_reporter_is_critical_and_a_refused_reload_a_warning)
{
	make_well();
	status.reload_failed = true;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("the last reload was refused, ");
	status.running = false;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	ck_assert_str_eq(text, "instance x is not running");
}
END_TEST

START_TEST(limits_are_read)
{
	static const char *const bad[] = { "", "queued", "queue=1", "queued=x",
		"queued=-1", "queued=1x", "queued= 1", "queued=1,",
		"queued=nan", "queued=1e99", "=1", ",queued=1" };
	char reason[256];

	make_well();
	ck_assert(health_parse(limits.warning,
	    "queued=7.5,dead_letter=,flush_age=0", reason, sizeof(reason)));
	ck_assert_double_eq(limits.warning[HEALTH_QUEUED], 7.5);
	ck_assert_double_eq(
	    limits.warning[HEALTH_DEAD_LETTER], HEALTH_NO_LIMIT);
	ck_assert_double_eq(limits.warning[HEALTH_FLUSH_AGE], 0);
	ck_assert_double_eq(limits.warning[HEALTH_PENDING], 80);
	status.records.dead_letter = 5;
	ck_assert_int_eq(judge(), HEALTH_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		*reason = '\0';
		ck_assert_msg(!health_parse(limits.warning, bad[i], reason,
				  sizeof(reason)),
		    "\"%s\" was taken", bad[i]);
		ck_assert_str_ne(reason, "");
	}
}
END_TEST

START_TEST(a_line_too_long_is_cut)
{
	char small[20];

	make_well();
	health_judge(&status, &limits, small, sizeof(small));
	ck_assert_str_eq(small, "2 of 2 workers run,");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("health");
	TCase *tcase = tcase_create("health");

	tcase_add_test(tcase, well_is_ok);
	tcase_add_test(tcase, each_measure_has_its_limits);
	tcase_add_test(tcase, a_worker_that_does_not_run_is_critical);
	tcase_add_test(
	    tcase, no_reporter_is_critical_and_a_refused_reload_a_warning);
	tcase_add_test(tcase, limits_are_read);
	tcase_add_test(tcase, a_line_too_long_is_cut);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
