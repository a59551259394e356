/* SPDX-License-Identifier: MIT
 *
 * The report: one message of an agent, decoded.  What the decoders of the three
 * dialects make out of bytes, and what the intake routes.
 */
#pragma once

#include "shm/counters.h"
#include "shm/record.h"

#include <string.h>

/* Records of the longest report that can arrive: max_message has this upper
   bound, and a result takes at least 6 bytes (native), 2 (Lars). */
#define MESSAGE_MAX 65536
#define REPORT_RECORDS_MAX 32768

/* Bytes for a fault in words, as in "results[3].port: 70000; expected 0 to
   65535". */
#define FAULT_TEXT 160

/* What a decoder found at the beginning of its bytes. */
enum decode {
	DECODE_REPORT, /* a report; it may hold no records */
	DECODE_SHORT,  /* not whole yet; no fault so far */
	DECODE_REJECT, /* a whole message that is not a report: skip it */
	DECODE_CLOSE   /* the stream cannot be followed any further */
};

struct report {
	/* Set by the caller, and kept by the decoders. */
	uint64_t now; /* seconds since 1970: what ts 0 stands for */
	uint64_t
	    horizon; /* the greatest believable ts; later ones become now */
	size_t max_message; /* bytes of the longest message, to MESSAGE_MAX */
	bool explain;       /* fill in `fault` */

	/* Set by a decoder.  used: bytes to pass over, for DECODE_REPORT and
	   DECODE_REJECT; where the fault lies, for DECODE_CLOSE. */
	size_t used;
	enum reject reason; /* for DECODE_REJECT and DECODE_CLOSE */
	int32_t modid, cmdid;
	uint32_t caller;
	uint64_t ts;             /* as it came; 0: when received */
	bool skewed;             /* it is beyond the horizon */
	uint32_t count;          /* records in `records` */
	char fault[FAULT_TEXT];  /* the first fault in words, or "" */
	const uint8_t *fault_at; /* where that is, if it is in a report */
	/* Records of this report that were rejected, by reason; is_partial if
	   there are any. */
	bool is_partial;
	uint32_t rejected[REJECT_REASONS];
	/* Aligned, since records that lie in two cache lines are copied at nine
	   tenths of the speed. */
	alignas(CACHE_LINE) struct record records[REPORT_RECORDS_MAX];
};

/* report_begin - for a decoder: no records, nothing rejected so far. */
static inline void
report_begin(struct report *report)
{
	report->skewed = report->is_partial = false;
	report->count = 0;
	memset(report->rejected, 0, sizeof(report->rejected));
}

/* report_reject - for a decoder: one of its records is rejected. */
static inline void
report_reject(struct report *report, enum reject reason)
{
	report->rejected[reason]++;
	report->is_partial = true;
}

/* report_fail - for a decoder: make it empty, note the reason and the place.
   Returns `found`. */
static inline enum decode
report_fail(
    struct report *report, enum decode found, enum reject reason, size_t used)
{
	report_begin(report);
	report->reason = reason;
	report->used = used;
	return found;
}

/* report_time - the time to store for a report that came with ts: now for 0,
   and for what lies beyond the horizon or what a record can hold. */
static inline uint64_t
report_time(struct report *report, uint64_t ts)
{
	report->ts = ts;
	if (ts == 0)
		return report->now;
	if (ts > report->horizon || ts > RECORD_TS_MAX) {
		report->skewed = true;
		return report->now;
	}
	return ts;
}
