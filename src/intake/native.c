/* SPDX-License-Identifier: MIT
 *
 * The native dialect's decoder.  Allocates nothing, does not recurse: a cursor
 * walks over the bytes once, and every step is checked against their end.  This
 * is the hottest code of the program.
 *
 * The commonest encodings are taken inline by take_result_near(), anything
 * else by the other take_*() functions.  Whatever is not a plain report (cut,
 * malformed, too long) ends up in settle(), which scans the message again from
 * its beginning, counting objects, to find out where it ends.
 */
#include "config.h"

#include "intake/native.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#define MESSAGE_NUMBER 1 /* a status report */
#define MESSAGE_ELEMENTS 6
#define RESULT_ELEMENTS 5
#define TS_MAX (INT64_C(1) << 53)

/* An integer of up to 32 bits; and a result's array header, four of these, and
   a flag: while so many bytes are there, take_near() and take_result_near()
   need not look at the end. */
#define INT_NEAR_BYTES 5
#define RESULT_NEAR_BYTES (1 + 4 * INT_NEAR_BYTES + 1)

struct cursor {
	const uint8_t *start, *at, *end; /* start: of the message */
	enum reject reason; /* why the last take_*() failed; if only because the
			       bytes end, it does not matter */
};

static inline bool
fail(struct cursor *c, enum reject reason)
{
	c->reason = reason;
	return false;
}

/* skip - pass so many objects, whatever they are.  Returns false when the
   bytes end, or are not MessagePack. */
static bool
skip(struct cursor *c, uint64_t objects)
{
	struct native_scan scan = { (uint64_t)(c->at - c->start), objects };

	if (native_scan(c->start, (size_t)(c->end - c->start), &scan) !=
	    DECODE_REPORT)
		return false;
	c->at = c->start + scan.offset;
	return true;
}

/* ------------------------------------------------------ any encoding -- */

static inline uint32_t
load_be32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return be32toh(word);
}

/* take_near - an integer of at most 32 bits that is encoded as unsigned; at
   least INT_NEAR_BYTES are there. */
static inline bool
take_near(const uint8_t **at, uint32_t *value)
{
	unsigned tag = **at, bits;

	if (tag < 0x80) {
		*value = tag;
		*at += 1;
		return true;
	}
	if (tag < 0xcc || tag > 0xce)
		return false;
	/* One branch for all three widths: in succ and err they take turns. */
	bits = 8u << (tag & 3);
	*value = load_be32(*at + 1) >> (32 - bits);
	*at += 1 + bits / 8;
	return true;
}

/* The lowest 1, 2, 4 or 8 bytes, as a signed number. */
static int64_t
sign_extend(uint64_t raw, unsigned bytes)
{
	switch (bytes) {
	case 1:
		return (int8_t)raw;
	case 2:
		return (int16_t)raw;
	case 4:
		return (int32_t)raw;
	default:
		return (int64_t)raw;
	}
}

/* take_any_far - an integer in any encoding; what 63 bits cannot hold becomes
   INT64_MAX, which is out of every range. */
static bool
take_any_far(struct cursor *c, int64_t *value)
{
	unsigned bytes;
	uint64_t raw;
	uint8_t tag;

	if (c->at == c->end)
		return fail(c, REJECT_WRONG_SHAPE);
	tag = *c->at;
	if (tag < 0x80 || tag >= 0xe0) {
		*value = (int8_t)tag;
		c->at++;
		return true;
	}
	if (tag < 0xcc || tag > 0xd3)
		return fail(c, REJECT_WRONG_SHAPE);
	bytes = 1u << (tag & 3);
	if ((size_t)(c->end - c->at) <= bytes)
		return fail(c, REJECT_WRONG_SHAPE);
	raw = load_big_endian(c->at + 1, bytes);
	c->at += 1 + bytes;
	if (tag >= 0xd0)
		*value = sign_extend(raw, bytes);
	else
		*value = raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
	return true;
}

/* take_int - an integer from min to max. */
static inline bool
take_int(struct cursor *c, int64_t min, int64_t max, int64_t *value)
{
	uint32_t near;

	if (c->end - c->at >= INT_NEAR_BYTES && take_near(&c->at, &near))
		*value = near;
	else if (!take_any_far(c, value))
		return false;
	return (*value >= min && *value <= max) || fail(c, REJECT_OUT_OF_RANGE);
}

