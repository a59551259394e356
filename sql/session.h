/* SPDX-License-Identifier: MIT
 *
 * The session at the server: what it must be before the first row is sent, and
 * the end of the one before.  The worker's flush thread.
 */
#pragma once

#include "sql/link.h"

#define SESSION_MODE_MAX 1024

struct session {
	/* Words that outlive the process: the session's number, 0 is none, and
	   a hash of who it belongs to. */
	counter *id, *mark;
	bool noted;        /* they are those of the connection in use */
	bool ending;       /* the previous one is being ended: try again */
	uint64_t since_ms; /* when the previous session was first found alive,
			      monotonic; 0: it was not */
	size_t packet;  /* the server's max_allowed_packet, bytes; 0: unknown */
	bool read_only; /* it takes no writes */
	bool galera;    /* it is a node of a Galera cluster */
	char own_mode[SESSION_MODE_MAX]; /* the server's sql_mode */
	bool lax;                        /* own_mode is in use, not ours */
	unsigned present; /* bits of the variables that the server has */
	unsigned statement_ms, lock_s; /* its limits for ours */
};

/* session_ask - ask for the variables of server and session, and note them.
   Returns DB_OK, or the class of the error. */
enum db_class session_ask(struct link *link, struct session *session);

/* session_set - make the session what we need, whatever init_connect and the
   server's defaults made of it: each statement a transaction of its own, none
   that runs for longer than we wait, and values refused that a column cannot
   hold; while session->lax, treated as the server's own sql_mode does.
   Returns DB_OK, or DB_RECONNECT.  What the server refuses is passed over. */
enum db_class session_set(struct link *link, struct session *session);

/* session_patience - how long statements wait for a row's lock: 1 second, as
   session_set() has it, or not at all.  Other writers hold one for less; a row
   that somebody keeps locked must not hold up the others.
   Returns DB_OK, or DB_RECONNECT. */
enum db_class session_patience(struct link *link, bool patient);

/* session_begin - make it possible to ask, and end a transaction that is open.
   Returns DB_OK, or the class of the error. */
enum db_class session_begin(struct link *link);

/* session_commit - after a statement that has succeeded: make sure that its
   rows are committed.  A proxy may have moved us to a session without
   autocommit, which the server's status shows: then COMMIT, and set the session
   again.
   Returns DB_OK: they are; or the class of the error. */
enum db_class session_commit(struct link *link, struct session *session);

/* session_may_be_lax - whether a statement that was refused with this error
   may be accepted in the server's own sql_mode. */
bool session_may_be_lax(const struct session *session, unsigned number);

/* session_succeed - end the previous session of this worker, if it lives: a
   statement of it that ends late would overwrite rows of the same ts.  Then
   note this one.  Call it before anything is written.
   Returns DB_OK; or DB_RECONNECT while the previous one is being ended, for
   link->limit_ms at most. */
enum db_class session_succeed(struct link *link, struct session *session);

/* session_closed - the connection is closed; lost: perhaps with a statement
   under way. */
void session_closed(struct session *session, bool lost);
