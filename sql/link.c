/* SPDX-License-Identifier: MIT
 *
 * The link to a server: sending a statement and reading its answer, within a
 * time limit.  Owns the last error; the connection and its limits are db.c's.
 */
#include "config.h"

#include "sql/link.h"

#include "sql/fault.h"

#include <stdio.h>
#include <string.h>

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
	else if (answer_read(link->mysql, columns, answer) != 0)
		kind = answer->fault == NULL
			   ? link_fail_mysql(link, 0)
			   : link_fail(link, DB_RECONNECT, CR_MALFORMED_PACKET,
				 answer->fault);
	return link_in_time(link, kind);
}

enum db_class
link_ask(struct link *link, const char *text, unsigned columns,
    struct answer *answer)
{
	return link_send(link, "query", text, strlen(text), columns, answer);
}
