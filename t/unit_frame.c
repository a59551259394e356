/* SPDX-License-Identifier: MIT
 *
 * Shows that recorded frames decode to what was sent, that frames may be cut
 * anywhere, that limits hold to the byte, and that the decoder accepts,
 * refuses and reads exactly as protobuf-c does, random bytes as well.
 */
#include "config.h"

#include "bytes.h"
#include "difference.h"
#include "intake/elb.pb-c.h"
#include "intake/frame.h"
#include "frame_oracle.h"
#include "suite.h"

#include <endian.h>

static struct report report, expected;
static struct bytes frame, payload, stream;

static const int32_t dialects[] = { FRAME_ID_LARS, FRAME_ID_ELB };

static void
begin(void)
{
	report.now = 2000000000;
	report.horizon = 3000000000;
	report.max_message = MESSAGE_MAX;
	report_begin(&report);
	expected = report;
	frame.length = payload.length = stream.length = 0;
}

static enum decode
decode(const uint8_t *data, size_t length, int32_t id)
{
	return frame_decode(bytes_guarded(data, length), length, id, &report);
}

/* add_header - append a frame's header. */
static void
add_header(struct bytes *b, int32_t id, int32_t length)
{
	uint32_t words[2] = { htole32((uint32_t)id),
		htole32((uint32_t)length) };

	bytes_add(b, words, sizeof(words));
}

/* decode_payload - decode `payload` in a frame of its own. */
static enum decode
decode_payload(int32_t id)
{
	frame.length = 0;
	add_header(&frame, id, (int32_t)payload.length);
	bytes_add(&frame, payload.data, payload.length);
	return decode(frame.data, frame.length, id);
}

static void
assert_record(const struct record *r, uint32_t ip, uint16_t port, uint32_t succ,
    uint32_t err, uint8_t overload)
{
	ck_assert_uint_eq(r->ip, ip);
	ck_assert_uint_eq(r->port, port);
	ck_assert_uint_eq(r->succ, succ);
	ck_assert_uint_eq(r->err, err);
	ck_assert_uint_eq(r->overload, overload);
}

/* ----------------------------------------------------- recorded frames -- */

/* load - append a recorded file to the stream. */
static void
load(const char *name)
{
	const char *directory = getenv("srcdir");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/t/wire/%s",
	    directory == NULL ? "." : directory, name);
	file = fopen(path, "rb");
	if (file == NULL)
		ck_abort_msg("cannot open %s", path);
	stream.length += fread(stream.data + stream.length, 1,
	    sizeof(stream.data) - stream.length, file);
	fclose(file);
}

/* assert_recorded - the next report of the stream; the results are always the
   same, but for the flag of the first two. */
static void
assert_recorded(
    size_t *at, int32_t id, int32_t modid, uint64_t ts, uint8_t overload)
{
	ck_assert_int_eq(
	    decode(stream.data + *at, stream.length - *at, id), DECODE_REPORT);
	ck_assert_int_eq(report.modid, modid);
	ck_assert_int_eq(report.cmdid, 1);
	ck_assert_uint_eq(report.count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(report.records[i].modid, modid);
		ck_assert_int_eq(report.records[i].cmdid, 1);
		ck_assert_uint_eq(report.records[i].caller, 123);
		ck_assert_uint_eq(record_ts(&report.records[i]), ts);
	}
	assert_record(&report.records[0], 1, 1, 100, 3, overload);
	assert_record(&report.records[1], 2, 4, 100, 3, overload);
	assert_record(&report.records[2], 3, 9, 100, 3, 1);
	*at += report.used;
}

START_TEST(the_recorded_lars_frame)
{
	size_t at = 0;

	begin();
	load("lars-report.bin");
	assert_recorded(&at, FRAME_ID_LARS, 2, 1795364256, 0);
	ck_assert_uint_eq(at, stream.length);
}
END_TEST

START_TEST(the_recorded_elb_frames)
{
	size_t at = 0;

	begin();
	load("elb-reports.bin");
	assert_recorded(&at, FRAME_ID_ELB, 1, 1795364349, 1);
	assert_recorded(&at, FRAME_ID_ELB, 2, 1795364350, 1);
	assert_recorded(&at, FRAME_ID_ELB, 2, 1795364351, 1);
	ck_assert_uint_eq(at, stream.length);
}
END_TEST

