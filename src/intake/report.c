/* SPDX-License-Identifier: MIT
 *
 * What the decoders have in common: the report they fill in.  Owns nothing.
 * Called by the decoders, in the master's loop.  Cannot fail.
 */
#include "intake/report.h"

void
report_begin(struct report *report)
{
	report->skewed = false;
	report->count = 0;
	memset(report->rejected, 0, sizeof(report->rejected));
}

enum decode
report_fail(
    struct report *report, enum decode found, enum reject reason, size_t used)
{
	report_begin(report);
	report->reason = reason;
	report->used = used;
	return found;
}

uint64_t
report_time(struct report *report, uint64_t ts)
{
	if (ts == 0)
		return report->now;
	if (ts > report->horizon || ts > RECORD_TS_MAX) {
		report->skewed = true;
		return report->now;
	}
	return ts;
}
