/* SPDX-License-Identifier: MIT
 *
 * Writing rows over a database connection: whether they go prepared or as text,
 * in one statement or several, and what is done when the table, the mode or a
 * lock is at fault.  Errors are noted in the connection's link and returned.
 */
#include "config.h"

#include "sql/db_state.h"

#include <stdio.h>
#include <string.h>

/* How old the last look at the table may be before a statement: milliseconds.
 */
#define LOOK_AGE 1000

/* How long no lock is waited for after one was waited for in vain: ms. */
#define LOCKED_AGE 5000

/* Sends a statement as text, with as many of the rows as fit. */
static enum db_class
db_send_text(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, size_t *sent)
{
	size_t length;

	batch_begin(&db->batch, horizon);
	for (size_t i = 0; i < n && i < BULK_ROWS; i++) {
		if (!batch_add(&db->batch, records[i]))
			break;
	}
	*sent = db->batch.rows;
	const char *text = batch_end(&db->batch, &length);
	return link_send(&db->link, "insert", text, length, 0, NULL);
}

/* Sends a statement with the first of the rows: prepared if that is faster and
   the server supports it, else as text. */
static enum db_class
db_send(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, size_t *sent)
{
	uint64_t clamped = db->batch.clamped;
	const char *text;
	unsigned number;

	if (bulk_rows(db->bulk, n) == 0)
		return db_send_text(db, records, n, horizon, sent);
	deadline_begin(
	    db->link.deadline, db->link.mysql, db->options.read_timeout_ms);
	number =
	    bulk_upsert(db->bulk, &db->batch, records, n, horizon, sent, &text);
	if (!bulk_unsupported(number))
		return link_in_time(&db->link,
		    number == 0 ? link_no_rows(&db->link)
				: link_fail_number(&db->link, number, text));
	deadline_end(db->link.deadline);
	bulk_close(db->bulk);
	db->bulk = NULL;
	db->bulk_refused = true;
	db->batch.clamped = clamped;
	return db_send_text(db, records, n, horizon, sent);
}

/* Rolls back a transaction; the error noted before stays.  Returns kind, its
   class. */
static enum db_class
db_roll_back(struct db *db, enum db_class kind)
{
	struct db_error error = db->link.error;

	/* If it is still open, no other statement may become part of it. */
	if (link_ask(&db->link, "ROLLBACK", 0, NULL) != DB_OK)
		client_cut(db->link.mysql);
	db->link.error = error;
	return kind;
}

/* Writes rows in one statement, or in a transaction of several, which is
   committed after read_timeout with those sent so far.  On an error *sent
   counts the rows up to the end of the statement that failed. */
static enum db_class
db_write(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, size_t *sent)
{
	uint64_t began = clock_ms();
	size_t rows;

	if (n <= BULK_ROWS || bulk_rows(db->bulk, n) == n || db->loses)
		return db_send(db, records, n, horizon, sent);
	/* If this is refused, all rows are divided until one statement is
	   enough. */
	*sent = n;
	enum db_class kind = link_ask(&db->link, "START TRANSACTION", 0, NULL);
	if (kind != DB_OK)
		return kind;
	*sent = 0;
	do {
		kind = db_send(db, records + *sent, n - *sent, horizon, &rows);
		*sent += rows;
		/* A proxy may have sent it to another session. */
		db->loses = kind == DB_OK && (db->link.mysql->server_status &
						 SERVER_STATUS_IN_TRANS) == 0;
		if (db->loses)
			kind = link_fail(&db->link, DB_SPLIT, 0,
			    "the server ended the transaction");
	} while (kind == DB_OK && *sent < n &&
		 clock_ms() - began < db->link.limit_ms);
	if (kind == DB_OK)
		kind = link_ask(&db->link, "COMMIT", 0, NULL);
	return kind == DB_OK ? kind : db_roll_back(db, kind);
}

/* Looks at the table before a statement, if it is time: when the last look is
   old, or no row might be written, or values that do not fit are cut. */
static enum db_class
db_look_if_due(struct db *db)
{
	if (*db->shape.fault == '\0' && !db->session.lax &&
	    clock_ms() - db->looked_ms < LOOK_AGE)
		return DB_OK;
	return db_look(db);
}

/* A statement was refused.  Retry it if the table has changed, or if the
   server's own sql_mode would accept it. */
