/* SPDX-License-Identifier: MIT
 *
 * Lines: reading text line by line in bounded memory, and the records in them,
 * see reporter-send(1).  For the tools; a struct lines is one thread's.
 */
#pragma once

#include "shm/record.h"

#include <stddef.h>
#include <stdio.h>

#define LINES_LENGTH_MAX 65536 /* bytes of one line, with its end */

/* What lines_next() found. */
enum lines_found {
	LINES_TEXT,
	LINES_END,
	LINES_TOO_LONG, /* a line over LINES_LENGTH_MAX: skipped */
	LINES_ERROR     /* reading failed: see errno */
};

/* A file being read. */
struct lines {
	int fd;               /* the caller's; not closed here */
	const char *file;     /* its name in messages; the caller's */
	unsigned long number; /* of the last line found, from 1 */
	/* The caller's, called before each read(); false: the file ends here.
	   NULL at first. */
	bool (*wait)(void *arg);
	void *arg;
	size_t at, end; /* of the bytes that were read and are not taken */
	bool ended;
	char bytes[LINES_LENGTH_MAX], text[LINES_LENGTH_MAX];
};

/* lines_init - begin to read fd. */
void lines_init(struct lines *lines, int fd, const char *file);

/* lines_next - the next line.  *text: its bytes, without the line's end and
   with a 0 in its place, valid until the next call; *length: how many (the
   line may hold zero bytes of its own). */
enum lines_found lines_next(struct lines *lines, char **text, size_t *length);

/* The fields of a record, in the order of a line of text. */
enum field {
	FIELD_MODID,
	FIELD_CMDID,
	FIELD_CALLER,
	FIELD_TS,
	FIELD_IP,
	FIELD_PORT,
	FIELD_SUCC,
	FIELD_ERR,
	FIELD_OVERLOAD,
	LINES_FIELDS
};

extern const struct lines_field {
	const char *name;
	int64_t min, max; /* 0, 0: an IPv4 address */
} lines_fields[LINES_FIELDS];

/* lines_record - a record of LINES_FIELDS values within their ranges. */
void lines_record(struct record *record, const int64_t *values);

/* lines_expected - what a field's values are, for people; may use text. */
const char *lines_expected(int64_t min, int64_t max, char *text, size_t size);

/* lines_address - read a dotted IPv4 address.  Returns false for anything
   else. */
bool lines_address(const char *text, int64_t *address);

/* What a line is. */
enum lines_kind {
	LINES_RECORD,
	LINES_NOTHING, /* blank, or a comment */
	LINES_BAD
};

/* How a line becomes a record.  text: may be changed; ts_max: the latest time
   allowed.  Each fault is written to errors as "file:line: field: reason". */
typedef enum lines_kind lines_parser(const struct lines *lines, char *text,
    size_t length, uint64_t ts_max, struct record *record, FILE *errors);

/* lines_parse - parse the nine fields, as reporter-send reads them. */
lines_parser lines_parse;

/* lines_fault - report a fault of the last line found.  Returns LINES_BAD. */
enum lines_kind lines_fault(const struct lines *lines, FILE *errors,
    const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
