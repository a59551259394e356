/* SPDX-License-Identifier: MIT
 *
 * The encoder's reports, decoded again by the libraries of the formats and
 * compared with recorded frames.
 */
#include "config.h"

#include "send/encode.h"

#include "intake/elb.pb-c.h"
#include "intake/frame.h"
#include "intake/lars.pb-c.h"
#include "suite.h"

#include <check.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t out[ENCODE_REPORT_MAX];
static struct record records[ENCODE_RECORDS_MAX];

/* One set of records with the minimum in every field, one with the maximum. */
static void
fill(bool max, uint64_t ts)
{
	for (size_t i = 0; i < ENCODE_RECORDS_MAX; i++) {
		struct record *r = &records[i];

		memset(r, 0, sizeof(*r));
		r->modid = max ? INT32_MAX : INT32_MIN;
		r->cmdid = max ? INT32_MIN : -1;
		r->ip = max ? UINT32_MAX - (uint32_t)i : (uint32_t)i;
		r->caller = max ? 0xc0a80001 : 0;
		r->succ = max ? UINT32_MAX : 0;
		r->err = max ? UINT32_MAX - 1 : 0;
		r->port = max ? UINT16_MAX : 0;
		r->overload = max;
		record_set_ts(r, ts);
	}
}

/* The three results of the recorded frames. */
static void
fill_recorded(int32_t modid, uint32_t ts, const char *overloads)
{
	static const uint16_t ports[] = { 1, 4, 9 };

	for (unsigned i = 0; i < 3; i++) {
		records[i] = (struct record){
			.modid = modid,
			.cmdid = 1,
			.caller = 123,
			.ip = i + 1,
			.port = ports[i],
			.succ = 100,
			.err = 3,
			.overload = overloads[i] == '1',
		};
		record_set_ts(&records[i], ts);
	}
}

/* ---------------------------------------------------------------- native -- */

static int64_t
signed_of(const msgpack_object *o)
{
	ck_assert(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
		  o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER);
	return o->via.i64;
}

static uint64_t
unsigned_of(const msgpack_object *o)
{
	ck_assert_int_eq(o->type, MSGPACK_OBJECT_POSITIVE_INTEGER);
	return o->via.u64;
}