static enum db_class
db_refused(struct db *db, enum db_class kind)
{
	struct db_error error = db->link.error;
	bool strict = session_may_be_lax(&db->session, error.number);

	/* Halves that are refused for the same need no look each. */
	if (db->refused == error.number && *db->shape.fault == '\0' &&
	    clock_ms() - db->looked_ms < LOOK_AGE)
		return kind;
	enum db_class look = db_look(db);
	if (look == DB_RECONNECT || look == DB_NEXT_HOST ||
	    *db->shape.fault != '\0')
		return look;
	if (look == DB_OK && db->changed)
		return link_fail(
		    &db->link, DB_RETRY, error.number, "the table has changed");
	db->session.lax |= look == DB_OK && strict;
	if (look == DB_OK && strict &&
	    session_set(&db->link, &db->session) == DB_OK)
		return link_fail(&db->link, DB_RETRY, error.number,
		    "refused in strict mode; using the server's sql_mode");
	db->link.error = error;
	db->refused = error.number;
	return kind;
}

/* A row is locked, by somebody who keeps it so: find out which one without
   waiting again. */
static enum db_class
db_locked(struct db *db)
{
	struct db_error error = db->link.error;

	if (db->locked_ms == 0 && session_patience(&db->link, false) != DB_OK)
		return DB_RECONNECT;
	db->locked_ms = clock_ms();
	db->link.error = error;
	return error.kind;
}

/* Has statements wait for locks again, some time after the last that was
   found. */
static enum db_class
db_wait_for_locks(struct db *db)
{
	if (db->locked_ms == 0 || clock_ms() - db->locked_ms < LOCKED_AGE)
		return DB_OK;
	db->locked_ms = 0;
	return session_patience(&db->link, true);
}

/* If our clock is behind, a row that another reporter stored may only seem to
   be of the future: the horizon follows the later clock. */
static uint64_t
db_horizon(const struct db *db, uint64_t horizon)
{
	return db->ahead > 0 ? horizon + (uint64_t)db->ahead : horizon;
}

enum db_class
db_upsert(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, uint64_t *clamped, size_t *sent)
{
	*sent = 0;
	if (db->link.mysql == NULL)
		return link_fail(&db->link, DB_RECONNECT, CR_SERVER_GONE_ERROR,
		    "not connected");
	if (n > db->options.max_rows)
		n = db->options.max_rows;
	db->batch.clamped = 0;
	enum db_class kind = db_look_if_due(db);
	if (kind == DB_OK)
		kind = db_wait_for_locks(db);
	if (kind == DB_OK) {
		kind = db_write(db, records, n, db_horizon(db, horizon), sent);
		if (kind == DB_OK)
			kind = session_commit(&db->link, &db->session);
		else if (kind == DB_REFUSED || kind == DB_HOLD ||
			 kind == DB_UNLISTED)
			kind = db_refused(db, kind);
	}
	if (kind == DB_OK)
		*clamped += db->batch.clamped;
	if (kind == DB_SPLIT && db->link.error.number == ER_LOCK_WAIT_TIMEOUT)
		kind = db_locked(db);
	return db_after(db, kind);
}

/* Sends a row of the table to itself. */
static enum db_class
db_resend(struct db *db)
{
	char text[1024];
	enum db_class kind;

	snprintf(text, sizeof(text), BATCH_RESEND, db->table, db->table);
	kind = link_send(&db->link, "insert", text, strlen(text), 0, NULL);
	if (kind != DB_OK)
		return kind;
	const char *info = mysql_info(db->link.mysql);
	if (info == NULL || strstr(info, "Records: 1") == NULL)
		return link_fail(&db->link, DB_HOLD, 0, "the table is empty");
	return DB_OK;
}

enum db_class
db_takes(struct db *db, const struct record *record, uint64_t horizon)
{
	size_t sent;

	enum db_class kind = link_ask(&db->link, "START TRANSACTION", 0, NULL);
	if (kind == DB_OK)
		kind = record == NULL ? db_resend(db)
				      : db_send_text(db, &record, 1,
					    db_horizon(db, horizon), &sent);
	return db_after(db, db_roll_back(db, kind));
}

/* ---------------------------------------------------- other statements ---- */

enum db_class
db_statement(
    struct db *db, const char *text, unsigned columns, struct answer *answer)
{
	enum db_class kind = link_ask(&db->link, text, columns, answer);

	if (kind == DB_OK && columns == 0) {
		*answer = (struct answer){ .rows = mysql_affected_rows(
					       db->link.mysql) };
		kind = session_commit(&db->link, &db->session);
	}
	return db_after(db, kind);
}
