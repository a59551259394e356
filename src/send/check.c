/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "send/check.h"
#include "intake/intake.h"
#include "lib/address.h"
#include "lib/json.h"
#include "lib/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_SKEW 60 /* seconds: the default of max_clock_skew */

/* A stream, and the message in it that is looked at. */
static struct check {
	const char *file;
	char path[1024]; /* its name, escaped */
	enum dialect dialect;
	uint64_t offset;   /* in the stream, where the message begins */
	const uint8_t *at; /* there, of the bytes */
	size_t length;     /* of those from there on that were read */
	uint64_t fault;    /* in the stream, if it is invalid: where */
	const char *name;  /* and its reason; NULL: it is valid */
	const char *reason;
	uint32_t rejected; /* of its records */
	struct report report;
	uint8_t bytes[2 * MESSAGE_MAX];
} check;

/* What becomes of a message. */
static const struct {
	const char *verdict, *text;
} outcomes[] = {
	[DECODE_REPORT] = { "report", "others are taken" },
	[DECODE_SHORT] = { "cut", "the message is not complete" },
	[DECODE_REJECT] = { "skip", "the message is skipped" },
	[DECODE_CLOSE] = { "close", "the connection is closed" },
};

static void
print_json(enum decode found)
{
	const struct report *r = &check.report;
	char text[DOTTED_TEXT];

	fputs("{\"file\":", stdout);
	json_write(check.file, stdout);
	printf(",\"byte\":%" PRIu64 ",\"dialect\":\"%s\",\"verdict\":\"%s\"",
	    check.offset, dialect_name(check.dialect), outcomes[found].verdict);
	if (found == DECODE_REPORT) {
		printf(",\"bytes\":%zu,\"modid\":%" PRId32 ",\"cmdid\":%" PRId32
		       ",\"caller\":\"%s\",\"ts\":%" PRIu64
		       ",\"skewed\":%s,\"rejected\":%" PRIu32 ",\"results\":[",
		    r->used, r->modid, r->cmdid, dotted(r->caller, text), r->ts,
		    r->skewed ? "true" : "false", check.rejected);
		for (uint32_t i = 0; i < r->count; i++) {
			const struct record *record = &r->records[i];

			printf("%s{\"ip\":\"%s\",\"port\":%u,\"succ\":%" PRIu32
			       ",\"err\":%" PRIu32 ",\"overload\":%s}",
			    i == 0 ? "" : ",",
			    dotted(record_address(record), text), record->port,
			    record->succ, record->err,
			    record->overload ? "true" : "false");
		}
		putchar(']');
	}
	if (check.name != NULL) {
		printf(",\"fault\":{\"byte\":%" PRIu64
		       ",\"reason\":\"%s\",\"text\":",
		    check.fault, check.name);
		json_write(r->fault, stdout);
		putchar('}');
	}
	puts("}");
}

/* Records are lines as reporter-send reads them, all else is comments. */
static void
print_text(enum decode found)
{
	const struct report *r = &check.report;
	char caller[DOTTED_TEXT], ip[DOTTED_TEXT];
	uint32_t count = found == DECODE_REPORT ? r->count : 0;

	dotted(r->caller, caller);
	printf("# %s: byte %" PRIu64 ": ", check.path, check.offset);
	if (found == DECODE_REPORT)
		printf("%s report of %zu bytes, modid %" PRId32
		       ", cmdid %" PRId32 ", caller %s, ts %" PRIu64
		       "%s, results: %" PRIu32,
		    dialect_name(check.dialect), r->used, r->modid, r->cmdid,
		    caller, r->ts, r->skewed ? " (ahead of this clock)" : "",
		    count + check.rejected);
	else
		printf("%s message", dialect_name(check.dialect));
	if (check.rejected > 0)
		printf(", rejected: %" PRIu32, check.rejected);
	if (check.name != NULL)
		printf("; byte %" PRIu64 ": %s: %s; %s", check.fault,
		    check.reason, r->fault, outcomes[found].text);
	putchar('\n');
	for (uint32_t i = 0; i < count; i++) {
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

	r->now = (uint64_t)time(NULL);
	r->horizon = r->now + CLOCK_SKEW;
	r->max_message = MESSAGE_MAX;
	r->explain = true;
	*r->fault = '\0';
	r->fault_at = NULL;
	if (check.length == 0)
		return DECODE_SHORT;
	if (check.dialect != DIALECT_UNKNOWN ||
	    intake_dialect(check.at, check.length, &check.dialect))
		return intake_decode(check.dialect, check.at, check.length, r);
	snprintf(r->fault, sizeof(r->fault),
	    "byte: 0x%02x; expected an array, or 03 or 08 00 00 00", *check.at);
	return report_fail(r, DECODE_CLOSE, REJECT_UNKNOWN_PROTOCOL, 0);
}

/* Print the message.  Returns whether it is valid. */
static bool
check_print(enum decode found, bool json)
{
	struct report *r = &check.report;

	check.name = NULL;
	check.rejected = 0;
	check.fault = check.offset;
	for (int i = 0; found == DECODE_REPORT && i < REJECT_REASONS; i++)
		check.rejected += r->rejected[i];
	if (found == DECODE_SHORT) {
		check.name = "cut";
		check.reason = "end of the input";
		check.fault += check.length;
		snprintf(r->fault, sizeof(r->fault), "expected more bytes");
	} else if (found != DECODE_REPORT || check.rejected > 0) {
		check.name = reject_name(r->reason);
		check.reason = reject_text(r->reason);
		if (found == DECODE_CLOSE)
			check.fault += r->used;
		else if (r->fault_at != NULL)
			check.fault += (uint64_t)(r->fault_at - check.at);
	}
	(json ? print_json : print_text)(found);
	return check.name == NULL;
}

/* Print all whole messages that were read.  Returns whether the stream can be
   followed; *valid: false if one is not. */
static bool
check_messages(bool json, bool *valid)
{
	enum decode found;

	check.at = check.bytes;
	while ((found = check_decode()) != DECODE_SHORT) {
		if (!check_print(found, json))
			*valid = false;
		if (found == DECODE_CLOSE)
			return false;
		check.at += check.report.used;
		check.offset += check.report.used;
		check.length -= check.report.used;
	}
	memmove(check.bytes, check.at, check.length);
	return true;
}

static bool
check_stream(int fd, bool json)
{
	bool valid = true;
	ssize_t n;

	do {
		fflush(stdout);
		n = read(fd, check.bytes + check.length,
		    sizeof(check.bytes) - check.length);
		if (n > 0) {
			check.length += (size_t)n;
			if (!check_messages(json, &valid))
				return false;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		fprintf(stderr, "cannot read %s: %m\n", check.path);
	else if (check.length == 0 && check.offset > 0)
		return valid;
	else
		check_print(DECODE_SHORT, json);
	return false;
}

bool
check_files(char *const *files, int n, bool json)
{
	bool valid = true;

	for (int i = 0; i < n; i++) {
		bool standard = strcmp(files[i], "-") == 0;

		check.file = standard ? "standard input" : files[i];
		text_escape(check.path, sizeof(check.path), check.file);
		check.dialect = DIALECT_UNKNOWN;
		check.offset = check.length = 0;
		int fd = standard ? STDIN_FILENO
				  : open(files[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fprintf(stderr, "cannot read %s: %m\n", check.path);
		valid = fd >= 0 && check_stream(fd, json) && valid;
		if (fd > STDIN_FILENO)
			close(fd);
	}
	return fflush(stdout) == 0 && !ferror(stdout) && valid;
}
