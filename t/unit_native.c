/* SPDX-License-Identifier: MIT
 *
 * Shows that the native decoder takes every encoding of every field, that a
 * fault costs a record or a report and never the ones beside it, that limits
 * hold to the byte, that messages may be cut anywhere, and that it agrees with
 * a plain decoder on top of msgpack-c about random bytes.
 */
#include "config.h"

#include "bytes.h"
#include "difference.h"
#include "intake/native.h"
#include "native_oracle.h"
#include "suite.h"

static struct report report, expected;
static struct bytes message, stream, work;

static void
begin(void)
{
	report.now = 1000000;
	report.horizon = INT64_C(1) << 39;
	report.max_message = MESSAGE_MAX;
	report_begin(&report);
	expected = report;
	message.length = stream.length = work.length = 0;
}

static enum decode
decode(const uint8_t *data, size_t length)
{
	return native_decode(bytes_guarded(data, length), length, &report);
}

/* ------------------------------------------------ messages to measure -- */

/* What stands where in the usual message; RESULTS is the whole array, IP to
   OVERLOAD are the first of two results. */
enum place {
	NUMBER,
	MODID,
	CMDID,
	CALLER,
	TS,
	RESULTS,
	IP,
	PORT,
	SUCC,
	ERR,
	OVERLOAD,
	PLACES
};

/* build_at - append what belongs there, or the object in its stead. */
static void
build_at(struct bytes *b, enum place here, uint8_t usual, enum place place,
    const struct bytes *object, size_t *offset)
{
	if (here != place || object == NULL) {
		BYTES(b, usual);
		return;
	}
	*offset = b->length;
	bytes_add(b, object->data, object->length);
}

/*
 * build - append [1, 7, 8, 9, 100, [[10, 11, 12, 13, 1], [14, 15, 16, 17, 0]]]
 * with this object in place of the usual one.  Returns the object's offset.
 */
static size_t
build(struct bytes *b, enum place place, const struct bytes *object)
{
	static const uint8_t usual[PLACES] = { 1, 7, 8, 9, 100, 0x92, 10, 11,
		12, 13, 1 };
	size_t offset = 0;

	BYTES(b, 0x96);
	for (enum place here = NUMBER; here <= RESULTS; here++)
		build_at(b, here, usual[here], place, object, &offset);
	if (place == RESULTS)
		return offset;
	BYTES(b, 0x95);
	for (enum place here = IP; here <= OVERLOAD; here++)
		build_at(b, here, usual[here], place, object, &offset);
	BYTES(b, 0x95, 14, 15, 16, 17, 0xc2);
	return offset;
}

static void
assert_second_result(const struct record *r)
{
	ck_assert_uint_eq(r->ip, 14);
	ck_assert_uint_eq(r->port, 15);
	ck_assert_uint_eq(r->succ, 16);
	ck_assert_uint_eq(r->err, 17);
	ck_assert_uint_eq(r->overload, 0);
}

/* assert_fault - this message is rejected for that reason: all of it if the
   place is the report's, else its first record alone. */
static void
assert_fault(
    enum decode found, enum place place, enum reject reason, size_t length)
{
	ck_assert_uint_eq(report.used, length);
	if (place <= RESULTS) {
		ck_assert_int_eq(found, DECODE_REJECT);
		ck_assert_int_eq(report.reason, reason);
		ck_assert_uint_eq(report.count, 0);
		return;
	}
	ck_assert_int_eq(found, DECODE_REPORT);
	for (int i = 0; i < REJECT_REASONS; i++)
		ck_assert_uint_eq(report.rejected[i], i == (int)reason);
	ck_assert_uint_eq(report.count, 1);
	assert_second_result(&report.records[0]);
}

