/* SPDX-License-Identifier: MIT
 *
 * A status judged against limits.
 */
#include "config.h"

#include "status/health.h"
#include "suite.h"

#include <check.h>
#include <math.h>

static struct status status;
static struct health_limits limits;
static char text[HEALTH_TEXT_MAX];

static void
make_well(void)
{
	memset(&status, 0, sizeof(status));
	health_defaults(&limits);
	strcpy(status.instance, "x");
	status.running = true;
	status.generation = 3;
	status.now = 1000000;
	status.master_age = 0.444;
	status.input.connections = 12;
	status.count = 3;
	for (unsigned i = 0; i < 3; i++) {
		struct status_worker *w = &status.workers[i];

		w->slot = i;
		w->generation = 3;
		w->state = "running";
		w->running = true;
		w->ring_records = 1000;
		w->table_keys = 1000;
		w->connected = true;
		strcpy(w->host, "db1:3306");
	}
	/* One that empties itself after a reload is no fault. */
	status.workers[2].generation = 2;
	status.workers[2].state = "finishing";
	status.workers[2].running = false;
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
	    "2 of 2 workers running, 12 connections, 0.0 records/s received, "
	    "0.0/s stored, database db1:3306 | "
	    "flush_age=0s;30;120;0 queued=0%;50;90;0;100 "
	    "pending=0%;80;95;0;100 down=0;;0;0 blocked=0;;0;0 "
	    "disconnected=0s;30;120;0 clock_skew=0s;30;60;0 stalled=0;0;;0 "
	    "master_age=0.4s;10;60;0 "
	    "dead_letter_age=U;3600:;;0 dropped_age=U;3600:;;0 "
	    "restart_age=U;3600:;;0 restarts=0c;;;0 "
	    "dead_lost_age=U;;3600:;0 "
	    "dead_letter=0c;;;0 dropped=0c;;;0 connections=12;;;0 "
	    "received=0c;;;0 stored=0c;;;0");
}
END_TEST

START_TEST(each_measure_has_its_limits)
{
	struct status_worker *w = &status.workers[1];

	make_well();
	w->pending = 1;
	w->lag = 30;
	ck_assert_int_eq(judge(), HEALTH_OK);
	w->lag++;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("31 seconds without a commit while keys are pending, ");
	w->lag = 121;
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
	w->started = status.now - 3599;
	ck_assert_int_eq(judge(), HEALTH_OK);
	w->restarts = 2;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("3599 seconds since a worker was restarted after it died, ");
	HAS("restart_age=3599s;3600:;;0 restarts=2c;;;0");
	w->started--;
	ck_assert_int_eq(judge(), HEALTH_OK);

	make_well();
	status.master_age = 10.1;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("10.1 seconds without a response of the master, ");
	status.master_age = 200000;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("master_age=200000s;");

	make_well();
	w->connected = false;
	w->host[0] = '\0';
	w->apart = 30;
	ck_assert_int_eq(judge(), HEALTH_OK);
	HAS(", database db1:3306 |");
	w->apart = 31;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("31 seconds without a connection to the database, ");
	w->apart = 121;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);

	make_well();
	w->pid = 7;
	w->flush.blocked_since = status.now;
	w->flush.last_error_number = 1045;
	memcpy(w->flush.last_error, "Access denied", 14);
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("1 worker refused by the database (critical), "
	    "error 1045: Access denied, ");

	make_well();
	w->flush.clock_skew = 31;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("31 seconds between the clocks of the database and of this "
	    "machine, ");
	w->flush.clock_skew = 61;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);

	make_well();
	w->stalled = true;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("1 worker not draining the ring, ");
}
END_TEST

START_TEST(a_refused_record_that_was_lost_is_critical)
{
	make_well();
	status.input.last_dead_lost_ts = status.now - 1;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("1 second since a refused record was lost (critical)");
	status.input.last_dead_lost_ts = status.now - 3600;
	ck_assert_int_eq(judge(), HEALTH_OK);
}
END_TEST

