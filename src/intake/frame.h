/* SPDX-License-Identifier: MIT
 *
 * The ELB and Lars dialects: a frame header of two little-endian int32 (id,
 * length), then a protobuf message; see reporter-protocol(7).  A cursor over
 * the fixed schema; nothing is allocated.
 */
#pragma once

#include "intake/report.h"

#define FRAME_HEADER 8
#define FRAME_ID_LARS 3
#define FRAME_ID_ELB 8
#define FRAME_MAX_LARS 65527 /* bytes of payload */
#define FRAME_MAX_ELB 65528

/* frame_decode - decode the frame that begins at p, of which `length` bytes are
   there.  id: FRAME_ID_LARS or FRAME_ID_ELB, the connection's dialect; frames
   with another id are DECODE_REJECT with REJECT_OTHER_MESSAGE.
   A length below zero is DECODE_CLOSE with REJECT_NEGATIVE_LENGTH, one over the
   dialect's limit or report->max_message (less the header) REJECT_TOO_LONG:
   both as soon as the header is there.
   DECODE_SHORT looks at the header only. */
enum decode frame_decode(
    const uint8_t *p, size_t length, int32_t id, struct report *report);
