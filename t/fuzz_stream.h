/* SPDX-License-Identifier: MIT
 *
 * An agent's stream through the intake, in one piece and cut, for the fuzz
 * targets of the dialects.
 */
#pragma once

#include "fuzz.h"
#include "intake/intake.h"

#define FUZZ_STREAM_MAX 131072 /* bytes of the longest stream */

/* Times of all reports in the targets, seconds since 1970. */
#define FUZZ_NOW 2000000000
#define FUZZ_HORIZON 3000000000

/* fuzz_report - what a decoder wants to know, for reports in the targets. */
static inline void
fuzz_report(struct report *report, size_t max_message)
{
	report->now = FUZZ_NOW;
	report->horizon = FUZZ_HORIZON;
	report->max_message = max_message;
}

/*
 * fuzz_stream - take the bytes of a stream in one piece, then in pieces whose
 * lengths come from `cuts`, and see that both give the same records, counts and
 * end.
 */
void fuzz_stream(enum dialect dialect, size_t max_message, uint8_t cuts,
    const uint8_t *bytes, size_t length);
