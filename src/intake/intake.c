/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "intake/intake.h"
#include "intake/route.h"
#include "lib/address.h"
#include "lib/prefix.h"
#include "shm/faultpoint.h"
#include "shm/segment.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(INTAKE_PIECE <= RING_RECORDS_MIN, "a piece fits into a ring");

struct intake {
	struct input_counters *count;
	struct ring *rings[WORKERS_MAX];
	struct routes routes;
	bool drop; /* overflow = drop: never block */
	enum check_caller check_caller;
	uint64_t max_skew;   /* seconds that a report may be ahead */
	bool peer_is_ipv4;   /* of the bytes; if not, no caller matches */
	uint32_t peer;       /* if it is: the address */
	struct agent *agent; /* of the bytes */
	bool explain;        /* their first rejection */
	uint64_t awaited;    /* rings that others wait for, by bit */
	uint32_t turn;       /* records that may still be put into these */
	uint64_t touched;    /* rings with records not yet published, by bit */
	/* Counted, but not yet added to `count`: see intake_publish(). */
	uint64_t received, reports, dropped, skewed, foreign;
	uint64_t rejected[REJECT_REASONS], rejected_sum;
	uint64_t caller, ts;  /* of the last report counted there */
	struct report report; /* the one being decoded, and its limits */
};

struct intake *
intake_new(struct input_counters *count)
{
	struct intake *intake = aligned_alloc(CACHE_LINE, sizeof(*intake));

	if (intake == NULL)
		return NULL;
	memset(intake, 0, offsetof(struct intake, report.records));
	intake->count = count;
	return intake;
}

void
intake_configure(struct intake *intake, const struct settings *settings)
{
	intake->drop = settings->overflow == OVERFLOW_DROP;
	intake->check_caller = (enum check_caller)settings->check_caller;
	intake->max_skew = settings->max_clock_skew / 1000;
	intake->report.max_message = settings->max_message;
}

/* A frame opens with its id, little-endian, a native report with an array's
   marker. */
bool
intake_dialect(const uint8_t *bytes, size_t length, enum dialect *dialect)
{
	uint8_t first = bytes[0];

	if ((first & 0xf0) == 0x90 || first == 0xdc || first == 0xdd) {
		*dialect = DIALECT_NATIVE;
		return true;
	}
	if (first != FRAME_ID_LARS && first != FRAME_ID_ELB)
		return false;
	for (size_t i = 1; i < 4; i++) {
		if (i == length)
			return true; /* unknown so far */
		if (bytes[i] != 0)
			return false;
	}
	*dialect = first == FRAME_ID_LARS ? DIALECT_LARS : DIALECT_ELB;
	return true;
}

static void
intake_reject(struct intake *intake, struct intake_result *result,
    enum reject reason, uint64_t n)
{
	if (n == 0)
		return;
	if (result->rejected == 0)
		result->reason = reason;
	result->rejected += n;
	intake->rejected[reason] += n;
	intake->rejected_sum += n;
	intake->received += n;
}

void
intake_set_rings(
    struct intake *intake, struct ring *const *rings, uint32_t workers)
{
	memcpy(intake->rings, rings, workers * sizeof(*rings));
	routes_set(&intake->routes, workers);
}

void
intake_begin(struct intake *intake, const struct sockaddr *peer, uint64_t now,
    struct agent *agent, bool explain)
{
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);

	intake->agent = agent;
	intake->explain = explain;
	intake->report.now = now;
	intake->report.horizon = now + intake->max_skew;
	intake->awaited = 0;
	intake->turn = 0;
	intake->peer_is_ipv4 = bytes != NULL && family == AF_INET;
	if (!intake->peer_is_ipv4)
		return;
	memcpy(&intake->peer, bytes, sizeof(intake->peer));
	intake->peer = be32toh(intake->peer);
}

void
intake_queue(struct intake *intake, uint64_t awaited, uint32_t turn)
{
	intake->awaited = awaited;
	intake->turn = turn;
}

/* Apply check_caller to the decoded report: with `replace` its caller becomes
   the peer's IPv4 address.  Returns whether its caller is another host still.
 */
