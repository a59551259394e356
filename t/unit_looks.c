/* SPDX-License-Identifier: MIT
 *
 * Looks at tables that the test fills itself: ageing, states, sums against
 * plain loops, what goes on from look to look, orders, a server's keys.
 *
 *     unit_looks KEYS SERVICES SERVERS
 *
 * prints instead what a look at so many keys costs.
 */
#include "config.h"

#include "lib/clock.h"
#include "lib/text.h"
#include "lib/process.h"
#include "look_fixture.h"

#include <inttypes.h>
#include <stdlib.h>

/* A dead agent's last word leads the list for 45 seconds, and not for days. */
START_TEST(only_fresh_records_are_overloaded)
{
	begin(1024);
	put(1, 1, 1, 45, true);
	put(2, 1, 1, 46, true);
	put(3, 1, 1, 300, true);
	put(4, 1, 1, 301, true);
	put(5, 1, 1, 86400, true);
	put(6, 1, 1, -3600, true); /* a clock that is ahead */
	put(7, 1, 1, 86400, true);
	put(7, 2, 2, 0, false);
	take(0);
	static const enum look_state wanted[] = { LOOK_OVERLOADED, LOOK_LATE,
		LOOK_LATE, LOOK_SILENT, LOOK_SILENT, LOOK_OVERLOADED,
		LOOK_FINE };
	for (int32_t i = 1; i <= 7; i++) {
		bool is = wanted[i - 1] == LOOK_OVERLOADED;

		ck_assert_int_eq(service(i)->sum.state, wanted[i - 1]);
		ck_assert_int_eq(server(i, 1)->overloaded_by, is);
		ck_assert_int_eq(service(i)->overloaded, is);
		ck_assert_int_eq(service(i)->sum.stale, !is);
	}
	/* The silent server is in no count beside one that is not. */
	ck_assert_uint_eq(service(7)->servers, 1);
	ck_assert_uint_eq(service(7)->all_servers, 2);
	ck_assert_uint_eq(service(7)->sum.callers, 1);
	ck_assert_uint_eq(service(7)->all_callers, 2);
	ck_assert_uint_eq(service(4)->servers, 1);
	ck_assert_uint_eq(service(4)->sum.callers, 1);
	const struct look_totals *t = &look->totals;
	ck_assert_uint_eq(t->services, 7);
	ck_assert_uint_eq(t->by_state[LOOK_OVERLOADED], 2);
	ck_assert_uint_eq(t->by_state[LOOK_SILENT], 2);
	ck_assert_uint_eq(t->overloaded_servers, 2);
	ck_assert_uint_eq(t->callers, 2);
	ck_assert_uint_eq(t->callers_by_age[AGE_FRESH], 2);
	ck_assert(look_age(NOW * 1000, NOW + 5) == 0);
	ck_assert(look_age(NOW * 1000 + 500, NOW - 1) == 1.5);
	/* 46 s later nothing is fresh. */
	take(46);
	ck_assert_int_eq(service(1)->sum.state, LOOK_LATE);
	ck_assert_int_eq(service(7)->sum.state, LOOK_LATE);
	ck_assert_uint_eq(look->totals.by_state[LOOK_OVERLOADED], 1);
	ck_assert_uint_eq(look->totals.callers_by_age[AGE_FRESH], 1);
	end();
}
END_TEST

START_TEST(errors_are_five_percent_of_twenty_calls)
{
	static const struct {
		uint32_t succ, err;
		int64_t age;
		enum look_state state;
	} cases[] = { { 19, 1, 0, LOOK_ERRORS }, { 20, 1, 0, LOOK_FINE },
		{ 18, 1, 0, LOOK_FINE }, { 0, 20, 0, LOOK_ERRORS },
		{ 0, 20, 60, LOOK_LATE }, { 0, 20, 600, LOOK_SILENT },
		{ UINT32_MAX, UINT32_MAX, 0, LOOK_ERRORS } };
	enum {
		CASES = sizeof(cases) / sizeof(cases[0])
	};

	begin(1024);
	for (int i = 0; i < CASES; i++) {
		struct record r = record(i, 1, 1, cases[i].age);

		r.succ = cases[i].succ;
		r.err = cases[i].err;
		put_record(r);
	}
	take(0);
	for (int i = 0; i < CASES; i++)
		ck_assert_int_eq(service(i)->sum.state, cases[i].state);
	ck_assert(look_error_share(&service(0)->sum) == 0.05);
	ck_assert(look_error_share(&service(4)->sum) == -1);
	end();
}
END_TEST

