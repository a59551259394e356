/* SPDX-License-Identifier: MIT
 *
 * The native dialect's decoder.  Allocates nothing, does not recurse: a cursor
 * walks over the bytes once, and every step is checked against their end.  This
 * is the hottest code of the program.
 *
 * The commonest encodings are taken inline by take_result_near(), anything
 * else by the other take_*() functions.  Whatever is not a plain report (cut,
 * malformed, too long) ends up in settle(), which scans the message again from
 * its beginning to find out where it ends: counting the objects that are still
 * to come instead of recursing, so nesting costs nothing.
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

/* ----------------------------------------------- where a message ends -- */

/* What follows a tag of 0xc0 to 0xdf. */
struct shape {
	uint8_t size;    /* its fewest bytes, with the tag; 0: no tag */
	uint8_t counter; /* bytes of these that count what follows */
	uint8_t objects; /* for each one counted: 0 if it is a byte, else
			    objects */
};

static const struct shape shapes[32] = {
	{ 1, 0, 0 }, { 0, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 }, /* nil, -, bool */
	{ 2, 1, 0 }, { 3, 2, 0 }, { 5, 4, 0 },              /* bin */
	{ 3, 1, 0 }, { 4, 2, 0 }, { 6, 4, 0 },              /* ext */
	{ 5, 0, 0 }, { 9, 0, 0 },                           /* float */
	{ 2, 0, 0 }, { 3, 0, 0 }, { 5, 0, 0 }, { 9, 0, 0 }, /* uint */
	{ 2, 0, 0 }, { 3, 0, 0 }, { 5, 0, 0 }, { 9, 0, 0 }, /* int */
	{ 3, 0, 0 }, { 4, 0, 0 }, { 6, 0, 0 }, { 10, 0, 0 }, { 18, 0, 0 },
	{ 2, 1, 0 }, { 3, 2, 0 }, { 5, 4, 0 }, /* above: fixext; here: str */
	{ 3, 2, 1 }, { 5, 4, 1 },              /* array */
	{ 3, 2, 2 }, { 5, 4, 2 }               /* map */
};

/* scan_shape - pass one object with a tag of 0xc0 to 0xdf. */
static inline enum decode
scan_shape(const uint8_t *p, size_t length, struct native_scan *scan)
{
	const uint8_t *at = p + scan->offset;
	struct shape shape = shapes[*at & 0x1f];
	uint64_t counted;

	if (shape.size == 0)
		return DECODE_CLOSE;
	if (length - scan->offset <= shape.counter)
		return DECODE_SHORT;
	counted = load_big_endian(at + 1, shape.counter);
	scan->offset += shape.size + (shape.objects == 0 ? counted : 0);
	scan->wanted += counted * shape.objects - 1;
	return DECODE_REPORT;
}

/* scan_object - pass one object; there is a byte of it. */
static inline enum decode
scan_object(const uint8_t *p, size_t length, struct native_scan *scan)
{
	uint8_t tag = p[scan->offset];

	if (tag >= 0xc0 && tag < 0xe0)
		return scan_shape(p, length, scan);
	scan->offset++;
	scan->wanted--;
	if (tag >= 0x80 && tag < 0x90)
		scan->wanted += 2 * (tag & 0x0fu); /* map */
	else if (tag >= 0x90 && tag < 0xa0)
		scan->wanted += tag & 0x0fu; /* array */
	else if (tag >= 0xa0 && tag < 0xc0)
		scan->offset += tag & 0x1fu; /* str */
	return DECODE_REPORT;
}

enum decode
native_scan(const uint8_t *p, size_t length, struct native_scan *scan)
{
	/* A copy of our own, which the compiler can keep in registers. */
	struct native_scan now = *scan;
	enum decode found = DECODE_REPORT;

	if (now.offset == 0)
		now.wanted = 1;
	while (now.wanted > 0 && now.offset < length && found == DECODE_REPORT)
		found = scan_object(p, length, &now);
	if (found == DECODE_REPORT && (now.wanted > 0 || now.offset > length))
		found = DECODE_SHORT;
	*scan = now;
	return found;
}

/* ------------------------------------------------------------- the cursor --
 */