START_TEST(a_report_is_decoded)
{
	static const uint8_t bytes[] = { 0x96, 1, 7, 8, 0xce, 127, 0, 0, 1, 100,
		0x92, 0x95, 0xce, 10, 0, 0, 1, 0xcd, 0x1f, 0x90, 12, 13, 0xc3,
		0x95, 14, 15, 16, 17, 0xc2 };

	begin();
	ck_assert_int_eq(decode(bytes, sizeof(bytes)), DECODE_REPORT);
	ck_assert_uint_eq(report.used, sizeof(bytes));
	ck_assert_int_eq(report.modid, 7);
	ck_assert_int_eq(report.cmdid, 8);
	ck_assert(!report.skewed);
	ck_assert_uint_eq(report.count, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(report.records[i].modid, 7);
		ck_assert_int_eq(report.records[i].cmdid, 8);
		ck_assert_uint_eq(report.records[i].caller, 2130706433);
		ck_assert_uint_eq(record_ts(&report.records[i]), 100);
	}
	ck_assert_uint_eq(report.records[0].ip, 0x0a000001);
	ck_assert_uint_eq(report.records[0].port, 8080);
	ck_assert_uint_eq(report.records[0].succ, 12);
	ck_assert_uint_eq(report.records[0].err, 13);
	ck_assert_uint_eq(report.records[0].overload, 1);
	assert_second_result(&report.records[1]);
}
END_TEST

/* --------------------------------------------------- every encoding -- */

/* The integer encodings: the tag, 0 being the short ones that need none, the
   bytes after it, and the values that it can hold. */
static const struct {
	uint8_t tag;
	unsigned bytes;
	int64_t min, max;
} encodings[] = {
	{ 0, 1, -32, 127 },
	{ 0xcc, 1, 0, UINT8_MAX },
	{ 0xcd, 2, 0, UINT16_MAX },
	{ 0xce, 4, 0, UINT32_MAX },
	{ 0xcf, 8, 0, INT64_MAX },
	{ 0xd0, 1, INT8_MIN, INT8_MAX },
	{ 0xd1, 2, INT16_MIN, INT16_MAX },
	{ 0xd2, 4, INT32_MIN, INT32_MAX },
	{ 0xd3, 8, INT64_MIN, INT64_MAX },
};

/* Each place that takes integers, and its range. */
static const struct {
	enum place place;
	int64_t min, max;
} ranges[] = {
	{ MODID, INT32_MIN, INT32_MAX },
	{ CMDID, INT32_MIN, INT32_MAX },
	{ CALLER, INT32_MIN, UINT32_MAX },
	{ TS, 0, INT64_C(1) << 53 },
	{ IP, INT32_MIN, UINT32_MAX },
	{ PORT, 0, UINT16_MAX },
	{ SUCC, 0, UINT32_MAX },
	{ ERR, 0, UINT32_MAX },
	{ OVERLOAD, 0, 1 },
};

/* stored_value - what the decoder made of the integer at this place. */
static int64_t
stored_value(enum place place)
{
	const struct record *r = &report.records[0];

	switch (place) {
	case MODID:
		return r->modid == report.modid ? r->modid : INT64_MIN;
	case CMDID:
		return r->cmdid == report.cmdid ? r->cmdid : INT64_MIN;
	case CALLER:
		return r->caller;
	case TS:
		return (int64_t)record_ts(r);
	case IP:
		return r->ip;
	case PORT:
		return r->port;
	case SUCC:
		return r->succ;
	case ERR:
		return r->err;
	default:
		return r->overload;
	}
}

/* wanted_value - what it should have made of it. */
static int64_t
wanted_value(enum place place, int64_t value)
{
	if (place == CALLER || place == IP)
		return (uint32_t)value;
	if (place == TS && (value == 0 || value > (INT64_C(1) << 39)))
		return 1000000;
	return value;
}

static void
check_value(
    size_t range, int64_t value, const struct bytes *object, size_t behind)
{
	enum place place = ranges[range].place;
	size_t length;
	enum decode found;

	message.length = 0;
	build(&message, place, object);
	length = message.length;
	/* Near the end of the bytes the decoder goes another way. */
	bytes_fill(&message, 0x96, behind);
	found = decode(message.data, message.length);
	if (value < ranges[range].min || value > ranges[range].max) {
		assert_fault(found, place, REJECT_OUT_OF_RANGE, length);
		return;
	}
	ck_assert_int_eq(found, DECODE_REPORT);
	ck_assert_uint_eq(report.used, length);
	ck_assert_uint_eq(report.count, 2);
	ck_assert_int_eq(stored_value(place), wanted_value(place, value));
	assert_second_result(&report.records[1]);
}

static void
check_encodings(size_t range, int64_t value)
{
	static struct bytes object;
	unsigned times = 0;

	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		if (value < encodings[i].min || value > encodings[i].max)
			continue;
		object.length = 0;
		if (encodings[i].tag != 0)
			BYTES(&object, encodings[i].tag);
		bytes_big_endian(&object, (uint64_t)value, encodings[i].bytes);
		check_value(range, value, &object, 0);
		check_value(range, value, &object, 64);
		times++;
	}
	ck_assert_uint_gt(times, 0);
}