/* take_address - an uint32, or an int32 taken as the same bits. */
static bool
take_address(struct cursor *c, uint32_t *value)
{
	int64_t wide;

	if (!take_int(c, INT32_MIN, UINT32_MAX, &wide))
		return false;
	*value = (uint32_t)wide;
	return true;
}

static bool
take_uint32(struct cursor *c, uint32_t *value)
{
	int64_t wide;

	if (!take_int(c, 0, UINT32_MAX, &wide))
		return false;
	*value = (uint32_t)wide;
	return true;
}

/* take_flag - overload: true, false, 1 or 0. */
static bool
take_flag(struct cursor *c, struct record *r)
{
	int64_t wide;

	if (c->at != c->end && (*c->at & 0xfe) == 0xc2)
		wide = *c->at++ & 1;
	else if (!take_int(c, 0, 1, &wide))
		return false;
	r->overload = wide & 1;
	return true;
}

/* take_array - the header of an array of at least min elements. */
static bool
take_array(struct cursor *c, uint32_t min, uint32_t *elements)
{
	unsigned bytes;

	if (c->at == c->end)
		return fail(c, REJECT_WRONG_SHAPE);
	if ((*c->at & 0xf0) == 0x90) {
		*elements = *c->at++ & 0x0fu;
	} else {
		if (*c->at != 0xdc && *c->at != 0xdd)
			return fail(c, REJECT_WRONG_SHAPE);
		bytes = *c->at == 0xdc ? 2 : 4;
		if ((size_t)(c->end - c->at) <= bytes)
			return fail(c, REJECT_WRONG_SHAPE);
		*elements = (uint32_t)load_big_endian(c->at + 1, bytes);
		c->at += 1 + bytes;
	}
	return *elements >= min || fail(c, REJECT_WRONG_SHAPE);
}

/* take_result - one result in any encoding.  On a fault the cursor lies
   somewhere inside of it. */
static bool
take_result(struct cursor *c, struct record *r)
{
	uint32_t elements;
	int64_t port;

	if (!take_array(c, RESULT_ELEMENTS, &elements) ||
	    !take_address(c, &r->ip) || !take_int(c, 0, UINT16_MAX, &port) ||
	    !take_uint32(c, &r->succ) || !take_uint32(c, &r->err) ||
	    !take_flag(c, r))
		return false;
	r->port = (uint16_t)port;
	return elements == RESULT_ELEMENTS ||
	       skip(c, elements - RESULT_ELEMENTS);
}

/* ------------------------------------------------- the commonest ones -- */

/* take_result_near - take a result of the commonest shape.  Returns false,
   and leaves the cursor alone, when it is another one. */
static inline bool
take_result_near(struct cursor *c, struct record *r)
{
	const uint8_t *at = c->at;
	uint32_t port;

	if (c->end - at < RESULT_NEAR_BYTES || *at++ != 0x90 + RESULT_ELEMENTS)
		return false;
	/* Nearly every address and port has its full width.  Asking for that
	   first lets the processor guess where the next field begins. */
	if (*at == 0xce) {
		r->ip = load_be32(at + 1);
		at += 5;
	} else if (!take_near(&at, &r->ip))
		return false;
	if (*at == 0xcd) {
		port = load_be32(at + 1) >> 16;
		at += 3;
	} else if (!take_near(&at, &port) || port > UINT16_MAX)
		return false;
	if (!take_near(&at, &r->succ) || !take_near(&at, &r->err))
		return false;
	if ((*at & 0xfe) != 0xc2 && *at > 1)
		return false;
	r->port = (uint16_t)port;
	/* All bits, so that the byte is not read before it is written. */
	r->overload = *at++ & 1;
	r->elb = 0;
	r->unused = 0;
	c->at = at;
	return true;
}

/* ---------------------------------------------------------- a message -- */

/* take_results - so many results.  own: a record with the report's own
   fields.  Returns false when the bytes end, or are not MessagePack.  Not
   inlined: gcc would store own again for each result, field by field, and the
   copy would wait for that (9 ns a record). */