/* One caller that complains and forty that do not are a bad caller. */
START_TEST(a_servers_keys_are_read_again)
{
	struct scan_key keys[64];
	unsigned complaints = 0;

	begin(1024);
	for (uint32_t i = 1; i <= 41; i++)
		put(1, 7, i, i, i == 9);
	put(1, 8, 1, 0, false);
	take(0);
	const struct look_server *s = server(1, 7);
	ck_assert_uint_eq(s->overloaded_by, 1);
	ck_assert_uint_eq(s->sum.callers, 41);
	ck_assert_uint_eq(service(1)->sum.callers, 41);
	ck_assert_uint_eq(service(1)->all_callers, 41);
	ck_assert_uint_eq(look_keys(look, instance, s, keys, 64), 41);
	for (unsigned i = 0; i < 41; i++) {
		ck_assert_uint_eq(
		    record_ts(&keys[i].record), NOW - keys[i].record.caller);
		ck_assert_uint_eq(keys[i].record.succ, 10);
		ck_assert_uint_eq(keys[i].puts, 1);
		complaints += keys[i].record.overload;
	}
	ck_assert_uint_eq(complaints, 1);
	ck_assert_uint_eq(look_keys(look, instance, s, keys, 5), 5);
	/* Slots of a segment that has gone, and of an instance. */
	begin_again();
	ck_assert_uint_eq(look_keys(look, instance, s, keys, 64), 0);
	instance_remove(instance);
	ck_assert_uint_eq(look_keys(look, instance, s, keys, 64), 0);
	end();
}
END_TEST

/* A slot that another key has taken meanwhile is not this server's. */
START_TEST(an_evicted_key_is_left_out)
{
	struct scan_key keys[8];
	struct table_row row;
	uint32_t position = 0, slots = segment.table.size;

	begin(1024);
	put(1, 7, 1, 0, false);
	slots = segment.table.size;
	ck_assert_uint_eq(table_collect_within(&segment.table, DIRTY_ANY,
			      &position, &slots, &row, 1),
	    1);
	ck_assert(table_stored(&segment.table, &row));
	take(0);
	for (uint32_t i = 0; i < segment.table.keys; i++)
		put(2, i, 1, 0, false);
	size_t n = look_keys(look, instance, server(1, 7), keys, 8);
	bool there = false;
	for (uint32_t i = 0; i < segment.table.size; i++) {
		struct record r;

		there |= table_read(&segment.table, i, &r) != 0 && r.modid == 1;
	}
	ck_assert_uint_eq(n, there);
	end();
}
END_TEST

/* So many flips; if there are any, one of service 1. */
static void
check_flips(size_t wanted, bool overloaded, uint32_t ip)
{
	size_t count = look->flips.count, at = 0;
	const struct look_flip *flips = look->flips.at;

	ck_assert_uint_eq(count, wanted);
	if (wanted == 0)
		return;
	/* They come in the order of slots, which nobody knows. */
	while (at < count - 1 && flips[at].modid != 1)
		at++;
	ck_assert_int_eq(flips[at].modid, 1);
	ck_assert_int_eq(flips[at].overloaded, overloaded);
	ck_assert_uint_eq(flips[at].ip, ip);
	ck_assert_uint_eq(flips[at].port, 80);
	ck_assert_uint_eq(flips[at].callers, 1);
}