START_TEST(a_stream_may_be_cut_anywhere)
{
	static const char *const names[] = { "lars-report.bin",
		"elb-reports.bin" };
	int32_t id = dialects[_i];

	begin();
	load(names[_i]);
	/* A frame that is skipped, and one that is no protobuf. */
	add_header(&stream, 99, 5);
	BYTES(&stream, 1, 2, 3, 4, 5);
	add_header(&stream, id, 1);
	BYTES(&stream, 0x80);
	load(names[_i]);
	for (size_t cut = 0; cut <= stream.length; cut++) {
		size_t at = 0, records = 0, rejects = 0;
		size_t have = cut;

		while (at < stream.length) {
			enum decode found =
			    decode(stream.data + at, have - at, id);

			if (found == DECODE_SHORT) {
				ck_assert_uint_lt(have, stream.length);
				have = stream.length;
				continue;
			}
			ck_assert_int_ne(found, DECODE_CLOSE);
			ck_assert_uint_le(at + report.used, have);
			at += report.used;
			records += report.count;
			rejects += found == DECODE_REJECT;
		}
		ck_assert_uint_eq(at, stream.length);
		ck_assert_uint_eq(records, id == FRAME_ID_ELB ? 18 : 6);
		ck_assert_uint_eq(rejects, 2);
	}
}
END_TEST

/* ------------------------------------------------------------- headers -- */

/* check_length - a header alone that tells this length. */
static void
check_length(int32_t id, int32_t header_id, int32_t length, enum decode wanted,
    enum reject reason)
{
	frame.length = 0;
	add_header(&frame, header_id, length);
	for (size_t have = 0; have < FRAME_HEADER; have++)
		ck_assert_int_eq(decode(frame.data, have, id), DECODE_SHORT);
	ck_assert_int_eq(decode(frame.data, FRAME_HEADER, id), wanted);
	if (wanted != DECODE_CLOSE)
		return;
	ck_assert_int_eq(report.reason, reason);
	ck_assert_uint_eq(report.used, 4);
}

START_TEST(lengths_hold_to_the_byte)
{
	int32_t id = dialects[_i];
	int32_t max = id == FRAME_ID_ELB ? FRAME_MAX_ELB : FRAME_MAX_LARS;

	begin();
	ck_assert_int_eq(max, id == FRAME_ID_ELB ? 65528 : 65527);
	/* Other ids are held to the same. */
	for (int32_t header_id = 0; header_id < 10; header_id++) {
		report.max_message = MESSAGE_MAX;
		check_length(
		    id, header_id, -1, DECODE_CLOSE, REJECT_NEGATIVE_LENGTH);
		check_length(id, header_id, INT32_MIN, DECODE_CLOSE,
		    REJECT_NEGATIVE_LENGTH);
		check_length(id, header_id, 1, DECODE_SHORT, 0);
		check_length(id, header_id, max, DECODE_SHORT, 0);
		check_length(
		    id, header_id, max + 1, DECODE_CLOSE, REJECT_TOO_LONG);
		check_length(
		    id, header_id, INT32_MAX, DECODE_CLOSE, REJECT_TOO_LONG);
		report.max_message = 1000;
		check_length(id, header_id, 991, DECODE_SHORT, 0);
		check_length(id, header_id, 992, DECODE_SHORT, 0);
		check_length(id, header_id, 993, DECODE_CLOSE, REJECT_TOO_LONG);
	}
}
END_TEST

START_TEST(other_ids_are_skipped)
{
	static const int32_t others[] = { 0, 1, 2, 4, 7, 9, -1, 0x308,
		INT32_MAX };

	begin();
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		frame.length = 0;
		add_header(&frame, others[i], 4);
		BYTES(&frame, 8, 1, 16, 1);
		ck_assert_int_eq(
		    decode(frame.data, 12, dialects[_i]), DECODE_REJECT);
		ck_assert_int_eq(report.reason, REJECT_OTHER_MESSAGE);
		ck_assert_uint_eq(report.used, 12);
	}
	/* The other dialect's is another one, too. */
	frame.length = 0;
	add_header(&frame, dialects[1 - _i], 0);
	ck_assert_int_eq(decode(frame.data, 8, dialects[_i]), DECODE_REJECT);
	ck_assert_int_eq(report.reason, REJECT_OTHER_MESSAGE);
}
END_TEST

