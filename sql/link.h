/* SPDX-License-Identifier: MIT
 *
 * The link to a server: sending a statement and reading its answer, within a
 * time limit.  One thread.  Every failure is returned as a class, with number
 * and text in link->error.
 */
#pragma once

#include "sql/client.h"
#include "sql/deadline.h"
#include "sql/dberror.h"

#include <stddef.h>

#define ANSWER_COLUMNS 16          /* max. columns of an answer */
#define ANSWER_ROWS 8192           /* max. rows */
#define ANSWER_BYTES (1024 * 1024) /* max. text of all rows */

/* The answer to a question that expects few and short rows: read to its end
   within these bounds, whatever the server sends. */
struct answer {
	unsigned columns;
	size_t rows;
	char *text;        /* the values, each ended by a 0 */
	size_t length;     /* of text */
	char **values;     /* row by row, in text; NULL: NULL */
	uint32_t keyed;    /* bits: columns that belong to a key, ... */
	uint32_t primary;  /* ... to the primary key */
	const char *fault; /* why it is no answer; NULL: it is one */
};

/* answer_is_null - whether a value is NULL.  row, column: from 0, in range. */
static inline bool
answer_is_null(const struct answer *answer, size_t row, unsigned column)
{
	return answer->values[row * answer->columns + column] == NULL;
}

/* answer_text - a value; "" for NULL.  row, column: from 0, in range.  Valid
   until answer_close(). */
static inline const char *
answer_text(const struct answer *answer, size_t row, unsigned column)
{
	return answer_is_null(answer, row, column)
		   ? ""
		   : answer->values[row * answer->columns + column];
}

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

struct link {
	MYSQL *mysql; /* NULL: there is no connection */
	struct deadline *deadline;
	unsigned limit_ms; /* of a statement, its answer included */
	struct db_error error;
};

/* link_fail - note an error of our own finding.  Returns kind. */
enum db_class link_fail(
    struct link *link, enum db_class kind, unsigned number, const char *text);

/* link_fail_number - note an error of the client library or the server.
   Returns its class. */
enum db_class link_fail_number(
    struct link *link, unsigned number, const char *text);

/* link_fail_mysql - note the connection's error, or a pretended one. */
enum db_class link_fail_mysql(struct link *link, unsigned pretended);

/* link_in_time - end the time limit of a statement that was not sent by
   link_send().  kind: its class.  Returns DB_RECONNECT if the time limit or the
   client library ended it, else kind. */
enum db_class link_in_time(struct link *link, enum db_class kind);

/* link_no_rows - a statement has succeeded: DB_OK if it has no rows to read. */
enum db_class link_no_rows(struct link *link);

/* link_send - send a statement and read its answer.
   call: its name for the fault tests.  columns: how many it asks for, 1 to
   ANSWER_COLUMNS; more are ignored, fewer are a fault.  0: it has no result.
   answer: NULL if what it says does not matter.
   Returns DB_OK, and answer_close() frees the answer; or the class of
   link->error, with nothing to free. */
enum db_class link_send(struct link *link, const char *call, const char *text,
    size_t length, unsigned columns, struct answer *answer);

/* link_ask - likewise, a question, or a statement about the session. */
enum db_class link_ask(struct link *link, const char *text, unsigned columns,
    struct answer *answer);
