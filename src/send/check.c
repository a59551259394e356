/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "send/check.h"
#include "intake/intake.h"
#include "lib/address.h"
#include "lib/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_SKEW 60 /* seconds: the default of max_clock_skew */

/* A stream, and the message in it that is looked at. */
static struct check {
	const char *file;
	enum dialect dialect;
	uint64_t offset; /* in the stream, where the message begins */
	size_t at, end;  /* of the bytes from there on that were read */
	uint8_t bytes[2 * MESSAGE_MAX];
	struct report report;
} check;

/* What is invalid in a message. */
struct fault {
	const char *reason, *name; /* NULL: nothing */
	uint64_t offset;           /* in the stream */
};

static const char *const verdicts[] = {
	[DECODE_REPORT] = "report",
	[DECODE_SHORT] = "cut",
	[DECODE_REJECT] = "skip",
	[DECODE_CLOSE] = "close",
};

static void
print_json(enum decode found, const struct fault *fault)
{
	const struct report *r = &check.report;
	char text[DOTTED_TEXT];
	uint32_t rejected = 0;

	fputs("{\"file\":", stdout);
	json_write(check.file, stdout);
	printf(",\"byte\":%" PRIu64 ",\"dialect\":\"%s\",\"verdict\":\"%s\"",
	    check.offset, dialect_name(check.dialect), verdicts[found]);
	if (found == DECODE_REPORT) {
		printf(",\"bytes\":%zu,\"modid\":%" PRId32 ",\"cmdid\":%" PRId32
		       ",\"caller\":\"%s\",\"ts\":%" PRIu64
		       ",\"skewed\":%s,\"results\":[",
		    r->used, r->modid, r->cmdid, dotted(r->caller, text), r->ts,
		    r->skewed ? "true" : "false");
		for (uint32_t i = 0; i < r->count; i++) {
			const struct record *record = &r->records[i];

			printf("%s{\"ip\":\"%s\",\"port\":%u,\"succ\":%" PRIu32
			       ",\"err\":%" PRIu32 ",\"overload\":%s}",
			    i == 0 ? "" : ",",
			    dotted(record_address(record), text), record->port,
			    record->succ, record->err,
			    record->overload ? "true" : "false");
		}
		for (int i = 0; i < REJECT_REASONS; i++)
			rejected += r->rejected[i];
		printf("],\"rejected\":%" PRIu32, rejected);
	}
	if (fault->reason != NULL) {
		printf(",\"fault\":{\"byte\":%" PRIu64
		       ",\"reason\":\"%s\",\"text\":",
		    fault->offset, fault->name);
		json_write(r->fault, stdout);
		putchar('}');
	}
	puts("}");
}

/* Records are lines as reporter-send reads them, all else is comments. */
static void
print_text(enum decode found, const struct fault *fault)
{
	static const char *const outcomes[] = {
		[DECODE_REPORT] = "its record is rejected",
		[DECODE_SHORT] = "the message is not complete",
		[DECODE_REJECT] = "the message is skipped",
		[DECODE_CLOSE] = "the connection is closed",
	};
	const struct report *r = &check.report;
	char caller[DOTTED_TEXT], ip[DOTTED_TEXT];

	dotted(r->caller, caller);
	printf("# %s: byte %" PRIu64 ": ", check.file, check.offset);
	if (found == DECODE_REPORT)
		printf("%s report of %zu bytes, modid %" PRId32
		       ", cmdid %" PRId32 ", caller %s, ts %" PRIu64
		       "%s, %" PRIu32 " result%s",
		    dialect_name(check.dialect), r->used, r->modid, r->cmdid,
		    caller, r->ts, r->skewed ? " (ahead of this clock)" : "",
		    r->count, r->count == 1 ? "" : "s");
	else
		printf("%s message", dialect_name(check.dialect));
	if (fault->reason != NULL)
		printf("; byte %" PRIu64 ": %s: %s; %s", fault->offset,
		    fault->reason, r->fault, outcomes[found]);
	putchar('\n');
	for (uint32_t i = 0; found == DECODE_REPORT && i < r->count; i++) {
		const struct record *record = &r->records[i];

		printf("%" PRId32 " %" PRId32 " %s %" PRIu64 " %s %u %" PRIu32
		       " %" PRIu32 " %d\n",
		    record->modid, record->cmdid, caller, r->ts,
		    dotted(record_address(record), ip), record->port,
		    record->succ, record->err, record->overload);
	}
}

