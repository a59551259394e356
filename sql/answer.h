/* SPDX-License-Identifier: MIT
 *
 * The answer of a server to a question that expects few and short rows: read
 * to its end within bounds, whatever the server sends.  One thread.
 */
#ifndef REPORTER_ANSWER_H
#define REPORTER_ANSWER_H

#include "sql/client.h"

#include <stddef.h>
#include <stdint.h>

#define ANSWER_COLUMNS 16          /* max. columns of an answer */
#define ANSWER_ROWS 8192           /* max. rows */
#define ANSWER_BYTES (1024 * 1024) /* max. text of all rows */

struct answer {
	unsigned columns;
	size_t rows;
	char *text;       /* the values, each ended by a 0 */
	size_t length;    /* of text */
	size_t *offsets;  /* of each value in text, plus 1; 0: NULL */
	uint32_t keyed;   /* bits: columns that belong to a key, ... */
	uint32_t primary; /* ... to the primary key */
	const char
	    *fault; /* why it is no answer to the question; NULL: it is */
};

/*
 * answer_read - read the answer to the question that was just sent over the
 * connection.
 * columns: how many it asked for, 1 to ANSWER_COLUMNS; more are ignored, fewer
 * are a fault.
 * Returns 0; answer_close() frees it.  Else -1, and nothing is to be freed:
 * answer->fault says why, and the connection is useless from now on; or it is
 * NULL, and mysql_errno() has the error.
 */
int answer_read(MYSQL *mysql, unsigned columns, struct answer *answer);

/* answer_text - a value; "" for NULL.  row, column: from 0, in range.  Valid
   until answer_close(). */
const char *answer_text(
    const struct answer *answer, size_t row, unsigned column);

/* answer_is_null - whether a value is NULL. */
bool answer_is_null(const struct answer *answer, size_t row, unsigned column);

/* answer_close - free it.  One that is all zero may be closed. */
void answer_close(struct answer *answer);

/* hash_text - take a text, with its end, into a hash (FNV-1a). */
static inline uint64_t
hash_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++ != '\0');
	return hash;
}

#endif
