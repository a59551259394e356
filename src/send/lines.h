/* SPDX-License-Identifier: MIT
 *
 * Lines: reading text line by line in bounded memory, and records as people
 * write them, see reporter-send(1).  For the tools; one thread.
 */
#ifndef REPORTER_LINES_H
#define REPORTER_LINES_H

#include "shm/record.h"

#include <stddef.h>
#include <stdio.h>

#define LINES_LENGTH_MAX 65536 /* bytes of one line, with its end */

/* What lines_next() came upon. */
enum lines_found {
	LINES_TEXT,
	LINES_END,
	LINES_TOO_LONG, /* a line over LINES_LENGTH_MAX: it is passed over */
	LINES_ERROR     /* reading failed: see errno */
};

/* A file being read. */
struct lines {
	int fd;               /* the caller's; not closed here */
	const char *file;     /* its name in messages; the caller's */
	unsigned long number; /* of the line found last, from 1 */
	size_t begin, end;    /* of what is buffered */
	size_t looked;        /* of that, where no line's end was found */
	bool ended, skipping;
	char buffer[LINES_LENGTH_MAX];
};

/* lines_init - begin to read fd. */
void lines_init(struct lines *lines, int fd, const char *file);

/* lines_ready - whether lines_next() will return without reading. */
bool lines_ready(struct lines *lines);

/*
 * lines_next - the next line.  *text: its bytes, without the line's end and
 * with a 0 in its place, valid until the next call; *length: how many (the
 * line may hold zero bytes of its own).
 */
enum lines_found lines_next(struct lines *lines, char **text, size_t *length);

/* What lines_parse() made out of a line. */
enum lines_kind {
	LINES_RECORD,
	LINES_NOTHING, /* blank, or a comment */
	LINES_BAD
};

/*
 * lines_parse - a record out of the line found last.  text: is changed.
 * ts_max: the greatest time allowed.  Every fault is written to errors, each
 * as "file:line: field: found ..., expected ...".
 */
enum lines_kind lines_parse(const struct lines *lines, char *text,
    size_t length, uint64_t ts_max, struct record *record, FILE *errors);

/* lines_address - read a dotted IPv4 address.  Returns false for anything
   else. */
bool lines_address(const char *text, uint32_t *address);

#endif
