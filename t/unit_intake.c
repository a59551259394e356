/* SPDX-License-Identifier: MIT
 *
 * Check suite of the intake: dialects told apart, routes, rejections counted,
 * blocking and dropping at a full ring.
 */
#include "intake/intake.h"
#include "intake/route.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW 1000000
#define WORKERS 4
#define CAPACITY 64 /* small, to be full soon */

static struct intake *intake;
static struct agent connected;
static struct settings settings;
static struct input_counters count;
static struct ring rings[WORKERS];
static struct ring_producer producers[WORKERS];
static struct ring_consumer consumers[WORKERS];
static struct record records[WORKERS][CAPACITY];

static void
setup(void)
{
	struct ring *views[WORKERS];

	static const struct sockaddr_in peer = { .sin_family = AF_INET };

	free(intake);
	memset(&count, 0, sizeof(count));
	memset(producers, 0, sizeof(producers));
	memset(consumers, 0, sizeof(consumers));
	settings = (struct settings){ .max_message = MESSAGE_MAX,
		.max_clock_skew = 60000 };
	intake = intake_new(&count);
	ck_assert_ptr_nonnull(intake);
	intake_configure(intake, &settings);
	intake_begin(
	    intake, (const struct sockaddr *)&peer, NOW, &connected, true);
	for (int i = 0; i < WORKERS; i++) {
		ring_attach(&rings[i], &producers[i], &consumers[i], records[i],
		    CAPACITY);
		views[i] = &rings[i];
	}
	intake_set_rings(intake, views, WORKERS);
}

static size_t
read_wire(const char *name, uint8_t *bytes, size_t size)
{
	const char *srcdir = getenv("srcdir");
	char path[512];

	snprintf(path, sizeof(path), "%s/t/wire/%s",
	    srcdir != NULL ? srcdir : ".", name);
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	size_t n = fread(bytes, 1, size, file);
	fclose(file);
	return n;
}

/* [1, modid, 1, 9, 5, [n x [1, 80, 2, 3, true]]], modid and n below 16. */
static size_t
native(uint8_t *p, uint8_t modid, uint8_t n)
{
	uint8_t *start = p;

	*p++ = 0x96;
	*p++ = 1;
	*p++ = modid;
	*p++ = 1;
	*p++ = 9;
	*p++ = 5;
	*p++ = 0x90 | n;
	for (uint8_t i = 0; i < n; i++) {
		const uint8_t result[] = { 0x95, i, 80, 2, 3, 0xc3 };

		memcpy(p, result, sizeof(result));
		p += sizeof(result);
	}
	return (size_t)(p - start);
}

static uint64_t
queued_in_all(void)
{
	uint64_t n = 0;

	for (int i = 0; i < WORKERS; i++)
		n += ring_queued(&rings[i]);
	return n;
}

