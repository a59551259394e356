/* SPDX-License-Identifier: MIT
 *
 * The native stream: a byte that tells max_message, one that tells where the
 * stream is cut, and the stream.  Shows that each message is read as by
 * msgpack-c, that the look for its end agrees, and that cuts change nothing.
 */
#include "config.h"

#include "difference.h"
#include "fuzz_stream.h"
#include "intake/native.h"
#include "native_oracle.h"

static struct report report, expected;

/* Where msgpack-c cannot tell, the look for the end still can. */
static void
check_end(enum decode found, enum decode ended, const struct native_scan *scan)
{
	bool whole = found == DECODE_REPORT || found == DECODE_REJECT;

	FUZZ_CHECK(ended == (whole ? DECODE_REPORT : found));
	FUZZ_CHECK(!whole || report.used == scan->offset);
}

/* Compare one message.  Returns its length, 0 when the stream ends here. */
static size_t
check_message(const uint8_t *p, size_t length, size_t max)
{
	size_t near = length < max ? length : max;
	struct native_scan scan = { 0 };
	enum decode ended = native_scan(p, near, &scan), wanted;

	report.explain = true;
	*report.fault = '\0';
	enum decode found = native_decode(p, length, &report);
	if (scan.offset + scan.wanted > max ||
	    (ended == DECODE_SHORT && length >= max)) {
		/* msgpack-c would reserve memory for what headers claim. */
		FUZZ_CHECK(found == DECODE_CLOSE);
		FUZZ_CHECK(report.reason == REJECT_TOO_LONG);
		return 0;
	}
	if (oracle_decode(p, length, &expected, &wanted))
		FUZZ_CHECK(report_difference(
			       found, &report, wanted, &expected) == NULL);
	check_end(found, ended, &scan);
	if (found == DECODE_SHORT || found == DECODE_CLOSE)
		return 0;
	FUZZ_CHECK((*report.fault != '\0') ==
		   (found == DECODE_REJECT || report.is_partial));
	FUZZ_CHECK(report.used > 0 && report.used <= length);
	return report.used;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size - 2 > FUZZ_STREAM_MAX)
		return 0;
	size_t max = data[0] == 0 ? MESSAGE_MAX : data[0];
	const uint8_t *stream = data + 2;
	size_t length = size - 2, used = 0, n;

	fuzz_report(&report, max);
	fuzz_report(&expected, max);
	while (used < length &&
	       (n = check_message(stream + used, length - used, max)) > 0)
		used += n;
	fuzz_stream(DIALECT_NATIVE, max, data[1], stream, length);
	return 0;
}
