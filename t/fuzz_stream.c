/* SPDX-License-Identifier: MIT
 *
 * Owns two intakes, each with a ring in ordinary memory that has room for
 * every record a stream can hold.  One gets all bytes at once; the other has
 * them through a connection's stream, in pieces.  What differs ends the
 * process.
 */
#include "config.h"

#include "fuzz_stream.h"
#include "intake/frame.h"
#include "edge/inbuf.h"

#include <netinet/in.h>

#define RING_RECORDS (FUZZ_STREAM_MAX / 2)

struct side {
	struct intake *intake;
	struct input_counters count;
	struct ring ring;
	struct ring_producer producer;
	struct ring_consumer consumer;
	struct record records[RING_RECORDS];
	size_t used;                 /* bytes taken in all */
	struct intake_result result; /* of the last call */
};

static struct side whole, cut;
static struct agent connected;

static void
side_begin(struct side *side, size_t max_message)
{
	const struct settings settings = { .max_message = max_message,
		.max_clock_skew = (FUZZ_HORIZON - FUZZ_NOW) * 1000 };
	const struct sockaddr_in peer = { .sin_family = AF_INET };
	struct ring *ring = &side->ring;

	side->count = (struct input_counters){ 0 };
	side->producer = (struct ring_producer){ 0 };
	side->consumer = (struct ring_consumer){ 0 };
	ring_attach(&side->ring, &side->producer, &side->consumer,
	    side->records, RING_RECORDS);
	if (side->intake == NULL)
		side->intake = intake_new(&side->count);
	FUZZ_CHECK(side->intake != NULL);
	intake_configure(side->intake, &settings);
	intake_set_rings(side->intake, &ring, 1);
	intake_begin(side->intake, (const struct sockaddr *)&peer, FUZZ_NOW,
	    &connected, true);
	side->used = 0;
	side->result = (struct intake_result){ 0 };
}

static void
side_taken(struct side *side, const struct intake_result *result)
{
	side->result = *result;
	FUZZ_CHECK(result->verdict != VERDICT_BLOCKED);
	side->used += result->used;
	intake_publish(side->intake);
}

static void
take_whole(enum dialect dialect, const uint8_t *bytes, size_t length)
{
	struct stream stream = { .dialect = dialect };
	struct intake_result result = { .verdict = VERDICT_MORE };

	if (length > 0)
		result = intake_read(whole.intake, &stream, bytes, length);
	FUZZ_CHECK(result.used <= length);
	side_taken(&whole, &result);
}

/* Give the stream a piece, as a connection does. */
static void
take_piece(struct inbuf *inbuf, const uint8_t *piece, size_t length)
{
	/* Before the piece is room for what is held. */
	static uint8_t room[2 * MESSAGE_MAX];
	uint8_t *bytes = memcpy(room + MESSAGE_MAX, piece, length);
	struct intake_result result;

	FUZZ_CHECK(
	    inbuf_receive(inbuf, cut.intake, bytes, length, &result) == 0);
	side_taken(&cut, &result);
	FUZZ_CHECK(inbuf->stream.offset == cut.used);
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
    const uint8_t *bytes, size_t length)
{
	struct inbuf inbuf = { .stream.dialect = dialect };
	uint64_t state = cuts;
	size_t at = 0;

	/* limits.max_message is 1 KiB at the least: no stream waits for more
	   than it may have before it is known what the stream is. */
	if (max_message < FRAME_HEADER)
		max_message = FRAME_HEADER;
	side_begin(&whole, max_message);
	side_begin(&cut, max_message);
	take_whole(dialect, bytes, length);
	while (at < length && cut.result.verdict == VERDICT_MORE) {
		size_t room = inbuf_room(&inbuf, max_message);
		size_t piece = piece_length(&state, cuts, length - at);

		/* It has been said that a message is too long, before. */
		FUZZ_CHECK(room > 0);
		if (piece > room)
			piece = room;
		take_piece(&inbuf, bytes + at, piece);
		at += piece;
	}
	inbuf_free(&inbuf);
	compare();
}
