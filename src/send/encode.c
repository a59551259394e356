/* SPDX-License-Identifier: MIT
 *
 * The encoder.  The client library packs native reports, protobuf-c ELB and
 * Lars frames, so that what the tools send shares no code with what the daemon
 * decodes.
 */
#include "config.h"

#include "send/encode.h"

#include "client/pack.h"
#include "intake/elb.pb-c.h"
#include "intake/frame.h"
#include "intake/lars.pb-c.h"

/* The longest encodings.  A protobuf result: tag and length, then tag and
   varint of each; a negative int32 takes ten bytes. */
#define FRAME_HEAD (FRAME_HEADER + 3 * 11 + 6)
#define FRAME_RESULT (2 + 11 + 4 + 6 + 6 + 2)
static_assert(
    PACK_HEAD_MAX + ENCODE_RECORDS_MAX * PACK_RESULT_MAX <= ENCODE_REPORT_MAX,
    "a native report fits");
static_assert(
    FRAME_HEAD + ENCODE_RECORDS_MAX * FRAME_RESULT <= ENCODE_REPORT_MAX,
    "a frame fits");

bool
encode_dialect(const char *name, enum encode_dialect *dialect)
{
	static const char *const names[] = {
		[ENCODE_NATIVE] = "native",
		[ENCODE_ELB] = "elb",
		[ENCODE_LARS] = "lars",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*dialect = (enum encode_dialect)i;
			return true;
		}
	}
	return false;
}

uint64_t
encode_ts_max(enum encode_dialect dialect)
{
	return dialect == ENCODE_NATIVE ? RECORD_TS_MAX : UINT32_MAX;
}

bool
encode_same_report(const struct record *a, const struct record *b)
{
	return a->modid == b->modid && a->cmdid == b->cmdid &&
	       a->caller == b->caller && record_ts(a) == record_ts(b);
}

/* ---------------------------------------------------------------- frames -- */

static void
put_int32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static size_t
encode_frame(uint32_t id, const ProtobufCMessage *message, uint8_t *out)
{
	size_t length = protobuf_c_message_pack(message, out + FRAME_HEADER);

	put_int32(out, id);
	put_int32(out + 4, (uint32_t)length);
	return FRAME_HEADER + length;
}

/* Both schemas have the same fields, in types of their own.  wire: makes a
   result's ip of an address, see record_address(). */
#define DEFINE_ENCODER(name, prefix, Prefix, id, wire, REPORT_INIT) \
	static size_t name( \
	    const struct record *records, size_t n, uint8_t *out) \
	{ \
		Prefix##__StatusReport report = REPORT_INIT; \
		Prefix##__CallResult results[ENCODE_RECORDS_MAX]; \
		Prefix##__CallResult *pointers[ENCODE_RECORDS_MAX]; \
\
		for (size_t i = 0; i < n; i++) { \
			prefix##__call_result__init(&results[i]); \
			results[i].ip = \
			    (int32_t)wire(record_address(&records[i])); \
			results[i].port = records[i].port; \
			results[i].succ = records[i].succ; \
			results[i].err = records[i].err; \
			results[i].overload = records[i].overload; \
			pointers[i] = &results[i]; \
		} \
		report.modid = records->modid; \
		report.cmdid = records->cmdid; \
		report.caller = (int32_t)records->caller; \
		report.ts = records->ts_low; \
		report.n_results = n; \
		report.results = pointers; \
		return encode_frame(id, &report.base, out); \
	}

DEFINE_ENCODER(encode_elb, elb, Elb, FRAME_ID_ELB, __builtin_bswap32,
    ELB__STATUS_REPORT__INIT)
DEFINE_ENCODER(encode_lars, lars, Lars, FRAME_ID_LARS, (uint32_t),
    LARS__STATUS_REPORT__INIT)

size_t
encode_report(enum encode_dialect dialect, const struct record *records,
    size_t n, uint8_t *out)
{
	switch (dialect) {
	case ENCODE_ELB:
		return encode_elb(records, n, out);
	case ENCODE_LARS:
		return encode_lars(records, n, out);
	case ENCODE_NATIVE:
		break;
	}
	return pack_report(records, n, out);
}
