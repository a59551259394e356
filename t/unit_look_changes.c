/* SPDX-License-Identifier: MIT
 *
 * Looks remember of each slot where its key belongs.  Here slots get other
 * keys, keys come, go and move, tables of new generations begin and old ones
 * end, at random; after each change a look is compared with plain loops over
 * what a scan finds.
 *
 *     unit_look_changes [ROUNDS [SEED]]
 */
#include "config.h"

#include "look_fixture.h"

#include <stdlib.h>

enum {
	SERVICES = 12,
	SERVERS = 6,
	CALLERS = 32,
	KEYS = 1024,
	SLOTS = 2 * KEYS,
	GENERATIONS_MAX = 1000,
	SEEN_MAX = 4 * SLOTS
};

static unsigned seed = 1, rounds = 100;

/* --------------------------------------------------------- the changes --- */

static struct worker_segment older;
static bool has_older;
static uint64_t generation;

static unsigned
any(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static void
put_any(unsigned count, unsigned services, int64_t now)
{
	while (count-- > 0) {
		struct record r = record((int32_t)any(services) - 3,
		    any(SERVERS), any(CALLERS), (int64_t)any(70) - now);

		r.succ = any(100);
		r.err = any(10);
		r.overload = any(40) == 0;
		table_put(&segment.table, &r, 1, HORIZON);
	}
}

/* What is stored gives way to new keys. */
static void
store_all(void)
{
	struct table_row row;
	uint32_t position = 0, slots = segment.table.size;

	while (table_collect_within(
		   &segment.table, DIRTY_ANY, &position, &slots, &row, 1) == 1)
		table_stored(&segment.table, &row);
}

static void
older_end(void)
{
	if (has_older) {
		segment_remove(older.map.name);
		segment_close(&older.map);
	}
	has_older = false;
}

static void
change(int64_t now)
{
	switch (any(8)) {
	case 0:
	case 1: /* nothing but newer records of the same keys, mostly */
		put_any(20, SERVICES, now);
		break;
	case 2:
		store_all();
		put_any(500, SERVICES, now);
		break;
	case 3: /* others go */
		store_all();
		put_any(5000, 1 + any(3), now);
		break;
	case 4: /* a reload */
		older_end();
		older = segment;
		has_older = true;
		make(++generation, KEYS);
		put_any(300, SERVICES, now);
		break;
	case 5:
		older_end();
		break;
	case 6: /* a restart */
		if (any(4) > 0)
			break;
		older_end();
		segment_remove(segment.map.name);
		segment_close(&segment.map);
		make(++generation, KEYS);
		break;
	}
}

/* --------------------------------------------------------- plain loops --- */

struct seen {
	struct record r;
	uint32_t grown;
};

static struct seen seen[SEEN_MAX];
static size_t seen_count;
static uint64_t puts_of[GENERATIONS_MAX][SLOTS];

static bool
see(void *arg, const struct scan_key *key)
{
	uint64_t *puts = &puts_of[key->generation][key->slot];

	(void)arg;
	seen[seen_count++] = (struct seen){ key->record,
		look->totals.number == 1 ? 0 : (uint32_t)(key->puts - *puts) };
	*puts = key->puts;
	return true;
}

static enum look_age
age_of(const struct record *r)
{
	return look_age_of(&limits, look->totals.now_ms, record_ts(r));
}

/* Sums over the records of a service, or of a server of it; of the age of the
   newest alone. */
static void
check_sum(const struct look_sum *sum, uint32_t keys, uint64_t records,
    int32_t modid, const struct look_server *server)
{
	uint64_t succ[AGES] = { 0 }, err[AGES] = { 0 }, grown = 0, newest = 0;
	uint32_t count = 0;
	enum look_age age = AGE_SILENT;

	for (const struct seen *s = seen; s < seen + seen_count; s++) {
		if (s->r.modid != modid ||
		    (server != NULL && s->r.ip != server->ip))
			continue;
		count++;
		grown += s->grown;
		succ[age_of(&s->r)] += s->r.succ;
		err[age_of(&s->r)] += s->r.err;
		if (age_of(&s->r) < age)
			age = age_of(&s->r);
		if (record_ts(&s->r) > newest)
			newest = record_ts(&s->r);
	}
	ck_assert_uint_eq(count, keys);
	ck_assert_uint_eq(grown, records);
	ck_assert_int_eq(sum->age, age);
	ck_assert_uint_eq(sum->succ, succ[age]);
	ck_assert_uint_eq(sum->err, err[age]);
	ck_assert_uint_eq(sum->newest_ts, newest);
}

static void
check_server(const struct look_service *service, const struct look_server *s)
{
	static struct scan_key keys[CALLERS + 1];
	uint32_t overloaded = 0;

	ck_assert_ptr_eq(look->services + s->service, service);
	ck_assert_int_eq(s->modid, service->modid);
	ck_assert_ptr_eq(look_find_server(look, service, s->ip, s->port), s);
	if (any(16) == 0) /* each opens all segments */
		ck_assert_uint_eq(
		    look_keys(look, instance, s, keys, CALLERS + 1), s->keys);
	if (s->keys == 0) { /* gone with its overload */
		ck_assert_uint_gt(s->overloaded_by, 0);
		ck_assert_int_eq(s->sum.age, AGE_FRESH);
		return;
	}
	check_sum(&s->sum, s->keys, s->sum.reports, s->modid, s);
	for (size_t i = 0; i < seen_count; i++)
		overloaded += seen[i].r.modid == s->modid &&
			      seen[i].r.ip == s->ip && seen[i].r.overload &&
			      age_of(&seen[i].r) == AGE_FRESH;
	ck_assert_uint_eq(s->overloaded_by, overloaded);
}

static void
check_callers(const struct look_service *service)
{
	const struct look_caller *callers =
	    look->callers + service->first_caller;
	uint32_t count = 0, reports = 0;

	for (uint32_t address = 0; address < CALLERS; address++) {
		uint64_t newest = 0;
		uint32_t grown = 0;

		for (const struct seen *s = seen; s < seen + seen_count; s++) {
			if (s->r.modid != service->modid ||
			    s->r.caller != address)
				continue;
			if (record_ts(&s->r) > newest)
				newest = record_ts(&s->r);
			if (s->grown > grown)
				grown = s->grown;
		}
		if (newest == 0)
			continue;
		ck_assert_uint_lt(count, service->all_callers);
		ck_assert_uint_eq(callers[count].address, address);
		ck_assert_uint_eq(callers[count++].newest_ts, newest);
		reports += grown;
	}
	ck_assert_uint_eq(count, service->all_callers);
	ck_assert_uint_eq(service->sum.reports, reports);
}

static void
check_service(const struct look_service *service)
{
	uint32_t keys = 0, overloaded = 0;
	const struct look_server *servers = look->servers + service->first;

	ck_assert_uint_gt(service->all_servers, 0);
	ck_assert_ptr_eq(
	    look_find(look, service->modid, service->cmdid), service);
	for (uint32_t i = 0; i < service->all_servers; i++) {
		check_server(service, &servers[i]);
		ck_assert(i == 0 || servers[i - 1].ip < servers[i].ip);
		keys += servers[i].keys;
		overloaded += servers[i].overloaded_by > 0;
	}
	ck_assert_uint_eq(service->keys, keys);
	ck_assert_uint_eq(service->overloaded, overloaded);
	check_callers(service);
	for (uint32_t i = 0; i < service->all_servers; i++)
		if (servers[i].keys == 0)
			return; /* its sums have what a scan does not find */
	check_sum(&service->sum, service->keys, service->records,
	    service->modid, NULL);
}

static void
check(void)
{
	static struct scan scan;
	const struct look_totals *totals = &look->totals;
	uint64_t keys = 0, servers = 0;

	seen_count = 0;
	ck_assert_int_eq(scan_open(&scan, instance), SHM_OK);
	scan_walk(&scan, see, NULL);
	scan_close(&scan);
	for (uint32_t i = 0; i < totals->services; i++) {
		check_service(&look->services[i]);
		keys += look->services[i].keys;
		servers += look->services[i].all_servers;
	}
	ck_assert_uint_eq(keys, seen_count);
	ck_assert_uint_eq(totals->keys, seen_count);
	ck_assert_uint_eq(totals->servers, servers);
}

START_TEST(looks_follow_all_changes)
{
	begin(KEYS);
	generation = 1;
	ck_assert_uint_le(segment.table.size, SLOTS);
	for (unsigned i = 0; i < rounds; i++) {
		change(i);
		take(i);
		check();
	}
	older_end();
	end();
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("look changes");
	TCase *tcase = tcase_create("look changes");

	snprintf(
	    instance, sizeof(instance), "unit-look-changes-%d", (int)getpid());
	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	if (argc > 2)
		seed = (unsigned)atoi(argv[2]);
	if (rounds >= GENERATIONS_MAX)
		rounds = GENERATIONS_MAX - 2;
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, looks_follow_all_changes);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
