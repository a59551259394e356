/* SPDX-License-Identifier: MIT
 *
 * The session at the server: what it must be before the first row is sent, and
 * the end of the one before.  The worker's flush thread.
 */
#ifndef REPORTER_SESSION_H
#define REPORTER_SESSION_H

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
	char own_mode[SESSION_MODE_MAX]; /* the server's sql_mode */
	bool lax;                        /* own_mode is in use, not ours */
};

/*
 * session_set - make the session what we need, whatever init_connect and the
 * server's defaults made of it: no transaction open, each statement one of its
 * own, and no statement that runs for longer than we wait.
 * Returns DB_OK, or the class of the error.  What the server does not have is
 * passed over.
 */
enum db_class session_set(struct link *link);

/*
 * session_commit - after a statement that has succeeded: whether its rows are
 * committed, the server tells, since a proxy may have put us on another
 * session. If not, commit them and set the session again. Returns DB_OK: they
 * are; or the class of the error.
 */
enum db_class session_commit(struct link *link);

/* session_note_mode - note the server's own sql_mode, before it is changed. */
void session_note_mode(struct session *session, const char *mode);

/*
 * session_mode - have values refused that a column cannot hold; lax: have them
 * treated as the server's own sql_mode does.
 */
enum db_class session_mode(
    struct link *link, struct session *session, bool lax);

/*
 * session_may_be_lax - whether a statement that was refused with this error
 * may be accepted in the server's own sql_mode.
 */
bool session_may_be_lax(const struct session *session, unsigned number);

/*
 * session_succeed - end the previous session of this worker, if it lives: a
 * statement of it that ends late would overwrite rows of the same ts.  Then
 * note this one.  Call it before anything is written.
 * Returns DB_OK; or DB_RECONNECT while the previous one is being ended, for
 * link->limit_ms at most.
 */
enum db_class session_succeed(struct link *link, struct session *session);

/* session_closed - the connection is closed; lost: perhaps with a statement
   under way. */
void session_closed(struct session *session, bool lost);

/* session_clock_ms - milliseconds of a clock that is never set. */
uint64_t session_clock_ms(void);

#endif