START_TEST(the_longest_frame_has_room)
{
	begin();
	for (int i = 0; i < 32763; i++)
		BYTES(&payload, 0x22, 0);
	ck_assert_int_eq(decode_payload(FRAME_ID_LARS), DECODE_REPORT);
	ck_assert_uint_eq(report.count, 32763);
	assert_record(&report.records[32762], 0, 0, 0, 0, 0);
	/* A piece that is no field, at the very end, costs all of them. */
	BYTES(&payload, 0x22);
	ck_assert_uint_eq(payload.length, FRAME_MAX_LARS);
	ck_assert_int_eq(decode_payload(FRAME_ID_LARS), DECODE_REJECT);
	ck_assert_int_eq(report.reason, REJECT_NOT_PROTOBUF);
	ck_assert_uint_eq(report.count, 0);
}
END_TEST

/* -------------------------------------------------------------- fields -- */

/* A report of one result, a field each. */
static const uint8_t own_fields[4][2] = { { 0x08, 7 }, { 0x10, 8 }, { 0x18, 9 },
	{ 0x28, 100 } };
static const uint8_t result_fields[5][2] = { { 0x08, 10 }, { 0x10, 11 },
	{ 0x18, 12 }, { 0x20, 13 }, { 0x28, 1 } };

/* build - the payload without these fields; -1: all are there. */
static void
build(int own_left_out, int result_left_out)
{
	payload.length = 0;
	BYTES(&payload, 0x22, result_left_out < 0 ? 10 : 8);
	for (int i = 0; i < 5; i++)
		if (i != result_left_out)
			bytes_add(&payload, result_fields[i], 2);
	/* The report's own fields may come last, and in any order. */
	for (int i = 3; i >= 0; i--)
		if (i != own_left_out)
			bytes_add(&payload, own_fields[i], 2);
}

START_TEST(an_absent_field_is_0_or_missed)
{
	const uint32_t values[5] = { 10, 11, 12, 13, 1 };
	uint32_t got[5];

	begin();
	for (int own = -1; own < 4; own++)
		for (int result = -1; result < 5; result++) {
			bool whole = own < 0 && result < 0;

			build(own, result);
			ck_assert_int_eq(decode_payload(FRAME_ID_ELB),
			    whole ? DECODE_REPORT : DECODE_REJECT);
			if (!whole)
				ck_assert_int_eq(
				    report.reason, REJECT_NOT_PROTOBUF);

			ck_assert_int_eq(
			    decode_payload(FRAME_ID_LARS), DECODE_REPORT);
			ck_assert_int_eq(report.modid, own == 0 ? 0 : 7);
			ck_assert_int_eq(report.cmdid, own == 1 ? 0 : 8);
			ck_assert_uint_eq(report.count, 1);
			ck_assert_uint_eq(
			    report.records[0].caller, own == 2 ? 0 : 9);
			ck_assert_uint_eq(record_ts(&report.records[0]),
			    own == 3 ? report.now : 100);
			for (int i = 0; i < 5; i++)
				got[i] = i == result ? 0 : values[i];
			assert_record(&report.records[0], got[0],
			    (uint16_t)got[1], got[2], got[3], (uint8_t)got[4]);
		}
}
END_TEST

/* pack - put a report of one result into `payload`, through protobuf-c. */
static void
pack(Elb__CallResult *result, uint32_t ts)
{
	Elb__StatusReport message = ELB__STATUS_REPORT__INIT;

	message.modid = INT32_MIN;
	message.cmdid = INT32_MAX;
	message.caller = -1062731519; /* 192.168.1.1 */
	message.ts = ts;
	message.n_results = 1;
	message.results = &result;
	payload.length = elb__status_report__pack(&message, payload.data);
}

START_TEST(integers_are_taken_whole)
{
	static const uint32_t values[] = { 0, 1, 127, 128, 16383, 16384,
		INT32_MAX, (uint32_t)INT32_MIN, UINT32_MAX };
	Elb__CallResult result = ELB__CALL_RESULT__INIT;

	begin();
	result.port = 80;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		result.ip = (int32_t)values[i];
		result.succ = values[i];
		result.err = ~values[i];
		pack(&result, 5);
		ck_assert_int_eq(decode_payload(dialects[_i]), DECODE_REPORT);
		ck_assert_int_eq(report.modid, INT32_MIN);
		ck_assert_int_eq(report.cmdid, INT32_MAX);
		ck_assert_uint_eq(report.count, 1);
		ck_assert_uint_eq(report.records[0].caller, 0xc0a80101);
		assert_record(&report.records[0], values[i], 80, values[i],
		    ~values[i], 0);
	}
}
END_TEST

