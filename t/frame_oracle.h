/* SPDX-License-Identifier: MIT
 *
 * The ELB and Lars dialects once more, in the plainest way: protobuf-c unpacks
 * the message, and its fields are copied.  For the tests.
 */
#pragma once

#include "intake/report.h"

/*
 * frame_oracle - as frame_decode(), of a whole frame with this payload and of
 * the connection's own id: DECODE_REPORT, or DECODE_REJECT when protobuf-c
 * refuses it.
 */
enum decode frame_oracle(
    int32_t id, const uint8_t *payload, size_t length, struct report *report);
