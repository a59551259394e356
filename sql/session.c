/* SPDX-License-Identifier: MIT
 *
 * A session is known by its number, its account, and the address and port that
 * it came from; over a unix socket, which has none, by the server's process.
 * All of it is compared before one is ended: it is ours, or nothing happens.
 * Where a proxy has sessions of its own, numbers differ, and none is noted.
 */
#include "config.h"

#include "sql/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of the time that we wait for an answer, a statement may take this part, so
   that the answer is the server's, and nothing of it is left. */
#define LIMIT_PERMILLE 900

#define MODE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_,"

/* Sends what the session can do without, as on a server of another kind. */
static enum db_class
set_if_possible(struct link *link, const char *statement)
{
	return link_ask(link, statement, 0, NULL) == DB_RECONNECT ? DB_RECONNECT
								  : DB_OK;
}

/* What is set, if the server has it.  Whatever init_connect and the server's
   defaults say, each statement is to be a transaction of its own that may
   write. Galera would repeat a statement that lost, perhaps after a newer
   one. */
static const struct {
	const char *name;
	const char *value; /* NULL: put_variable() has it */
} variables[] = {
	{ "autocommit", "1" },
	{ "completion_type", "0" },
	{ "tx_read_only", "0" },
	{ "transaction_read_only", "0" },
	{ "unique_checks", "1" },
	{ "sql_safe_updates", "0" },
	{ "sql_big_selects", "1" },
	{ "wsrep_retry_autocommit", "0" },
	{ "wsrep_dirty_reads", "0" },
	{ "max_statement_time", NULL },
	{ "innodb_lock_wait_timeout", NULL },
	{ "sql_mode", NULL },
};
#define VARIABLES (sizeof(variables) / sizeof(*variables))
#define SET_MAX (SESSION_MODE_MAX + 512)

static bool
is_off(const char *value)
{
	return strcmp(value, "OFF") == 0 || strcmp(value, "0") == 0;
}

/* Notes a variable.  ms: how long a statement may take. */
static void
session_note(
    struct session *s, const char *name, const char *value, unsigned ms)
{
	double limit = strtod(value, NULL) * 1000;

	for (unsigned i = 0; i < VARIABLES; i++)
		if (strcmp(variables[i].name, name) == 0)
			s->present |= 1u << i;
	if (strcmp(name, "max_statement_time") == 0)
		s->statement_ms =
		    limit > 0 && limit < ms ? (unsigned)limit : ms;
	else if (strcmp(name, "innodb_lock_wait_timeout") == 0)
		s->lock_s = limit < 1000 ? 0 : 1;
	/* It becomes part of a statement. */
	else if (strcmp(name, "sql_mode") == 0 &&
		 value[strspn(value, MODE_CHARACTERS)] == '\0')
		snprintf(s->own_mode, sizeof(s->own_mode), "%s", value);
	else if (strcmp(name, "max_allowed_packet") == 0)
		s->packet = strtoul(value, NULL, 10);
	else if (strcmp(name, "wsrep_on") == 0)
		s->galera = !is_off(value);
	else if (strcmp(name, "read_only") == 0 ||
		 strcmp(name, "innodb_read_only") == 0)
		s->read_only |= !is_off(value);
}

enum db_class
session_ask(struct link *link, struct session *session)
{
	/* The client library waits for whole seconds. */
	unsigned seconds =
	    link->limit_ms <= 1000 ? 1 : (link->limit_ms + 999) / 1000;
	/* SHOW leaves out variables that a server does not know, where SELECT
	   would fail. */
	char text[1024] = "SHOW VARIABLES WHERE Variable_name IN ('read_only',"
			  "'innodb_read_only','wsrep_on','max_allowed_packet'";
	size_t length = strlen(text);
	struct answer answer;

	for (unsigned i = 0; i < VARIABLES; i++)
		length +=
		    (size_t)sprintf(text + length, ",'%s'", variables[i].name);
	memcpy(text + length, ")", 2);
	enum db_class kind = link_ask(link, text, 2, &answer);
	if (kind != DB_OK)
		return kind;
	session->lax = session->read_only = session->galera = false;
	session->present = 0;
	session->packet = 0;
	session->own_mode[0] = '\0';
	for (size_t row = 0; row < answer.rows; row++)
		session_note(session, answer_text(&answer, row, 0),
		    answer_text(&answer, row, 1), seconds * LIMIT_PERMILLE);
	answer_close(&answer);
	return DB_OK;
}

/* Writes the assignment of a variable.  Returns its length. */
static size_t
put_variable(const struct session *s, unsigned i, char *text, size_t size)
{
	const char *name = variables[i].name;
	int n;

	if (variables[i].value != NULL)
		n = snprintf(text, size, "%s=%s", name, variables[i].value);
	else if (strcmp(name, "max_statement_time") == 0)
		n = snprintf(text, size, "%s=%u.%03u", name,
		    s->statement_ms / 1000, s->statement_ms % 1000);
	else if (strcmp(name, "innodb_lock_wait_timeout") == 0)
		n = snprintf(text, size, "%s=%u", name, s->lock_s);
	else /* A 0 is stored as 0 with AUTO_INCREMENT as well. */
		n = snprintf(text, size, "%s='%s%s%s'", name, s->own_mode,
		    *s->own_mode != '\0' ? "," : "",
		    s->lax ? "NO_AUTO_VALUE_ON_ZERO"
			   : "NO_AUTO_VALUE_ON_ZERO,STRICT_TRANS_TABLES,"
			     "STRICT_ALL_TABLES");
	return (size_t)n;
}