/* As intake_decode(), also of the first bytes of a stream. */
static enum decode
check_decode(void)
{
	struct report *r = &check.report;
	const uint8_t *p = check.bytes + check.at;
	size_t length = check.end - check.at;

	r->now = (uint64_t)time(NULL);
	r->horizon = r->now + CLOCK_SKEW;
	r->max_message = MESSAGE_MAX;
	r->explain = true;
	*r->fault = '\0';
	r->fault_at = NULL;
	if (length == 0)
		return DECODE_SHORT;
	if (check.dialect != DIALECT_UNKNOWN ||
	    intake_dialect(p, length, &check.dialect))
		return intake_decode(check.dialect, p, length, r);
	snprintf(r->fault, sizeof(r->fault),
	    "byte: 0x%02x; expected an array, or 03 or 08 00 00 00", *p);
	return report_fail(r, DECODE_CLOSE, REJECT_UNKNOWN_PROTOCOL, 0);
}

/* Print the message.  Returns whether it is valid. */
static bool
check_print(enum decode found, bool json)
{
	struct report *r = &check.report;
	const uint8_t *p = check.bytes + check.at;
	struct fault fault = { NULL, NULL, check.offset };

	if (found == DECODE_SHORT) {
		fault = (struct fault){ "end of the input", "cut",
			check.offset + (check.end - check.at) };
		snprintf(r->fault, sizeof(r->fault), "expected more bytes");
	} else if (found != DECODE_REPORT || r->is_partial) {
		fault.reason = reject_text(r->reason);
		fault.name = reject_name(r->reason);
		if (found == DECODE_CLOSE)
			fault.offset += r->used;
		else if (r->fault_at != NULL)
			fault.offset += (uint64_t)(r->fault_at - p);
	}
	(json ? print_json : print_text)(found, &fault);
	return fault.reason == NULL;
}

/* Print all whole messages that were read.  Returns false at a fault behind
   which the stream cannot be followed. */
static bool
check_messages(bool json, bool *valid)
{
	enum decode found;

	while ((found = check_decode()) != DECODE_SHORT) {
		if (!check_print(found, json))
			*valid = false;
		if (found == DECODE_CLOSE)
			return false;
		check.at += check.report.used;
		check.offset += check.report.used;
	}
	return true;
}

static bool
check_stream(int fd, bool json)
{
	bool valid = true;
	ssize_t n;

	for (;;) {
		fflush(stdout);
		n = read(fd, check.bytes + check.end,
		    sizeof(check.bytes) - check.end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		check.end += (size_t)n;
		if (!check_messages(json, &valid))
			return false;
		memmove(
		    check.bytes, check.bytes + check.at, check.end - check.at);
		check.end -= check.at;
		check.at = 0;
	}
	if (n < 0)
		fprintf(stderr, "cannot read %s: %m\n", check.file);
	else if (check.end > 0 || check.offset == 0)
		check_print(DECODE_SHORT, json);
	else
		return valid;
	return false;
}

bool
check_files(char *const *files, int n, bool json)
{
	bool valid = true;

	for (int i = 0; i < n; i++) {
		bool standard = strcmp(files[i], "-") == 0;
		int fd = standard ? STDIN_FILENO
				  : open(files[i], O_RDONLY | O_CLOEXEC);

		check.file = standard ? "standard input" : files[i];
		check.dialect = DIALECT_UNKNOWN;
		check.offset = check.at = check.end = 0;
		if (fd < 0)
			fprintf(stderr, "cannot read %s: %m\n", check.file);
		valid = fd >= 0 && check_stream(fd, json) && valid;
		if (fd > STDIN_FILENO)
			close(fd);
	}
	return fflush(stdout) == 0 && !ferror(stdout) && valid;
}