__attribute__((noinline)) static bool
take_results(struct cursor *c, struct report *report, const struct record *own,
    uint32_t results)
{
	struct record *r = report->records;

	/* A result has six bytes or more, and a message MESSAGE_MAX at most:
	   there is room for every one that the bytes can hold. */
	for (; results > 0; results--) {
		const uint8_t *start = c->at;

		*r = *own;
		if (take_result_near(c, r)) {
			r++;
			continue;
		}
		if (take_result(c, r)) {
			r++;
			continue;
		}
		c->at = start;
		if (!skip(c, 1))
			return false;
		report->rejected[c->reason]++;
	}
	report->count = (uint32_t)(r - report->records);
	return true;
}

/* take_own - the report's own fields, to ts. */
static bool
take_own(struct cursor *c, struct report *report, struct record *own)
{
	int64_t modid, cmdid, ts;

	if (!take_int(c, INT32_MIN, INT32_MAX, &modid) ||
	    !take_int(c, INT32_MIN, INT32_MAX, &cmdid) ||
	    !take_address(c, &own->caller) || !take_int(c, 0, TS_MAX, &ts))
		return false;
	report->modid = own->modid = (int32_t)modid;
	report->cmdid = own->cmdid = (int32_t)cmdid;
	report->caller = own->caller;
	record_set_ts(own, report_time(report, (uint64_t)ts));
	return true;
}

/* take_message - a whole message.  Returns false when it is not a report or is
   not whole; c->reason: why it is none, should it turn out to be whole. */
static bool
take_message(struct cursor *c, struct report *report)
{
	struct record own = { 0 };
	uint32_t elements, results;
	int64_t number;

	if (!take_array(c, 1, &elements) ||
	    !take_int(c, INT64_MIN, INT64_MAX, &number))
		return false;
	if (number != MESSAGE_NUMBER)
		return fail(c, REJECT_OTHER_MESSAGE);
	if (elements < MESSAGE_ELEMENTS)
		return fail(c, REJECT_WRONG_SHAPE);
	return take_own(c, report, &own) && take_array(c, 0, &results) &&
	       take_results(c, report, &own, results) &&
	       (elements == MESSAGE_ELEMENTS ||
		   skip(c, elements - MESSAGE_ELEMENTS));
}

/* settle - find out what becomes of a message that is not a report, or not yet.
   reason: why it is rejected if it is whole. */
static enum decode
settle(
    const uint8_t *p, size_t length, struct report *report, enum reject reason)
{
	struct native_scan scan = { 0 };
	size_t max = report->max_message;
	size_t near = length < max ? length : max;
	enum decode found = native_scan(p, near, &scan);

	if (scan.offset + scan.wanted > max ||
	    (found == DECODE_SHORT && length >= max))
		return report_fail(report, DECODE_CLOSE, REJECT_TOO_LONG, near);
	if (found == DECODE_CLOSE)
		return report_fail(
		    report, DECODE_CLOSE, REJECT_NOT_MSGPACK, scan.offset);
	if (found == DECODE_SHORT)
		return DECODE_SHORT;
	return report_fail(report, DECODE_REJECT, reason, scan.offset);
}

enum decode
native_decode(const uint8_t *p, size_t length, struct report *report)
{
	size_t near =
	    length < report->max_message ? length : report->max_message;
	struct cursor c = { p, p, p + near, REJECT_WRONG_SHAPE };

	assert(report->max_message <= MESSAGE_MAX);
	report_begin(report);
	if (!take_message(&c, report))
		return settle(p, length, report, c.reason);
	report->used = (size_t)(c.at - p);
	return DECODE_REPORT;
}

/* ------------------------------------------------------ faults in words -- */

/* Integers, in their order. */
struct field {
	const char *name;
	int64_t min, max;
};
static const struct field own_fields[] = {
	{ "message number", MESSAGE_NUMBER, MESSAGE_NUMBER },
	{ "modid", INT32_MIN, INT32_MAX },
	{ "cmdid", INT32_MIN, INT32_MAX },
	{ "caller", INT32_MIN, UINT32_MAX },
	{ "ts", 0, TS_MAX },
};
static const struct field result_fields[] = {
	{ "ip", INT32_MIN, UINT32_MAX },
	{ "port", 0, UINT16_MAX },
	{ "succ", 0, UINT32_MAX },
	{ "err", 0, UINT32_MAX },
	{ "overload", 0, 1 },
};