struct cursor {
	const uint8_t *start, *at, *end; /* start: of the message */
	enum reject reason; /* why the last take_*() failed; if only because the
			       bytes end, it does not matter */
	struct report *report;
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

/* The lowest 1 to 8 bytes, as a signed number. */
static int64_t
sign_extend(uint64_t raw, unsigned bytes)
{
	unsigned rest = 64 - 8 * bytes;

	return (int64_t)(raw << rest) >> rest;
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

/* take_header - an array's. */
static bool
take_header(struct cursor *c, uint32_t *elements)
{
	unsigned bytes;

	if (c->at == c->end)
		return fail(c, REJECT_WRONG_SHAPE);
	if ((*c->at & 0xf0) == 0x90) {
		*elements = *c->at++ & 0x0fu;
		return true;
	}
	if (*c->at != 0xdc && *c->at != 0xdd)
		return fail(c, REJECT_WRONG_SHAPE);
	bytes = *c->at == 0xdc ? 2 : 4;
	if ((size_t)(c->end - c->at) <= bytes)
		return fail(c, REJECT_WRONG_SHAPE);
	*elements = (uint32_t)load_big_endian(c->at + 1, bytes);
	c->at += 1 + bytes;
	return true;
}

/* The types of the tags 0xc0 to 0xdf that are neither integers nor arrays. */
static const char *const types[32] = { "nil", "", "boolean", "boolean",
	"binary", "binary", "binary", "extension", "extension", "extension",
	"float", "float", [20] = "extension", "extension", "extension",
	"extension", "extension", "string", "string", "string", [30] = "map",
	"map" };

/* fault - describe the object at `at` as the message's first fault, if that is
   asked for: an integer by its value, others by their type.  min, max: what was
   expected; max below min: an array of min or more.  Returns false. */
static bool __attribute__((cold, noinline)) fault(const struct cursor *c,
    const uint8_t *at, const char *name, int64_t min, int64_t max)
{
	struct cursor object = { at, at, c->end, c->reason, NULL };
	char *text = c->report->fault, found[32];
	uint32_t elements;
	int64_t n;

	if (at == c->end || !c->report->explain || *text != '\0')
		return false;
	c->report->reason = c->reason;
	c->report->fault_at = at;
	if (*at == 0xcf && c->end - at > 8)
		snprintf(found, sizeof(found), "%" PRIu64,
		    load_big_endian(at + 1, 8));
	else if (take_any_far(&object, &n))
		snprintf(found, sizeof(found), "%" PRId64, n);
	else if (take_header(&object, &elements))
		snprintf(found, sizeof(found), "array of %" PRIu32, elements);
	else if (*at >= 0xc0 && types[*at & 31] == NULL)
		return false; /* the bytes end within it */
	else
		snprintf(found, sizeof(found), "%s",
		    *at < 0x90   ? "map"
		    : *at < 0xc0 ? "string"
				 : types[*at & 31]);
	snprintf(text, FAULT_TEXT,
	    max < min ? "%s: %s; expected array of %" PRId64 " or more"
		      : "%s: %s; expected %" PRId64 " to %" PRId64,
	    name, found, min, max);
	return false;
}

/* take_int - an integer from min to max.  name: of the field, for fault(). */
static inline bool
take_int(struct cursor *c, const char *name, int64_t min, int64_t max,
    int64_t *value)
{
	const uint8_t *start = c->at;
	uint32_t near;

	if (c->end - c->at >= INT_NEAR_BYTES && take_near(&c->at, &near))
		*value = near;
	else if (!take_any_far(c, value))
		return fault(c, start, name, min, max);
	if (*value >= min && *value <= max)
		return true;
	c->reason = REJECT_OUT_OF_RANGE;
	return fault(c, start, name, min, max);
}

/* take_uint32 - an uint32; with a min of INT32_MIN, for an address, also an
   int32 taken as the same bits. */
static bool
take_uint32(struct cursor *c, const char *name, int64_t min, uint32_t *value)
{
	int64_t wide;

	if (!take_int(c, name, min, UINT32_MAX, &wide))
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
	else if (!take_int(c, "overload", 0, 1, &wide))
		return false;
	r->overload = wide & 1;
	return true;
}

/* take_array - the header of an array of min elements or more. */
static bool
take_array(struct cursor *c, const char *name, uint32_t min, uint32_t *elements)
{
	const uint8_t *start = c->at;

	if (take_header(c, elements) && *elements >= min)
		return true;
	c->reason = REJECT_WRONG_SHAPE;
	return fault(c, start, name, min, -1);
}

/* take_result - one result in any encoding.  On a fault the cursor lies
   somewhere inside of it. */
static bool
take_result(struct cursor *c, struct record *r)
{
	uint32_t elements;
	int64_t port;

	if (!take_array(c, "elements", RESULT_ELEMENTS, &elements) ||
	    !take_uint32(c, "ip", INT32_MIN, &r->ip) ||
	    !take_int(c, "port", 0, UINT16_MAX, &port) ||
	    !take_uint32(c, "succ", 0, &r->succ) ||
	    !take_uint32(c, "err", 0, &r->err) || !take_flag(c, r))
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

/* fault_of_result - put the number of the result before the fault's text. */
static void __attribute__((cold, noinline))
fault_of_result(struct report *report, uint32_t number)
{
	char text[FAULT_TEXT];

	snprintf(text, sizeof(text), "%s", report->fault);
	snprintf(report->fault, sizeof(report->fault),
	    "results[%" PRIu32 "].%.120s", number, text);
}

/* take_results - so many results.  own: a record with the report's own
   fields.  Returns false when the bytes end, or are not MessagePack.  Not
   inlined: gcc would store own again for each result, field by field, and the
   copy would wait for that (9 ns a record). */
__attribute__((noinline)) static bool
take_results(struct cursor *c, struct report *report, const struct record *own,
    uint32_t results)
{
	struct record *r = report->records;
	const uint32_t all = results;

	/* A result has six bytes or more, and a message MESSAGE_MAX at most:
	   there is room for every one that the bytes can hold. */
	for (; results > 0; results--) {
		const uint8_t *start = c->at;

		*r = *own;
		if (take_result_near(c, r)) {
			r++;
			continue;
		}
		bool is_first = *report->fault == '\0';
		if (take_result(c, r)) {
			r++;
			continue;
		}
		if (is_first && *report->fault != '\0')
			fault_of_result(report, all - results);
		c->at = start;
		if (!skip(c, 1))
			return false;
		report_reject(report, c->reason);
	}
	report->count = (uint32_t)(r - report->records);
	return true;
}

/* take_own - the report's own fields, to ts. */
static bool
take_own(struct cursor *c, struct report *report, struct record *own)
{
	int64_t modid, cmdid, ts;

	if (!take_int(c, "modid", INT32_MIN, INT32_MAX, &modid) ||
	    !take_int(c, "cmdid", INT32_MIN, INT32_MAX, &cmdid) ||
	    !take_uint32(c, "caller", INT32_MIN, &own->caller) ||
	    !take_int(c, "ts", 0, TS_MAX, &ts))
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
	uint32_t elements, results = 0;
	int64_t number;

	if (!take_array(c, "message", 1, &elements))
		return false;
	const uint8_t *at = c->at;
	if (!take_int(c, "message number", INT64_MIN, INT64_MAX, &number))
		return false;
	if (number != MESSAGE_NUMBER) {
		c->reason = REJECT_OTHER_MESSAGE;
		return fault(
		    c, at, "message number", MESSAGE_NUMBER, MESSAGE_NUMBER);
	}
	if (elements < MESSAGE_ELEMENTS) {
		c->reason = REJECT_WRONG_SHAPE;
		return fault(c, c->start, "message", MESSAGE_ELEMENTS, -1);
	}
	return take_own(c, report, &own) &&
	       take_array(c, "results", 0, &results) &&
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
	    (found == DECODE_SHORT && length >= max)) {
		snprintf(
		    report->fault, FAULT_TEXT, "expected up to %zu bytes", max);
		return report_fail(report, DECODE_CLOSE, REJECT_TOO_LONG, near);
	}
	if (found == DECODE_CLOSE) {
		snprintf(
		    report->fault, FAULT_TEXT, "byte: 0x%02x", p[scan.offset]);
		return report_fail(
		    report, DECODE_CLOSE, REJECT_NOT_MSGPACK, scan.offset);
	}
	if (found == DECODE_SHORT)
		return DECODE_SHORT;
	return report_fail(report, DECODE_REJECT, reason, scan.offset);
}

enum decode
native_decode(const uint8_t *p, size_t length, struct report *report)
{
	size_t near =
	    length < report->max_message ? length : report->max_message;
	struct cursor c = { p, p, p + near, REJECT_WRONG_SHAPE, report };

	assert(report->max_message <= MESSAGE_MAX);
	report_begin(report);
	if (!take_message(&c, report))
		return settle(p, length, report, c.reason);
	report->used = (size_t)(c.at - p);
	return DECODE_REPORT;
}