enum db_class
session_set(struct link *link, struct session *session)
{
	char statement[SET_MAX] = "SET ";
	size_t length = 4;

	for (unsigned i = 0; i < VARIABLES; i++) {
		if ((session->present & 1u << i) == 0)
			continue;
		length += put_variable(
		    session, i, statement + length, sizeof(statement) - length);
		statement[length++] = ',';
	}
	statement[length - 1] = '\0';
	enum db_class kind = link_ask(link, statement, 0, NULL);
	if (kind == DB_OK || kind == DB_RECONNECT)
		return kind;
	/* A proxy may know some and refuse others. */
	for (unsigned i = 0; i < VARIABLES; i++) {
		put_variable(session, i, statement + 4, sizeof(statement) - 4);
		if ((session->present & 1u << i) != 0 &&
		    set_if_possible(link, statement) != DB_OK)
			return DB_RECONNECT;
	}
	return DB_OK;
}

enum db_class
session_patience(struct link *link, bool patient)
{
	return set_if_possible(link, patient
					 ? "SET innodb_lock_wait_timeout=1"
					 : "SET innodb_lock_wait_timeout=0");
}

enum db_class
session_begin(struct link *link)
{
	/* It would cut our own questions' answers short. */
	enum db_class kind =
	    set_if_possible(link, "SET sql_select_limit=18446744073709551615");

	if (kind != DB_OK ||
	    (link->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0)
		return kind;
	/* It decides what ROLLBACK does. */
	kind = set_if_possible(link, "SET completion_type=0");
	return kind == DB_OK ? link_ask(link, "ROLLBACK", 0, NULL) : kind;
}

enum db_class
session_commit(struct link *link, struct session *session)
{
	unsigned status = link->mysql->server_status;

	if ((status & SERVER_STATUS_IN_TRANS) == 0 &&
	    (status & SERVER_STATUS_AUTOCOMMIT) != 0)
		return DB_OK;
	enum db_class kind = link_ask(link, "COMMIT", 0, NULL);
	if (kind == DB_OK && (kind = session_begin(link)) == DB_OK)
		/* If it is lost here, the next statement finds that out. */
		session_set(link, session);
	return kind;
}

bool
session_may_be_lax(const struct session *session, unsigned number)
{
	if (session->lax || strstr(session->own_mode, "STRICT_") != NULL)
		return false;
	switch (number) {
	/* Of other columns.  What ours cannot hold must not be stored as
	   something else. */
	case ER_NO_DEFAULT_FOR_FIELD:
	case ER_DIVISION_BY_ZERO:
		return true;
	default:
		return false;
	}
}

/* ------------------------------------------------ the previous session ---- */

/* Looks for a session.  *id: its number, 0: it is not there, or not shown to
   us.  *mark: the hash of what it is known by. */
static enum db_class
session_find(struct link *link, const char *which, uint64_t *id, uint64_t *mark)
{
	char text[128];
	struct answer answer;

	*id = *mark = 0;
	snprintf(text, sizeof(text),
	    "SELECT ID, USER, HOST FROM information_schema.PROCESSLIST "
	    "WHERE ID = %s",
	    which);
	enum db_class kind = link_ask(link, text, 3, &answer);
	if (kind != DB_OK)
		return kind == DB_RECONNECT ? kind : DB_OK;
	if (answer.rows == 1) {
		*id = strtoull(answer_text(&answer, 0, 0), NULL, 10);
		*mark = client_server_pid(link->mysql);
		*mark = hash_text(*mark, answer_text(&answer, 0, 1));
		*mark = hash_text(*mark, answer_text(&answer, 0, 2));
	}
	answer_close(&answer);
	return DB_OK;
}

static enum db_class
session_alive(struct link *link, const struct session *session, bool *alive)
{
	char number[24];
	uint64_t id, mark;

	snprintf(number, sizeof(number), "%" PRIu64, counter_get(session->id));
	enum db_class kind = session_find(link, number, &id, &mark);
	*alive = id != 0 && mark == counter_get(session->mark);
	return kind;
}

static enum db_class
session_end_previous(struct link *link, struct session *session)
{
	const struct timespec pause = { 0, 50 * 1000 * 1000 };
	char statement[32];
	bool alive;
	enum db_class kind = session_alive(link, session, &alive);

	if (kind != DB_OK || !alive)
		return kind;
	snprintf(statement, sizeof(statement), "KILL %" PRIu64,
	    counter_get(session->id));
	kind = set_if_possible(link, statement);
	nanosleep(&pause, NULL);
	if (kind == DB_OK)
		kind = session_alive(link, session, &alive);
	if (kind != DB_OK || !alive)
		return kind;
	/* It may end late, after a rollback. */
	uint64_t now = clock_ms();
	if (session->since_ms == 0)
		session->since_ms = now;
	if (now - session->since_ms >= link->limit_ms)
		return DB_OK;
	session->ending = true;
	link->error = (struct db_error){ .kind = DB_RECONNECT,
		.text = "the previous session is being ended" };
	return DB_RECONNECT;
}

enum db_class
session_succeed(struct link *link, struct session *session)
{
	enum db_class kind = DB_OK;
	uint64_t id, mark;

	if (counter_get(session->id) != 0)
		kind = session_end_previous(link, session);
	if (kind == DB_OK)
		kind = session_find(link, "CONNECTION_ID()", &id, &mark);
	if (kind != DB_OK)
		return kind;
	session->since_ms = 0;
	counter_set(session->id, 0);
	counter_set(session->mark, mark);
	/* The library knows 32 bits of it. */
	session->noted = (uint32_t)id == (uint32_t)mysql_thread_id(link->mysql);
	if (session->noted)
		counter_set(session->id, id);
	return DB_OK;
}

void
session_closed(struct session *session, bool lost)
{
	/* After a normal end nothing is under way. */
	if (session->noted && !lost)
		counter_set(session->id, 0);
	session->noted = session->ending = false;
}