START_TEST(a_port_out_of_range_costs_its_record)
{
	static const int32_t ports[] = { 0, 1, 65535, 65536, 65537, 0x10050,
		INT32_MAX, -1, INT32_MIN };
	Elb__CallResult result = ELB__CALL_RESULT__INIT;

	begin();
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		bool good = ports[i] >= 0 && ports[i] <= 65535;

		result.ip = 4;
		result.port = ports[i];
		pack(&result, 5);
		BYTES(&payload, 0x22, 10, 8, 10, 16, 11, 24, 12, 32, 13, 40, 1);
		ck_assert_int_eq(decode_payload(dialects[_i]), DECODE_REPORT);
		ck_assert_uint_eq(report.rejected[REJECT_OUT_OF_RANGE], !good);
		ck_assert_uint_eq(report.count, good ? 2 : 1);
		if (good)
			assert_record(
			    &report.records[0], 4, (uint16_t)ports[i], 0, 0, 0);
		assert_record(
		    &report.records[report.count - 1], 10, 11, 12, 13, 1);
	}
}
END_TEST

START_TEST(time_is_now_for_0_and_beyond_the_horizon)
{
	static const uint32_t times[] = { 0, 1, 3000000000, 3000000001,
		UINT32_MAX };
	Elb__CallResult result = ELB__CALL_RESULT__INIT;

	begin();
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		bool late = times[i] > report.horizon;

		pack(&result, times[i]);
		ck_assert_int_eq(decode_payload(dialects[_i]), DECODE_REPORT);
		ck_assert_int_eq(report.skewed, late);
		ck_assert_uint_eq(record_ts(&report.records[0]),
		    late || times[i] == 0 ? report.now : times[i]);
	}
}
END_TEST

/* ------------------------------------- the same as protobuf-c, always -- */

/* compare - decode `payload` both ways.  Returns whether it was accepted. */
static bool
compare(int32_t id)
{
	enum decode wanted =
	    frame_oracle(id, payload.data, payload.length, &expected);
	enum decode found = decode_payload(id);
	const char *other =
	    report_difference(found, &report, wanted, &expected);

	if (other != NULL)
		ck_abort_msg("protobuf-c says another %s", other);
	return wanted == DECODE_REPORT;
}

/* add_varint - append value in at least so many bytes. */
static void
add_varint(struct bytes *b, uint64_t value, unsigned min)
{
	for (; value > 0x7f || min > 1; value >>= 7) {
		BYTES(b, (uint8_t)(value | 0x80));
		if (min > 1)
			min--;
	}
	BYTES(b, (uint8_t)value);
}

static uint64_t
random_value(uint64_t *state)
{
	return random_next(state) >> random_below(state, 64);
}

/* random_padding - how many bytes a varint shall have at least. */
static unsigned
random_padding(uint64_t *state, bool strange)
{
	return strange ? (unsigned)random_below(state, 12) : 1;
}

static void add_result(struct bytes *b, uint64_t *state, bool strange);

/* add_field - append a field, mostly a proper one of the schema: of a report
   if outer, else of a result. */
static void
add_field(struct bytes *b, uint64_t *state, bool outer)
{
	bool strange = random_below(state, 12) == 0;
	uint64_t number = random_below(state, 5) + 1;
	uint64_t wire = outer && number == 4 ? 2 : 0;

	if (strange) {
		wire = random_below(state, 8);
		if (random_below(state, 2) == 0)
			number = random_value(state) >> 35;
	}
	add_varint(b, number << 3 | wire, random_padding(state, strange) / 2);
	if (wire == 0)
		add_varint(
		    b, random_value(state), random_padding(state, strange));
	else if (wire == 1)
		bytes_big_endian(b, random_value(state), 8);
	else if (wire == 5)
		bytes_big_endian(b, random_value(state), 4);
	else if (wire == 2 && outer)
		add_result(b, state, strange);
	else if (wire == 2) {
		add_varint(b, 2, random_padding(state, strange) / 2);
		BYTES(b, (uint8_t)(random_next(state) & 0x81), 0x80);
	}
}

/* add_result - append the length and the fields of a result: nearly all once,
   in order, and then some again. */
static void
add_result(struct bytes *b, uint64_t *state, bool strange)
{
	static struct bytes result;

	result.length = 0;
	for (uint8_t number = 1; number <= 5; number++)
		if (random_below(state, 30) != 0)
			BYTES(&result, (uint8_t)(number << 3), number);
	for (size_t n = random_below(state, 4); n > 0; n--)
		add_field(&result, state, false);
	add_varint(b, result.length, random_padding(state, strange) / 2);
	bytes_add(b, result.data, result.length);
}

