/* SPDX-License-Identifier: MIT
 *
 * The database connection of one worker.  The only module that calls the
 * client library.  Used by one thread, the worker's flush thread; calls block,
 * within the time limits given.  It never logs: every failure is returned with
 * its class, number and text in db->error.
 */
#pragma once

#include "shm/counters.h"
#include "shm/record.h"
#include "sql/dberror.h"

#include <stdbool.h>
#include <stddef.h>

/* What of a server's certificate is verified, in the order of the option. */
enum db_verify {
	DB_VERIFY_NAME, /* that a CA has signed it for the host's name */
	DB_VERIFY_CA,   /* that a CA has signed it */
	DB_VERIFY_OFF   /* nothing, but TLS is required */
};

/* Where and how to connect.  All strings belong to the caller and outlive the
   struct db. */
struct db_options {
	char *const *hosts; /* HOST or HOST:PORT, NULL-terminated, tried in
			       order; NULL or empty: localhost */
	uint64_t port;      /* for hosts that name none; 0: the default */
	const char *socket; /* "" is: none; used for localhost */
	const char *user, *password, *database; /* "" or NULL: what
						   defaults_file says */
	const char *table;
	/* "" is: none; its groups [client] and [reporter] are read */
	const char *defaults_file;
	/* PEM files, "" or NULL: none.  With ssl_ca, ssl_cert or
	   DB_VERIFY_OFF there is no connection over the network without
	   TLS. */
	const char *ssl_ca, *ssl_cert, *ssl_key;
	int ssl_verify;                /* enum db_verify */
	const char *server_public_key; /* PEM file, "" or NULL: none; to encrypt
					  the password without TLS */
	int insecure_auth; /* 1: send the password as plain text, as its old
			      hash or encrypted with a key that the server
			      sends, if the server asks for it */
	uint64_t connect_timeout_ms; /* both are rounded up to seconds: the
					client library has no finer ones */
	uint64_t read_timeout_ms;
	size_t max_rows;       /* of one batch, 1 or more */
	bool removes;          /* old rows are to be removed: for db_probe() */
	uint64_t keepalive_ms; /* of an idle TCP connection, before it is
				  probed; 0: never; whole seconds */
	/* Shared memory: the number of the session at the server, 0: none, and
	   a hash of its account and address.  db_connect() first kills that
	   session, whose late statement could overwrite a row with the same
	   ts.  NULL: kept in the struct db. */
	counter *session, *session_mark;
	bool text_only; /* no prepared statements, and no bulk execution even
			   where both ends have it; on Galera there are none in
			   any case */
};

struct db;

/* db_new - make a connection object, not yet connected.  NULL: no memory, or
   the client library does not start. */
struct db *db_new(const struct db_options *options);

/* db_free - close and free; NULL is allowed. */
void db_free(struct db *db);

/* db_connect - connect to the host that worked last, else to the next of the
   list, end the previous session if it lives, and inspect server and table:
   max_allowed_packet, types, keys.  A server that is read-only is skipped if
   another host of the list is writable, and so is a node of a cluster that is
   not ready.  One call tries one host; after a failure the next call tries the
   next.
   Returns DB_OK or the class of db_error(), none of dberror_divides(): no row
   was sent. */
enum db_class db_connect(struct db *db);

/* db_ask_earlier - begin to ask the hosts that come before the one in use, or
   go on with it; call it about once a second, with no statement under way.
   Blocks only while a name is resolved.  Returns whether to call db_return(),
   with the current password set. */
bool db_ask_earlier(struct db *db);

/* db_return - log in to the host that was asked and look at its table, with a
   second for each step.  If the host has been well for long enough, close the
   connection and have the next db_connect() choose that host.  Returns whether
   it did. */
bool db_return(struct db *db);

/* db_set_password - the password of connections from now on; it belongs to the
   caller and stays until the next call, or db_free(). */
void db_set_password(struct db *db, const char *password);

/* db_connected - whether the last db_connect() has succeeded and nothing has
   closed the connection since. */
bool db_connected(const struct db *db);

/* db_look_after - close an idle connection that the server has closed, as it
   does after its wait_timeout.  Sends nothing. */
void db_look_after(struct db *db);

/* db_host - "host:port" or the socket's path of the host in use or last
   tried. */
const char *db_host(const struct db *db);

/* db_clock_ahead - seconds by which the server's clock was ahead of ours when
   the table was last looked at; below 0: behind. */
int64_t db_clock_ahead(const struct db *db);

/* db_close - close the connection, with nothing under way; a later db_connect()
   opens one again. */
void db_close(struct db *db);

/* db_upsert - write n records to the table in one transaction.  records[] point
   to records with distinct keys, best in the order of record_compare().
   horizon: as in table_put(), by our clock: a greater ts in the table is
   replaced.  If the server's clock is ahead, it is as much later.  *clamped: on
   success increased by the counts cut to their column's range.  *sent: set to
   how many of the records, from the first on, were taken into the transaction,
   on an error up to the end of the statement that failed (fewer than n when
   max_rows, max_allowed_packet or the time bounds it; 1 or more; 0 if none was
   sent).
   Returns DB_OK: these are committed.
   DB_HOLD, with *sent 0: no row may be written to this table.
   DB_RETRY: repeat it; also after the table has changed.
   Else the class of db_error(): nothing is known to be committed, repeating is
   harmless; after DB_RECONNECT and DB_NEXT_HOST the connection is closed. */
enum db_class db_upsert(struct db *db, const struct record *const *records,
    size_t n, uint64_t horizon, uint64_t *clamped, size_t *sent);

/* db_takes - whether the table takes a record: write it in a transaction and
   roll that back.  While connected.  record: NULL is one that the table has;
   if it is empty, DB_HOLD.  horizon: as for db_upsert().
   Returns DB_OK: it does.  Else as db_upsert(). */
enum db_class db_takes(
    struct db *db, const struct record *record, uint64_t horizon);

struct answer;

/* db_statement - send a statement over an open connection, and read its answer
   within the bounds of link.h; columns: how many it has.  0: it changes rows,
   answer->rows of them, and there is nothing to free.
   Returns DB_OK; else as db_upsert(). */
enum db_class db_statement(
    struct db *db, const char *text, unsigned columns, struct answer *answer);

/* Called by db_probe() with a line of text; fault: whether it reports one. */
typedef void db_report(void *arg, bool fault, const char *text);

/* db_probe - connect to the next host and inspect server, table and rights, for
   the check of a configuration.  Nothing is written.  Reports all faults, or
   else one line of what was found.  The connection is closed at the end.
   Returns whether the server is read-only, as one that stands by. */
bool db_probe(struct db *db, db_report *report, void *arg);

/* db_error - the last error. */
const struct db_error *db_error(const struct db *db);