START_TEST(every_encoding_of_every_field)
{
	static const int64_t edges[] = { INT64_MIN, INT32_MIN, INT16_MIN,
		INT8_MIN, -32, 0, 1, INT8_MAX, UINT8_MAX, INT16_MAX, UINT16_MAX,
		INT32_MAX, UINT32_MAX, INT64_C(1) << 39, (INT64_C(1) << 40) - 1,
		INT64_C(1) << 53, INT64_MAX };

	begin();
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		if (edges[i] > INT64_MIN)
			check_encodings((size_t)_i, edges[i] - 1);
		check_encodings((size_t)_i, edges[i]);
		if (edges[i] < INT64_MAX)
			check_encodings((size_t)_i, edges[i] + 1);
	}
}
END_TEST

START_TEST(more_than_63_bits_are_out_of_range)
{
	static const uint64_t values[] = { UINT64_C(1) << 63, UINT64_MAX,
		UINT64_MAX - 31, (UINT64_C(1) << 63) + 1 };

	begin();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		work.length = 0;
		BYTES(&work, 0xcf);
		bytes_big_endian(&work, values[i], 8);
		check_value((size_t)_i, INT64_MAX, &work, 0);
	}
}
END_TEST

START_TEST(overload_may_be_bool)
{
	for (uint8_t flag = 0; flag <= 1; flag++) {
		begin();
		BYTES(&work, (uint8_t)(0xc2 + flag));
		build(&message, OVERLOAD, &work);
		ck_assert_int_eq(
		    decode(message.data, message.length), DECODE_REPORT);
		ck_assert_uint_eq(report.count, 2);
		ck_assert_uint_eq(report.records[0].overload, flag);
		bytes_fill(&message, 0, 64);
		ck_assert_int_eq(
		    decode(message.data, message.length), DECODE_REPORT);
		ck_assert_uint_eq(report.records[0].overload, flag);
	}
}
END_TEST

START_TEST(arrays_may_have_long_headers)
{
	static const uint8_t bytes[] = { 0xdd, 0, 0, 0, 6, 1, 7, 8, 9, 100,
		0xdc, 0, 2, 0xdd, 0, 0, 0, 5, 10, 11, 12, 13, 0xc3, 0xdc, 0, 5,
		14, 15, 16, 17, 0xc2 };

	begin();
	ck_assert_int_eq(decode(bytes, sizeof(bytes)), DECODE_REPORT);
	ck_assert_uint_eq(report.used, sizeof(bytes));
	ck_assert_uint_eq(report.count, 2);
	ck_assert_uint_eq(report.records[0].ip, 10);
	assert_second_result(&report.records[1]);
}
END_TEST

/* ------------------------------------------------------------ faults -- */