/* explain - describe the object at the cursor, an integer by its value, any
   other by its type, as the fault of a field. */
static bool
explain(struct cursor c, const char *path, const char *name,
    const char *expected, char *fault)
{
	/* Of the tags 0xc0 to 0xdf. */
	static const char *const types[32] = { "nil", "", "boolean", "boolean",
		"binary", "binary", "binary", "extension", "extension",
		"extension", "float", "float", [20] = "extension", "extension",
		"extension", "extension", "extension", "string", "string",
		"string", [30] = "map", "map" };
	const uint8_t *p = c.at;
	char found[32];
	uint32_t elements;
	int64_t value;

	if (*p == 0xcf)
		snprintf(found, sizeof(found), "%" PRIu64,
		    load_big_endian(p + 1, 8));
	else if (take_any_far(&c, &value))
		snprintf(found, sizeof(found), "%" PRId64, value);
	else if (take_array(&c, 0, &elements))
		snprintf(found, sizeof(found), "array of %" PRIu32, elements);
	else
		snprintf(found, sizeof(found), "%s",
		    *p < 0x90   ? "map"
		    : *p < 0xc0 ? "string"
				: types[*p & 31]);
	snprintf(fault, FAULT_TEXT, "%s%s: %s; expected %s", path, name, found,
	    expected);
	return false;
}

/* explain_array - as take_array(), and explain a fault. */
static bool
explain_array(struct cursor *c, const char *name, uint32_t min,
    uint32_t *elements, char *fault)
{
	const struct cursor start = *c;
	char expected[32];

	snprintf(
	    expected, sizeof(expected), "array of %" PRIu32 " or more", min);
	return take_array(c, min, elements) ||
	       explain(start, "", name, expected, fault);
}

/* explain_fields - take n fields, the last one a flag if it is of a result, and
   explain the first that is invalid.  path: of the result, or "". */
static bool
explain_fields(struct cursor *c, const char *path, const struct field *f,
    unsigned n, char *fault)
{
	for (; n > 0; n--, f++) {
		const struct cursor start = *c;
		char expected[64];
		int64_t value;
		struct record record;

		if (n == 1 && *path != '\0'
			? take_flag(c, &record)
			: take_int(c, f->min, f->max, &value))
			continue;
		snprintf(expected, sizeof(expected), "%" PRId64 " to %" PRId64,
		    f->min, f->max);
		return explain(start, path, f->name, expected, fault);
	}
	return true;
}

/* explain_results - so many results at the cursor. */
static bool
explain_results(struct cursor *c, uint32_t results, char *fault)
{
	for (uint32_t i = 0; i < results; i++) {
		const uint8_t *start = c->at;
		uint32_t elements;
		char path[32];

		snprintf(path, sizeof(path), "results[%" PRIu32 "]", i);
		if (!explain_array(c, path, RESULT_ELEMENTS, &elements, fault))
			return false;
		strcat(path, ".");
		if (!explain_fields(
			c, path, result_fields, RESULT_ELEMENTS, fault))
			return false;
		c->at = start;
		skip(c, 1);
	}
	return true;
}

enum reject
native_explain(const uint8_t *p, size_t length, char *fault)
{
	struct cursor c = { p, p, p + length, REJECT_REASONS }, again = c;
	uint32_t elements, results;

	if (!explain_array(&c, "message", 1, &elements, fault))
		return c.reason;
	if (!explain_fields(&c, "", own_fields, 1, fault))
		return c.reason == REJECT_OUT_OF_RANGE ? REJECT_OTHER_MESSAGE
						       : c.reason;
	if (!explain_array(
		&again, "message", MESSAGE_ELEMENTS, &elements, fault))
		return again.reason;
	if (explain_fields(&c, "", own_fields + 1, 4, fault) &&
	    explain_array(&c, "results", 0, &results, fault) &&
	    explain_results(&c, results, fault))
		return REJECT_REASONS;
	return c.reason;
}
