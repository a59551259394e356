/* SPDX-License-Identifier: MIT
 *
 * The link to a server: sending a statement and reading its answer, within a
 * time limit.  One thread.  Every failure is returned as a class, with number
 * and text in link->error.
 */
#ifndef REPORTER_LINK_H
#define REPORTER_LINK_H

#include "sql/answer.h"
#include "sql/deadline.h"
#include "sql/dberror.h"

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

/*
 * link_send - send a statement and read its answer, as answer_read().
 * call: its name for the fault tests.  columns 0: it has no result, and answer
 * may be NULL.
 * Returns DB_OK, or the class of link->error.
 */
enum db_class link_send(struct link *link, const char *call, const char *text,
    size_t length, unsigned columns, struct answer *answer);

/* link_ask - likewise, a question, or a statement about the session. */
enum db_class link_ask(struct link *link, const char *text, unsigned columns,
    struct answer *answer);

#endif