START_TEST(a_wrong_type_is_rejected)
{
	static const struct {
		uint8_t length, data[10];
	} objects[] = {
		{ 1, { 0xc0 } },
		{ 5, { 0xca, 0, 0, 0, 0 } },
		{ 9, { 0xcb, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { 0xa0 } },
		{ 2, { 0xa1, '1' } },
		{ 3, { 0xd9, 1, '1' } },
		{ 4, { 0xda, 0, 1, '1' } },
		{ 6, { 0xdb, 0, 0, 0, 1, '1' } },
		{ 3, { 0xc4, 1, 1 } },
		{ 4, { 0xc5, 0, 1, 1 } },
		{ 6, { 0xc6, 0, 0, 0, 1, 1 } },
		{ 4, { 0xc7, 1, 0, 1 } },
		{ 5, { 0xc8, 0, 1, 0, 1 } },
		{ 7, { 0xc9, 0, 0, 0, 1, 0, 1 } },
		{ 3, { 0xd4, 0, 1 } },
		{ 4, { 0xd5, 0, 1, 1 } },
		{ 6, { 0xd6, 0, 1, 1, 1, 1 } },
		{ 10, { 0xd7, 0, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ 3, { 0x81, 1, 1 } },
		{ 5, { 0xde, 0, 1, 1, 1 } },
		{ 7, { 0xdf, 0, 0, 0, 1, 1, 1 } },
		{ 2, { 0x91, 1 } },
		{ 1, { 0xc3 } },
		{ 1, { 0xc2 } },
	};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		bool flag = (objects[i].data[0] & 0xfe) == 0xc2;
		bool array = objects[i].data[0] == 0x91;
		size_t length;

		if ((_i == OVERLOAD && flag) || (_i == RESULTS && array))
			continue;
		begin();
		bytes_add(&work, objects[i].data, objects[i].length);
		build(&message, (enum place)_i, &work);
		length = message.length;
		assert_fault(decode(message.data, length), (enum place)_i,
		    REJECT_WRONG_SHAPE, length);
		bytes_fill(&message, 0xc1, 64);
		assert_fault(decode(message.data, message.length),
		    (enum place)_i, REJECT_WRONG_SHAPE, length);
	}
}
END_TEST

static void
assert_rejected(const void *data, size_t length, enum reject reason)
{
	begin();
	bytes_add(&message, data, length);
	/* Neither the end nor what comes next makes a difference. */
	for (size_t behind = 0; behind <= 64; behind += 64) {
		bytes_fill(&message, 0x90, behind);
		ck_assert_int_eq(
		    decode(message.data, message.length), DECODE_REJECT);
		ck_assert_int_eq(report.reason, reason);
		ck_assert_uint_eq(report.used, length);
		ck_assert_uint_eq(report.count, 0);
	}
}
#define ASSERT_REJECTED(reason, ...) \
	assert_rejected((const uint8_t[]){ __VA_ARGS__ }, \
	    sizeof((const uint8_t[]){ __VA_ARGS__ }), (reason))

START_TEST(what_is_no_report_is_skipped)
{
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 1);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0xc0);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0xff);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0xa3, 'G', 'E', 'T');
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0x82, 1, 0x91, 7, 0x90, 0x80);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0x90);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0x91, 1);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0x95, 1, 7, 8, 9, 100);
	ASSERT_REJECTED(REJECT_WRONG_SHAPE, 0x91, 0xa1, '1');
	ASSERT_REJECTED(REJECT_OTHER_MESSAGE, 0x91, 2);
	ASSERT_REJECTED(REJECT_OTHER_MESSAGE, 0x92, 0, 0xa2, 'h', 'i');
	ASSERT_REJECTED(REJECT_OTHER_MESSAGE, 0x96, 0xff, 7, 8, 9, 1, 0x90);
	ASSERT_REJECTED(REJECT_OTHER_MESSAGE, 0x91, 0xcf, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff);
	ASSERT_REJECTED(REJECT_OTHER_MESSAGE, 0x91, 0xcd, 1, 1);
}
END_TEST

START_TEST(a_short_result_is_rejected_alone)
{
	static const uint8_t bytes[] = { 0x96, 1, 7, 8, 9, 100, 0x95, 0x90,
		0x94, 10, 11, 12, 13, 5, 0xa1, 'x', 0x95, 14, 15, 16, 17,
		0xc2 };

	begin();
	ck_assert_int_eq(decode(bytes, sizeof(bytes)), DECODE_REPORT);
	ck_assert_uint_eq(report.rejected[REJECT_WRONG_SHAPE], 4);
	ck_assert_uint_eq(report.count, 1);
	assert_second_result(&report.records[0]);
}
END_TEST

START_TEST(further_elements_are_ignored)
{
	begin();
	BYTES(&message, 0xdc, 0, 8, 1, 7, 8, 9, 100, 0x92);
	BYTES(&message, 0x97, 10, 11, 12, 13, 1, 0x81, 1, 0x91, 0xc0, 0xa1, 0);
	BYTES(&message, 0x96, 14, 15, 16, 17, 0xc2);
	/* Deeper than any stack would like. */
	bytes_fill(&message, 0x91, 60000);
	BYTES(&message, 0xd3, 0, 0, 0, 0, 0, 0, 0, 0, 0xc4, 2, 0xc1, 0xc1, 0xd8,
	    0);
	bytes_fill(&message, 0xc1, 16);
	ck_assert_int_eq(decode(message.data, message.length), DECODE_REPORT);
	ck_assert_uint_eq(report.used, message.length);
	ck_assert_uint_eq(report.count, 2);
	ck_assert_uint_eq(report.records[0].ip, 10);
	assert_second_result(&report.records[1]);
}
END_TEST

