/* SPDX-License-Identifier: MIT
 *
 * Bytes held of a connection's stream.  Owns their memory.  Called by the
 * master's loop; want of memory is returned.
 */
#include "config.h"

#include "edge/held.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 256 /* bytes allocated for the beginning of a message */

/* Make room for n more bytes behind those held. */
static bool
held_reserve(struct held *held, size_t n)
{
	size_t capacity = held->capacity != 0 ? held->capacity : ROOM_LEAST;

	/* What was passed over is room again, once it is at least half of all:
	   so no more bytes are moved than were passed over. */
	if (held->taken > 0 && held->taken >= held->capacity / 2) {
		memmove(held->room, held_bytes(held), held->length);
		held->taken = 0;
	}
	while (capacity < held->taken + held->length + n)
		capacity *= 2;
	if (capacity == held->capacity)
		return true;
	uint8_t *room = realloc(held->room, capacity);
	if (room == NULL)
		return false;
	held->room = room;
	held->capacity = (uint32_t)capacity;
	return true;
}

bool
held_append(struct held *held, const uint8_t *bytes, size_t n)
{
	if (!held_reserve(held, n))
		return false;
	memcpy(held->room + held->taken + held->length, bytes, n);
	held->length += (uint32_t)n;
	return true;
}

bool
held_set(struct held *held, const uint8_t *bytes, size_t n)
{
	held->taken = held->length = 0;
	if (n > 0)
		return held_append(held, bytes, n);
	held_free(held);
	return true;
}

void
held_take(struct held *held, size_t n)
{
	held->taken += (uint32_t)n;
	held->length -= (uint32_t)n;
	if (held->length == 0)
		held_free(held);
}

void
held_free(struct held *held)
{
	free(held->room);
	*held = (struct held){ 0 };
}
