/* SPDX-License-Identifier: MIT
 *
 * The native dialect's decoder.  Owns nothing, allocates nothing, does not
 * recurse: a cursor walks over the bytes once, and every step is checked
 * against their end.  Called by the master's loop; this is the hottest code of
 * the program.
 *
 * The commonest encodings are taken inline by take_result_near(), anything
 * else by the take_*() functions.  Whatever is no plain report (cut, faulty,
 * too long, no MessagePack) ends up in settle(), which looks at the message
 * again from its beginning, counting objects, to find out how it goes on.
 * All failures are returned.
 */
#include "config.h"

#include "intake/native.h"
#include "intake/big_endian.h"

#include <assert.h>
#include <endian.h>

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
};

enum step {
	STEP_DONE,
	STEP_WRONG, /* another type */
	STEP_RANGE, /* a value outside of its range */
	STEP_END    /* the bytes end, or are no MessagePack */
};

/* skip - pass so many objects, whatever they are.  Returns false when the
   bytes end, or are no MessagePack. */
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

/* take_int_far - an integer in any encoding; what 63 bits cannot hold becomes
   INT64_MAX, which is out of every range. */
static enum step
take_int_far(struct cursor *c, int64_t *value)
{
	unsigned bytes;
	uint64_t raw;
	uint8_t tag;

	if (c->at == c->end)
		return STEP_END;
	tag = *c->at;
	if (tag < 0x80 || tag >= 0xe0) {
		*value = (int8_t)tag;
		c->at++;
		return STEP_DONE;
	}
	if (tag < 0xcc || tag > 0xd3)
		return STEP_WRONG;
	bytes = 1u << (tag & 3);
	if ((size_t)(c->end - c->at) <= bytes)
		return STEP_END;
	raw = load_big_endian(c->at + 1, bytes);
	c->at += 1 + bytes;
	if (tag >= 0xd0)
		*value = sign_extend(raw, bytes);
	else
		*value = raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
	return STEP_DONE;
}

static inline enum step
take_int(struct cursor *c, int64_t *value)
{
	uint32_t near;

	if (c->end - c->at < INT_NEAR_BYTES || !take_near(&c->at, &near))
		return take_int_far(c, value);
	*value = near;
	return STEP_DONE;
}

static inline enum step
take_ranged(struct cursor *c, int64_t min, int64_t max, int64_t *value)
{
	enum step step = take_int(c, value);

	if (step == STEP_DONE && (*value < min || *value > max))
		return STEP_RANGE;
	return step;
}

static enum step
take_int32(struct cursor *c, int32_t *value)
{
	int64_t wide = 0;
	enum step step = take_ranged(c, INT32_MIN, INT32_MAX, &wide);

	*value = (int32_t)wide;
	return step;
}

static enum step
take_uint32(struct cursor *c, uint32_t *value)
{
	int64_t wide = 0;
	enum step step = take_ranged(c, 0, UINT32_MAX, &wide);

	*value = (uint32_t)wide;
	return step;
}

/* take_address - an uint32, or an int32 taken as the same bits. */
static enum step
take_address(struct cursor *c, uint32_t *value)
{
	int64_t wide = 0;
	enum step step = take_ranged(c, INT32_MIN, UINT32_MAX, &wide);

	*value = (uint32_t)wide;
	return step;
}

static enum step
take_port(struct cursor *c, uint16_t *value)
{
	int64_t wide = 0;
	enum step step = take_ranged(c, 0, UINT16_MAX, &wide);

	*value = (uint16_t)wide;
	return step;
}

static enum step
take_flag(struct cursor *c, uint8_t *value)
{
	int64_t wide = 0;
	enum step step;

	if (c->at != c->end && (*c->at & 0xfe) == 0xc2) {
		*value = *c->at++ & 1;
		return STEP_DONE;
	}
	step = take_ranged(c, 0, 1, &wide);
	*value = (uint8_t)wide;
	return step;
}

/* take_array - an array's header. */
static enum step
take_array(struct cursor *c, uint32_t *elements)
{
	unsigned bytes;

	if (c->at == c->end)
		return STEP_END;
	if ((*c->at & 0xf0) == 0x90) {
		*elements = *c->at++ & 0x0fu;
		return STEP_DONE;
	}
	if (*c->at != 0xdc && *c->at != 0xdd)
		return STEP_WRONG;
	bytes = *c->at == 0xdc ? 2 : 4;
	if ((size_t)(c->end - c->at) <= bytes)
		return STEP_END;
	*elements = (uint32_t)load_big_endian(c->at + 1, bytes);
	c->at += 1 + bytes;
	return STEP_DONE;
}

