/* SPDX-License-Identifier: MIT
 *
 * An agent's stream through the intake, in one piece and cut, for the fuzz
 * targets of the dialects.
 */
#ifndef REPORTER_FUZZ_STREAM_H
#define REPORTER_FUZZ_STREAM_H

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

/* fuzz_explained - the reason that was explained is one that the whole message
   was rejected for, or a record of it; none if nothing was. */
static inline void
fuzz_explained(enum decode found, const struct report *report,
    enum reject reason, const char *fault)
{
	uint32_t rejected = found == DECODE_REJECT;

	for (int i = 0; i < REJECT_REASONS; i++)
		rejected += report->rejected[i];
	FUZZ_CHECK((reason != REJECT_REASONS) == (rejected > 0));
	if (rejected == 0)
		return;
	FUZZ_CHECK(found == DECODE_REJECT ? reason == report->reason
					  : report->rejected[reason] > 0);
	FUZZ_CHECK(strlen(fault) > 0 && strlen(fault) < FAULT_TEXT);
}

/*
 * fuzz_stream - take the bytes of a stream in one piece, then in pieces whose
 * lengths come from `cuts`, and see that both give the same records, counts and
 * end.
 */
void fuzz_stream(enum dialect dialect, size_t max_message, uint8_t cuts,
    const uint8_t *bytes, size_t length);

#endif
