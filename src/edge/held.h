/* SPDX-License-Identifier: MIT
 *
 * Bytes held of a connection's stream: those that were read and not taken yet.
 * Belongs to the master's loop.
 *
 * The cost stays linear in the bytes that come, however they are cut: taking
 * bytes from the front moves nothing, and room grows by doubling.
 */
#ifndef REPORTER_HELD_H
#define REPORTER_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: nothing is held. */
struct held {
	uint8_t *room;
	uint32_t capacity; /* bytes of room */
	uint32_t taken;    /* of these, passed over at the front */
	uint32_t length;   /* bytes held, behind them */
};

/* held_bytes - the first of them; only while there are some. */
static inline const uint8_t *
held_bytes(const struct held *held)
{
	return held->room + held->taken;
}

/* held_append - hold n more bytes, which are not among those held.  Returns
   false when memory is short: then all is as before. */
bool held_append(struct held *held, const uint8_t *bytes, size_t n);

/* held_set - hold these instead, which are not among those held.  Returns
   false when memory is short. */
bool held_set(struct held *held, const uint8_t *bytes, size_t n);

/* held_take - pass over the first n bytes held.  When none is left, the room
   is freed. */
void held_take(struct held *held, size_t n);

/* held_free - hold nothing. */
void held_free(struct held *held);

#endif
