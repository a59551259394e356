/* SPDX-License-Identifier: MIT
 *
 * The keys of an instance whose segments the test makes itself; and what
 * hostile or half-written segments do to a walk.
 */
#include "config.h"

#include "collect.h"
#include "status/lists.h"
#include "instance_fixture.h"
#include "suite.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define HORIZON UINT64_C(2000000000)
#define KEYS 500

static char instance[INSTANCE_MAX];
static struct segment master;
static struct worker_segment old, new;
static struct scan scan;
static struct scan_key seen[4 * KEYS];
static unsigned count;

static void
make(struct worker_segment *segment, uint64_t generation)
{
	struct segment_spec spec = {
		.instance = instance,
		.generation = generation,
		.slot = 0,
		.workers = 1,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = TABLE_KEYS_MIN,
	};

	ck_assert_int_eq(segment_create_worker(segment, &spec), SHM_OK);
}

static void
make_all(void)
{
	instance_remove(instance);
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	make(&old, 1);
	make(&new, 2);
}

static struct record
record_of(uint32_t i, uint32_t succ)
{
	struct record r = { .modid = (int32_t)(i % 5) - 2,
		.cmdid = 7,
		.ip = i,
		.caller = 3,
		.port = 80,
		.succ = succ,
		.overload = i % 2 };

	record_set_ts(&r, 1700000000 + succ);
	return r;
}

static void
put(struct worker_segment *segment, uint32_t first, uint32_t n, uint32_t succ)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct record r = record_of(i, succ);
		ck_assert_uint_eq(
		    table_put(&segment->table, &r, 1, HORIZON), 1);
	}
}

static bool
note(void *arg, const struct scan_key *key)
{
	unsigned *max = arg;

	seen[count++] = *key;
	return count < *max;
}

static void
walk(unsigned max)
{
	count = 0;
	ck_assert_int_eq(scan_open(&scan, instance), SHM_OK);
	scan_walk(&scan, note, &max);
	scan_close(&scan);
}

START_TEST(each_key_is_visited_once)
{
	make_all();
	put(&new, 0, KEYS, 9);
	walk(4 * KEYS);
	ck_assert_uint_eq(count, KEYS);
	bool found[KEYS] = { false };
	for (unsigned i = 0; i < count; i++) {
		const struct record *r = &seen[i].record;
		struct record wanted = record_of(r->ip, 9);

		ck_assert_mem_eq(r, &wanted, sizeof(wanted));
		ck_assert(!found[r->ip]);
		found[r->ip] = true;
		ck_assert(seen[i].dirty);
		ck_assert_uint_eq(seen[i].puts, 1);
		ck_assert_uint_eq(seen[i].generation, 2);
	}
	walk(3);
	ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(what_is_stored_is_told_from_what_is_dirty)
{
	static struct table_row rows[KEYS];
	uint32_t position = 0;
	unsigned dirty = 0;

	make_all();
	put(&new, 0, 100, 1);
	put(&new, 0, 100, 2);
	size_t n = table_collect(&new.table, DIRTY_ANY, &position, rows, 40);
	for (size_t i = 0; i < n; i++)
		table_stored(&new.table, &rows[i]);
	walk(4 * KEYS);
	ck_assert_uint_eq(count, 100);
	for (unsigned i = 0; i < count; i++) {
		dirty += seen[i].dirty;
		ck_assert_uint_eq(seen[i].puts, 2);
	}
	ck_assert_uint_eq(dirty, 60);
}
END_TEST

START_TEST(a_key_of_two_generations_is_that_of_the_newer)
{
	unsigned of_old = 0;

	make_all();
	put(&old, 0, 200, 1);
	put(&new, 100, 200, 2);
	walk(4 * KEYS);
	ck_assert_uint_eq(count, 300);
	for (unsigned i = 0; i < count; i++) {
		of_old += seen[i].generation == 1;
		ck_assert_uint_eq(
		    seen[i].generation == 2, seen[i].record.ip >= 100);
	}
	ck_assert_uint_eq(of_old, 100);
}
END_TEST

START_TEST(slots_without_a_whole_record_are_left_out)
{
	unsigned dirty_before;

	make_all();
	put(&new, 0, 10, 1);
	walk(4 * KEYS);
	dirty_before = count;
	/* As a kill in the middle of a put leaves it ... */
	struct slot *half = &new.table.slots[seen[0].slot];
	counter_set(&half->state, counter_get(&half->state) | STATE_WRITING);
	/* ... and something that no reporter writes. */
	struct slot *strange = &new.table.slots[seen[1].slot];
	for (size_t i = 0; i < 4; i++)
		counter_set(&strange->words[i], UINT64_MAX);
	walk(4 * KEYS);
	ck_assert_uint_eq(count, dirty_before - 2);
	/* The next start clears the half one: still no key. */
	table_recover(&new.table, 0);
	walk(4 * KEYS);
	ck_assert_uint_eq(count, dirty_before - 2);
}
END_TEST

START_TEST(random_bytes_do_no_harm)
{
	make_all();
	srand(1);
	for (uint32_t i = 0; i < new.table.size; i++) {
		unsigned char *bytes = (unsigned char *)&new.table.slots[i];
		for (size_t j = 0; j < sizeof(struct slot); j++)
			bytes[j] = (unsigned char)rand();
		counter_set(&new.table.slots[i].state,
		    counter_get(&new.table.slots[i].state) & ~STATE_WRITING);
	}
	put(&old, 0, 50, 1);
	count = 0;
	walk(4 * KEYS);
	for (unsigned i = 0; i < count; i++)
		ck_assert_uint_eq(seen[i].record.unused, 0);
}
END_TEST

START_TEST(segments_that_go_or_are_damaged)
{
	make_all();
	put(&old, 0, 5, 1);
	put(&new, 5, 5, 1);
	ck_assert_int_eq(scan_open(&scan, instance), SHM_OK);
	ck_assert_uint_eq(scan.count, 2);
	/* A reload takes one away while we look: its mapping stays. */
	segment_remove(old.map.name);
	unsigned max = 4 * KEYS;
	count = 0;
	scan_walk(&scan, note, &max);
	ck_assert_uint_eq(count, 10);
	scan_close(&scan);
	walk(4 * KEYS);
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(scan.unread, 0);

	new.shared->header.table_keys *= 1000;
	walk(4 * KEYS);
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(scan.unread, 1);
	instance_remove(instance);
	ck_assert_int_eq(scan_open(&scan, instance), SHM_MISSING);
}
END_TEST

static _Atomic bool writing;

/* succ and err are equal in each record, so half of one shows. */
static void *
write_records(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; writing; n++) {
		struct record r = record_of(n % 50, n / 50);
		r.err = r.succ;
		table_put(&new.table, &r, 1, HORIZON);
	}
	return NULL;
}

