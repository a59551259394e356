/* SPDX-License-Identifier: MIT
 *
 * The inflow of one connection: bytes of its stream that came, on their way to
 * the intake, and those held until a message is whole or finds room.  It knows
 * nothing of sockets.  Belongs to the master's loop.
 *
 * The cost is linear in the bytes that come, however they are cut: held bytes
 * and new ones are joined by moving the smaller part.
 */
#ifndef REPORTER_INFLOW_H
#define REPORTER_INFLOW_H

#include "edge/held.h"
#include "intake/intake.h"
#include "intake/native.h"

/* All zero: nothing has come yet. */
struct inflow {
	enum dialect dialect;
	uint64_t offset;         /* bytes taken so far */
	struct held held;        /* bytes that came and were not taken */
	struct native_scan scan; /* how far these were looked through */
};

/* inflow_room - how many bytes may come now: with those held, no more than the
   longest message has, max_message bytes, FRAME_HEADER or more.  0: what is
   held is too long since a reload lowered max_message, and inflow_take_held()
   will say so. */
static inline size_t
inflow_room(const struct inflow *inflow, size_t max_message)
{
	size_t held = inflow->held.length;

	return held < max_message ? max_message - held : 0;
}

/*
 * inflow_take - take n bytes that came, 1 to inflow_room(), and hold those of
 * them that the intake does not take.  Before the first lies as much room as
 * bytes are held, and it is written to.  Nothing is published yet.
 * *result: as from intake_bytes(); used counts bytes that were held before as
 * well, and fault is where in the whole stream it lies.
 * Returns false when memory is short: then the stream cannot go on.
 */
bool inflow_take(struct inflow *inflow, struct intake *intake, uint8_t *bytes,
    size_t n, struct intake_result *result);

/* inflow_take_held - the same for the bytes held. */
struct intake_result inflow_take_held(
    struct inflow *inflow, struct intake *intake);

#endif