/* The byte 0xc1 in the place of an object; and a nested one that would have
   been skipped. */
START_TEST(no_messagepack_closes_where_it_stands)
{
	static const uint8_t nested[] = { 0xa2, 0xc1, 0xc1, 0x92, 0xc0, 0xc1 };
	size_t at;

	begin();
	BYTES(&work, 0xc1);
	at = build(&message, (enum place)_i, &work);
	ck_assert_int_eq(decode(message.data, message.length), DECODE_CLOSE);
	ck_assert_int_eq(report.reason, REJECT_NOT_MSGPACK);
	ck_assert_uint_eq(report.used, at);

	begin();
	bytes_add(&work, nested, 3);
	build(&message, (enum place)_i, &work);
	ck_assert_int_ne(decode(message.data, message.length), DECODE_CLOSE);

	begin();
	bytes_add(&work, nested + 3, 3);
	at = build(&message, (enum place)_i, &work);
	ck_assert_int_eq(decode(message.data, message.length), DECODE_CLOSE);
	ck_assert_int_eq(report.reason, REJECT_NOT_MSGPACK);
	ck_assert_uint_eq(report.used, at + 2);

	begin();
	BYTES(&message, 0xc1);
	ck_assert_int_eq(decode(message.data, message.length), DECODE_CLOSE);
	ck_assert_uint_eq(report.used, 0);
}
END_TEST

/* ------------------------------------------------------------ limits -- */

START_TEST(max_message_holds_to_the_byte)
{
	static const uint8_t others[][4] = { { 0xa3, 1, 2, 3 },
		{ 0x93, 2, 2, 2 }, { 0x91, 0xcd, 1, 1 } };

	begin();
	build(&message, PLACES, NULL);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		report.max_message = 4;
		ck_assert_int_eq(decode(others[i], 4), DECODE_REJECT);
		report.max_message = 3;
		ck_assert_int_eq(decode(others[i], 4), DECODE_CLOSE);
		ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
		ck_assert_int_eq(decode(others[i], 3), DECODE_CLOSE);
	}
	for (size_t length = 0; length <= message.length; length++) {
		enum decode found;

		report.max_message = message.length;
		found = decode(message.data, length);
		ck_assert_int_eq(found,
		    length < message.length ? DECODE_SHORT : DECODE_REPORT);

		report.max_message = message.length - 1;
		found = decode(message.data, length);
		/* The last header tells that one byte is too many. */
		ck_assert_int_eq(found,
		    length <= message.length - 6 ? DECODE_SHORT : DECODE_CLOSE);
		if (found == DECODE_CLOSE) {
			ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
			ck_assert_uint_le(report.used, length);
		}
	}
}
END_TEST

START_TEST(max_message_holds_inside_a_header)
{
	begin();
	BYTES(&work, 0xdd, 0, 0, 0, 0);
	build(&message, RESULTS, &work);
	for (size_t less = 1; less <= work.length; less++) {
		report.max_message = message.length - less;
		ck_assert_int_eq(
		    decode(message.data, message.length), DECODE_CLOSE);
		ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
		ck_assert_int_eq(
		    decode(message.data, report.max_message), DECODE_CLOSE);
		ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
		ck_assert_int_eq(decode(message.data, report.max_message - 1),
		    less < work.length ? DECODE_SHORT : DECODE_CLOSE);
	}
}
END_TEST

START_TEST(a_header_that_claims_too_much_closes_at_once)
{
	static const uint8_t array[] = { 0x96, 1, 7, 8, 9, 100, 0xdd, 0xff,
		0xff, 0xff, 0xff };
	static const uint8_t map[] = { 0xde, 0x80, 0 };
	static const uint8_t text[] = { 0x91, 0xdb, 0xff, 0xff, 0xff, 0xff };

	begin();
	ck_assert_int_eq(decode(array, sizeof(array) - 1), DECODE_SHORT);
	ck_assert_int_eq(decode(array, sizeof(array)), DECODE_CLOSE);
	ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
	ck_assert_int_eq(decode(map, sizeof(map)), DECODE_CLOSE);
	ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
	ck_assert_int_eq(decode(text, sizeof(text)), DECODE_CLOSE);
	ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
}
END_TEST

