/* SPDX-License-Identifier: MIT
 *
 * The ELB and Lars stream: a byte that tells max_message, one that tells where
 * the stream is cut, and the stream, whose first frame tells the dialect.
 * Shows that each frame's message is read as by protobuf-c, or refused as
 * there, and that cuts change nothing.
 */
#include "config.h"

#include "difference.h"
#include "intake/frame.h"
#include "frame_oracle.h"
#include "fuzz_stream.h"

#include <endian.h>

static struct report report, expected;

static int32_t
int32_at(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return (int32_t)le32toh(word);
}

/* expect - what should become of the frame, by its header and protobuf-c. */
static enum decode
expect(int32_t id, const uint8_t *p, size_t length, size_t max)
{
	int64_t payload, limit = id == FRAME_ID_ELB ? 65528 : 65527;

	if (length < FRAME_HEADER)
		return DECODE_SHORT;
	payload = int32_at(p + 4);
	if (payload < 0)
		return report_fail(
		    &expected, DECODE_CLOSE, REJECT_NEGATIVE_LENGTH, 4);
	if (payload > limit || payload + FRAME_HEADER > (int64_t)max)
		return report_fail(&expected, DECODE_CLOSE, REJECT_TOO_LONG, 4);
	if ((int64_t)length - FRAME_HEADER < payload)
		return DECODE_SHORT;
	if (int32_at(p) != id)
		return report_fail(&expected, DECODE_REJECT,
		    REJECT_OTHER_MESSAGE, FRAME_HEADER + (size_t)payload);
	return frame_oracle(id, p + FRAME_HEADER, (size_t)payload, &expected);
}

/* Compare one frame.  Returns its length, 0 when the stream ends here. */
static size_t
check_frame(int32_t id, const uint8_t *p, size_t length, size_t max)
{
	enum decode wanted = expect(id, p, length, max);

	report.explain = true;
	*report.fault = '\0';
	enum decode found = frame_decode(p, length, id, &report);

	FUZZ_CHECK(
	    report_difference(found, &report, wanted, &expected) == NULL);
	if (found == DECODE_SHORT || found == DECODE_CLOSE)
		return 0;
	FUZZ_CHECK((*report.fault != '\0') ==
		   (found == DECODE_REJECT ||
		       report.rejected[REJECT_OUT_OF_RANGE] > 0));
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
	int32_t id = length < 4 ? 0 : int32_at(stream);

	fuzz_report(&report, max);
	fuzz_report(&expected, max);
	while ((id == FRAME_ID_ELB || id == FRAME_ID_LARS) && used < length &&
	       (n = check_frame(id, stream + used, length - used, max)) > 0)
		used += n;
	fuzz_stream(DIALECT_UNKNOWN, max, data[1], stream, length);
	return 0;
}