/* What was lost is a fault for an hour, and then is none any more. */
START_TEST(a_loss_is_a_fault_that_recovers)
{
	counter *const lost[] = { &status.input.last_dead_letter_ts,
		&status.input.last_dropped_ts };

	for (int i = 0; i < 2; i++) {
		make_well();
		status.records.dropped = status.records.dead_letter = 123456789;
		ck_assert_int_eq(judge(), HEALTH_OK);
		HAS("dropped=123456789c;;;0");
		*lost[i] = status.now - 5;
		ck_assert_int_eq(judge(), HEALTH_WARNING);
		HAS("5 seconds since a record was ");
		HAS("_age=5s;3600:;;0");
		*lost[i] = status.now + 5;
		ck_assert_int_eq(judge(), HEALTH_WARNING);
		*lost[i] = status.now - 3600;
		ck_assert_int_eq(judge(), HEALTH_OK);
	}
}
END_TEST

START_TEST(a_worker_that_does_not_run_is_critical)
{
	unsigned down;

	make_well();
	status.workers[0].state = "waiting";
	status.workers[0].running = false;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("1 worker not running (critical), 1 of 2 workers running");
	make_well();
	status.workers[1].trouble = "damaged";
	ck_assert_uint_eq(health_workers(&status, &down), 2);
	ck_assert_uint_eq(down, 1);
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	/* Soon after a start or a reload only if it cannot be expected. */
	status.input.configured_ts = status.now - 9;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	status.workers[1].trouble = NULL;
	status.workers[1].running = false;
	status.workers[1].state = "starting";
	ck_assert_int_eq(judge(), HEALTH_OK);
	HAS("1 of 2 workers running");
	status.input.configured_ts--;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	status.input.configured_ts = status.now;
	status.workers[1].state = "failed";
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
}
END_TEST

START_TEST(no_reporter_is_critical_and_a_refused_reload_a_warning)
{
	make_well();
	status.reload_failed = true;
	ck_assert_int_eq(judge(), HEALTH_WARNING);
	HAS("last reload failed, ");
	status.running = false;
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	ck_assert_str_eq(text, "instance x is not running");
}
END_TEST

START_TEST(limits_are_read)
{
	static const char *const bad[] = { "", "queued", "queue=1", "queued=x",
		"queued=-1", "queued=1x", "queued= 1", "queued=1,",
		"queued=nan", "queued=1e99", "=1", ",queued=1",
		"queued=:", "queued=@", "queued=~", "queued=2:1",
		"queued=1:2:3", "queued=inf:", "queued=:~", "queued=0x1" };
	char reason[256];

	make_well();
	ck_assert(health_parse(limits.warning,
	    "queued=7.5,dead_letter_age=,flush_age=0", reason, sizeof(reason)));
	ck_assert_double_eq(limits.warning[HEALTH_QUEUED].max, 7.5);
	ck_assert(!limits.warning[HEALTH_DEAD_LETTER_AGE].is_set);
	ck_assert_double_eq(limits.warning[HEALTH_FLUSH_AGE].max, 0);
	ck_assert_double_eq(limits.warning[HEALTH_PENDING].max, 80);
	ck_assert(
	    health_parse(limits.critical, "still=1", reason, sizeof(reason)));
	ck_assert_double_eq(limits.critical[HEALTH_STALLED].max, 1);
	status.input.last_dead_letter_ts = status.now;
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

/* As the development guidelines of monitoring plugins have them. */
START_TEST(ranges_are_those_of_monitoring_plugins)
{
	static const struct {
		const char *text, *shown; /* shown: if not as it was written */
		double faults[2], good[2];
	} ranges[] = {
		{ "10", NULL, { -1, 10.1 }, { 0, 10 } },
		{ ":10", "10", { -1, 10.1 }, { 0, 10 } },
		{ "10:", NULL, { -1, 9.9 }, { 10, 1e18 } },
		{ "~:10", NULL, { 10.1, 1e18 }, { -1e18, 10 } },
		{ "10:20", NULL, { 9.9, 20.1 }, { 10, 20 } },
		{ "@10:20", NULL, { 10, 20 }, { 9.9, 20.1 } },
		{ "@10", NULL, { 0, 10 }, { -1, 10.1 } },
		{ "0:", NULL, { -1, -2 }, { 0, 1 } },
		{ "-2.5:-1", NULL, { -2.6, -0.9 }, { -2.5, -1 } },
	};
	struct range range;
	char shown[64];

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		const char *told = ranges[i].text;

		ck_assert_msg(range_parse(&range, told), "%s", told);
		for (int j = 0; j < 2; j++) {
			ck_assert_msg(range_alerts(&range, ranges[i].faults[j]),
			    "%s takes %g", told, ranges[i].faults[j]);
			ck_assert_msg(!range_alerts(&range, ranges[i].good[j]),
			    "%s refuses %g", told, ranges[i].good[j]);
		}
		ck_assert(!range_alerts(&range, NAN));
		ck_assert_str_eq(range_text(&range, shown, sizeof(shown)),
		    ranges[i].shown != NULL ? ranges[i].shown : told);
	}
	make_well();
	char reason[256];
	ck_assert(health_parse(limits.critical, "connections=20:,queued=@1:2",
	    reason, sizeof(reason)));
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("12 connections (critical), ");
	HAS(" connections=12;;20:;0 ");
}
END_TEST