START_TEST(first_bytes_tell_the_dialect)
{
	static const struct {
		uint8_t bytes[4];
		size_t length;
		enum dialect dialect;
	} cases[] = {
		{ { 3, 0, 0, 0 }, 4, DIALECT_LARS },
		{ { 8, 0, 0, 0 }, 4, DIALECT_ELB },
		{ { 3 }, 1, DIALECT_UNKNOWN },
		{ { 8, 0 }, 2, DIALECT_UNKNOWN },
		{ { 8, 0, 0 }, 3, DIALECT_UNKNOWN },
		{ { 0x90 }, 1, DIALECT_NATIVE },
		{ { 0x96 }, 1, DIALECT_NATIVE },
		{ { 0x9f }, 1, DIALECT_NATIVE },
		{ { 0xdc }, 1, DIALECT_NATIVE },
		{ { 0xdd }, 1, DIALECT_NATIVE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stream stream = { 0 };

		intake_read(intake, &stream, cases[i].bytes, cases[i].length);
		ck_assert_int_eq(stream.dialect, cases[i].dialect);
	}
}
END_TEST

/* Whatever else a connection begins with is not read: in all but a few cases
   one byte is enough. */
START_TEST(no_dialect_begins_with_another_byte)
{
	static const uint8_t cut[][4] = { { 8, 1, 0, 0 }, { 8, 0, 1, 0 },
		{ 3, 0, 0, 1 }, { 3, 0, 0, 0x80 } };
	unsigned begun = 0;

	for (unsigned first = 0; first < 256; first++) {
		const uint8_t byte = (uint8_t)first;
		struct stream stream = { 0 };
		struct intake_result r = intake_read(intake, &stream, &byte, 1);

		begun += r.verdict == VERDICT_MORE;
		ck_assert_uint_eq(r.used, byte == 0x90);
		if (r.verdict == VERDICT_CLOSE)
			ck_assert_int_eq(r.reason, REJECT_UNKNOWN_PROTOCOL);
	}
	ck_assert_uint_eq(begun, 2 + 16 + 2);
	for (size_t i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
		struct stream stream = { 0 };
		struct intake_result r =
		    intake_read(intake, &stream, cut[i], sizeof(cut[i]));

		ck_assert_int_eq(r.verdict, VERDICT_CLOSE);
		ck_assert_uint_eq(r.used, 0);
	}
	intake_publish(intake);
	ck_assert_uint_eq(counter_get(&count.rejected[REJECT_UNKNOWN_PROTOCOL]),
	    256 - 20 + sizeof(cut) / sizeof(*cut));
	ck_assert_uint_eq(queued_in_all(), 0);
}
END_TEST

START_TEST(recorded_frames_reach_the_rings)
{
	uint8_t bytes[512];
	struct stream elb = { 0 }, lars = { 0 };
	size_t n = read_wire("elb-reports.bin", bytes, sizeof(bytes));
	struct intake_result r = intake_read(intake, &elb, bytes, n);

	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	ck_assert_uint_eq(r.used, n);
	n = read_wire("lars-report.bin", bytes, sizeof(bytes));
	r = intake_read(intake, &lars, bytes, n);
	ck_assert_uint_eq(r.used, n);
	ck_assert_uint_eq(queued_in_all(), 0);
	intake_publish(intake);
	ck_assert_uint_eq(queued_in_all(), 12);
	ck_assert_uint_eq(counter_get(&count.received), 12);
	ck_assert_uint_eq(counter_get(&count.reports), 4);
}
END_TEST

START_TEST(a_service_goes_to_the_worker_of_its_route)
{
	uint8_t bytes[512];
	struct stream stream = { 0 };

	for (uint8_t modid = 0; modid < 16; modid++) {
		uint32_t slot = route(modid, 1, WORKERS);
		uint64_t before = ring_queued(&rings[slot]);

		intake_read(intake, &stream, bytes, native(bytes, modid, 3));
		intake_publish(intake);
		ck_assert_uint_eq(ring_queued(&rings[slot]), before + 3);
	}
}
END_TEST

START_TEST(a_full_ring_blocks_at_its_report)
{
	uint8_t bytes[4096];
	struct stream stream = { 0 };
	size_t length = 0, each = native(bytes, 7, 10);

	for (int i = 0; i < 8; i++)
		length += native(bytes + length, 7, 10);
	struct intake_result r = intake_read(intake, &stream, bytes, length);
	intake_publish(intake);
	ck_assert_int_eq(r.verdict, VERDICT_BLOCKED);
	ck_assert_uint_eq(r.used, 6 * each);
	ck_assert_uint_eq(r.need, 10);
	ck_assert_uint_eq(r.slot, route(7, 1, WORKERS));
	ck_assert_uint_eq(queued_in_all(), 60);
	ck_assert_uint_eq(counter_get(&count.received), 60);

	ring_advance(&rings[r.slot], 60);
	r = intake_read(intake, &stream, bytes + r.used, length - r.used);
	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	intake_publish(intake);
	ck_assert_uint_eq(counter_get(&count.received), 80);
	ck_assert_uint_eq(counter_get(&count.dropped), 0);
}
END_TEST

START_TEST(drop_takes_what_fits_and_counts_the_rest)
{
	uint8_t bytes[4096];
	struct stream stream = { 0 };
	size_t length = 0;

	settings.overflow = OVERFLOW_DROP;
	intake_configure(intake, &settings);
	for (int i = 0; i < 8; i++)
		length += native(bytes + length, 7, 10);
	struct intake_result r = intake_read(intake, &stream, bytes, length);
	intake_publish(intake);
	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	ck_assert_uint_eq(r.used, length);
	ck_assert_uint_eq(queued_in_all(), CAPACITY);
	ck_assert_uint_eq(counter_get(&count.received), 80);
	ck_assert_uint_eq(counter_get(&count.dropped), 80 - CAPACITY);
}
END_TEST

START_TEST(rejections_are_counted_by_reason)
{
	uint8_t bytes[512];
	struct stream stream = { 0 };
	size_t good = native(bytes, 5, 2), n = good;

	bytes[n++] = 0x07; /* an object that is no array */
	bytes[n++] = 0x91; /* another message */
	bytes[n++] = 0x02;
	n += native(bytes + n, 5, 1);
	bytes[n++] = 0xc1; /* no MessagePack */
	struct intake_result r = intake_read(intake, &stream, bytes, n);
	intake_publish(intake);
	ck_assert_int_eq(r.verdict, VERDICT_CLOSE);
	ck_assert_int_eq(r.reason, REJECT_NOT_MSGPACK);
	ck_assert_uint_eq(r.fault, n - 1);
	ck_assert_uint_eq(r.rejected, 3);
	ck_assert_uint_eq(queued_in_all(), 3);
	ck_assert_uint_eq(counter_get(&count.received), 6);
	ck_assert_uint_eq(counter_get(&count.rejected[REJECT_WRONG_SHAPE]), 1);
	ck_assert_uint_eq(
	    counter_get(&count.rejected[REJECT_OTHER_MESSAGE]), 1);
	ck_assert_uint_eq(counter_get(&count.rejected[REJECT_NOT_MSGPACK]), 1);
}
END_TEST

START_TEST(every_cut_gives_the_same)
{
	uint8_t bytes[512];
	size_t length = native(bytes, 1, 3);

	length += native(bytes + length, 2, 4);
	for (size_t cut = 0; cut <= length; cut++) {
		struct stream stream = { 0 };

		setup();
		struct intake_result r =
		    intake_read(intake, &stream, bytes, cut);
		ck_assert_int_eq(r.verdict, VERDICT_MORE);
		ck_assert_uint_le(r.used, cut);
		struct intake_result rest = intake_read(
		    intake, &stream, bytes + r.used, length - r.used);
		ck_assert_int_eq(rest.verdict, VERDICT_MORE);
		intake_publish(intake);
		ck_assert_uint_eq(counter_get(&count.received), 7);
		ck_assert_uint_eq(queued_in_all(), 7);
	}
}
END_TEST

/* [1, 7, 1, 9, 5, [n x [i, 80, 2, 3, true]]], n up to 65535. */
static size_t
native_long(uint8_t *p, uint16_t n)
{
	static const uint8_t head[] = { 0x96, 1, 7, 1, 9, 5, 0xdc };
	uint8_t *start = p;

	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	*p++ = (uint8_t)(n >> 8);
	*p++ = (uint8_t)n;
	for (uint16_t i = 0; i < n; i++) {
		const uint8_t result[] = { 0x95, 0xcd, (uint8_t)(i >> 8),
			(uint8_t)i, 80, 2, 3, 0xc3 };

		memcpy(p, result, sizeof(result));
		p += sizeof(result);
	}
	return (size_t)(p - start);
}

#define LARGE 4096
static struct ring worker; /* the view of the other side */

/* All services go to one ring with room for several pieces. */
static void
setup_large(void)
{
	static struct record large[LARGE];
	struct ring *views[] = { &rings[0] };

	setup();
	ring_attach(&rings[0], &producers[0], &consumers[0], large, LARGE);
	ring_attach(&worker, &producers[0], &consumers[0], large, LARGE);
	intake_set_rings(intake, views, 1);
}

START_TEST(a_long_report_goes_in_in_pieces)
{
	static uint8_t bytes[MESSAGE_MAX];
	const uint32_t all = 6000;
	struct stream stream = { 0 };
	size_t length = native_long(bytes, (uint16_t)all);
	uint64_t taken = 0;
	uint32_t next = 0;

	setup_large();
	for (int i = 0; i < 3; i++) {
		struct intake_result r =
		    intake_read(intake, &stream, bytes, length);
		uint64_t n = LARGE;

		intake_publish(intake);
		ck_assert_uint_eq(
		    counter_get(&count.received), taken + queued_in_all());
		ck_assert_uint_eq(counter_get(&count.reports), i == 2);
		if (r.verdict == VERDICT_MORE)
			break;
		ck_assert_int_eq(r.verdict, VERDICT_BLOCKED);
		ck_assert_uint_eq(r.used, 0);
		ck_assert_uint_eq(r.need, all - stream.put < INTAKE_PIECE
					      ? all - stream.put
					      : INTAKE_PIECE);
		const struct record *record = ring_peek(&worker, &n);
		for (uint64_t at = 0; at < INTAKE_PIECE; at++)
			ck_assert_uint_eq(record[at].ip, next++);
		/* Less room than a piece needs. */
		ring_advance(&worker, 1);
		taken++;
		ck_assert(!intake_has_room(intake, 0, r.need));
		ring_advance(&worker, INTAKE_PIECE - 1);
		taken += INTAKE_PIECE - 1;
	}
	ck_assert_uint_eq(counter_get(&count.reports), 1);
	ck_assert_uint_eq(counter_get(&count.received), all);
	ck_assert_uint_eq(stream.put, 0);
}
END_TEST

/* As in a damaged ark, or if the rest is rejected now. */
START_TEST(more_is_put_already_than_there_is)
{
	struct stream stream = { .put = 5 };
	uint8_t bytes[64];
	size_t length = native(bytes, 1, 2);
	struct intake_result r = intake_read(intake, &stream, bytes, length);

	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	ck_assert_uint_eq(r.used, length);
	ck_assert_uint_eq(stream.put, 0);
	intake_publish(intake);
	ck_assert_uint_eq(counter_get(&count.received), 0);
	ck_assert_uint_eq(counter_get(&count.reports), 1);
}
END_TEST

/* The worker drains so many of the records. */
static void
drain_large(uint64_t n)
{
	uint64_t most = LARGE;

	intake_publish(intake);
	ring_peek(&worker, &most);
	ck_assert_uint_ge(most, n);
	ring_advance(&worker, n);
}

START_TEST(a_turn_is_a_piece_while_others_wait)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct stream small = { 0 }, large = { 0 };
	size_t length = native_long(bytes, LARGE / 2 - 8),
	       each = native(bytes + length, 7, 15);
	struct intake_result r;

	setup_large();
	/* Less than half of the ring is free beside a report of 15. */
	r = intake_read(intake, &large, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	length = 0;
	while (length < 100 * each)
		length += native(bytes + length, 7, 15);
	/* Who has not waited queues behind those who have. */
	intake_queue(intake, 1, 0);
	r = intake_read(intake, &small, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_BLOCKED);
	ck_assert_uint_eq(r.used, 0);
	/* Whole reports of little more than a turn. */
	intake_queue(intake, 1, INTAKE_PIECE);
	r = intake_read(intake, &small, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_BLOCKED);
	ck_assert_uint_eq(r.turn, 0);
	ck_assert_uint_eq(r.used, (INTAKE_PIECE / 15 + 1) * each);
	/* A piece of a long one. */
	drain_large(LARGE / 8);
	length = native_long(bytes, 2 * INTAKE_PIECE);
	intake_queue(intake, 1, INTAKE_PIECE);
	r = intake_read(intake, &large, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_BLOCKED);
	ck_assert_uint_eq(large.put, INTAKE_PIECE);
	/* And all of it when others wait for another ring only. */
	drain_large(LARGE / 4);
	intake_queue(intake, 2, 0);
	r = intake_read(intake, &large, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	ck_assert_uint_eq(large.put, 0);
}
END_TEST

START_TEST(who_has_room_beside_the_others_does_not_wait)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct stream stream = { 0 };
	size_t length = native_long(bytes, LARGE / 2);
	struct intake_result r;

	setup_large();
	intake_queue(intake, 1, 0);
	r = intake_read(intake, &stream, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_MORE);
	ck_assert_uint_eq(r.used, length);
	/* There is none for as many. */
	r = intake_read(intake, &stream, bytes, length);
	ck_assert_int_eq(r.verdict, VERDICT_BLOCKED);
	ck_assert_uint_eq(stream.put, 0);
}
END_TEST

/* The address that a report comes from, as a peer's. */
static void
come_from(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		intake_begin(
		    intake, (struct sockaddr *)&in, NOW, &connected, true);
		return;
	}
	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	intake_begin(intake, (struct sockaddr *)&in6, NOW, &connected, true);
}

