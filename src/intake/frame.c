/* SPDX-License-Identifier: MIT
 *
 * The ELB and Lars dialects' decoder.  Allocates nothing: a cursor walks over
 * the protobuf fields, and every step is checked against their end.  It accepts
 * exactly what protobuf-c would unpack, with the same values.
 *
 * What that means where the encoding leaves a choice: of a field that comes
 * twice the last one counts (but each of the results); integers keep the
 * lowest 32 bits of their varint; a known field with another wire type is a
 * fault, except the flag, which is true if any of its bytes has any of the
 * lower seven bits; groups are a fault; unknown fields are passed over.
 */
#include "config.h"

#include "intake/frame.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#define VARINT_BYTES 10      /* the longest varint */
#define SHORT_VARINT_BYTES 5 /* the longest tag, and length */

/* Bits of the fields 1 to 5: all of a result, all of a report but results. */
#define RESULT_REQUIRED 0x3eu
#define REPORT_REQUIRED 0x2eu

/* Those that are not plain integers. */
#define FIELD_PORT 2     /* of a result: 16 bits */
#define FIELD_RESULTS 4  /* of the report */
#define FIELD_OVERLOAD 5 /* of a result: a flag */

enum wire {
	WIRE_VARINT = 0,
	WIRE_64BIT = 1,
	WIRE_BYTES = 2,
	WIRE_32BIT = 5
};

struct cursor {
	const uint8_t *at, *end;
};

struct field {
	uint32_t number;
	uint8_t wire;
	const uint8_t *data; /* its length, if it has one, is part of it */
	size_t size;         /* bytes of data */
	size_t prefix;       /* bytes of these that hold the length */
	uint64_t value;      /* of a varint; the length, if it has one */
};

static inline size_t
bytes_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* varint_size - bytes of the varint at the cursor, and its value; 0 if it does
   not end within `max` bytes. */
static inline size_t
varint_size(const struct cursor *c, size_t max, uint64_t *value)
{
	size_t left = bytes_left(c);

	*value = 0;
	if (left > max)
		left = max;
	for (size_t i = 0; i < left; i++) {
		/* Of a tenth byte, all but one bit goes over the top. */
		*value |= (uint64_t)(c->at[i] & 0x7f) << 7 * i;
		if ((c->at[i] & 0x80) == 0)
			return i + 1;
	}
	return 0;
}

/* take_field - the next field, of any kind; there is one byte or more. */
static inline bool
take_field(struct cursor *c, struct field *field)
{
	uint64_t tag;
	size_t size = varint_size(c, SHORT_VARINT_BYTES, &tag);

	/* A number of 0 is a fault in one byte only. */
	if (size == 0 || (*c->at & 0xf8) == 0)
		return false;
	c->at += size;
	field->number = (uint32_t)(tag >> 3);
	field->wire = tag & 7;
	field->size = field->wire == WIRE_64BIT   ? 8
		      : field->wire == WIRE_32BIT ? 4
						  : 0;
	if (field->wire == WIRE_VARINT) {
		field->size = varint_size(c, VARINT_BYTES, &field->value);
	} else if (field->wire == WIRE_BYTES) {
		field->prefix =
		    varint_size(c, SHORT_VARINT_BYTES, &field->value);
		if (field->prefix > 0)
			field->size = field->prefix + field->value;
	}
	if (field->size == 0 || field->size > bytes_left(c))
		return false;
	field->data = c->at;
	c->at += field->size;
	return true;
}

static inline bool
field_flag(const struct field *field)
{
	unsigned bits = 0;

	for (size_t i = 0; i < field->size; i++)
		bits |= field->data[i] & 0x7f;
	return bits != 0;
}

/* fault - describe a fault of the payload, if that is asked for.  own: in the
   report's own fields, not in the next result.  number: of the field, or 0.
   at: where.  Returns false. */
static bool __attribute__((cold, noinline)) fault(struct report *report,
    bool own, unsigned number, const char *found, const uint8_t *at)
{
	static const char *const names[2][6] = {
		{ "field", "ip", "port", "succ", "err", "overload" },
		{ "field", "modid", "cmdid", "caller", "results", "ts" }
	};
	char path[32] = "";

	if (!report->explain)
		return false;
	report->fault_at = at;
	if (!own)
		snprintf(path, sizeof(path), "results[%" PRIu32 "].",
		    report->count + report->rejected[REJECT_OUT_OF_RANGE]);
	snprintf(report->fault, sizeof(report->fault), "%s%s: %s; expected %s",
	    path, names[own][number], found,
	    number == 0           ? "a tag and a value"
	    : own && number == 4  ? "bytes"
	    : !own && number == 2 ? "a varint of 0 to 65535"
				  : "a varint");
	return false;
}

static const char *const wires[8] = { "varint", "64 bits",
	"bytes", [WIRE_32BIT] = "32 bits" };

/* The fields 1 to 5 of a message, of a result or the report's own: as integers
   of 32 bits, signed or not, and where they were. */
struct fields {
	uint32_t value[6];
	const uint8_t *at[6];
};

static bool add_result(
    const struct field *field, bool elb, struct report *report);