START_TEST(the_longest_message_has_room)
{
	enum {
		RESULT_COUNT = 10921
	};

	begin();
	BYTES(&message, 0x96, 1, 7, 8, 9, 0xcc, 100, 0xdc);
	bytes_big_endian(&message, RESULT_COUNT, 2);
	for (int i = 0; i < RESULT_COUNT; i++)
		BYTES(&message, 0x95, 14, 15, 16, 17, 0);
	ck_assert_uint_eq(message.length, MESSAGE_MAX);
	ck_assert_int_eq(decode(message.data, message.length), DECODE_REPORT);
	ck_assert_uint_eq(report.count, RESULT_COUNT);
	assert_second_result(&report.records[0]);
	assert_second_result(&report.records[RESULT_COUNT - 1]);

	/* The same in one byte more. */
	memmove(message.data + 2, message.data + 1, message.length - 1);
	message.data[1] = 0xcc;
	message.data[2] = 1;
	ck_assert_int_eq(
	    decode(message.data, message.length + 1), DECODE_CLOSE);
	ck_assert_int_eq(report.reason, REJECT_TOO_LONG);
}
END_TEST

START_TEST(time_is_now_for_0_and_beyond_the_horizon)
{
	begin();
	report.horizon = 5000;
	ck_assert_uint_eq(report_time(&report, 0), report.now);
	ck_assert_uint_eq(report_time(&report, 1), 1);
	ck_assert_uint_eq(report_time(&report, 4999), 4999);
	ck_assert_uint_eq(report_time(&report, 5000), 5000);
	ck_assert(!report.skewed);
	ck_assert_uint_eq(report_time(&report, 5001), report.now);
	ck_assert(report.skewed);

	begin();
	report.horizon = UINT64_MAX;
	ck_assert_uint_eq(report_time(&report, RECORD_TS_MAX), RECORD_TS_MAX);
	ck_assert(!report.skewed);
	ck_assert_uint_eq(report_time(&report, RECORD_TS_MAX + 1), report.now);
	ck_assert(report.skewed);

	/* The mark is the report's, and does not stick. */
	begin();
	build(&message, PLACES, NULL);
	report.horizon = 99;
	ck_assert_int_eq(decode(message.data, message.length), DECODE_REPORT);
	ck_assert(report.skewed);
	report.horizon = 100;
	ck_assert_int_eq(decode(message.data, message.length), DECODE_REPORT);
	ck_assert(!report.skewed);
}
END_TEST

/* -------------------------------------------------------- every cut -- */

enum {
	STREAM_MESSAGES = 11
};

/* build_stream - messages of every sort, one after the other. */
static void
build_stream(struct bytes *b)
{
	static const struct bytes port = { 3, { 0xcd, 0x1f, 0x90 } };
	static const struct bytes text = { 6, { 0xdb, 0, 0, 0, 1, 0xc1 } };
	static const struct bytes wide = { 9, { 0xcf, 0, 0, 0, 0, 0, 0, 1 } };
	static const struct bytes results = { 3, { 0xdc, 0, 0 } };

	build(b, PLACES, NULL);
	build(b, PORT, &port);
	BYTES(b, 0x93, 5, 0xda, 0, 3, 0xc1, 0xc1, 0xc1, 0x82, 1, 2, 3, 0x90);
	build(b, IP, &wide);
	build(b, SUCC, &text);
	BYTES(b, 0xdf, 0, 0, 0, 1, 0xca, 0, 0, 0, 0, 0xc8, 0, 2, 1, 9, 9);
	build(b, CMDID, &text);
	build(b, RESULTS, &results);
	BYTES(b, 0xdc, 0, 8, 1, 7, 8, 9, 0xd3, 0, 0, 0, 0, 0, 0, 0, 1);
	BYTES(b, 0xdd, 0, 0, 0, 3);
	for (int i = 0; i < 3; i++)
		BYTES(b, 0x96, 0xce, 10, 0, 0, 1, 0xcd, 0x1f, 0x90, 0xcc, 200,
		    0xd1, 1, 1, 0xc3, 0xd7, 1, 2, 3, 4, 5, 6, 7, 8, 9);
	BYTES(b, 0xc4, 2, 0xc1, 0xc1, 0xd9, 1, 0xc1);
	/* The widest results that go the inline way. */
	BYTES(b, 0x96, 1, 7, 8, 9, 100, 0x92);
	for (int i = 0; i < 2; i++)
		BYTES(b, 0x95, 0xce, 1, 2, 3, 4, 0xce, 0, 0, 1, 2, 0xce, 3, 4,
		    5, 6, 0xce, 7, 8, 9, 10, 1);
	build(b, PLACES, NULL);
}