static const struct {
	const char *peer;
	bool right; /* for a report whose caller is 9 */
} callers[] = {
	{ "0.0.0.9", true },
	{ "::ffff:0.0.0.9", true },
	{ "0.0.0.8", false },
	{ "9.0.0.0", false },
	{ "::9", false },
	{ "2001:db8::1", false },
};

START_TEST(rejections_are_explained_until_the_owner_wants_no_more)
{
	static const uint8_t bad[] = { 0x91, 1, 0x91, 1 };
	static const struct sockaddr_in peer = { .sin_family = AF_INET };
	struct stream stream = { 0 };
	struct intake_result r;

	for (int i = 0; i < 4; i++) {
		intake_begin(intake, (const struct sockaddr *)&peer, NOW,
		    &connected, i != 1);
		stream.explained = i == 3;
		r = intake_read(intake, &stream, bad, sizeof(bad));
		ck_assert_uint_eq(r.rejected, 2);
		ck_assert_int_eq(r.explanation != NULL, i == 0 || i == 2);
		if (r.explanation != NULL)
			ck_assert_uint_eq(r.fault, (uint64_t)i * sizeof(bad));
	}
}
END_TEST

START_TEST(caller_is_compared_with_the_peer)
{
	bool right = callers[_i].right;
	uint8_t bytes[512];
	size_t n = native(bytes, 5, 2);

	for (int check = CHECK_CALLER_OFF; check <= CHECK_CALLER_REJECT;
	     check++) {
		bool taken = right || check != CHECK_CALLER_REJECT;
		struct stream stream = { 0 };
		struct intake_result r;

		setup();
		settings.check_caller = check;
		intake_configure(intake, &settings);
		come_from(callers[_i].peer);
		r = intake_read(intake, &stream, bytes, n);
		intake_publish(intake);
		ck_assert_int_eq(r.verdict, VERDICT_MORE);
		ck_assert_uint_eq(r.used, n);
		ck_assert_uint_eq(queued_in_all(), taken ? 2 : 0);
		ck_assert_uint_eq(counter_get(&count.received), taken ? 2 : 1);
		ck_assert_uint_eq(
		    counter_get(&count.rejected[REJECT_WRONG_CALLER]), !taken);
		ck_assert_uint_eq(counter_get(&count.foreign),
		    !right && check == CHECK_CALLER_LOG);
		ck_assert_uint_eq(r.foreign, counter_get(&count.foreign));
		if (r.foreign > 0)
			ck_assert_uint_eq(r.caller, 9);
	}
}
END_TEST

