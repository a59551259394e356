/* SPDX-License-Identifier: MIT
 *
 * Lines.  Owns the buffer in struct lines, nothing else.  For the tools; one
 * thread.  Faults of the text are written to the caller's stream, failures of
 * reading are returned.
 */
#include "config.h"

#include "send/lines.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#define BLANKS " \t\r\v\f"
#define FIELDS 9
#define FOUND_MAX 40 /* bytes of a faulty field that are shown */

/* --------------------------------------------------------------- reading -- */

void
lines_init(struct lines *lines, int fd, const char *file)
{
	lines->fd = fd;
	lines->file = file;
	lines->number = 0;
	lines->begin = lines->end = lines->looked = 0;
	lines->ended = lines->skipping = false;
}

/* The end of the first buffered line, or NULL. */
static char *
lines_newline(struct lines *lines)
{
	char *from = lines->buffer + lines->begin + lines->looked;
	size_t n = lines->end - lines->begin - lines->looked;
	char *newline = memchr(from, '\n', n);

	if (newline == NULL)
		lines->looked += n;
	return newline;
}

bool
lines_ready(struct lines *lines)
{
	return lines->ended || lines_newline(lines) != NULL;
}

/* Read more behind what is buffered.  Returns false on failure. */
static bool
lines_read(struct lines *lines)
{
	if (lines->begin > 0) {
		memmove(lines->buffer, lines->buffer + lines->begin,
		    lines->end - lines->begin);
		lines->end -= lines->begin;
		lines->begin = 0;
	}
	ssize_t n;
	do {
		/* One byte less: the last line may lack an end, and still
		   gets its 0. */
		n = read(lines->fd, lines->buffer + lines->end,
		    LINES_LENGTH_MAX - 1 - lines->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	lines->ended = n == 0;
	lines->end += (size_t)n;
	return true;
}

/* Hand out the line up to `end` of the buffer. */
static enum lines_found
lines_take(struct lines *lines, char *end, char **text, size_t *length)
{
	*text = lines->buffer + lines->begin;
	*length = (size_t)(end - *text);
	*end = '\0';
	lines->begin += *length + 1;
	if (lines->begin > lines->end)
		lines->begin = lines->end;
	lines->looked = 0;
	lines->number++;
	if (lines->skipping) {
		lines->skipping = false;
		return LINES_TOO_LONG;
	}
	return LINES_TEXT;
}

enum lines_found
lines_next(struct lines *lines, char **text, size_t *length)
{
	char *newline;

	while ((newline = lines_newline(lines)) == NULL) {
		if (lines->ended) {
			if (lines->begin == lines->end && !lines->skipping)
				return LINES_END;
			return lines_take(
			    lines, lines->buffer + lines->end, text, length);
		}
		if (lines->end - lines->begin == LINES_LENGTH_MAX - 1) {
			lines->begin = lines->end = lines->looked = 0;
			lines->skipping = true;
		}
		if (!lines_read(lines))
			return LINES_ERROR;
	}
	return lines_take(lines, newline, text, length);
}

/* --------------------------------------------------------------- parsing -- */

static void
complain(const struct lines *lines, FILE *errors, const char *field,
    const char *found, const char *expected)
{
	char shown[FOUND_MAX + 1];
	size_t n = strnlen(found, FOUND_MAX);

	for (size_t i = 0; i < n; i++)
		shown[i] = isprint((unsigned char)found[i]) ? found[i] : '?';
	shown[n] = '\0';
	fprintf(errors, "%s:%lu: %s: found \"%s%s\", expected %s\n",
	    lines->file, lines->number, field, shown,
	    found[n] == '\0' ? "" : "...", expected);
}

/* A decimal number of digits alone, behind a minus if least is below 0. */
static bool
parse_number(const char *text, int64_t min, int64_t max, int64_t *value)
{
	bool minus = min < 0 && *text == '-';
	int64_t n = 0;

	text += minus;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		/* most is far below INT64_MAX / 10: this cannot overflow. */
		n = n * 10 + (*text - '0');
		if (n > (minus ? -min : max))
			return false;
	}
	*value = minus ? -n : n;
	return true;
}

bool
lines_address(const char *text, uint32_t *address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*address = ntohl(in.s_addr);
	return true;
}

/* The fields of a line in their order. */
enum field {
	MODID,
	CMDID,
	CALLER,
	TS,
	IP,
	PORT,
	SUCC,
	ERR,
	OVERLOAD
};

static const struct {
	const char *name;
	int64_t min, max; /* 0, 0: an address */
} fields[FIELDS] = {
	[MODID] = { "modid", INT32_MIN, INT32_MAX },
	[CMDID] = { "cmdid", INT32_MIN, INT32_MAX },
	[CALLER] = { "caller", 0, 0 },
	[TS] = { "ts", 0, RECORD_TS_MAX },
	[IP] = { "ip", 0, 0 },
	[PORT] = { "port", 0, UINT16_MAX },
	[SUCC] = { "succ", 0, UINT32_MAX },
	[ERR] = { "err", 0, UINT32_MAX },
	[OVERLOAD] = { "overload", 0, 1 },
};

static bool
parse_field(const struct lines *lines, enum field field, const char *text,
    uint64_t ts_max, int64_t *value, FILE *errors)
{
	int64_t min = fields[field].min, max = fields[field].max;
	char expected[64];
	uint32_t address;

	if (max == 0) {
		if (lines_address(text, &address)) {
			*value = address;
			return true;
		}
		complain(lines, errors, fields[field].name, text,
		    "a dotted IPv4 address");
		return false;
	}
	if (field == TS && ts_max < (uint64_t)max)
		max = (int64_t)ts_max;
	if (parse_number(text, min, max, value))
		return true;
	snprintf(expected, sizeof(expected),
	    "a number from %" PRId64 " to %" PRId64, min, max);
	complain(lines, errors, fields[field].name, text, expected);
	return false;
}

static void
record_fill(struct record *record, const int64_t *values)
{
	*record = (struct record){
		.modid = (int32_t)values[MODID],
		.cmdid = (int32_t)values[CMDID],
		.ip = (uint32_t)values[IP],
		.caller = (uint32_t)values[CALLER],
		.succ = (uint32_t)values[SUCC],
		.err = (uint32_t)values[ERR],
		.port = (uint16_t)values[PORT],
		.overload = (uint8_t)values[OVERLOAD],
	};
	record_set_ts(record, (uint64_t)values[TS]);
}

enum lines_kind
lines_parse(const struct lines *lines, char *text, size_t length,
    uint64_t ts_max, struct record *record, FILE *errors)
{
	int64_t values[FIELDS];
	char count[32], *rest = NULL;
	size_t n = 0;
	bool good = true;

	if (memchr(text, '\0', length) != NULL) {
		complain(lines, errors, "line", "a zero byte", "text");
		return LINES_BAD;
	}
	for (char *word = strtok_r(text, BLANKS, &rest);
	     word != NULL && *word != '#'; word = strtok_r(NULL, BLANKS, &rest))
		if (n++ < FIELDS && !parse_field(lines, (enum field)(n - 1),
					word, ts_max, &values[n - 1], errors))
			good = false;
	if (n == 0)
		return LINES_NOTHING;
	if (n != FIELDS) {
		snprintf(count, sizeof(count), "%zu fields", n);
		complain(lines, errors, "line", count,
		    "9 fields: modid cmdid caller ts ip port succ err "
		    "overload");
		return LINES_BAD;
	}
	if (!good)
		return LINES_BAD;
	record_fill(record, values);
	return LINES_RECORD;
}