/* All measures at fault at once, with figures and limits of many digits. */
START_TEST(the_longest_line_is_whole)
{
	static const char end[] = " received=9223372036854775807c;;;0 "
				  "stored=9223372036854775807c;;;0";

	make_well();
	status.reload_failed = true;
	status.now = UINT64_MAX;
	status.input.last_dead_letter_ts = UINT64_MAX;
	status.input.last_dropped_ts = UINT64_MAX;
	status.input.last_dead_lost_ts = UINT64_MAX;
	status.master_age = 1e18;
	status.input.connections = UINT64_MAX;
	status.records.received = status.records.stored = INT64_MAX;
	status.records.dead_letter = status.records.dropped = INT64_MAX;
	for (int i = 0; i < RATES_SPANS; i++)
		for (int j = 0; j < HISTORY_COUNTS; j++)
			status.rates[i].per_second[j] = 1e19;
	for (unsigned i = 0; i < 3; i++) {
		struct status_worker *w = &status.workers[i];

		w->running = false;
		w->pending = INT64_MAX;
		w->queued = UINT64_MAX;
		w->lag = UINT64_MAX - 1;
	}
	for (int i = 0; i < HEALTH_MEASURES; i++) {
		limits.warning[i] = limits.critical[i] =
		    (struct range){ .is_set = true,
			    .is_inverted = true,
			    .min = -123456789012345,
			    .max = INFINITY };
	}
	ck_assert_int_eq(judge(), HEALTH_CRITICAL);
	HAS("connections (critical), ");
	ck_assert_msg(
	    strlen(text) > sizeof(end) &&
		strcmp(text + strlen(text) + 1 - sizeof(end), end) == 0,
	    "%s", text);
}
END_TEST

START_TEST(a_line_too_long_is_cut)
{
	char small[20];

	make_well();
	health_judge(&status, &limits, small, sizeof(small));
	ck_assert_str_eq(small, "2 of 2 workers runn");
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
	tcase_add_test(tcase, a_loss_is_a_fault_that_recovers);
	tcase_add_test(tcase, a_refused_record_that_was_lost_is_critical);
	tcase_add_test(tcase, limits_are_read);
	tcase_add_test(tcase, ranges_are_those_of_monitoring_plugins);
	tcase_add_test(tcase, the_longest_line_is_whole);
	tcase_add_test(tcase, a_line_too_long_is_cut);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