/* difference - between `report` and `expected`. */
static const char *
difference(enum decode found, enum decode wanted)
{
	return report_difference(found, &report, wanted, &expected);
}

/* decode_whole - decode what is whole of the first `length` bytes, comparing
   with the plain decoder.  Returns where the rest begins. */
static size_t
decode_whole(const uint8_t *data, size_t length, unsigned *messages)
{
	size_t at = 0;

	for (;;) {
		enum decode found, wanted;

		ck_assert(
		    oracle_decode(data + at, length - at, &expected, &wanted));
		found = decode(data + at, length - at);
		ck_assert_ptr_null(difference(found, wanted));
		if (found == DECODE_SHORT)
			return at;
		ck_assert_int_ne(found, DECODE_CLOSE);
		at += report.used;
		++*messages;
	}
}

START_TEST(a_stream_may_be_cut_anywhere)
{
	unsigned all = 0;

	begin();
	build_stream(&stream);
	ck_assert_uint_eq(
	    decode_whole(stream.data, stream.length, &all), stream.length);
	ck_assert_uint_eq(all, STREAM_MESSAGES);

	for (size_t cut = 0; cut <= stream.length; cut++) {
		struct native_scan scan = { 0 };
		unsigned messages = 0;
		size_t at = decode_whole(stream.data, cut, &messages);
		const uint8_t *rest = stream.data + at;

		ck_assert_int_eq(
		    native_scan(bytes_guarded(rest, cut - at), cut - at, &scan),
		    DECODE_SHORT);
		if (cut == stream.length)
			break;
		ck_assert_int_eq(native_scan(rest, stream.length - at, &scan),
		    DECODE_REPORT);
		ck_assert_int_ne(
		    decode(rest, (size_t)scan.offset), DECODE_SHORT);
		ck_assert_uint_eq(report.used, scan.offset);
		at += decode_whole(rest, stream.length - at, &messages);
		ck_assert_uint_eq(at, stream.length);
		ck_assert_uint_eq(messages, all);
	}
}
END_TEST

/* scan_slowly - scan one message as it comes byte by byte.  What was passed is
   overwritten with bytes that would close, so a second look would show. */
static size_t
scan_slowly(uint8_t *data, size_t length)
{
	struct native_scan scan = { 0 };
	uint64_t passed = 0;

	for (size_t have = 0; have <= length; have++) {
		enum decode found = native_scan(data, have, &scan);

		ck_assert_uint_ge(scan.offset, passed);
		if (found == DECODE_REPORT) {
			ck_assert_uint_eq(scan.offset, have);
			return have;
		}
		ck_assert_int_eq(found, DECODE_SHORT);
		/* Only a header may wait: five bytes that are not whole. */
		ck_assert_uint_gt(scan.offset + 5, have);
		passed = scan.offset;
		memset(data, 0xc1, passed < have ? passed : have);
	}
	ck_abort_msg("no end was found");
	return 0;
}

START_TEST(a_scan_looks_at_each_byte_once)
{
	unsigned messages = 0;
	size_t at = 0;

	begin();
	build_stream(&stream);
	while (at < stream.length) {
		struct native_scan scan = { 0 };

		ck_assert_int_eq(
		    native_scan(stream.data + at, stream.length - at, &scan),
		    DECODE_REPORT);
		ck_assert_uint_eq(
		    scan_slowly(stream.data + at, stream.length - at),
		    scan.offset);
		at += scan.offset;
		messages++;
	}
	ck_assert_uint_eq(messages, STREAM_MESSAGES);
}
END_TEST

START_TEST(a_scan_finds_what_is_no_messagepack)
{
	static const uint8_t bytes[] = { 0x93, 1, 0xa1, 0xc1, 0x91, 0xc1 };
	struct native_scan scan = { 0 };

	for (size_t have = 0; have < sizeof(bytes); have++)
		ck_assert_int_eq(native_scan(bytes, have, &scan), DECODE_SHORT);
	ck_assert_int_eq(
	    native_scan(bytes, sizeof(bytes), &scan), DECODE_CLOSE);
	ck_assert_uint_eq(scan.offset, 5);
}
END_TEST

/* ------------------------------------------------------ random bytes -- */

