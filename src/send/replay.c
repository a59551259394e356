/* SPDX-License-Identifier: MIT
 *
 * Replay.  Owns nothing beyond a call.  For reporterctl; one thread.  Faults
 * are written to the caller's stream and returned.
 */
#include "config.h"

#include "send/replay.h"
#include "send/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <unistd.h>

/* Where faults of one line are told. */
struct fault {
	const struct lines *lines;
	FILE *errors;
	bool found;
};

static void __attribute__((format(printf, 3, 4)))
fault_says(struct fault *fault, const char *field, const char *format, ...)
{
	va_list arguments;

	fprintf(fault->errors, "%s:%lu: %s: ", fault->lines->file,
	    fault->lines->number, field);
	va_start(arguments, format);
	vfprintf(fault->errors, format, arguments);
	va_end(arguments);
	putc('\n', fault->errors);
	fault->found = true;
}

static int64_t
take_number(struct fault *fault, const json_t *record, const char *field,
    int64_t min, int64_t max)
{
	const json_t *value = json_object_get(record, field);

	if (json_is_integer(value)) {
		json_int_t n = json_integer_value(value);
		if (n >= min && n <= max)
			return n;
		fault_says(fault, field,
		    "found %" JSON_INTEGER_FORMAT ", expected a number from "
		    "%" PRId64 " to %" PRId64,
		    n, min, max);
		return 0;
	}
	fault_says(fault, field,
	    "%s, expected a number from %" PRId64 " to %" PRId64,
	    value == NULL ? "is missing" : "is no whole number", min, max);
	return 0;
}

static uint32_t
take_address(struct fault *fault, const json_t *record, const char *field)
{
	const json_t *value = json_object_get(record, field);
	uint32_t address = 0;

	if (!json_is_string(value) ||
	    !lines_address(json_string_value(value), &address))
		fault_says(fault, field, "%s, expected a dotted IPv4 address",
		    value == NULL ? "is missing" : "is none");
	return address;
}

static void
take_record(struct fault *fault, const json_t *from, struct record *record)
{
	*record = (struct record){
		.modid = (int32_t)take_number(
		    fault, from, "modid", INT32_MIN, INT32_MAX),
		.cmdid = (int32_t)take_number(
		    fault, from, "cmdid", INT32_MIN, INT32_MAX),
		.ip = take_address(fault, from, "ip"),
		.caller = take_address(fault, from, "caller"),
		.port =
		    (uint16_t)take_number(fault, from, "port", 0, UINT16_MAX),
		.succ =
		    (uint32_t)take_number(fault, from, "succ", 0, UINT32_MAX),
		.err = (uint32_t)take_number(fault, from, "err", 0, UINT32_MAX),
		.overload = (uint8_t)take_number(fault, from, "overload", 0, 1),
	};
	record_set_ts(
	    record, (uint64_t)take_number(fault, from, "ts", 0, RECORD_TS_MAX));
}

enum lines_kind
replay_parse(const struct lines *lines, const char *text, size_t length,
    struct record *record, FILE *errors)
{
	struct fault fault = { .lines = lines, .errors = errors };
	json_error_t error;

	if (strspn(text, " \t\r") == length)
		return LINES_NOTHING;
	json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	const json_t *from = json_object_get(line, "record");
	if (line == NULL)
		fault_says(&fault, "line", "is no JSON: %s (column %d)",
		    error.text, error.column);
	else if (!json_is_object(from))
		fault_says(&fault, "record", "%s",
		    from == NULL ? "is missing" : "is no object");
	else
		take_record(&fault, from, record);
	json_decref(line);
	return fault.found ? LINES_BAD : LINES_RECORD;
}

/* Send what the lines hold.  Returns what became of it so far. */
static enum replay_end
replay_lines(struct lines *lines, struct sender *sender, FILE *errors)
{
	enum replay_end end = REPLAY_SENT;
	enum lines_found found;
	size_t length;
	char *text;

	while ((found = lines_next(lines, &text, &length)) != LINES_END) {
		struct record record;

		if (found == LINES_ERROR) {
			fprintf(
			    errors, "%s: %s\n", lines->file, strerror(errno));
			return REPLAY_FAULTY;
		}
		if (found == LINES_TOO_LONG) {
			fprintf(errors, "%s:%lu: line: is too long\n",
			    lines->file, lines->number);
			end = REPLAY_FAULTY;
			continue;
		}
		switch (replay_parse(lines, text, length, &record, errors)) {
		case LINES_RECORD:
			if (!sender_add(sender, &record))
				return REPLAY_LOST;
			break;
		case LINES_BAD:
			end = REPLAY_FAULTY;
			break;
		case LINES_NOTHING:
			break;
		}
	}
	return end;
}

enum replay_end
replay_file(const char *file, const char *host, const char *port,
    uint64_t *records, FILE *errors)
{
	static struct lines lines;
	static struct sender sender;
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

	*records = 0;
	if (fd < 0) {
		fprintf(errors, "%s: %s\n", file, strerror(errno));
		return REPLAY_FAULTY;
	}
	lines_init(&lines, fd, standard ? "standard input" : file);
	enum replay_end end = REPLAY_LOST;
	if (sender_open(&sender, host, port, ENCODE_NATIVE)) {
		end = replay_lines(&lines, &sender, errors);
		if (end == REPLAY_LOST) {
			sender_close(&sender);
		} else {
			enum sender_end sent = sender_finish(&sender);
			if (sent == SENDER_FAILED)
				end = REPLAY_LOST;
			else if (sent == SENDER_UNCLEAR)
				fprintf(errors, "%s\n", sender.error);
		}
	}
	if (end == REPLAY_LOST)
		fprintf(errors, "%s\n", sender.error);
	*records = sender.records;
	if (!standard)
		close(fd);
	return end;
}
