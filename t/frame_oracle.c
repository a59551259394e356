/* SPDX-License-Identifier: MIT
 *
 * The plain decoder that frame.c is compared with.  For the tests.
 */
#include "config.h"

#include "frame_oracle.h"

#include "intake/elb.pb-c.h"
#include "intake/frame.h"
#include "intake/lars.pb-c.h"

/* expect_result - what a result that protobuf-c unpacked should become. */
static void
expect_result(struct report *report, int32_t ip, int32_t port, uint32_t succ,
    uint32_t err, bool overload)
{
	if (port < 0 || port > UINT16_MAX) {
		report->rejected[REJECT_OUT_OF_RANGE]++;
		return;
	}
	report->records[report->count++] = (struct record){ .ip = (uint32_t)ip,
		.port = (uint16_t)port,
		.succ = succ,
		.err = err,
		.overload = overload };
}

static void
expect_own(struct report *report, bool elb, int32_t modid, int32_t cmdid,
    int32_t caller, uint32_t ts)
{
	uint64_t stored = report_time(report, ts);

	report->modid = modid;
	report->cmdid = cmdid;
	report->caller = (uint32_t)caller;
	for (uint32_t i = 0; i < report->count; i++) {
		report->records[i].modid = modid;
		report->records[i].cmdid = cmdid;
		report->records[i].caller = (uint32_t)caller;
		report->records[i].elb = elb;
		record_set_ts(&report->records[i], stored);
	}
}

/* Both schemas have the same fields, in types of their own. */
#define EXPECT(report, elb, message) \
	do { \
		for (size_t i = 0; i < (message)->n_results; i++) \
			expect_result((report), (message)->results[i]->ip, \
			    (message)->results[i]->port, \
			    (message)->results[i]->succ, \
			    (message)->results[i]->err, \
			    (message)->results[i]->overload); \
		expect_own((report), (elb), (message)->modid, \
		    (message)->cmdid, (message)->caller, (message)->ts); \
	} while (0)

enum decode
frame_oracle(
    int32_t id, const uint8_t *payload, size_t length, struct report *report)
{
	report_begin(report);
	report->used = FRAME_HEADER + length;
	if (id == FRAME_ID_ELB) {
		Elb__StatusReport *message =
		    elb__status_report__unpack(NULL, length, payload);

		if (message == NULL)
			return report_fail(report, DECODE_REJECT,
			    REJECT_NOT_PROTOBUF, report->used);
		EXPECT(report, true, message);
		elb__status_report__free_unpacked(message, NULL);
	} else {
		Lars__StatusReport *message =
		    lars__status_report__unpack(NULL, length, payload);

		if (message == NULL)
			return report_fail(report, DECODE_REJECT,
			    REJECT_NOT_PROTOBUF, report->used);
		EXPECT(report, false, message);
		lars__status_report__free_unpacked(message, NULL);
	}
	return DECODE_REPORT;
}
