/* SPDX-License-Identifier: MIT
 *
 * The plain decoder that native.c is compared with.  For the tests.
 */
#include "config.h"

#include "native_oracle.h"

#include <msgpack.h>

#define GOOD REJECT_REASONS

/* judge_int - GOOD, or why it is no integer from least to most. */
static enum reject
judge_int(const msgpack_object *o, int64_t min, int64_t max, int64_t *value)
{
	if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		*value = o->via.i64;
	else if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return REJECT_WRONG_SHAPE;
	else if (o->via.u64 > INT64_MAX)
		return REJECT_OUT_OF_RANGE;
	else
		*value = (int64_t)o->via.u64;
	return *value < min || *value > max ? REJECT_OUT_OF_RANGE : GOOD;
}

/* judge_ints - n objects, each with its range; the first fault counts. */
static enum reject
judge_ints(const msgpack_object *o, size_t n, const int64_t (*ranges)[2],
    int64_t *values)
{
	for (size_t i = 0; i < n; i++) {
		enum reject reason =
		    judge_int(&o[i], ranges[i][0], ranges[i][1], &values[i]);

		if (reason != GOOD)
			return reason;
	}
	return GOOD;
}

static enum reject
judge_result(const msgpack_object *o, struct record *r)
{
	static const int64_t ranges[5][2] = { { INT32_MIN, UINT32_MAX },
		{ 0, UINT16_MAX }, { 0, UINT32_MAX }, { 0, UINT32_MAX },
		{ 0, 1 } };
	const msgpack_object *fields = o->via.array.ptr;
	int64_t values[5];
	enum reject reason;

	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 5)
		return REJECT_WRONG_SHAPE;
	if (fields[4].type == MSGPACK_OBJECT_BOOLEAN) {
		reason = judge_ints(fields, 4, ranges, values);
		values[4] = fields[4].via.boolean;
	} else
		reason = judge_ints(fields, 5, ranges, values);
	if (reason != GOOD)
		return reason;
	r->ip = (uint32_t)values[0];
	r->port = (uint16_t)values[1];
	r->succ = (uint32_t)values[2];
	r->err = (uint32_t)values[3];
	r->overload = (uint8_t)values[4];
	return GOOD;
}

static enum reject
judge_message(const msgpack_object *o, struct report *report)
{
	static const int64_t ranges[4][2] = { { INT32_MIN, INT32_MAX },
		{ INT32_MIN, INT32_MAX }, { INT32_MIN, UINT32_MAX },
		{ 0, INT64_C(1) << 53 } };
	const msgpack_object *fields = o->via.array.ptr, *results;
	int64_t values[4];
	uint64_t ts;
	enum reject reason;

	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size == 0)
		return REJECT_WRONG_SHAPE;
	if (fields[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
	    fields[0].type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return REJECT_WRONG_SHAPE;
	if (fields[0].via.u64 != 1)
		return REJECT_OTHER_MESSAGE;
	if (o->via.array.size < 6)
		return REJECT_WRONG_SHAPE;
	reason = judge_ints(fields + 1, 4, ranges, values);
	if (reason != GOOD)
		return reason;
	if (fields[5].type != MSGPACK_OBJECT_ARRAY)
		return REJECT_WRONG_SHAPE;

	ts = report_time(report, (uint64_t)values[3]);
	report->modid = (int32_t)values[0];
	report->cmdid = (int32_t)values[1];
	report->caller = (uint32_t)values[2];
	results = fields[5].via.array.ptr;
	for (uint32_t i = 0; i < fields[5].via.array.size; i++) {
		struct record *r = &report->records[report->count];

		*r = (struct record){ .modid = (int32_t)values[0],
			.cmdid = (int32_t)values[1],
			.caller = (uint32_t)values[2] };
		record_set_ts(r, ts);
		reason = judge_result(&results[i], r);
		if (reason == GOOD)
			report->count++;
		else
			report->rejected[reason]++;
	}
	return GOOD;
}

bool
oracle_decode(
    const uint8_t *p, size_t length, struct report *report, enum decode *found)
{
	msgpack_unpacked object;
	msgpack_unpack_return got;
	size_t used = 0;
	enum reject reason;

	msgpack_unpacked_init(&object);
	got = msgpack_unpack_next(&object, (const char *)p, length, &used);
	report_begin(report);
	*found = DECODE_REPORT;
	report->used = used;
	if (got == MSGPACK_UNPACK_PARSE_ERROR) {
		*found = DECODE_CLOSE;
		report->reason = REJECT_NOT_MSGPACK;
	} else if (got == MSGPACK_UNPACK_CONTINUE) {
		*found = DECODE_SHORT;
	} else if (got != MSGPACK_UNPACK_NOMEM_ERROR) {
		reason = judge_message(&object.data, report);
		if (reason != GOOD)
			*found =
			    report_fail(report, DECODE_REJECT, reason, used);
	}
	msgpack_unpacked_destroy(&object);
	return got != MSGPACK_UNPACK_NOMEM_ERROR;
}
