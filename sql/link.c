/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "sql/link.h"

#include "sql/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- answers ---- */

#define SOME_KEY \
	(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG | PART_KEY_FLAG)
#define IS(field, of) ((uint32_t)(((field).flags & (of)) != 0))

/* Adds a row.  Returns what is wrong, or NULL. */
static const char *
answer_add(struct answer *a, MYSQL_ROW row, const unsigned long *lengths)
{
	char **values = a->values + a->rows * a->columns;

	if (a->rows == ANSWER_ROWS)
		return "the server sent more rows than were asked for";
	for (unsigned i = 0; i < a->columns; i++) {
		values[i] = NULL;
		if (row[i] == NULL)
			continue;
		if (lengths[i] >= ANSWER_BYTES - a->length)
			return "the server sent a longer answer than was asked "
			       "for";
		values[i] = memcpy(a->text + a->length, row[i], lengths[i]);
		a->length += lengths[i];
		a->text[a->length++] = '\0';
	}
	a->rows++;
	return NULL;
}

/* Reads the answer to what was just sent.  Returns 0; or -1, with nothing to
   free: answer->fault says why, and the connection is useless; or it is NULL,
   and mysql_errno() has the error. */
static int
answer_read(MYSQL *mysql, unsigned columns, struct answer *a)
{
	MYSQL_RES *result = mysql_use_result(mysql);
	MYSQL_ROW row;

	*a = (struct answer){ .columns = columns };
	if (result == NULL) {
		if (mysql_errno(mysql) == 0)
			a->fault = "the server answered without a result";
		return -1;
	}
	/* A page that no answer has needed is not resident. */
	a->text = malloc(ANSWER_BYTES);
	a->values = malloc(ANSWER_ROWS * columns * sizeof(*a->values));
	if (a->text == NULL || a->values == NULL) {
		a->fault = "no memory for an answer";
	} else if (mysql_num_fields(result) < columns) {
		a->fault = "the server sent fewer columns than were asked for";
	} else {
		const MYSQL_FIELD *fields = mysql_fetch_fields(result);

		for (unsigned i = 0; i < columns; i++) {
			a->primary |= IS(fields[i], PRI_KEY_FLAG) << i;
			a->keyed |= IS(fields[i], SOME_KEY) << i;
		}
	}
	while (a->fault == NULL && (row = mysql_fetch_row(result)) != NULL)
		a->fault = answer_add(a, row, mysql_fetch_lengths(result));
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

void
answer_close(struct answer *a)
{
	free(a->text);
	free(a->values);
	memset(a, 0, sizeof(*a));
}

/* ----------------------------------------------------------- statements --- */

enum db_class
link_fail(
    struct link *link, enum db_class kind, unsigned number, const char *text)
{
	link->error.kind = kind;
	link->error.number = number;
	snprintf(link->error.text, sizeof(link->error.text), "%s", text);
	return kind;
}

enum db_class
link_fail_number(struct link *link, unsigned number, const char *text)
{
	return link_fail(link, dberror_class(number, text), number,
	    *text != 0 ? text : "no error text");
}

enum db_class
link_fail_mysql(struct link *link, unsigned pretended)
{
	if (pretended != 0)
		return link_fail_number(link, pretended, "");
	/* A failure without a number must not pass as success. */
	if (mysql_errno(link->mysql) == 0)
		return link_fail(link, DB_RECONNECT, CR_UNKNOWN_ERROR,
		    "the client library reported no error number");
	return link_fail_number(
	    link, mysql_errno(link->mysql), mysql_error(link->mysql));
}

/* After a time limit the error is ours.  After any error of the client
   library's own, the rest of an answer may be on its way. */
enum db_class
link_in_time(struct link *link, enum db_class kind)
{
	unsigned number = link->error.number;
	bool cut = deadline_end(link->deadline);

	if (kind == DB_OK)
		return kind;
	if (cut)
		return link_fail(link, DB_RECONNECT, CR_SERVER_LOST,
		    "no whole answer within read_timeout");
	if (kind != DB_SPLIT && dberror_is_client(number))
		kind = link->error.kind = DB_RECONNECT;
	return kind;
}

enum db_class
link_no_rows(struct link *link)
{
	if (mysql_field_count(link->mysql) == 0)
		return DB_OK;
	return link_fail(link, DB_RECONNECT, CR_MALFORMED_PACKET,
	    "the server sent rows that were not asked for");
}

enum db_class
link_send(struct link *link, const char *call, const char *text, size_t length,
    unsigned columns, struct answer *answer)
{
	struct answer ignored, *a = answer != NULL ? answer : &ignored;
	unsigned pretended = fault_db(call);
	enum db_class kind = DB_OK;
	int failed = 0;

	deadline_begin(link->deadline, link->mysql, link->limit_ms);
	if (pretended == 0 || fault_late(pretended))
		failed = mysql_real_query(link->mysql, text, length);
	if (pretended != 0 || failed != 0)
		kind = link_fail_mysql(link, pretended);
	else if (columns == 0)
		kind = link_no_rows(link);
	else if (answer_read(link->mysql, columns, a) != 0)
		kind = a->fault == NULL ? link_fail_mysql(link, 0)
					: link_fail(link, DB_RECONNECT,
					      CR_MALFORMED_PACKET, a->fault);
	else if (answer == NULL)
		answer_close(a);
	return link_in_time(link, kind);
}

enum db_class
link_ask(struct link *link, const char *text, unsigned columns,
    struct answer *answer)
{
	return link_send(link, "query", text, strlen(text), columns, answer);
}