/* take_result - one result in any encoding.  On a fault the cursor lies
   somewhere inside of it. */
static enum step
take_result(struct cursor *c, struct record *r)
{
	uint32_t elements;
	enum step step = take_array(c, &elements);

	if (step == STEP_DONE && elements < RESULT_ELEMENTS)
		step = STEP_WRONG;
	if (step == STEP_DONE)
		step = take_address(c, &r->ip);
	if (step == STEP_DONE)
		step = take_port(c, &r->port);
	if (step == STEP_DONE)
		step = take_uint32(c, &r->succ);
	if (step == STEP_DONE)
		step = take_uint32(c, &r->err);
	if (step == STEP_DONE)
		step = take_flag(c, &r->overload);
	if (step == STEP_DONE && elements > RESULT_ELEMENTS &&
	    !skip(c, elements - RESULT_ELEMENTS))
		step = STEP_END;
	return step;
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
	r->overload = *at++ & 1;
	c->at = at;
	return true;
}

/* ---------------------------------------------------------- a message -- */

static enum reject
step_reason(enum step step)
{
	return step == STEP_RANGE ? REJECT_OUT_OF_RANGE : REJECT_WRONG_SHAPE;
}

/* take_results - so many results.  own: a record with the report's own
   fields.  Returns false when the bytes end, or are no MessagePack. */
static bool
take_results(struct cursor *c, struct report *report, const struct record *own,
    uint32_t results)
{
	struct record *r = report->records;

	/* A result has six bytes or more, and a message MESSAGE_MAX at most:
	   there is room for every one that the bytes can hold. */
	for (; results > 0; results--) {
		const uint8_t *start = c->at;
		enum step step;

		*r = *own;
		if (take_result_near(c, r)) {
			r++;
			continue;
		}
		step = take_result(c, r);
		if (step == STEP_DONE) {
			r++;
			continue;
		}
		c->at = start;
		if (!skip(c, 1))
			return false;
		report->rejected[step_reason(step)]++;
	}
	report->count = (uint32_t)(r - report->records);
	return true;
}

/* take_own - the report's own fields, to ts. */
static enum step
take_own(struct cursor *c, struct report *report, struct record *own)
{
	int64_t ts = 0;
	enum step step = take_int32(c, &report->modid);

	if (step == STEP_DONE)
		step = take_int32(c, &report->cmdid);
	if (step == STEP_DONE)
		step = take_address(c, &own->caller);
	if (step == STEP_DONE)
		step = take_ranged(c, 0, TS_MAX, &ts);
	if (step != STEP_DONE)
		return step;
	report->caller = own->caller;
	own->modid = report->modid;
	own->cmdid = report->cmdid;
	record_set_ts(own, report_time(report, (uint64_t)ts));
	return STEP_DONE;
}

/* take_message - a whole message.  Returns false when it is no report or is
   not whole; *reason: why it is none, should it turn out to be whole. */
static bool
take_message(struct cursor *c, struct report *report, enum reject *reason)
{
	struct record own = { 0 };
	uint32_t elements, results = 0;
	int64_t number = 0;
	enum step step = take_array(c, &elements);

	if (step == STEP_DONE && elements == 0)
		step = STEP_WRONG;
	if (step == STEP_DONE)
		step = take_int(c, &number);
	if (step == STEP_DONE && number != MESSAGE_NUMBER) {
		*reason = REJECT_OTHER_MESSAGE;
		return false;
	}
	if (step == STEP_DONE && elements < MESSAGE_ELEMENTS)
		step = STEP_WRONG;
	if (step == STEP_DONE)
		step = take_own(c, report, &own);
	if (step == STEP_DONE)
		step = take_array(c, &results);
	*reason = step_reason(step);
	return step == STEP_DONE && take_results(c, report, &own, results) &&
	       (elements == MESSAGE_ELEMENTS ||
		   skip(c, elements - MESSAGE_ELEMENTS));
}

/* settle - find out what becomes of a message that is no report, or none yet.
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
	struct cursor c = { p, p, p + near };
	enum reject reason;

	assert(report->max_message <= MESSAGE_MAX);
	report_begin(report);
	if (!take_message(&c, report, &reason))
		return settle(p, length, report, reason);
	report->used = (size_t)(c.at - p);
	return DECODE_REPORT;
}
