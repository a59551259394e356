/* SPDX-License-Identifier: MIT
 *
 * Input buffer of one connection: the bytes that came and were not taken yet,
 * until a message is whole or finds room.  It knows nothing of sockets.
 * Belongs to the master's loop.
 *
 * The cost is linear in the bytes that come, however they are cut: buffered
 * bytes and new ones are joined by moving the smaller part, taking bytes from
 * the front moves nothing, and memory grows by doubling.
 */
#pragma once

#include "intake/intake.h"

/* All zero: nothing has come yet.  inbuf_free() ends it. */
struct inbuf {
	uint8_t *room;
	uint32_t capacity; /* bytes of room */
	uint32_t taken;    /* of these, passed over at the front */
	uint32_t length;   /* bytes buffered, behind them */
	struct stream stream;
};

/* inbuf_bytes - the first byte buffered; only while there are some. */
static inline const uint8_t *
inbuf_bytes(const struct inbuf *inbuf)
{
	return inbuf->room + inbuf->taken;
}

/* inbuf_room - how many bytes may come now: with those buffered, no more than
   the longest message has, max_message bytes, FRAME_HEADER or more.  0: what is
   buffered is too long since a reload lowered max_message; inbuf_retry() will
   find that. */
static inline size_t
inbuf_room(const struct inbuf *inbuf, size_t max_message)
{
	return inbuf->length < max_message ? max_message - inbuf->length : 0;
}

/* inbuf_append - buffer n more bytes.  Returns 0, or -1 with errno: then all is
   as before. */
int inbuf_append(struct inbuf *inbuf, const uint8_t *bytes, size_t n);

/* inbuf_receive - give the intake n bytes that came, 1 to inbuf_room(), and
   buffer those that it does not take.  In front of `bytes` is as much memory as
   bytes are buffered, and it is written to.  Nothing is published yet.
   *result: as of intake_read(); used counts bytes that were buffered as well.
   Returns 0; or -1 with errno: then the stream cannot continue. */
int inbuf_receive(struct inbuf *inbuf, struct intake *intake, uint8_t *bytes,
    size_t n, struct intake_result *result);

/* inbuf_retry - give the intake the bytes buffered, 1 or more. */
struct intake_result inbuf_retry(struct inbuf *inbuf, struct intake *intake);

/* inbuf_free - free the memory; nothing is buffered. */
void inbuf_free(struct inbuf *inbuf);