START_TEST(no_key_is_seen_half_written)
{
	pthread_t thread;
	unsigned torn = 0, missed = 0;

	make_all();
	for (uint32_t i = 0; i < 50; i++) {
		struct record r = record_of(i, 0);
		table_put(&new.table, &r, 1, HORIZON);
	}
	writing = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, write_records, NULL), 0);
	for (int i = 0; i < 300; i++) {
		walk(4 * KEYS);
		missed += 50 - count;
		for (unsigned j = 0; j < count; j++)
			torn += seen[j].record.succ != seen[j].record.err;
	}
	writing = false;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(torn, 0);
	/* A thread that loses its processor in the middle of a write hides
	   that one key of a walk. */
	ck_assert_uint_le(missed, 300);
}
END_TEST

/* ------------------------------------------------------------------ text -- */

static char *
written(bool json, const struct scan_key *key, uint64_t now)
{
	struct keys_list list = { .json = json,
		.limits = { LOOK_FRESH_S, LOOK_SILENT_S },
		.now_ms = now * 1000,
		.max = 1 };
	char *text;
	size_t length;

	list.out = open_memstream(&text, &length);
	ck_assert(keys_visit(&list, key));
	ck_assert(!keys_visit(&list, key) && list.more);
	fclose(list.out);
	return text;
}

START_TEST(a_key_as_text_and_as_json)
{
	struct scan_key key = {
		.record = { .modid = -1,
		    .cmdid = 2,
		    .ip = 0xc0a80001,
		    .caller = 0xffffffff,
		    .succ = 4294967295u,
		    .err = 5,
		    .port = 65535,
		    .overload = 1 },
		.dirty = true,
	};
	const uint64_t ts = RECORD_TS_MAX;

	record_set_ts(&key.record, ts);
	char *text = written(false, &key, ts + 45);
	ck_assert_str_eq(text,
	    "-1\t2\t255.255.255.255\t1099511627775\t192.168.0.1\t65535\t"
	    "4294967295\t5\t1\tdirty\t45\tfresh\t-\n");
	free(text);
	key.dirty = false;
	text = written(true, &key, ts + 46);
	ck_assert_str_eq(text,
	    "{\"modid\":-1,\"cmdid\":2,\"ip\":\"192.168.0.1\",\"port\":65535,"
	    "\"caller\":\"255.255.255.255\",\"succ\":4294967295,\"err\":5,"
	    "\"ts\":1099511627775,\"overload\":1,\"state\":\"stored\","
	    "\"age\":46,\"freshness\":\"late\"}\n");
	free(text);
	/* An address as ELB agents send it. */
	key.record.elb = true;
	text = written(false, &key, ts + 301);
	ck_assert_str_eq(text,
	    "-1\t2\t255.255.255.255\t1099511627775\t1.0.168.192\t65535\t"
	    "4294967295\t5\t1\tstored\t301\tsilent\telb\n");
	free(text);
	/* A clock that is ahead. */
	text = written(true, &key, ts - 9);
	ck_assert_ptr_nonnull(strstr(text, "\"ip\":\"1.0.168.192\""));
	ck_assert_ptr_nonnull(
	    strstr(text, "\"state\":\"stored\",\"age\":0,\"freshness\":"
			 "\"fresh\",\"dialect\":\"elb\"}\n"));
	free(text);
}
END_TEST

START_TEST(numbers_of_services)
{
	static const char *const bad[] = { "", "-", "x", "1x", " 1", "+1",
		"2147483648", "-2147483649", "99999999999999999999", "0x1" };
	int32_t n;

	ck_assert(keys_number("-2147483648", &n) && n == INT32_MIN);
	ck_assert(keys_number("2147483647", &n) && n == INT32_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!keys_number(bad[i], &n), "\"%s\"", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tcase = tcase_create("scan");

	snprintf(instance, sizeof(instance), "unit-scan-%d", (int)getpid());
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, each_key_is_visited_once);
	tcase_add_test(tcase, what_is_stored_is_told_from_what_is_dirty);
	tcase_add_test(tcase, a_key_of_two_generations_is_that_of_the_newer);
	tcase_add_test(tcase, slots_without_a_whole_record_are_left_out);
	tcase_add_test(tcase, random_bytes_do_no_harm);
	tcase_add_test(tcase, segments_that_go_or_are_damaged);
	tcase_add_test(tcase, no_key_is_seen_half_written);
	tcase_add_test(tcase, a_key_as_text_and_as_json);
	tcase_add_test(tcase, numbers_of_services);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
