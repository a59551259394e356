/* SPDX-License-Identifier: MIT
 *
 * Reading answers.  Errors are returned; nothing is kept between calls.
 */
#include "config.h"

#include "sql/answer.h"

#include <stdlib.h>
#include <string.h>

#define SOME_KEY \
	(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG | PART_KEY_FLAG)

/* The columns that belong to a key, as bits. */
static uint32_t
answer_flagged(MYSQL_RES *result, unsigned columns, unsigned flags)
{
	const MYSQL_FIELD *fields = mysql_fetch_fields(result);
	uint32_t flagged = 0;

	for (unsigned i = 0; i < columns; i++) {
		if ((fields[i].flags & flags) != 0)
			flagged |= 1u << i;
	}
	return flagged;
}

/* Adds a value.  Returns what is wrong, or NULL. */
static const char *
answer_add(struct answer *a, size_t at, const char *value, size_t length)
{
	a->offsets[at] = 0;
	if (value == NULL)
		return NULL;
	if (length >= ANSWER_BYTES - a->length)
		return "the server sent a longer answer than was asked for";
	char *text = realloc(a->text, a->length + length + 1);
	if (text == NULL)
		return "no memory for an answer";
	a->text = text;
	memcpy(text + a->length, value, length);
	text[a->length + length] = '\0';
	a->offsets[at] = a->length + 1;
	a->length += length + 1;
	return NULL;
}

static const char *
answer_add_row(struct answer *a, MYSQL_ROW row, const unsigned long *lengths)
{
	const char *fault = NULL;

	if (a->rows == ANSWER_ROWS)
		return "the server sent more rows than were asked for";
	size_t first = a->rows * a->columns;
	size_t *offsets =
	    realloc(a->offsets, (first + a->columns) * sizeof(*a->offsets));
	if (offsets == NULL)
		return "no memory for an answer";
	a->offsets = offsets;
	for (unsigned i = 0; i < a->columns && fault == NULL; i++)
		fault = answer_add(a, first + i, row[i], lengths[i]);
	a->rows++;
	return fault;
}

int
answer_read(MYSQL *mysql, unsigned columns, struct answer *a)
{
	MYSQL_RES *result = mysql_use_result(mysql);
	MYSQL_ROW row;
	bool ended = false;

	*a = (struct answer){ .columns = columns };
	if (result == NULL) {
		if (mysql_errno(mysql) == 0)
			a->fault = "the server answered without a result";
		return -1;
	}
	if (mysql_num_fields(result) < columns)
		a->fault = "the server sent fewer columns than were asked for";
	else {
		a->primary = answer_flagged(result, columns, PRI_KEY_FLAG);
		a->keyed = answer_flagged(result, columns, SOME_KEY);
	}
	while (a->fault == NULL && !ended) {
		row = mysql_fetch_row(result);
		ended = row == NULL;
		if (!ended)
			a->fault =
			    answer_add_row(a, row, mysql_fetch_lengths(result));
	}
	/* Freeing the result reads the rest of it, which may have no end. */
	if (a->fault != NULL)
		client_cut(mysql);
	mysql_free_result(result);
	if (a->fault == NULL && mysql_errno(mysql) == 0)
		return 0;
	const char *fault = a->fault;
	answer_close(a);
	a->fault = fault;
	return -1;
}

const char *
answer_text(const struct answer *a, size_t row, unsigned column)
{
	size_t offset = a->offsets[row * a->columns + column];

	return offset == 0 ? "" : a->text + offset - 1;
}

bool
answer_is_null(const struct answer *a, size_t row, unsigned column)
{
	return a->offsets[row * a->columns + column] == 0;
}

void
answer_close(struct answer *a)
{
	free(a->text);
	free(a->offsets);
	memset(a, 0, sizeof(*a));
}
