/* SPDX-License-Identifier: MIT
 *
 * Shows that the work of a connection is linear in the bytes it receives,
 * however they are cut, nested, declared or encoded; that nothing is allocated
 * by what a peer declares; and that a turn of the loop has its bound.
 *
 * Work is counted, not timed: everything between the socket and the ring is
 * built once more so that each basic block calls __sanitizer_cov_trace_pc()
 * below, and each copy comes through here as well (t/units.mk).
 */
#include "config.h"

#include "bytes.h"
#include "intake/frame.h"
#include "server_fixture.h"
#include "suite.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SIZE 16384    /* bytes; compared with twice as many */
#define TIMES 5       /* bytes that come in pieces are worth so many whole */
#define READ_WORK 250 /* the price of a read */

/* ---------------------------------------------------------- the counts ---- */

static bool counting;
static uint64_t work;  /* basic blocks entered, and bytes copied */
static size_t largest; /* allocation */

void __sanitizer_cov_trace_pc(void);

void
__sanitizer_cov_trace_pc(void)
{
	work += counting;
}

#define WRAP_COPY(name) \
	void *__real_##name(void *to, const void *from, size_t n); \
	void *__wrap_##name(void *to, const void *from, size_t n); \
	void *__wrap_##name(void *to, const void *from, size_t n) \
	{ \
		work += counting ? n : 0; \
		return __real_##name(to, from, n); \
	}

WRAP_COPY(memcpy)
WRAP_COPY(memmove)