/* The caller that the records in the rings have. */
static uint32_t
stored_caller(void)
{
	uint32_t caller = 0;

	for (int i = 0; i < WORKERS; i++)
		for (uint64_t n = 0; n < ring_queued(&rings[i]); n++) {
			ck_assert(
			    caller == 0 || caller == records[i][n].caller);
			caller = records[i][n].caller;
		}
	return caller;
}

START_TEST(caller_is_replaced_by_the_peer)
{
	static const struct {
		const char *peer;
		uint32_t caller;
		bool foreign;
	} cases[] = {
		{ "0.0.0.9", 9, false },
		{ "10.0.0.8", 0x0a000008, false },
		{ "::ffff:10.0.0.8", 0x0a000008, false },
		{ "2001:db8::1", 9, true },
	};
	uint8_t bytes[512];
	size_t n = native(bytes, 5, 2);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stream stream = { 0 };
		struct intake_result r;

		setup();
		settings.check_caller = CHECK_CALLER_REPLACE;
		intake_configure(intake, &settings);
		come_from(cases[i].peer);
		r = intake_read(intake, &stream, bytes, n);
		intake_publish(intake);
		ck_assert_uint_eq(counter_get(&count.reports), 1);
		ck_assert_uint_eq(queued_in_all(), 2);
		ck_assert_uint_eq(stored_caller(), cases[i].caller);
		ck_assert(r.named);
		ck_assert_uint_eq(r.last_caller, cases[i].caller);
		ck_assert_uint_eq(r.foreign, cases[i].foreign);
		ck_assert_uint_eq(
		    counter_get(&count.foreign), cases[i].foreign);
	}
}
END_TEST