/* compare_mutation - returns false where msgpack-c cannot be asked: it reserves
   memory for what a header claims.  *found: what native_decode() said. */
static bool
compare_mutation(enum decode *found)
{
	const uint8_t *p = bytes_guarded(work.data, work.length);
	struct native_scan scan = { 0 };
	enum decode ended = native_scan(p, work.length, &scan), wanted;
	bool whole;

	*found = native_decode(p, work.length, &report);
	if (scan.offset + scan.wanted > MESSAGE_MAX) {
		ck_assert(
		    *found == DECODE_CLOSE && report.reason == REJECT_TOO_LONG);
		return false;
	}
	if (!oracle_decode(p, work.length, &expected, &wanted))
		return false;
	if (difference(*found, wanted) != NULL)
		ck_abort_msg("another %s", difference(*found, wanted));
	whole = *found == DECODE_REPORT || *found == DECODE_REJECT;
	if (ended != (whole ? DECODE_REPORT : *found) ||
	    (whole && scan.offset != report.used))
		ck_abort_msg("the scan ends elsewhere");
	return true;
}

/* pick_message - copy a random one of the stream to `work`. */
static void
pick_message(uint64_t *state)
{
	size_t at = 0, skipped = random_below(state, STREAM_MESSAGES);
	struct native_scan scan;

	for (;; at += scan.offset) {
		scan = (struct native_scan){ 0 };
		native_scan(stream.data + at, stream.length - at, &scan);
		if (skipped-- == 0)
			break;
	}
	work.length = 0;
	bytes_add(&work, stream.data + at, (size_t)scan.offset);
}

START_TEST(agrees_with_msgpack_c)
{
	enum {
		ROUNDS = 200000
	};
	uint64_t state = random_seed("agrees_with_msgpack_c");
	unsigned compared = 0, seen[DECODE_CLOSE + 1] = { 0 };

	begin();
	build_stream(&stream);
	for (int i = 0; i < ROUNDS; i++) {
		enum decode found;

		pick_message(&state);
		/* More bytes behind it lead through the inline path. */
		bytes_fill(&work, 0x07, random_below(&state, 40));
		for (size_t n = random_below(&state, 4) + 1; n > 0; n--)
			bytes_mutate(&work, &state);
		if (compare_mutation(&found)) {
			compared++;
			seen[found]++;
		}
	}
	/* The random bytes went to every place. */
	ck_assert_uint_gt(compared, ROUNDS / 10 * 9);
	for (int i = 0; i <= DECODE_CLOSE; i++)
		ck_assert_uint_gt(seen[i], ROUNDS / 200);
}
END_TEST

static Suite *
native_suite(void)
{
	Suite *suite = suite_create("native");
	TCase *tests = tcase_create("native");
	int fields = sizeof(ranges) / sizeof(ranges[0]);

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_report_is_decoded);
	tcase_add_loop_test(tests, every_encoding_of_every_field, 0, fields);
	tcase_add_loop_test(
	    tests, more_than_63_bits_are_out_of_range, 0, fields);
	tcase_add_test(tests, overload_may_be_bool);
	tcase_add_test(tests, arrays_may_have_long_headers);
	tcase_add_loop_test(tests, a_wrong_type_is_rejected, 0, PLACES);
	tcase_add_test(tests, what_is_no_report_is_skipped);
	tcase_add_test(tests, a_short_result_is_rejected_alone);
	tcase_add_test(tests, further_elements_are_ignored);
	tcase_add_loop_test(
	    tests, no_messagepack_closes_where_it_stands, 0, PLACES);
	tcase_add_test(tests, max_message_holds_to_the_byte);
	tcase_add_test(tests, max_message_holds_inside_a_header);
	tcase_add_test(tests, a_header_that_claims_too_much_closes_at_once);
	tcase_add_test(tests, the_longest_message_has_room);
	tcase_add_test(tests, time_is_now_for_0_and_beyond_the_horizon);
	tcase_add_test(tests, a_stream_may_be_cut_anywhere);
	tcase_add_test(tests, a_scan_looks_at_each_byte_once);
	tcase_add_test(tests, a_scan_finds_what_is_no_messagepack);
	tcase_add_test(tests, agrees_with_msgpack_c);
	suite_add_tcase(suite, tests);
	return suite;
}

int
main(void)
{

	return suite_run(native_suite());
}