START_TEST(agrees_with_protobuf_c)
{
	enum {
		ROUNDS = 100000
	};
	uint64_t state = random_seed("agrees_with_protobuf_c");
	unsigned accepted = 0;

	begin();
	for (int i = 0; i < ROUNDS; i++) {
		payload.length = 0;
		for (uint8_t n = 1; n <= 5; n++)
			if (n != 4 && random_below(&state, 30) != 0)
				BYTES(&payload, (uint8_t)(n << 3), n);
		for (size_t n = random_below(&state, 5); n > 0; n--)
			add_field(&payload, &state, true);
		if (random_below(&state, 2) == 0)
			for (size_t n = random_below(&state, 3); n > 0; n--)
				bytes_mutate(&payload, &state);
		accepted += compare(dialects[_i]);
	}
	/* The random bytes went both ways. */
	ck_assert_uint_gt(accepted, ROUNDS / 10);
	ck_assert_uint_lt(accepted, ROUNDS / 10 * 9);
}
END_TEST

/* Every message of up to two bytes, and every tag with a varint behind it. */
START_TEST(agrees_about_all_short_messages)
{
	begin();
	ck_assert_int_eq(compare(dialects[_i]), _i == 0);
	for (unsigned first = 0; first < 256; first++) {
		payload.length = 0;
		BYTES(&payload, (uint8_t)first);
		compare(dialects[_i]);
		for (unsigned second = 0; second < 256; second++) {
			payload.length = 1;
			BYTES(&payload, (uint8_t)second);
			compare(dialects[_i]);
			BYTES(&payload, 1, 0x80, 0);
			compare(dialects[_i]);
		}
	}
}
END_TEST

/* check_long - with one more field, whose tag and value are padded to so many
   bytes, at the end of the result or behind it. */
static void
check_long(int32_t id, uint8_t number, unsigned tag, unsigned value, bool inner)
{
	bool results = number == 4 && !inner;
	bool wanted =
	    tag <= 5 && value <= (results ? 5 : 10) &&
	    !(results && id == FRAME_ID_ELB); /* an empty one: no fields */

	begin();
	build(-1, -1);
	stream.length = 0;
	add_varint(&stream, (uint64_t)number << 3 | (results ? 2 : 0), tag);
	add_varint(&stream, 0, value);
	if (inner)
		payload.data[1] += (uint8_t)stream.length;
	bytes_add(&stream, payload.data + 12, payload.length - 12);
	payload.length = 12;
	bytes_add(&payload, stream.data, stream.length);
	ck_assert_int_eq(compare(id), wanted);
}

START_TEST(agrees_about_long_varints)
{
	for (uint8_t number = 1; number <= 6; number++)
		for (unsigned tag = 1; tag <= 7; tag++)
			for (unsigned value = 1; value <= 12; value++) {
				check_long(
				    dialects[_i], number, tag, value, false);
				check_long(
				    dialects[_i], number, tag, value, true);
			}
}
END_TEST

static Suite *
frame_suite(void)
{
	Suite *suite = suite_create("frame");
	TCase *tests = tcase_create("frame");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_recorded_lars_frame);
	tcase_add_test(tests, the_recorded_elb_frames);
	tcase_add_loop_test(tests, a_stream_may_be_cut_anywhere, 0, 2);
	tcase_add_loop_test(tests, lengths_hold_to_the_byte, 0, 2);
	tcase_add_loop_test(tests, other_ids_are_skipped, 0, 2);
	tcase_add_test(tests, the_longest_frame_has_room);
	tcase_add_test(tests, an_absent_field_is_0_or_missed);
	tcase_add_loop_test(tests, integers_are_taken_whole, 0, 2);
	tcase_add_loop_test(tests, a_port_out_of_range_costs_its_record, 0, 2);
	tcase_add_loop_test(
	    tests, time_is_now_for_0_and_beyond_the_horizon, 0, 2);
	tcase_add_loop_test(tests, agrees_with_protobuf_c, 0, 2);
	tcase_add_loop_test(tests, agrees_about_all_short_messages, 0, 2);
	tcase_add_loop_test(tests, agrees_about_long_varints, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}

int
main(void)
{

	return suite_run(frame_suite());
}