/* take_fields - all fields of a message, which are zero at first.  Returns
   false when it does not decode. */
static bool
take_fields(struct cursor c, bool own, bool elb, struct fields *fields,
    struct report *report)
{
	uint32_t missing = !elb ? 0 : own ? REPORT_REQUIRED : RESULT_REQUIRED;
	struct field field = { .wire = WIRE_VARINT };

	while (c.at < c.end) {
		if (!take_field(&c, &field))
			return fault(report, own, 0, "malformed", c.at);
		if (field.number == 0 || field.number > 5)
			continue;
		if (own && field.number == FIELD_RESULTS) {
			if (!add_result(&field, elb, report))
				return false;
		} else if (!own && field.number == FIELD_OVERLOAD) {
			fields->value[FIELD_OVERLOAD] = field_flag(&field);
		} else if (field.wire == WIRE_VARINT) {
			fields->value[field.number] = (uint32_t)field.value;
		} else {
			return fault(report, own, field.number,
			    wires[field.wire], field.data);
		}
		fields->at[field.number] = field.data;
		missing &= ~(1u << field.number);
	}
	return missing == 0 ||
	       fault(report, own, (unsigned)__builtin_ctz(missing), "missing",
		   c.end);
}

/* port_reject - reject a record whose port is out of range. */
static void __attribute__((cold, noinline))
port_reject(struct report *report, const struct fields *fields)
{
	char found[16];

	snprintf(found, sizeof(found), "%" PRId32,
	    (int32_t)fields->value[FIELD_PORT]);
	if (*report->fault == '\0') {
		report->reason = REJECT_OUT_OF_RANGE;
		fault(report, false, FIELD_PORT, found, fields->at[FIELD_PORT]);
	}
	report_reject(report, REJECT_OUT_OF_RANGE);
}

/* add_result - decode a field of results, and keep the record if its port is
   valid.  Returns false when it does not decode.  A result takes two bytes or
   more: there is room for every one. */
static bool
add_result(const struct field *field, bool elb, struct report *report)
{
	struct fields fields = { .value = { 0 } };
	const uint32_t *value = fields.value;
	struct cursor c = { field->data, field->data + field->size };

	if (field->wire != WIRE_BYTES)
		return fault(report, true, FIELD_RESULTS, wires[field->wire],
		    field->data);
	c.at += field->prefix;
	if (!take_fields(c, false, elb, &fields, report))
		return false;
	if (value[FIELD_PORT] > UINT16_MAX) {
		port_reject(report, &fields);
		return true;
	}
	report->records[report->count++] = (struct record){ .ip = value[1],
		.port = (uint16_t)value[FIELD_PORT],
		.succ = value[3],
		.err = value[4],
		.overload = value[FIELD_OVERLOAD] & 1 };
	return true;
}

/* fill_in - give every record the report's own fields, which may come behind
   the results. */
static void
fill_in(struct report *report, const uint32_t own[6], bool elb)
{
	uint64_t ts = report_time(report, own[5]);

	report->modid = (int32_t)own[1];
	report->cmdid = (int32_t)own[2];
	report->caller = own[3];
	for (uint32_t i = 0; i < report->count; i++) {
		struct record *r = &report->records[i];

		r->modid = report->modid;
		r->cmdid = report->cmdid;
		r->caller = report->caller;
		r->elb = elb;
		record_set_ts(r, ts);
	}
}

static int32_t
load_int32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return (int32_t)le32toh(word);
}

enum decode
frame_decode(const uint8_t *p, size_t length, int32_t id, struct report *report)
{
	bool elb = id == FRAME_ID_ELB;
	struct fields own = { .value = { 0 } };
	struct cursor c;
	int32_t payload;
	size_t used, max;

	assert(report->max_message <= MESSAGE_MAX);
	if (length < FRAME_HEADER)
		return DECODE_SHORT;
	payload = load_int32(p + 4);
	used = FRAME_HEADER + (size_t)payload;
	max = FRAME_HEADER + (elb ? FRAME_MAX_ELB : FRAME_MAX_LARS);
	if (max > report->max_message)
		max = report->max_message;
	if (payload < 0 || used > max) {
		snprintf(report->fault, sizeof(report->fault),
		    "length: %" PRId32 "; expected 0 to %zu", payload,
		    max - FRAME_HEADER);
		return report_fail(report, DECODE_CLOSE,
		    payload < 0 ? REJECT_NEGATIVE_LENGTH : REJECT_TOO_LONG, 4);
	}
	if (length < used)
		return DECODE_SHORT;
	if (load_int32(p) != id) {
		if (report->explain)
			snprintf(report->fault, sizeof(report->fault),
			    "message id: %" PRId32 "; expected %" PRId32,
			    load_int32(p), id);
		return report_fail(
		    report, DECODE_REJECT, REJECT_OTHER_MESSAGE, used);
	}

	report_begin(report);
	c = (struct cursor){ p + FRAME_HEADER, p + used };
	if (!take_fields(c, true, elb, &own, report))
		return report_fail(
		    report, DECODE_REJECT, REJECT_NOT_PROTOBUF, used);
	fill_in(report, own.value, elb);
	report->used = used;
	return DECODE_REPORT;
}