static void
note_size(size_t size)
{
	if (counting && size > largest)
		largest = size;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	note_size(size);
	return __real_malloc(size);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	note_size(n * size);
	return __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *
__wrap_realloc(void *p, size_t size)
{
	note_size(size);
	work += counting ? size : 0;
	return __real_realloc(p, size);
}

/* ------------------------------------------------------ one connection ---- */

static void
begin(uint64_t capacity)
{
	const struct settings wanted = { .max_connections = 10,
		.max_message = MESSAGE_MAX };

	server_begin(&wanted, capacity);
	agent_connect(false, false);
	work = largest = 0;
}

/* Let the connection have its turns until it has read all that was sent. */
static void
take_turns(void)
{
	while (server->open > 0) {
		struct conn *conn = TAILQ_FIRST(&server->all);
		int waiting = 0;

		ioctl(conn->fd, FIONREAD, &waiting);
		if (waiting == 0 || conn->state != CONN_READING)
			return;
		counting = true;
		conn_process(server, conn, EPOLLIN);
		counting = false;
	}
}

/* Send bytes in pieces, each of which is read before the next one comes; all
   is drained at once. */
static void
feed(const struct bytes *b, size_t piece)
{
	for (size_t at = 0; at < b->length && server->open > 0; at += piece) {
		size_t n = b->length - at < piece ? b->length - at : piece;

		ck_assert_int_eq(
		    send(agent, b->data + at, n, MSG_NOSIGNAL), (ssize_t)n);
		take_turns();
		drain(RING_MAX);
	}
}

/* ------------------------------------------------- what is sent, to a size --
 */

static void
small_reports(struct bytes *b, size_t size)
{
	while (b->length < size)
		BYTES(b, 0x96, 1, 7, 8, 9, 100, 0x91, 0x95, 1, 2, 3, 4, 0xc2);
}

static void
one_report(struct bytes *b, size_t size)
{
	size_t results = (size - 9) / 6;

	BYTES(b, 0x96, 1, 7, 8, 9, 100, 0xdc);
	bytes_big_endian(b, results, 2);
	while (results-- > 0)
		BYTES(b, 0x95, 1, 2, 3, 4, 0xc2);
}

/* What a stream cannot begin with comes behind an empty list. */

/* A list in a list in a list. */
static void
nested_lists(struct bytes *b, size_t size)
{
	bytes_fill(b, 0x91, size - 1);
	BYTES(b, 1);
}

static void
nested_maps(struct bytes *b, size_t size)
{
	BYTES(b, 0x90);
	while (b->length + 2 < size)
		BYTES(b, 0x81, 1);
	BYTES(b, 1);
}

/* Nesting inside of a result, and of what follows the report. */
static void
nested_inside(struct bytes *b, size_t size)
{
	BYTES(b, 0x97, 1, 7, 8, 9, 100, 0x91, 0x95, 1, 2, 3, 4);
	bytes_fill(b, 0x91, size / 2);
	BYTES(b, 1);
	bytes_fill(b, 0x91, size / 2);
	BYTES(b, 1);
}

/* A list that declares as many elements as come; each of these declares none,
   in the longest form. */
static void
declared_lists(struct bytes *b, size_t size)
{
	size_t elements = (size - 5) / 5;

	BYTES(b, 0xdd);
	bytes_big_endian(b, elements, 4);
	while (elements-- > 0)
		BYTES(b, 0xdd, 0, 0, 0, 0);
}

/* Texts, binaries and the like that declare their length. */
static void
declared_bytes(struct bytes *b, size_t size)
{
	static const uint8_t tags[] = { 0xc6, 0xc9, 0xdb };

	BYTES(b, 0x90);
	for (size_t i = 0; b->length < size; i++) {
		size_t length = size / 4;

		bytes_fill(b, tags[i % 3], 1);
		bytes_big_endian(b, length, 4);
		bytes_fill(b, 0xc1, length + (tags[i % 3] == 0xc9));
	}
}

/* Many messages that are no report. */
static void
rejected(struct bytes *b, size_t size)
{
	BYTES(b, 0x90);
	while (b->length < size)
		BYTES(b, 7, 0x91, 2, 0xa2, 'n', 'o', 0xc0);
}

static void
extra_elements(struct bytes *b, size_t size)
{
	size_t extra = size - 9;

	BYTES(b, 0xdc);
	bytes_big_endian(b, 6 + extra, 2);
	BYTES(b, 1, 7, 8, 9, 100, 0x90);
	bytes_fill(b, 1, extra);
}

/* Reports with each integer in this encoding. */
static void
integers(struct bytes *b, size_t size, uint8_t tag)
{
	unsigned bytes = 1u << (tag & 3);

	while (b->length < size) {
		BYTES(b, 0x96);
		for (int i = 0; i < 5; i++) {
			bytes_fill(b, tag, 1);
			bytes_big_endian(b, 1, bytes);
		}
		BYTES(b, 0x91, 0x95);
		for (int i = 0; i < 5; i++) {
			bytes_fill(b, tag, 1);
			bytes_big_endian(b, 1, bytes);
		}
	}
}

#define INTEGERS(tag) \
	static void integers_##tag(struct bytes *b, size_t size) \
	{ \
		integers(b, size, 0x##tag); \
	}

INTEGERS(cc)
INTEGERS(cd)
INTEGERS(ce)
INTEGERS(cf)
INTEGERS(d0)
INTEGERS(d1)
INTEGERS(d2)
INTEGERS(d3)

/* A frame with a payload of so many bytes, which is to be appended. */
static void
frame(struct bytes *b, uint8_t id, size_t payload)
{
	BYTES(b, id, 0, 0, 0, (uint8_t)payload, (uint8_t)(payload >> 8), 0, 0);
}

/* Results without any field: two bytes each. */
static void
one_lars_frame(struct bytes *b, size_t size)
{
	frame(b, FRAME_ID_LARS, size - FRAME_HEADER);
	while (b->length < size)
		BYTES(b, 0x22, 0);
}

static void
small_lars_frames(struct bytes *b, size_t size)
{
	while (b->length < size) {
		frame(b, FRAME_ID_LARS, 2);
		BYTES(b, 0x22, 0);
	}
}

/* Whole numbers in the longest form that there is. */
static void
long_varints(struct bytes *b, size_t size)
{
	size_t fields = (size - FRAME_HEADER) / 11;

	frame(b, FRAME_ID_LARS, 11 * fields);
	while (fields-- > 0)
		BYTES(b, 0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		    0x80, 0x00);
}

static void
one_elb_frame(struct bytes *b, size_t size)
{
	size_t results = (size - FRAME_HEADER - 8) / 12;

	frame(b, FRAME_ID_ELB, 8 + 12 * results);
	BYTES(b, 0x08, 1, 0x10, 2, 0x18, 3, 0x28, 5);
	while (results-- > 0)
		BYTES(b, 0x22, 10, 0x08, 1, 0x10, 2, 0x18, 3, 0x20, 4, 0x28, 1);
}

/* Frames that do not decode. */
static void
rejected_frames(struct bytes *b, size_t size)
{
	while (b->length < size) {
		frame(b, FRAME_ID_ELB, 4);
		BYTES(b, 7, 7, 7, 7);
	}
}

static const struct {
	const char *name;
	void (*build)(struct bytes *b, size_t size);
} kinds[] = {
	{ "small reports", small_reports },
	{ "one report", one_report },
	{ "nested lists", nested_lists },
	{ "nested maps", nested_maps },
	{ "nesting inside", nested_inside },
	{ "declared lists", declared_lists },
	{ "declared bytes", declared_bytes },
	{ "rejected messages", rejected },
	{ "extra elements", extra_elements },
	{ "integers cc", integers_cc },
	{ "integers cd", integers_cd },
	{ "integers ce", integers_ce },
	{ "integers cf", integers_cf },
	{ "integers d0", integers_d0 },
	{ "integers d1", integers_d1 },
	{ "integers d2", integers_d2 },
	{ "integers d3", integers_d3 },
	{ "one Lars frame", one_lars_frame },
	{ "small Lars frames", small_lars_frames },
	{ "long varints", long_varints },
	{ "one ELB frame", one_elb_frame },
	{ "rejected frames", rejected_frames },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* --------------------------------------------------------------- work ----- */

/* The work for so many bytes of a kind, in pieces of that size. */
static uint64_t
work_of(size_t kind, size_t size, size_t piece)
{
	static struct bytes b;

	b.length = 0;
	kinds[kind].build(&b, size);
	begin(RING_MAX);
	feed(&b, piece);
	ck_assert_msg(server->open == 1, "%s: closed", kinds[kind].name);
	ck_assert_uint_eq(counter_get(&count.bytes), b.length);
	ck_assert_msg(TAILQ_FIRST(&server->all)->inbuf.length == 0,
	    "%s: not taken whole", kinds[kind].name);
	ck_assert_uint_gt(
	    counter_get(&count.received) + counter_get(&count.reports), 0);
	server_end();
	return work;
}

START_TEST(work_is_linear_in_the_bytes)
{
	uint64_t once = work_of((size_t)_i, SIZE, BYTES_MAX);
	uint64_t twice = work_of((size_t)_i, 2 * SIZE, BYTES_MAX);

	ck_assert_uint_gt(once, SIZE / 100);
	ck_assert_msg(twice < once * 9 / 4,
	    "%s: work %llu, of twice as many bytes %llu", kinds[_i].name,
	    (unsigned long long)once, (unsigned long long)twice);
}
END_TEST

/* Cut into pieces, each byte is looked at, or moved, some times more, and each
   read has its price: both whatever the size. */
START_TEST(work_is_linear_however_bytes_are_cut)
{
	static const size_t pieces[] = { 1, 3, 100, 1000, 5000, 10000 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		size_t size = SIZE;
		uint64_t whole = work_of((size_t)_i, size, BYTES_MAX);
		uint64_t cut = work_of((size_t)_i, size, pieces[i]);
		uint64_t max =
		    TIMES * (whole + size) + READ_WORK * (size / pieces[i] + 1);

		ck_assert_msg(cut < max,
		    "%s: work %llu, in pieces of %zu %llu, which is more than "
		    "%llu",
		    kinds[_i].name, (unsigned long long)whole, pieces[i],
		    (unsigned long long)cut, (unsigned long long)max);
	}
}
END_TEST

/* What waits for a full ring gets through one record at a time. */
static uint64_t
work_through_a_full_ring(size_t size)
{
	static struct bytes b;
	uint64_t reports;

	b.length = 0;
	small_reports(&b, size);
	reports = b.length / 13;
	begin(4);
	ck_assert_int_eq(
	    send(agent, b.data, b.length, MSG_NOSIGNAL), (ssize_t)b.length);
	take_turns();
	for (uint64_t i = 0; i < 2 * reports && ring_queued(rings[0]) > 0;
	     i++) {
		drain(1);
		counting = true;
		server_tick(server, 0);
		counting = false;
		take_turns();
	}
	ck_assert_uint_eq(counter_get(&count.received), reports);
	ck_assert_uint_gt(counter_get(&count.throttles), 0);
	server_end();
	return work;
}

START_TEST(work_is_linear_through_a_full_ring)
{
	uint64_t once = work_through_a_full_ring(SIZE);
	uint64_t twice = work_through_a_full_ring(2 * SIZE);

	ck_assert_msg(twice < once * 9 / 4, "work %llu, of twice as many %llu",
	    (unsigned long long)once, (unsigned long long)twice);
}
END_TEST

/* ------------------------------------------------------------- memory ----- */

/* Beginnings that declare what cannot be, and then some that may come true. */
#define IMPOSSIBLE 8
static const struct {
	uint8_t head[9];
	size_t length;
} claims[] = {
	{ { 0xdd, 0xff, 0xff, 0xff, 0xff }, 5 },
	{ { 0x90, 0xdf, 0xff, 0xff, 0xff, 0xff }, 6 },
	{ { 0x90, 0xdb, 0xff, 0xff, 0xff, 0xff }, 6 },
	{ { 0x90, 0xc6, 0xff, 0xff, 0xff, 0xff }, 6 },
	{ { 0x90, 0xc9, 0xff, 0xff, 0xff, 0xff, 1 }, 7 },
	{ { 0xdc, 0xff, 0xff }, 3 },
	{ { 3, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f }, 8 },
	{ { 8, 0, 0, 0, 0xff, 0xff, 0, 0 }, 8 },
	{ { 0xdc, 0xf0, 0 }, 3 },
	{ { 0x90, 0xdb, 0, 0, 0xf0, 0 }, 6 },
	{ { 3, 0, 0, 0, 0, 0xf0, 0, 0 }, 8 },
};

/* Room is made for bytes that came, and never for those that are said to
   come. */
START_TEST(nothing_is_allocated_by_declaration)
{
	struct bytes *b = bytes_new();

	bytes_add(b, claims[_i].head, claims[_i].length);
	begin(RING_MAX);
	feed(b, 1);
	ck_assert_uint_le(largest, 256);
	ck_assert_uint_eq(server->open, _i < IMPOSSIBLE ? 0 : 1);
	b->length = 0;
	bytes_fill(b, 1, 1000);
	feed(b, 10);
	ck_assert_uint_le(largest, 2048);
	server_end();
	free(b);
}
END_TEST

START_TEST(memory_of_a_connection_is_bounded)
{
	static const size_t pieces[] = { 1, 100, 5000, BYTES_MAX };
	struct bytes *b = bytes_new();

	/* All but the last byte of the longest message, behind reports. */
	small_reports(b, 1000);
	one_report(b, MESSAGE_MAX);
	b->length--;
	begin(RING_MAX);
	feed(b, pieces[_i]);
	ck_assert_uint_eq(server->open, 1);
	ck_assert_uint_gt(
	    TAILQ_FIRST(&server->all)->inbuf.length, MESSAGE_MAX - 100);
	ck_assert_uint_gt(largest, MESSAGE_MAX - 100);
	ck_assert_uint_le(largest, 2 * MESSAGE_MAX);
	server_end();
	free(b);
}
END_TEST

/* --------------------------------------------------- a turn of the loop --- */

/* The densest there is: a Lars result takes two bytes, a message that is
   rejected one. */
START_TEST(a_turn_has_its_bound)
{
	struct bytes *b = bytes_new();

	if (_i == 0)
		one_lars_frame(b, MESSAGE_MAX - 2);
	else
		bytes_fill(b, 7, MESSAGE_MAX);
	bytes_fill(b, 7, MESSAGE_MAX / 2);
	begin(RING_MAX);
	ck_assert_int_eq(
	    send(agent, b->data, b->length, MSG_NOSIGNAL), (ssize_t)b->length);
	conn_process(server, TAILQ_FIRST(&server->all), EPOLLIN);
	ck_assert_uint_eq(counter_get(&count.bytes), MESSAGE_MAX);
	ck_assert_uint_le(counter_get(&count.received), MESSAGE_MAX);
	ck_assert_uint_lt(ring_queued(rings[0]), REPORT_RECORDS_MAX);
	if (_i == 0) /* or the bound above would have nothing to hold */
		ck_assert_uint_gt(
		    ring_queued(rings[0]), REPORT_RECORDS_MAX - 10);
	server_end();
	free(b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("work");
	TCase *tc = tcase_create("work");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, work_is_linear_in_the_bytes, 0, KINDS);
	tcase_add_loop_test(tc, work_is_linear_however_bytes_are_cut, 0, KINDS);
	tcase_add_test(tc, work_is_linear_through_a_full_ring);
	tcase_add_loop_test(tc, nothing_is_allocated_by_declaration, 0,
	    sizeof(claims) / sizeof(*claims));
	tcase_add_loop_test(tc, memory_of_a_connection_is_bounded, 0, 4);
	tcase_add_loop_test(tc, a_turn_has_its_bound, 0, 2);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
