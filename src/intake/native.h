/* SPDX-License-Identifier: MIT
 *
 * The native dialect: a stream of MessagePack arrays, see
 * reporter-protocol(7).  A cursor over the fixed schema; no objects are built,
 * nothing is allocated, nothing recurses.
 */
#pragma once

#include "intake/report.h"

/* load_big_endian - the number of so many bytes, 0 to 8, at p. */
static inline uint64_t
load_big_endian(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

/* Where the search for a message's end stopped.  It lets native_scan() continue
   with the bytes that came since, so that the cost stays linear in the bytes
   received however they are cut.  All zero: at the beginning of a message. */
struct native_scan {
	uint64_t offset; /* bytes scanned, or known to belong to it */
	uint64_t wanted; /* objects still to come; meaningful if offset > 0 */
};

/* native_scan - search for the end of the message that begins at p.
   scan: what the last call on this message left; p and the bytes seen then are
   still there.  Looks at each byte at most once (a header that is cut, at most
   nine bytes, again).
   Returns DECODE_REPORT when the message is whole (scan->offset is its length),
   DECODE_SHORT, or DECODE_CLOSE when a byte is not MessagePack (scan->offset is
   where). */
enum decode native_scan(
    const uint8_t *p, size_t length, struct native_scan *scan);

/* native_decode - decode the message that begins at p, of which `length` bytes
   are there.  On DECODE_SHORT nothing of the report counts.
   A message over report->max_message is DECODE_CLOSE with REJECT_TOO_LONG, also
   when only its beginning is there: as soon as what is left to come (an object
   has one byte or more) cannot fit any more.  After native_scan() the same
   holds when scan->offset + scan->wanted > max_message. */
enum decode native_decode(
    const uint8_t *p, size_t length, struct report *report);