static void
check_native_result(const msgpack_object *o, const struct record *r)
{
	ck_assert_int_eq(o->type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(o->via.array.size, 5);
	const msgpack_object *f = o->via.array.ptr;
	ck_assert_uint_eq(unsigned_of(&f[0]), r->ip);
	ck_assert_uint_eq(unsigned_of(&f[1]), r->port);
	ck_assert_uint_eq(unsigned_of(&f[2]), r->succ);
	ck_assert_uint_eq(unsigned_of(&f[3]), r->err);
	ck_assert_int_eq(f[4].type, MSGPACK_OBJECT_BOOLEAN);
	ck_assert_int_eq(f[4].via.boolean, r->overload);
}

static void
check_native(size_t n)
{
	size_t length = encode_report(ENCODE_NATIVE, records, n, out);
	msgpack_unpacked unpacked;
	size_t used = 0;

	ck_assert_uint_le(length, sizeof(out));
	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(
	    msgpack_unpack_next(&unpacked, (const char *)out, length, &used),
	    MSGPACK_UNPACK_SUCCESS);
	ck_assert_uint_eq(used, length);
	ck_assert_int_eq(unpacked.data.type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(unpacked.data.via.array.size, 6);
	const msgpack_object *f = unpacked.data.via.array.ptr;
	ck_assert_uint_eq(unsigned_of(&f[0]), 1);
	ck_assert_int_eq(signed_of(&f[1]), records->modid);
	ck_assert_int_eq(signed_of(&f[2]), records->cmdid);
	ck_assert_uint_eq(unsigned_of(&f[3]), records->caller);
	ck_assert_uint_eq(unsigned_of(&f[4]), record_ts(records));
	ck_assert_int_eq(f[5].type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(f[5].via.array.size, n);
	for (size_t i = 0; i < n; i++)
		check_native_result(&f[5].via.array.ptr[i], &records[i]);
	msgpack_unpacked_destroy(&unpacked);
}

START_TEST(native_reports_decode_to_the_same)
{
	fill(false, 0);
	check_native(1);
	check_native(ENCODE_RECORDS_MAX);
	fill(true, RECORD_TS_MAX);
	check_native(1);
	check_native(ENCODE_RECORDS_MAX);
}
END_TEST

/* ---------------------------------------------------------------- frames -- */

static uint32_t
get_int32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Encode, check the header, return the payload's length. */
static size_t
frame(enum encode_dialect dialect, size_t n, uint32_t id)
{
	size_t length = encode_report(dialect, records, n, out);

	ck_assert_uint_le(length, sizeof(out));
	ck_assert_uint_eq(get_int32(out), id);
	ck_assert_uint_eq(get_int32(out + 4), length - FRAME_HEADER);
	return length - FRAME_HEADER;
}

/* Both schemas have the same field names.  wire: as in encode.c. */
#define CHECK_FRAME(report, wire, n) \
	do { \
		ck_assert_ptr_nonnull(report); \
		ck_assert_int_eq((report)->modid, records->modid); \
		ck_assert_int_eq((report)->cmdid, records->cmdid); \
		ck_assert_int_eq((report)->caller, (int32_t)records->caller); \
		ck_assert_uint_eq((report)->ts, record_ts(records)); \
		ck_assert_uint_eq((report)->n_results, n); \
		for (size_t i = 0; i < (n); i++) { \
			ck_assert_int_eq((report)->results[i]->ip, \
			    (int32_t)wire(records[i].ip)); \
			ck_assert_int_eq( \
			    (report)->results[i]->port, records[i].port); \
			ck_assert_uint_eq( \
			    (report)->results[i]->succ, records[i].succ); \
			ck_assert_uint_eq( \
			    (report)->results[i]->err, records[i].err); \
			ck_assert_int_eq((report)->results[i]->overload, \
			    records[i].overload); \
		} \
	} while (0)

static void
check_elb(size_t n)
{
	size_t length = frame(ENCODE_ELB, n, FRAME_ID_ELB);
	Elb__StatusReport *report =
	    elb__status_report__unpack(NULL, length, out + FRAME_HEADER);

	CHECK_FRAME(report, __builtin_bswap32, n);
	elb__status_report__free_unpacked(report, NULL);
}

static void
check_lars(size_t n)
{
	size_t length = frame(ENCODE_LARS, n, FRAME_ID_LARS);
	Lars__StatusReport *report =
	    lars__status_report__unpack(NULL, length, out + FRAME_HEADER);

	CHECK_FRAME(report, (uint32_t), n);
	lars__status_report__free_unpacked(report, NULL);
}

START_TEST(frames_decode_to_the_same)
{
	fill(false, 0);
	check_elb(1);
	check_lars(1);
	check_elb(ENCODE_RECORDS_MAX);
	check_lars(ENCODE_RECORDS_MAX);
	fill(true, UINT32_MAX);
	check_elb(1);
	check_lars(1);
	check_elb(ENCODE_RECORDS_MAX);
	check_lars(ENCODE_RECORDS_MAX);
}
END_TEST

static size_t
read_recorded(const char *name, uint8_t *bytes, size_t size)
{
	const char *directory = getenv("srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/t/wire/%s",
	    directory != NULL ? directory : ".", name);
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	size_t n = fread(bytes, 1, size, file);
	fclose(file);
	return n;
}

START_TEST(frames_are_byte_for_byte_what_agents_send)
{
	uint8_t bytes[1024];
	size_t n = read_recorded("lars-report.bin", bytes, sizeof(bytes));

	fill_recorded(2, 1795364256, "001");
	ck_assert_uint_eq(encode_report(ENCODE_LARS, records, 3, out), n);
	ck_assert_mem_eq(out, bytes, n);

	n = read_recorded("elb-reports.bin", bytes, sizeof(bytes));
	size_t at = 0;
	for (int i = 0; i < 3; i++) {
		fill_recorded(i == 0 ? 1 : 2, 1795364349 + (uint32_t)i, "111");
		for (int j = 0; j < 3; j++)
			records[j].elb = true;
		size_t length = encode_report(ENCODE_ELB, records, 3, out);
		ck_assert_uint_le(at + length, n);
		ck_assert_mem_eq(out, bytes + at, length);
		at += length;
	}
	ck_assert_uint_eq(at, n);
}
END_TEST

START_TEST(an_address_goes_in_the_manner_of_the_dialect)
{
	/* 10.0.0.200, as people and as an ELB agent give it. */
	struct record r[2] = { { .ip = 0x0a0000c8 },
		{ .ip = (uint32_t)-939524086, .elb = true } };

	for (int i = 0; i < 2; i++) {
		records[0] = r[i];
		ck_assert_uint_eq(record_address(&r[i]), 0x0a0000c8);
		size_t length = frame(ENCODE_ELB, 1, FRAME_ID_ELB);
		Elb__StatusReport *elb = elb__status_report__unpack(
		    NULL, length, out + FRAME_HEADER);
		ck_assert_int_eq(elb->results[0]->ip, -939524086);
		elb__status_report__free_unpacked(elb, NULL);
		length = frame(ENCODE_LARS, 1, FRAME_ID_LARS);
		Lars__StatusReport *lars = lars__status_report__unpack(
		    NULL, length, out + FRAME_HEADER);
		ck_assert_int_eq(lars->results[0]->ip, 0x0a0000c8);
		lars__status_report__free_unpacked(lars, NULL);
	}
}
END_TEST

/* ------------------------------------------------------------------ rest -- */

START_TEST(reports_are_told_apart_by_four_fields)
{
	struct record a = { .modid = 1, .cmdid = 2, .caller = 3, .ip = 4 };
	struct record b = a;

	record_set_ts(&a, 5);
	record_set_ts(&b, 5);
	b.ip = 9;
	b.port = 9;
	b.succ = b.err = 9;
	b.overload = 1;
	ck_assert(encode_same_report(&a, &b));
	b.modid++;
	ck_assert(!encode_same_report(&a, &b));
	b.modid--;
	b.cmdid++;
	ck_assert(!encode_same_report(&a, &b));
	b.cmdid--;
	b.caller++;
	ck_assert(!encode_same_report(&a, &b));
	b.caller--;
	record_set_ts(&b, 5 + (UINT64_C(1) << 32));
	ck_assert(!encode_same_report(&a, &b));
}
END_TEST

START_TEST(dialects_have_names_and_limits)
{
	enum encode_dialect dialect = ENCODE_LARS;

	ck_assert(encode_dialect("native", &dialect));
	ck_assert_int_eq(dialect, ENCODE_NATIVE);
	ck_assert_uint_eq(encode_ts_max(dialect), RECORD_TS_MAX);
	ck_assert(encode_dialect("elb", &dialect));
	ck_assert_int_eq(dialect, ENCODE_ELB);
	ck_assert_uint_eq(encode_ts_max(dialect), UINT32_MAX);
	ck_assert(encode_dialect("lars", &dialect));
	ck_assert_int_eq(dialect, ENCODE_LARS);
	ck_assert(!encode_dialect("Lars", &dialect));
	ck_assert(!encode_dialect("", &dialect));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("encode");
	TCase *tcase = tcase_create("encode");

	tcase_add_test(tcase, native_reports_decode_to_the_same);
	tcase_add_test(tcase, frames_decode_to_the_same);
	tcase_add_test(tcase, frames_are_byte_for_byte_what_agents_send);
	tcase_add_test(tcase, an_address_goes_in_the_manner_of_the_dialect);
	tcase_add_test(tcase, reports_are_told_apart_by_four_fields);
	tcase_add_test(tcase, dialects_have_names_and_limits);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