START_TEST(since_goes_on_from_look_to_look)
{
	begin(1024);
	put(1, 7, 1, 0, true);
	take(1);
	/* It may have been overloaded for long. */
	ck_assert_int_eq(server(1, 7)->sum.since_ms, (NOW + 1) * 1000);
	ck_assert(!server(1, 7)->sum.since_known);
	ck_assert(!service(1)->sum.since_known);
	ck_assert_uint_eq(look->totals.new_overloaded, 0);
	check_flips(0, false, 0);
	put(1, 8, 1, -5, true);
	put(2, 8, 1, -5, true);
	put(3, 8, 1, -5, false);
	take(6);
	ck_assert_int_eq(server(1, 7)->sum.since_ms, (NOW + 1) * 1000);
	ck_assert(!server(1, 7)->sum.since_known);
	ck_assert_int_eq(server(1, 8)->sum.since_ms, (NOW + 6) * 1000);
	ck_assert(server(1, 8)->sum.since_known);
	ck_assert_int_eq(service(1)->sum.since_ms, (NOW + 1) * 1000);
	ck_assert(service(2)->sum.since_known);
	ck_assert_int_eq(service(3)->sum.since_ms, -1);
	ck_assert_uint_eq(look->totals.new_overloaded, 1);
	check_flips(2, true, 8);
	take(7);
	check_flips(0, false, 0);
	put(1, 7, 1, -8, false);
	take(8);
	ck_assert_int_eq(server(1, 7)->sum.since_ms, -1);
	check_flips(1, false, 7);
	put(1, 7, 1, -9, true);
	take(9);
	ck_assert_int_eq(server(1, 7)->sum.since_ms, (NOW + 9) * 1000);
	check_flips(1, true, 7);
	/* For how long it is a new one. */
	for (int64_t t = 40; t <= 320; t += 40) {
		put(2, 8, 1, -t, true);
		take(t);
		ck_assert_uint_eq(look->totals.new_overloaded, t < 306);
	}
	end();
}
END_TEST

/* A restart empties the tables, and a full table evicts: that takes back
   nothing that an agent has reported. */
START_TEST(what_vanishes_and_comes_back_goes_on)
{
	begin(1024);
	take(0);
	put(1, 7, 1, 0, true);
	put(2, 7, 1, 0, false);
	take(1);
	begin_again();
	take(5);
	ck_assert_ptr_null(look_find(look, 2, 1));
	ck_assert_int_eq(service(1)->sum.state, LOOK_OVERLOADED);
	ck_assert_uint_eq(service(1)->overloaded, 1);
	ck_assert_uint_eq(server(1, 7)->keys, 0);
	check_flips(0, false, 0);
	take(10);
	put(1, 7, 1, -12, true);
	take(12);
	ck_assert_int_eq(server(1, 7)->sum.since_ms, (NOW + 1) * 1000);
	ck_assert_uint_eq(server(1, 7)->keys, 1);
	check_flips(0, false, 0);
	/* It ends when it would not be fresh any more. */
	begin_again();
	take(57);
	ck_assert_int_eq(service(1)->sum.state, LOOK_OVERLOADED);
	take(58);
	ck_assert_ptr_null(look_find(look, 1, 1));
	check_flips(1, false, 7);
	end();
}
END_TEST

