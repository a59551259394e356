/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/inbuf.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 256 /* bytes allocated for the beginning of a message */

int
inbuf_append(struct inbuf *inbuf, const uint8_t *bytes, size_t n)
{
	size_t capacity = inbuf->capacity != 0 ? inbuf->capacity : ROOM_MIN;

	/* What was passed over is room again, once it is at least half of all:
	   so no more bytes are moved than were passed over. */
	if (inbuf->taken > 0 && inbuf->taken >= inbuf->capacity / 2) {
		memmove(inbuf->room, inbuf_bytes(inbuf), inbuf->length);
		inbuf->taken = 0;
	}
	while (capacity < inbuf->taken + inbuf->length + n)
		capacity *= 2;
	if (capacity != inbuf->capacity) {
		uint8_t *room = realloc(inbuf->room, capacity);

		if (room == NULL)
			return -1;
		inbuf->room = room;
		inbuf->capacity = (uint32_t)capacity;
	}
	memcpy(inbuf->room + inbuf->taken + inbuf->length, bytes, n);
	inbuf->length += (uint32_t)n;
	return 0;
}

void
inbuf_free(struct inbuf *inbuf)
{
	free(inbuf->room);
	inbuf->room = NULL;
	inbuf->capacity = inbuf->taken = inbuf->length = 0;
}

struct intake_result
inbuf_retry(struct inbuf *inbuf, struct intake *intake)
{
	struct intake_result result = intake_read(
	    intake, &inbuf->stream, inbuf_bytes(inbuf), inbuf->length);

	inbuf->taken += (uint32_t)result.used;
	inbuf->length -= (uint32_t)result.used;
	if (inbuf->length == 0)
		inbuf_free(inbuf);
	return result;
}

/* New bytes, no fewer than those buffered: these are put before them. */
static int
receive_joined(struct inbuf *inbuf, struct intake *intake, uint8_t *fresh,
    size_t n, struct intake_result *result)
{
	size_t buffered = inbuf->length;
	uint8_t *bytes = fresh - buffered;

	if (buffered > 0)
		memcpy(bytes, inbuf_bytes(inbuf), buffered);
	*result = intake_read(intake, &inbuf->stream, bytes, buffered + n);
	/* The buffered ones are the beginning of one message: it is taken whole
	   or not at all. */
	if (result->used == 0)
		return inbuf_append(inbuf, fresh, n);
	if (result->used == buffered + n) {
		inbuf_free(inbuf);
		return 0;
	}
	inbuf->taken = inbuf->length = 0;
	return inbuf_append(
	    inbuf, bytes + result->used, buffered + n - result->used);
}

int
inbuf_receive(struct inbuf *inbuf, struct intake *intake, uint8_t *bytes,
    size_t n, struct intake_result *result)
{
	if (n >= inbuf->length)
		return receive_joined(inbuf, intake, bytes, n, result);
	/* Fewer than those buffered: they are put behind them. */
	if (inbuf_append(inbuf, bytes, n) < 0)
		return -1;
	*result = (struct intake_result){ .verdict = VERDICT_MORE };
	if (intake_is_due(
		intake, &inbuf->stream, inbuf_bytes(inbuf), inbuf->length))
		*result = inbuf_retry(inbuf, intake);
	return 0;
}
