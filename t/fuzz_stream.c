/* SPDX-License-Identifier: MIT
 *
 * Owns two intakes, each with a ring in ordinary memory that has room for
 * every record a stream can hold.  What differs ends the process.
 */
#include "config.h"

#include "fuzz_stream.h"
#include "native.h"

#define RING_RECORDS (FUZZ_STREAM_MAX / 2)

/* A connection's stream on its way. */
struct side {
	struct intake intake;
	struct input_counters count;
	struct ring ring;
	struct ring_producer producer;
	struct ring_consumer consumer;
	struct record records[RING_RECORDS];
	enum dialect dialect;
	struct native_scan scan;
	uint8_t held[FUZZ_STREAM_MAX];
	size_t length;               /* of what is held */
	size_t used;                 /* bytes taken in all */
	struct intake_result result; /* of the last call */
};

static struct side whole, cut;

static void
side_begin(struct side *side, enum dialect dialect, size_t max_message)
{
	struct intake *intake = &side->intake;
	struct ring *ring = &side->ring;

	side->count = (struct input_counters){ 0 };
	side->producer = (struct ring_producer){ 0 };
	side->consumer = (struct ring_consumer){ 0 };
	ring_attach(&side->ring, &side->producer, &side->consumer,
	    side->records, RING_RECORDS);
	intake->count = &side->count;
	intake_rings(intake, &ring, 1);
	fuzz_report(&intake->report, max_message);
	side->dialect = dialect;
	side->scan = (struct native_scan){ 0 };
	side->length = side->used = 0;
	side->result = (struct intake_result){ 0 };
}

/* Whether held bytes are worth decoding, as a connection asks itself. */
static bool
side_whole(struct side *side)
{
	size_t most = side->intake.report.max_message;

	if (side->dialect != DIALECT_NATIVE || side->length >= most)
		return true;
	return native_scan(side->held, side->length, &side->scan) !=
		   DECODE_SHORT ||
	       side->scan.offset + side->scan.wanted > most;
}

/* Give it a piece.  Returns false when the stream is closed. */
static bool
side_take(struct side *side, const uint8_t *piece, size_t length)
{
	memcpy(side->held + side->length, piece, length);
	side->length += length;
	if (!side_whole(side))
		return true;
	side->result = intake_bytes(
	    &side->intake, &side->dialect, side->held, side->length);
	FUZZ_CHECK(side->result.used <= side->length);
	FUZZ_CHECK(side->result.verdict != VERDICT_BLOCKED);
	side->used += side->result.used;
	side->length -= side->result.used;
	memmove(side->held, side->held + side->result.used, side->length);
	if (side->result.used > 0)
		side->scan = (struct native_scan){ 0 };
	intake_publish(&side->intake);
	return side->result.verdict == VERDICT_MORE;
}

/* The length of the next piece: the smaller the low bits of cuts, the shorter
   all of them are. */
static size_t
piece_length(uint64_t *state, uint8_t cuts, size_t left)
{
	*state = *state * UINT64_C(6364136223846793005) + 2u * cuts + 1;
	size_t length = 1 + (size_t)(*state >> 33) % (1u << (cuts & 7) * 2);

	return length < left ? length : left;
}

static void
compare(void)
{
	FUZZ_CHECK(whole.result.verdict == cut.result.verdict);
	FUZZ_CHECK(whole.used == cut.used);
	FUZZ_CHECK(whole.result.verdict != VERDICT_CLOSE ||
		   whole.result.reason == cut.result.reason);
	FUZZ_CHECK(memcmp(&whole.count, &cut.count, sizeof(whole.count)) == 0);
	FUZZ_CHECK(whole.ring.head == cut.ring.head);
	FUZZ_CHECK(memcmp(whole.records, cut.records,
		       whole.ring.head * sizeof(whole.records[0])) == 0);
	/* What was received is in the ring or was rejected. */
	uint64_t rejected = 0;
	for (int i = 0; i < REJECT_REASONS; i++)
		rejected += counter_get(&whole.count.rejected[i]);
	FUZZ_CHECK(
	    counter_get(&whole.count.received) == whole.ring.head + rejected);
}

void
fuzz_stream(enum dialect dialect, size_t max_message, uint8_t cuts,
    const uint8_t *stream, size_t length)
{
	uint64_t state = cuts;
	size_t at = 0;

	side_begin(&whole, dialect, max_message);
	side_begin(&cut, dialect, max_message);
	side_take(&whole, stream, length);
	while (at < length) {
		size_t piece = piece_length(&state, cuts, length - at);

		if (!side_take(&cut, stream + at, piece))
			break;
		at += piece;
	}
	compare();
}
