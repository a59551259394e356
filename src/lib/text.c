/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a character has no look of its own but changes that of others: marks
   of direction, separators of lines and paragraphs, the byte order mark. */
static bool
is_format(uint32_t code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* The bytes of the printable UTF-8 character at p, or 0 when there is none: a
   control or format character (C0, DEL, C1, bidirectional), an overlong form,
   half of a surrogate pair, or no UTF-8 at all. */
static size_t
character(const unsigned char *p)
{
	static const uint32_t min[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	size_t bytes = p[0] < 0x80             ? 1
		       : (p[0] & 0xe0) == 0xc0 ? 2
		       : (p[0] & 0xf0) == 0xe0 ? 3
		       : (p[0] & 0xf8) == 0xf0 ? 4
					       : 0;
	uint32_t code;

	if (bytes < 2)
		return p[0] >= 0x20 && p[0] < 0x7f ? bytes : 0;
	code = p[0] & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < min[bytes] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000) || is_format(code))
		return 0;
	return bytes;
}

/* Escape as text_escape() does; but characters in `kept` stay. */
static size_t
escape(char *into, size_t size, const char *text, const char *kept)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length = 0;

	while (*p != '\0') {
		size_t bytes = character(p), used = bytes;
		char piece[8];

		if (strchr(kept, *p) != NULL) {
			used = bytes = 1;
			piece[0] = (char)*p;
		} else if (bytes == 0 || *p == '\\') {
			used = 1;
			bytes = (size_t)snprintf(piece, sizeof(piece),
			    *p == '\n'   ? "\\n"
			    : *p == '\t' ? "\\t"
			    : *p == '\\' ? "\\\\"
					 : "\\x%02x",
			    *p);
		} else {
			memcpy(piece, p, bytes);
		}
		if (length + bytes >= size)
			break;
		memcpy(into + length, piece, bytes);
		length += bytes;
		p += used;
	}
	into[length] = '\0';
	return length;
}

size_t
text_escape(char *into, size_t size, const char *text)
{
	return escape(into, size, text, "");
}

size_t
text_clean(char *into, size_t size, const char *text)
{
	return escape(into, size, text, "\\\t\n");
}

#define GUARD_CHUNK 1024

/* fopencookie(3)'s.  A long text is cut anywhere: a character that is cut is
   shown as its bytes. */
static ssize_t
guard_write(void *stream, const char *text, size_t size)
{
	char chunk[GUARD_CHUNK + 1], clean[4 * GUARD_CHUNK + 1];

	for (size_t n, done = 0; done < size; done += n) {
		n = size - done < GUARD_CHUNK ? size - done : GUARD_CHUNK;
		memcpy(chunk, text + done, n);
		chunk[n] = '\0';
		text_clean(clean, sizeof(clean), chunk);
		if (fputs(clean, stream) == EOF)
			return 0;
	}
	return fflush(stream) == EOF ? 0 : (ssize_t)size;
}

FILE *
text_guard(FILE *stream)
{
	const cookie_io_functions_t functions = { .write = guard_write };
	FILE *guard = fopencookie(stream, "w", functions);

	if (guard == NULL)
		return stream;
	setvbuf(guard, NULL, _IOLBF, 0);
	return guard;
}

char *
text_trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r\n");
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

bool
text_cut_comment(char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++) {
		if ((text[i] == '#' || text[i] == ';') &&
		    (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
			text[i] = '\0';
			return true;
		}
	}
	return false;
}

bool
text_number(const char *text, int64_t min, int64_t max, int64_t *number)
{
	const char *digits = text + (min < 0 && *text == '-');

	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	*number = strtoll(text, NULL, 10);
	return *number >= min && *number <= max;
}

/* ------------------------------------------------- figures for people --- */

const char *
figures_count(char *text, size_t size, uint64_t n, int width)
{
	static const char units[] = "kMGTPE";
	double scaled = (double)n;
	int unit = -1;

	if (snprintf(text, size, "%" PRIu64, n) <= width)
		return text;
	do {
		scaled /= 1000;
		unit++;
	} while (units[unit + 1] != '\0' &&
		 snprintf(text, size, "%.1f%c", scaled, units[unit]) > width);
	snprintf(text, size, "%.1f%c", scaled, units[unit]);
	return text;
}

const char *
figures_rate(char *text, size_t size, double rate, int width)
{
	if (rate < 999.95)
		snprintf(text, size, "%.1f", rate);
	else
		figures_count(text, size,
		    rate < 1.8e19 ? (uint64_t)(rate + 0.5) : UINT64_MAX, width);
	return text;
}

const char *
figures_age(char *text, size_t size, uint64_t seconds)
{
	if (seconds < 120)
		snprintf(text, size, "%us", (unsigned)seconds);
	else if (seconds < 7200)
		snprintf(text, size, "%um", (unsigned)(seconds / 60));
	else if (seconds < 172800)
		snprintf(text, size, "%uh", (unsigned)(seconds / 3600));
	else if (seconds / 86400 < 10000)
		snprintf(text, size, "%ud", (unsigned)(seconds / 86400));
	else
		snprintf(text, size, "long");
	return text;
}

/* ------------------------------------------------------------- secrets --- */

#define LINE_FIRST 256 /* bytes of a line's first buffer */

void
wipe_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* Double the buffer. */
static int
line_grow(char **line, size_t *size)
{
	size_t larger = *line == NULL ? LINE_FIRST : *size * 2;
	char *copy = malloc(larger);

	if (copy == NULL)
		return -1;
	if (*line != NULL) {
		memcpy(copy, *line, *size);
		explicit_bzero(*line, *size);
		free(*line);
	}
	*line = copy;
	*size = larger;
	return 0;
}

ssize_t
wipe_getline(char **line, size_t *size, FILE *file)
{
	size_t length = 0;
	int c;

	do {
		c = getc(file);
		if (c == EOF)
			break;
		/* One byte more is for the 0. */
		if ((*line == NULL || length + 1 >= *size) &&
		    line_grow(line, size) < 0) {
			errno = ENOMEM;
			return -1;
		}
		(*line)[length++] = (char)c;
	} while (c != '\n');
	if (length == 0)
		return -1;
	(*line)[length] = '\0';
	return (ssize_t)length;
}