START_TEST(rates_are_what_came_between_two_looks)
{
	begin(1024);
	for (int i = 0; i < 100; i++)
		put(1, 7, 1, 0, false);
	take(0);
	ck_assert(look_rate(look, 5) == -1);
	ck_assert_uint_eq(service(1)->records, 0);
	/* Three reports of caller 1 and two of caller 2, each of two
	   servers. */
	for (int i = 0; i < 5; i++)
		for (uint32_t ip = 7; ip < 9; ip++)
			put(1, ip, i < 3 ? 1 : 2, -1, false);
	/* Another service of the same reports. */
	put(2, 7, 1, -1, false);
	take(1);
	ck_assert_uint_eq(service(1)->records, 10);
	ck_assert_uint_eq(service(1)->sum.reports, 5);
	ck_assert_uint_eq(server(1, 7)->sum.reports, 5);
	ck_assert_uint_eq(look->totals.records, 11);
	ck_assert_uint_eq(look->totals.reports, 6);
	ck_assert(look->totals.seconds >= 0);
	take(2);
	ck_assert_uint_eq(look->totals.records, 0);
	/* A segment of a new generation was made in between. */
	struct worker_segment old = segment;
	make(2, 1024);
	put(1, 7, 1, -3, true);
	take(3);
	ck_assert_uint_eq(service(1)->records, 1);
	ck_assert_uint_eq(service(1)->keys, 4); /* each key once */
	ck_assert_uint_eq(server(1, 7)->overloaded_by, 1);
	segment_close(&old.map);
	end();
}
END_TEST

START_TEST(a_look_that_fails_harms_none)
{
	struct look *none = look;

	begin(1024);
	put(1, 7, 1, 0, true);
	take(0);
	take(1);
	segment_remove(master.name);
	ck_assert_int_eq(
	    look_new(&none, instance, look, &limits, NOW * 1000), SHM_MISSING);
	ck_assert_ptr_null(none);
	ck_assert_uint_eq(service(1)->overloaded, 1);
	segment_close(&master);
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	put(1, 7, 1, -2, true);
	take(2);
	ck_assert_uint_eq(service(1)->records, 1);
	ck_assert_uint_eq(look->totals.number, 3);
	look_free(NULL);
	end();
}
END_TEST

/* ---------------------------------------------- against plain loops ------- */

enum {
	MANY = 3000
};

static bool
is_of(const struct record *r, const struct look_service *s)
{
	return r->modid == s->modid && r->cmdid == s->cmdid;
}

static void
check_service(const struct record *all, const struct look_service *s)
{
	enum look_age age = AGE_SILENT, ages[64];
	uint64_t succ = 0, err = 0;
	uint32_t callers = 0, every = 0, keys = 0;

	for (int i = 0; i < MANY; i++)
		if (is_of(&all[i], s) &&
		    look_age_of(&limits, NOW * 1000, record_ts(&all[i])) < age)
			age = look_age_of(
			    &limits, NOW * 1000, record_ts(&all[i]));
	for (unsigned i = 0; i < 64; i++)
		ages[i] = AGES;
	for (int i = 0; i < MANY; i++) {
		enum look_age of =
		    look_age_of(&limits, NOW * 1000, record_ts(&all[i]));

		if (!is_of(&all[i], s))
			continue;
		keys++;
		succ += of == age ? all[i].succ : 0;
		err += of == age ? all[i].err : 0;
		if (of < ages[all[i].caller])
			ages[all[i].caller] = of;
	}
	for (unsigned i = 0; i < 64; i++) {
		every += ages[i] < AGES;
		callers += ages[i] < AGES &&
			   (age == AGE_SILENT || ages[i] < AGE_SILENT);
	}
	ck_assert_int_eq(s->sum.age, age);
	ck_assert_uint_eq(s->keys, keys);
	ck_assert_uint_eq(s->sum.succ, succ);
	ck_assert_uint_eq(s->sum.err, err);
	ck_assert_uint_eq(s->sum.callers, callers);
	ck_assert_uint_eq(s->all_callers, every);
	uint32_t of_servers = 0, overloaded = 0;
	for (uint32_t i = 0; i < s->all_servers; i++) {
		const struct look_server *server = look->servers + s->first + i;

		ck_assert_ptr_eq(look->services + server->service, s);
		ck_assert_ptr_eq(
		    look_find_server(look, s, server->ip, server->port),
		    server);
		of_servers += server->keys;
		overloaded += server->overloaded_by > 0;
	}
	ck_assert_uint_eq(of_servers, keys);
	ck_assert_uint_eq(s->overloaded, overloaded);
}

