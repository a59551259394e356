/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "send/lines.h"

#include "lib/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#define BLANKS " \t\r\v\f"
#define FOUND_MAX 40 /* bytes of a faulty field that are shown */

/* --------------------------------------------------------------- reading -- */

void
lines_init(struct lines *lines, int fd, const char *file)
{
	lines->fd = fd;
	lines->file = file;
	lines->number = 0;
	lines->at = lines->end = 0;
	lines->ended = false;
	lines->wait = NULL;
}

/* Read more, when all that was read is taken.  Returns how much, 0 at the end,
   or -1 with errno. */
static ssize_t
lines_read(struct lines *lines)
{
	ssize_t n = 0;

	if (!lines->ended && (lines->wait == NULL || lines->wait(lines->arg)))
		do
			n = read(lines->fd, lines->bytes, sizeof(lines->bytes));
		while (n < 0 && errno == EINTR);
	lines->ended = n == 0;
	lines->at = 0;
	lines->end = n > 0 ? (size_t)n : 0;
	return n;
}

enum lines_found
lines_next(struct lines *lines, char **text, size_t *length)
{
	bool too_long = false;
	ssize_t n = 1;
	char c;

	*text = lines->text;
	*length = 0;
	while ((lines->at < lines->end || (n = lines_read(lines)) > 0) &&
	       (c = lines->bytes[lines->at++]) != '\n') {
		if (*length < LINES_LENGTH_MAX - 2)
			lines->text[(*length)++] = c;
		else
			too_long = true;
	}
	if (n < 0)
		return LINES_ERROR;
	if (n == 0 && *length == 0)
		return LINES_END;
	lines->text[*length] = '\0';
	lines->number++;
	return too_long ? LINES_TOO_LONG : LINES_TEXT;
}

/* --------------------------------------------------------------- parsing -- */

const struct lines_field lines_fields[LINES_FIELDS] = {
	[FIELD_MODID] = { "modid", INT32_MIN, INT32_MAX },
	[FIELD_CMDID] = { "cmdid", INT32_MIN, INT32_MAX },
	[FIELD_CALLER] = { "caller", 0, 0 },
	[FIELD_TS] = { "ts", 0, RECORD_TS_MAX },
	[FIELD_IP] = { "ip", 0, 0 },
	[FIELD_PORT] = { "port", 0, UINT16_MAX },
	[FIELD_SUCC] = { "succ", 0, UINT32_MAX },
	[FIELD_ERR] = { "err", 0, UINT32_MAX },
	[FIELD_OVERLOAD] = { "overload", 0, 1 },
};

void
lines_record(struct record *record, const int64_t *values)
{
	*record = (struct record){
		.modid = (int32_t)values[FIELD_MODID],
		.cmdid = (int32_t)values[FIELD_CMDID],
		.ip = (uint32_t)values[FIELD_IP],
		.caller = (uint32_t)values[FIELD_CALLER],
		.succ = (uint32_t)values[FIELD_SUCC],
		.err = (uint32_t)values[FIELD_ERR],
		.port = (uint16_t)values[FIELD_PORT],
		.overload = values[FIELD_OVERLOAD] & 1,
	};
	record_set_ts(record, (uint64_t)values[FIELD_TS]);
}

enum lines_kind
lines_fault(const struct lines *lines, FILE *errors, const char *field,
    const char *format, ...)
{
	va_list arguments;

	fprintf(errors, "%s:%lu: %s: ", lines->file, lines->number, field);
	va_start(arguments, format);
	vfprintf(errors, format, arguments);
	va_end(arguments);
	putc('\n', errors);
	return LINES_BAD;
}

const char *
lines_expected(int64_t min, int64_t max, char *text, size_t size)
{
	if (max == 0)
		return "a dotted IPv4 address";
	snprintf(text, size, "a number from %" PRId64 " to %" PRId64, min, max);
	return text;
}

bool
lines_address(const char *text, int64_t *address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*address = ntohl(in.s_addr);
	return true;
}

static bool
parse_field(const struct lines *lines, enum field field, const char *text,
    uint64_t ts_max, int64_t *value, FILE *errors)
{
	int64_t min = lines_fields[field].min, max = lines_fields[field].max;
	char expected[64];

	if (field == FIELD_TS && ts_max < (uint64_t)max)
		max = (int64_t)ts_max;
	if (max == 0 ? lines_address(text, value)
		     : text_number(text, min, max, value))
		return true;
	lines_fault(lines, errors, lines_fields[field].name,
	    "found \"%.*s%s\", expected %s", FOUND_MAX, text,
	    strlen(text) <= FOUND_MAX ? "" : "...",
	    lines_expected(min, max, expected, sizeof(expected)));
	return false;
}

enum lines_kind
lines_parse(const struct lines *lines, char *text, size_t length,
    uint64_t ts_max, struct record *record, FILE *errors)
{
	int64_t values[LINES_FIELDS];
	char *rest = NULL;
	size_t n = 0;
	bool good = true;

	if (memchr(text, '\0', length) != NULL)
		return lines_fault(
		    lines, errors, "line", "found a zero byte, expected text");
	for (char *word = strtok_r(text, BLANKS, &rest);
	     word != NULL && *word != '#';
	     word = strtok_r(NULL, BLANKS, &rest), n++)
		if (n < LINES_FIELDS && !parse_field(lines, (enum field)n, word,
					    ts_max, &values[n], errors))
			good = false;
	if (n == 0)
		return LINES_NOTHING;
	if (n != LINES_FIELDS)
		return lines_fault(lines, errors, "line",
		    "found %zu fields, expected 9: modid cmdid caller ts ip "
		    "port succ err overload",
		    n);
	if (!good)
		return LINES_BAD;
	lines_record(record, values);
	return LINES_RECORD;
}