/* Its caller stands behind the results, and it has none to tell it by. */
START_TEST(caller_of_a_frame_without_results)
{
	static const uint8_t frame[] = { 3, 0, 0, 0, 2, 0, 0, 0, 0x18, 9 };
	struct stream stream = { 0 };

	settings.check_caller = CHECK_CALLER_LOG;
	intake_configure(intake, &settings);
	come_from("0.0.0.9");
	intake_read(intake, &stream, frame, sizeof(frame));
	come_from("0.0.0.8");
	intake_read(intake, &stream, frame, sizeof(frame));
	intake_publish(intake);
	ck_assert_uint_eq(counter_get(&count.reports), 2);
	ck_assert_uint_eq(counter_get(&count.foreign), 1);
}
END_TEST

/* A report that waits for room is counted when it is taken, and only then. */
START_TEST(a_foreign_report_that_waits_counts_once)
{
	uint8_t bytes[512];
	size_t n = native(bytes, 5, 15);
	struct stream stream = { 0 };
	struct intake_result r = { .verdict = VERDICT_MORE };

	settings.check_caller = CHECK_CALLER_LOG;
	intake_configure(intake, &settings);
	come_from("0.0.0.8");
	while (r.verdict == VERDICT_MORE)
		r = intake_read(intake, &stream, bytes, n);
	intake_read(intake, &stream, bytes, n);
	intake_publish(intake);
	ck_assert_uint_eq(counter_get(&count.reports), CAPACITY / 15);
	ck_assert_uint_eq(counter_get(&count.foreign), CAPACITY / 15);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("intake");
	TCase *tc = tcase_create("intake");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, first_bytes_tell_the_dialect);
	tcase_add_test(tc, no_dialect_begins_with_another_byte);
	tcase_add_test(tc, recorded_frames_reach_the_rings);
	tcase_add_test(tc, a_service_goes_to_the_worker_of_its_route);
	tcase_add_test(tc, a_full_ring_blocks_at_its_report);
	tcase_add_test(tc, drop_takes_what_fits_and_counts_the_rest);
	tcase_add_test(tc, rejections_are_counted_by_reason);
	tcase_add_test(tc, every_cut_gives_the_same);
	tcase_add_test(tc, a_long_report_goes_in_in_pieces);
	tcase_add_test(tc, more_is_put_already_than_there_is);
	tcase_add_test(tc, a_turn_is_a_piece_while_others_wait);
	tcase_add_test(tc, who_has_room_beside_the_others_does_not_wait);
	tcase_add_test(
	    tc, rejections_are_explained_until_the_owner_wants_no_more);
	tcase_add_loop_test(tc, caller_is_compared_with_the_peer, 0,
	    sizeof(callers) / sizeof(*callers));
	tcase_add_test(tc, caller_is_replaced_by_the_peer);
	tcase_add_test(tc, caller_of_a_frame_without_results);
	tcase_add_test(tc, a_foreign_report_that_waits_counts_once);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
