/* SPDX-License-Identifier: MIT
 *
 * The native dialect once more, in the plainest way: msgpack-c builds the
 * objects, and these are judged one after the other.  For the tests.
 */
#pragma once

#include "intake/report.h"

/*
 * oracle_decode - as native_decode(), but without regard to max_message.
 * Returns false when msgpack-c cannot tell: nested too deeply for it.  For
 * DECODE_CLOSE report->used is not set.
 */
bool oracle_decode(
    const uint8_t *p, size_t length, struct report *report, enum decode *found);
