/* SPDX-License-Identifier: MIT
 *
 * The dead-letter file, as `reporterctl replay` reads it.  Shows that each
 * line is a record or has its fault told, that a record is the same when it
 * is written to a dead-letter file and read again, and that the report that
 * would be sent decodes to it.
 */
#include "config.h"

#include "worker/deadletter.h"
#include "send/encode.h"
#include "fuzz.h"
#include "intake/frame.h"
#include "intake/native.h"
#include "send/replay.h"

#include <sys/mman.h>
#include <unistd.h>

static struct lines lines, line_again;
static struct report report;

/* A file in memory of these bytes, to be read from its beginning. */
static int
file_of(int fd, const uint8_t *data, size_t size)
{
	if (fd < 0)
		fd = memfd_create("fuzz_replay", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_CHECK(size == 0 || write(fd, data, size) == (ssize_t)size);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static enum lines_kind
parse(
    const struct lines *from, char *text, size_t length, struct record *record)
{
	char *told;
	size_t size;
	FILE *errors = open_memstream(&told, &size);

	FUZZ_CHECK(errors != NULL);
	enum lines_kind kind =
	    replay_parse(from, text, length, 0, record, errors);
	FUZZ_CHECK(fclose(errors) == 0);
	FUZZ_CHECK((kind == LINES_BAD) == (size > 0));
	free(told);
	return kind;
}

/* Written by a worker, it is the same record again. */
static void
check_written(const struct record *record)
{
	static int fd = -1;
	char path[64], *text;
	struct record again;
	size_t length;

	fd = file_of(fd, NULL, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct settings file = { .dead_letter_file = path,
		.dead_letter_size = 65536 };
	FUZZ_CHECK(deadletter_write(&file, record, 1264, "a reason") == 0);
	lines_init(&line_again, fd, "again");
	FUZZ_CHECK(lines_next(&line_again, &text, &length) == LINES_TEXT);
	FUZZ_CHECK(parse(&line_again, text, length, &again) == LINES_RECORD);
	FUZZ_CHECK(memcmp(&again, record, sizeof(again)) == 0);
	FUZZ_CHECK(lines_next(&line_again, &text, &length) == LINES_END);
}

/* Sent, it is the same record again. */
static void
check_sent(const struct record *record)
{
	uint8_t bytes[ENCODE_REPORT_MAX];
	size_t n = encode_report(
	    record->elb ? ENCODE_ELB : ENCODE_NATIVE, record, 1, bytes);

	report.now = 1;
	report.horizon = UINT64_MAX;
	report.max_message = MESSAGE_MAX;
	FUZZ_CHECK(
	    (record->elb ? frame_decode(bytes, n, FRAME_ID_ELB, &report)
			 : native_decode(bytes, n, &report)) == DECODE_REPORT);
	FUZZ_CHECK(report.used == n && report.count == 1 && !report.skewed);
	struct record sent = report.records[0];
	if (record_ts(record) == 0)
		record_set_ts(&sent, 0); /* it means when received */
	FUZZ_CHECK(memcmp(&sent, record, sizeof(sent)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	enum lines_found found;
	size_t length;
	char *text;

	fd = file_of(fd, data, size);
	lines_init(&lines, fd, "file");
	while ((found = lines_next(&lines, &text, &length)) != LINES_END) {
		struct record record;

		FUZZ_CHECK(found != LINES_ERROR);
		if (found != LINES_TEXT ||
		    parse(&lines, text, length, &record) != LINES_RECORD)
			continue;
		check_written(&record);
		check_sent(&record);
	}
	return 0;
}
