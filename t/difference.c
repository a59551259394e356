/* SPDX-License-Identifier: MIT
 *
 * Comparing reports.  Pure; asserting each field by itself would cost more
 * than decoding.
 */
#include "config.h"

#include "difference.h"

const char *
report_difference(enum decode found, const struct report *report,
    enum decode wanted, const struct report *expected)
{
	if (found != wanted)
		return "verdict";
	if (found == DECODE_SHORT)
		return NULL;
	if (found != DECODE_REPORT && report->reason != expected->reason)
		return "reason";
	if (found == DECODE_CLOSE)
		return NULL;
	if (report->used != expected->used)
		return "used";
	if (report->count != expected->count)
		return "count";
	if (memcmp(report->rejected, expected->rejected,
		sizeof(report->rejected)) != 0)
		return "rejected";
	if (found != DECODE_REPORT)
		return NULL;
	if (report->modid != expected->modid ||
	    report->cmdid != expected->cmdid)
		return "modid or cmdid";
	if (report->caller != expected->caller)
		return "caller";
	if (report->skewed != expected->skewed)
		return "skewed";
	if (memcmp(report->records, expected->records,
		report->count * sizeof(report->records[0])) != 0)
		return "records";
	return NULL;
}