START_TEST(sums_are_those_of_plain_loops)
{
	static struct record all[MANY];
	uint64_t keys = 0;
	unsigned seed = 7;

	begin(8192);
	for (unsigned i = 0; i < MANY; i++) {
		/* Each is another key. */
		all[i] = record((int32_t)(i % 37) - 18, i / 37 % 9,
		    i / 333 % 64, rand_r(&seed) % 600);
		if (i % 37 == 0) /* nothing but silent ones */
			record_set_ts(&all[i], NOW - 1000);
		all[i].cmdid = i % 2 ? INT32_MIN : INT32_MAX;
		all[i].port = (uint16_t)i % 2;
		all[i].succ = (uint32_t)rand_r(&seed);
		all[i].err = (uint32_t)rand_r(&seed) % 100;
		all[i].overload = rand_r(&seed) % 8 == 0;
		put_record(all[i]);
	}
	take(0);
	take(0);
	for (uint32_t i = 0; i < look->totals.services; i++) {
		check_service(all, &look->services[i]);
		keys += look->services[i].keys;
	}
	ck_assert_uint_eq(keys, MANY);
	end();
}
END_TEST

/* ------------------------------------------------------------- orders ----- */

static void
check_order(enum look_order order, const int32_t *modids, size_t count)
{
	size_t found;
	uint32_t *places = look_sort(look, order, NULL, NULL, &found);

	ck_assert_uint_eq(found, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(look->services[places[i]].modid == modids[i],
		    "%s: place %zu has %" PRId32, look_order_name(order), i,
		    look->services[places[i]].modid);
	free(places);
}

static bool
is_even(void *arg, const struct look_service *s)
{
	(void)arg;
	return s->modid % 2 == 0;
}

START_TEST(trouble_comes_first)
{
	struct record r;
	size_t count;

	begin(1024);
	put(9, 1, 1, 400, true);  /* silent, lately */
	put(8, 1, 1, 7200, true); /* silent, long ago */
	put(7, 1, 1, 0, true);    /* overloaded, one of two */
	put(7, 2, 1, 0, false);
	put(6, 1, 1, 0, true); /* overloaded, all */
	r = record(5, 1, 1, 0);
	r.succ = 50;
	r.err = 50; /* 50 % of 100 */
	put_record(r);
	r = record(4, 1, 1, 0);
	r.succ = 800;
	r.err = 200; /* 20 % of 1,000 is less than that */
	put_record(r);
	r = record(3, 1, 1, 0);
	r.succ = 8000;
	r.err = 2000; /* and of 10,000 it is more */
	put_record(r);
	put(10, 1, 1, 100, true); /* late */
	put(11, 1, 1, LOOK_FORGOTTEN_S + 10, true);
	put(1, 1, 1, 0, false);
	put(2, 1, 1, 0, false);
	take(0);
	put(2, 1, 1, -1, false);
	usleep(2000); /* a rate needs time */
	take(1);
	check_order(LOOK_BY_TROUBLE,
	    (const int32_t[]){ 6, 7, 3, 4, 5, 9, 10, 2, 1, 8 }, 10);
	check_order(LOOK_BY_NUMBER,
	    (const int32_t[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 10);
	check_order(LOOK_BY_AGE,
	    (const int32_t[]){ 8, 9, 10, 1, 3, 4, 5, 6, 7, 2 }, 10);
	check_order(LOOK_BY_ERRORS,
	    (const int32_t[]){ 5, 3, 4, 1, 2, 6, 7, 8, 9, 10 }, 10);
	check_order(LOOK_BY_SERVERS,
	    (const int32_t[]){ 7, 1, 2, 3, 4, 5, 6, 8, 9, 10 }, 10);
	uint32_t *places =
	    look_sort(look, LOOK_BY_TROUBLE, is_even, NULL, &count);
	ck_assert_uint_eq(count, 5);
	ck_assert_int_eq(look->services[places[0]].modid, 6);
	free(places);
	places = look_sort_servers(look, service(7));
	ck_assert_uint_eq(look->servers[service(7)->first + places[0]].ip, 1);
	free(places);
	for (int i = 0; i < LOOK_ORDERS; i++)
		ck_assert_int_eq(
		    look_order_find(look_order_name((enum look_order)i)), i);
	ck_assert_int_eq(look_order_find("overload"), LOOK_BY_OVERLOADED);
	ck_assert_int_eq(look_order_find("nonsense"), LOOK_ORDERS);
	end();
}
END_TEST

/* ----------------------------------------------------------------- cost --- */

static uint64_t
resident_kb(const char *name)
{
	return memory_number("/proc/self/status", name);
}

static void
report(const char *what, uint64_t before)
{
	printf(
	    "%-10s %7.1f ms walk and all, private memory %.1f MB (was %.1f)\n",
	    what, look->totals.walk_ms, resident_kb("RssAnon:") / 1024.0,
	    before / 1024.0);
}

static bool
count_one(void *arg, const struct scan_key *key)
{
	(void)key;
	++*(uint64_t *)arg;
	return true;
}

static void
report_scan(void)
{
	static struct scan scan;
	uint64_t us = monotonic_us(), n = 0;

	ck_assert_int_eq(scan_open(&scan, instance), SHM_OK);
	scan_walk(&scan, count_one, &n);
	scan_close(&scan);
	printf("a scan:    %7.1f ms\n", (double)(monotonic_us() - us) / 1000);
}

static uint32_t wanted_keys, wanted_services, wanted_servers;

START_TEST(cost)
{
	size_t count;

	begin(wanted_keys);
	for (uint32_t i = 0; i < wanted_keys; i++) {
		uint32_t s = i % wanted_services, rest = i / wanted_services;

		put((int32_t)s, s * 64 + rest % wanted_servers,
		    1 + rest / wanted_servers, 0, s < 3);
	}
	uint64_t before = resident_kb("RssAnon:");
	report_scan();
	for (int i = 0; i < 4; i++) {
		take(i);
		report("a look:", before);
	}
	struct look *previous = look;
	ck_assert_int_eq(
	    look_new(&look, instance, previous, &limits, (NOW + 4) * 1000),
	    SHM_OK);
	report("two looks:", before);
	look_free(previous);
	uint64_t us = monotonic_us();
	free(look_sort(look, LOOK_BY_TROUBLE, NULL, NULL, &count));
	printf("sorting %zu services: %.1f ms\n", count,
	    (double)(monotonic_us() - us) / 1000);
	printf("%" PRIu64 " keys, %" PRIu64 " servers, %" PRIu64
	       " callers; at most %.1f MB\n",
	    look->totals.keys, look->totals.servers, look->totals.callers,
	    resident_kb("VmHWM:") / 1024.0);
	end();
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("looks");
	TCase *tcase = tcase_create("looks");

	snprintf(instance, sizeof(instance), "unit-looks-%d", (int)getpid());
	tcase_set_timeout(tcase, 120);
	if (argc == 4) {
		wanted_keys = (uint32_t)atoi(argv[1]);
		wanted_services = (uint32_t)atoi(argv[2]);
		wanted_servers = (uint32_t)atoi(argv[3]);
		tcase_add_test(tcase, cost);
		suite_add_tcase(suite, tcase);
		return suite_run(suite);
	}
	tcase_add_test(tcase, only_fresh_records_are_overloaded);
	tcase_add_test(tcase, errors_are_five_percent_of_twenty_calls);
	tcase_add_test(tcase, a_servers_keys_are_read_again);
	tcase_add_test(tcase, an_evicted_key_is_left_out);
	tcase_add_test(tcase, since_goes_on_from_look_to_look);
	tcase_add_test(tcase, what_vanishes_and_comes_back_goes_on);
	tcase_add_test(tcase, rates_are_what_came_between_two_looks);
	tcase_add_test(tcase, a_look_that_fails_harms_none);
	tcase_add_test(tcase, sums_are_those_of_plain_loops);
	tcase_add_test(tcase, trouble_comes_first);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