static bool
intake_check_caller(struct intake *intake)
{
	struct report *report = &intake->report;

	if (intake->check_caller == CHECK_CALLER_OFF ||
	    (intake->peer_is_ipv4 && report->caller == intake->peer))
		return false;
	if (intake->check_caller != CHECK_CALLER_REPLACE ||
	    !intake->peer_is_ipv4)
		return true;
	report->caller = intake->peer;
	for (uint32_t i = 0; i < report->count; i++)
		report->records[i].caller = intake->peer;
	return false;
}

static uint32_t
min_u32(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/* Whether less than half of the ring is free beside so many records.  There is
   room for all who wait otherwise, and pieces, for each of which a message is
   decoded again, would only keep them waiting. */
static bool
ring_is_short(struct ring *ring, uint32_t n)
{
	uint64_t wanted = (ring->mask + 1) / 2 + n;

	return ring_room(ring, wanted) < wanted;
}

/* Put the rest of the decoded report into its ring: all that there is room for,
   or one piece if other streams wait for that ring.  *put: how many of its
   records are in the ring.  Returns false when the remaining ones must wait. */
static bool
intake_put(struct intake *intake, uint32_t *put, struct intake_result *result)
{
	const struct report *report = &intake->report;
	uint32_t slot =
	    routes_find(&intake->routes, report->modid, report->cmdid);
	/* A message may have fewer records than when the first were put. */
	uint32_t left = report->count - min_u32(*put, report->count);
	uint32_t piece = min_u32(left, INTAKE_PIECE);
	struct ring *ring = intake->rings[slot];
	uint32_t n = min_u32(left, ring_room(ring, left));

	if (intake->drop) {
		intake->dropped += left - n;
		intake->received += left - n;
	} else if (n < piece) {
		n = 0;
	} else if (intake->awaited >> slot & 1 && ring_is_short(ring, left)) {
		n = intake->turn == 0 ? 0 : piece;
		intake->turn -= min_u32(intake->turn, n);
	}
	ring_put(ring, report->records + *put, n);
	FAULT_POINT("intake_put");
	intake->touched |= UINT64_C(1) << slot;
	intake->received += n;
	*put += n;
	result->slot = slot;
	result->need = min_u32(left - n, INTAKE_PIECE);
	return n == left || intake->drop;
}

/* Route the decoded report.  It is counted once, when all of it is in its ring.
   Returns false when it must wait. */
static bool
intake_route(struct intake *intake, uint32_t *put, struct intake_result *result)
{
	struct report *report = &intake->report;
	bool foreign = intake_check_caller(intake);

	result->named = true;
	result->last_caller = report->caller;
	if (foreign && intake->check_caller == CHECK_CALLER_REJECT &&
	    *put == 0) {
		intake_reject(intake, result, REJECT_WRONG_CALLER, 1);
		return true;
	}
	if (!intake_put(intake, put, result))
		return false;
	intake->reports++;
	intake->caller = report->caller;
	intake->ts = report->ts;
	intake->skewed += report->skewed;
	if (foreign) {
		if (result->foreign++ == 0)
			result->caller = report->caller;
		intake->foreign++;
	}
	for (int i = 0; report->is_partial && i < REJECT_REASONS; i++)
		intake_reject(
		    intake, result, (enum reject)i, report->rejected[i]);
	return true;
}

/* Explain why the message or one of its records was rejected, or why the
   stream closes.  All faults but one are known from the decoder. */
static void
intake_explain(struct intake *intake, struct intake_result *result)
{
	struct report *report = &intake->report;
	char *text = report->fault, caller[DOTTED_TEXT];

	result->explanation = text;
	if (report->is_partial)
		result->reason = report->reason;
	if (result->reason == REJECT_WRONG_CALLER)
		snprintf(text, FAULT_TEXT,
		    "caller: %s; expected the peer's address",
		    dotted(report->caller, caller));
}

/* After a message: explain the first rejection, and note the first report whose
   clock is ahead. */
static inline void
intake_note(
    struct intake *intake, struct stream *stream, struct intake_result *result)
{
	if (result->rejected > 0 && intake->report.explain) {
		intake->report.explain = false;
		result->fault = result->used;
		intake_explain(intake, result);
	}
	if (intake->report.skewed && !stream->skewed && result->ahead == 0)
		result->ahead = intake->report.ts - intake->report.now;
}

/* Take all whole messages; *result is zero at first. */
static void
intake_messages(struct intake *intake, struct stream *stream,
    const uint8_t *bytes, size_t length, struct intake_result *result)
{
	struct report *report = &intake->report;

	report->explain = intake->explain && !stream->explained;
	*report->fault = '\0';
	while (result->used < length) {
		switch (intake_decode(stream->dialect, bytes + result->used,
		    length - result->used, report)) {
		case DECODE_SHORT:
			return;
		case DECODE_REPORT:
			if (!intake_route(intake, &stream->put, result)) {
				result->verdict = VERDICT_BLOCKED;
				return;
			}
			break;
		case DECODE_REJECT:
			intake_reject(intake, result, report->reason, 1);
			break;
		case DECODE_CLOSE:
			intake_reject(intake, result, report->reason, 1);
			result->verdict = VERDICT_CLOSE;
			result->reason = report->reason;
			result->fault = result->used + report->used;
			intake_explain(intake, result);
			return;
		}
		intake_note(intake, stream, result);
		result->used += report->used;
		stream->put = 0;
	}
}

struct intake_result
intake_read(struct intake *intake, struct stream *stream, const uint8_t *bytes,
    size_t length)
{
	struct intake_result result = { .verdict = VERDICT_MORE };

	if (stream->dialect == DIALECT_UNKNOWN &&
	    !intake_dialect(bytes, length, &stream->dialect)) {
		intake_reject(intake, &result, REJECT_UNKNOWN_PROTOCOL, 1);
		result.verdict = VERDICT_CLOSE;
		return result;
	}
	intake_messages(intake, stream, bytes, length, &result);
	result.turn = intake->turn;
	result.fault += stream->offset;
	stream->offset += result.used;
	if (result.used > 0)
		stream->scan = (struct native_scan){ 0, 0 };
	return result;
}

/* A frame has its length at its beginning: to decode it again costs little. */
bool
intake_is_due(const struct intake *intake, struct stream *stream,
    const uint8_t *bytes, size_t length)
{
	struct native_scan *scan = &stream->scan;
	size_t max = intake->report.max_message;

	return stream->dialect != DIALECT_NATIVE || length >= max ||
	       native_scan(bytes, length, scan) != DECODE_SHORT ||
	       scan->offset + scan->wanted > max;
}

/* Add to the agent's row what intake_publish() is about to count. */
static void
intake_show(const struct intake *intake)
{
	struct agent *agent = intake->agent;

	agent_add(&agent->records, intake->received - intake->rejected_sum);
	agent_add(&agent->reports, intake->reports);
	for (int i = 0; intake->rejected_sum != 0 && i < REJECT_REASONS; i++)
		agent_add(&agent->rejected[i], intake->rejected[i]);
	agent_add(&agent->rejected_sum, intake->rejected_sum);
	if (intake->reports == 0)
		return;
	agent_set(&agent->caller, intake->caller);
	agent_set(&agent->clock_offset,
	    intake->ts == 0 ? AGENT_NONE : intake->ts - intake->report.now);
}

static void
count_move(counter *to, uint64_t *from)
{
	if (*from != 0)
		counter_add(to, *from);
	*from = 0;
}

void
intake_publish(struct intake *intake)
{
	/* Publish first: what is counted as received then is in a ring, even
	   if we are killed between the two. */
	while (intake->touched != 0) {
		int slot = __builtin_ctzll(intake->touched);

		ring_publish(intake->rings[slot]);
		FAULT_POINT("intake_one_published");
		intake->touched &= intake->touched - 1;
	}
	FAULT_POINT("intake_uncounted");
	if ((intake->received | intake->reports) != 0)
		intake_show(intake);
	count_move(&intake->count->received, &intake->received);
	FAULT_POINT("intake_received");
	count_move(&intake->count->reports, &intake->reports);
	count_move(&intake->count->dropped, &intake->dropped);
	count_move(&intake->count->skewed, &intake->skewed);
	count_move(&intake->count->foreign, &intake->foreign);
	for (int i = 0; intake->rejected_sum != 0 && i < REJECT_REASONS; i++)
		count_move(&intake->count->rejected[i], &intake->rejected[i]);
	intake->rejected_sum = 0;
}

bool
intake_has_room(struct intake *intake, uint32_t slot, uint32_t need)
{
	return slot < intake->routes.workers &&
	       ring_room(intake->rings[slot], need) >= need;
}

unsigned
intake_alert(struct intake *intake)
{
	unsigned woken = 0;

	for (uint32_t i = 0; i < intake->routes.workers; i++)
		woken += ring_alert(intake->rings[i]);
	return woken;
}
