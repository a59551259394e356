/* SPDX-License-Identifier: MIT
 *
 * The database connection of a worker.  Owns the connection, the statement's
 * buffer and the choice of the host; used by the worker's flush thread alone.
 * It never logs: every failure is returned as a class, with number and text in
 * db_error().
 *
 * autocommit is on, so that each statement is a transaction.  The table is
 * looked at when connecting, after each statement that it refused, and every
 * ten seconds: somebody may alter or replace it.
 */
#include "config.h"

#include "sql/db.h"

#include "sql/batch.h"
#include "sql/bulk.h"
#include "sql/client.h"
#include "sql/dberror.h"
#include "sql/deadline.h"
#include "sql/fault.h"
#include "sql/host.h"
#include "sql/login.h"
#include "sql/probe.h"
#include "sql/session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest statement as text, whatever the server would take. */
#define STATEMENT_MAX (16u << 20)

/* How old the last look at the table may be before a statement: milliseconds.
 */
#define LOOK_AGE 10000

/* What a packet holds besides the statement, with some to spare. */
#define PACKET_HEAD 64

struct db {
	struct db_options options;
	MYSQL *mysql; /* NULL: not connected */
	struct deadline *deadline;
	struct hosts hosts;
	char *table; /* quoted */
	struct batch batch;
	struct bulk *bulk;  /* NULL: text */
	bool bulk_refused;  /* for good */
	bool open;          /* logged in */
	bool galera;        /* the server is a node of a cluster */
	bool read_only;     /* so the server answered */
	struct shape shape; /* of the table at the last look, ... */
	uint64_t looked_ms; /* ... which was then, monotonic */
	struct session session;
	counter words[2]; /* of the session, when options have none */
	size_t packet;    /* the server's max_allowed_packet */
	struct db_error error;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_failed;

static void
library_start(void)
{
	library_failed = mysql_library_init(0, NULL, NULL);
}

/* Notes an error of our own finding. */
static enum db_class
db_fail(struct db *db, enum db_class kind, unsigned number, const char *text)
{
	db->error.kind = kind;
	db->error.number = number;
	snprintf(db->error.text, sizeof(db->error.text), "%s", text);
	return kind;
}

/* Notes an error of the client library or the server. */
static enum db_class
db_fail_number(struct db *db, unsigned number, const char *text)
{
	return db_fail(db, dberror_class(number, text), number,
	    *text != 0 ? text : "no error text");
}

static enum db_class
db_fail_mysql(struct db *db, unsigned pretended)
{
	if (pretended != 0)
		return db_fail_number(db, pretended, "");
	/* A failure without a number must not pass as success. */
	if (mysql_errno(db->mysql) == 0)
		return db_fail(db, DB_RECONNECT, CR_UNKNOWN_ERROR,
		    "the client library reported no error number");
	return db_fail_number(
	    db, mysql_errno(db->mysql), mysql_error(db->mysql));
}

/* Ends the time limit of a statement.  What was cut short has an error of ours.
   After any error of the client library's own, the rest of an answer may be on
   its way. */
static enum db_class
db_in_time(struct db *db, enum db_class kind)
{
	unsigned number = db->error.number;
	bool cut = deadline_end(db->deadline);

	if (kind == DB_OK)
		return kind;
	if (cut)
		return db_fail(db, DB_RECONNECT, CR_SERVER_LOST,
		    "no whole answer within read_timeout");
	if (kind != DB_SPLIT && number >= CR_MIN_ERROR &&
	    number <= CR_MAX_ERROR)
		kind = db->error.kind = DB_RECONNECT;
	return kind;
}

/* A statement has succeeded that has no rows to read. */
static enum db_class
db_no_rows(struct db *db)
{
	if (mysql_field_count(db->mysql) == 0)
		return DB_OK;
	return db_fail(db, DB_RECONNECT, CR_MALFORMED_PACKET,
	    "the server sent rows that were not asked for");
}

/* Sends a statement and reads its answer, as an asker does; `call` is its name
   for the fault tests.  Returns DB_OK or the class of the error noted. */
static enum db_class
db_query(struct db *db, const char *call, const char *text, size_t length,
    unsigned columns, struct answer *answer)
{
	unsigned pretended = fault_db(call);
	enum db_class kind = DB_OK;
	int failed = 0;

	deadline_begin(db->deadline, db->mysql, db->options.read_timeout_ms);
	if (pretended == 0 || fault_late(pretended))
		failed = mysql_real_query(db->mysql, text, length);
	if (pretended != 0 || failed != 0)
		kind = db_fail_mysql(db, pretended);
	else if (columns == 0)
		kind = db_no_rows(db);
	else if (answer_read(db->mysql, columns, answer) != 0)
		kind = answer->fault == NULL
			   ? db_fail_mysql(db, 0)
			   : db_fail(db, DB_RECONNECT, CR_MALFORMED_PACKET,
				 answer->fault);
	return db_in_time(db, kind);
}

static enum db_class
db_ask(struct db *db, const char *text, unsigned columns, struct answer *answer)
{
	return db_query(db, "query", text, strlen(text), columns, answer);
}

static struct asker
db_asker(struct db *db)
{
	return (struct asker){
		.ask = db_ask, .db = db, .mysql = db->mysql, .error = &db->error
	};
}

/* No row was sent, so none may be set aside, whatever the number. */
static enum db_class
db_without_row(struct db *db, enum db_class kind)
{
	if (kind == DB_SPLIT || kind == DB_REFUSED || kind == DB_UNLISTED)
		kind = db->error.kind = DB_HOLD;
	return kind;
}

/* ------------------------------------------------------------- connect ---- */

static enum db_class
db_open(struct db *db)
{
	const char *why, *unreadable = login_unreadable(&db->options, &why);
	struct host host;
	unsigned pretended;

	if (!hosts_read(&db->hosts, &host))
		return db_fail(db, DB_HOLD, 0, "invalid host name");
	if (unreadable != NULL) {
		db_fail(db, DB_HOLD, 0, "");
		snprintf(db->error.text, sizeof(db->error.text),
		    "cannot read %.200s: %s", unreadable, why);
		return DB_HOLD;
	}
	db->mysql = login_new(&db->options, &host);
	if (db->mysql == NULL)
		return db_fail(db, DB_WAIT_ROOM, CR_OUT_OF_MEMORY,
		    "no memory for a connection");
	pretended = fault_db("connect");
	if (pretended != 0)
		return db_fail_mysql(db, pretended);
	if (!login_within(
		db->mysql, &db->options, &host, db->deadline, &db->error))
		return db->error.kind;
	db->open = true;
	client_on_close(db->mysql, true);
	if (!host_is_local(&host))
		client_keepalive(
		    db->mysql, (int)(db->options.keepalive_ms / 1000));
	return DB_OK;
}

static enum db_class
db_probe_server(struct db *db)
{
	struct probe_server server;
	struct answer answer;

	if (db_ask(db, PROBE_SERVER, PROBE_SERVER_COLUMNS, &answer) != DB_OK)
		return db->error.kind;
	probe_server(&answer, &server);
	db->packet = server.packet;
	db->galera = server.galera;
	db->read_only = server.read_only;
	session_note_mode(&db->session, server.sql_mode);
	answer_close(&answer);
	if (db->packet < PACKET_HEAD + BATCH_MIN)
		return db_fail(db, DB_HOLD, 0,
		    "the server's max_allowed_packet is below 5120 bytes");
	return DB_OK;
}

/* Bytes that a statement may have. */
static size_t
db_capacity(const struct db *db)
{
	size_t capacity = BATCH_MIN + db->options.max_rows * BATCH_ROW_MAX;

	if (capacity > db->packet - PACKET_HEAD)
		capacity = db->packet - PACKET_HEAD;
	return capacity < STATEMENT_MAX ? capacity : STATEMENT_MAX;
}

static void
db_open_bulk(struct db *db)
{
	bulk_close(db->bulk);
	db->bulk = NULL;
	/* Galera may roll a transaction back, and then MariaDB's bulk execution
	   returns OK all the same. */
	if (!db->options.text_only && !db->bulk_refused && !db->galera)
		db->bulk =
		    bulk_open(db->mysql, db->options.max_rows, db->packet);
}

/* Looks at the table.  *changed: it is not what it was. */
static enum db_class
db_look(struct db *db, bool *changed)
{
	const struct asker asker = db_asker(db);
	struct shape shape;
	enum db_class kind =
	    probe_table(&asker, db->options.table, &shape, NULL, NULL);

	*changed = false;
	if (kind != DB_OK)
		return db_without_row(db, kind);
	*changed = shape.mark != db->shape.mark;
	db->shape = shape;
	db->looked_ms = session_clock_ms();
	if (*shape.fault != '\0')
		return db_fail(db, DB_HOLD, 0, shape.fault);
	if (!*changed)
		return DB_OK;
	db->batch.signs = shape.signs;
	db_open_bulk(db);
	return db->session.lax ? session_mode(&asker, &db->session, false)
			       : DB_OK;
}

/* Makes the session and the table's first look. */
static enum db_class
db_begin(struct db *db)
{
	const struct asker asker = db_asker(db);
	unsigned limit = db->options.read_timeout_ms;
	enum db_class kind = session_set(&asker, limit);
	bool changed;

	if (kind == DB_OK)
		kind = db_probe_server(db);
	if (kind == DB_OK && db->read_only && hosts_leave_read_only(&db->hosts))
		return db_fail(db, DB_NEXT_HOST, ER_OPTION_PREVENTS_STATEMENT,
		    "the server is read-only");
	if (kind == DB_OK)
		kind = session_mode(&asker, &db->session, false);
	if (kind == DB_OK)
		kind = session_succeed(&asker, &db->session, limit);
	if (kind != DB_OK)
		return kind;
	memset(&db->shape, 0, sizeof(db->shape));
	if (batch_open(&db->batch, db->options.table, db_capacity(db),
		db->shape.signs) != 0)
		return db_fail(db, DB_WAIT_ROOM, CR_OUT_OF_MEMORY,
		    "no memory for statements");
	return db_look(db, &changed);
}

/* lost: the socket may be closed already, and a statement still be under way at
   the server. */
static void
db_end(struct db *db, bool lost)
{
	session_closed(&db->session, lost);
	if (!lost && db->open)
		client_on_close(db->mysql, false);
	db->open = false;
	deadline_forget(db->deadline, lost);
	bulk_close(db->bulk);
	db->bulk = NULL;
	batch_close(&db->batch);
	if (db->mysql != NULL)
		mysql_close(db->mysql);
	db->mysql = NULL;
}

enum db_class
db_connect(struct db *db)
{
	enum db_class kind;

	db_close(db);
	kind = db_open(db);
	if (kind == DB_OK)
		kind = db_begin(db);
	kind = db_without_row(db, kind);
	if (kind != DB_NEXT_HOST)
		db->hosts.read_only = 0;
	if (kind == DB_OK)
		return kind;
	/* It is this host's session that is being ended. */
	if (!db->session.ending)
		hosts_next(&db->hosts);
	db_end(db, kind == DB_RECONNECT);
	return kind;
}

void
db_close(struct db *db)
{
	db_end(db, false);
}

/* Reports what was found at the other end, if it has no fault. */
static void
db_report_found(struct db *db, db_report *report, void *arg)
{
	const char *cipher = mysql_get_ssl_cipher(db->mysql);
	char text[512];

	snprintf(text, sizeof(text),
	    "%s, %s, table %s OK, max_allowed_packet %zu%s",
	    mysql_get_server_info(db->mysql),
	    cipher != NULL ? cipher : "no TLS", db->options.table, db->packet,
	    db->read_only ? ", read-only" : "");
	report(arg, false, text);
}

bool
db_probe(struct db *db, db_report *report, void *arg)
{
	struct asker asker;
	struct shape shape;
	enum db_class kind;

	db_close(db);
	db->error = (struct db_error){ .kind = DB_OK };
	db->read_only = false;
	kind = db_open(db);
	asker = db_asker(db);
	if (kind == DB_OK)
		kind = session_set(&asker, db->options.read_timeout_ms);
	if (kind == DB_OK)
		kind = db_probe_server(db);
	if (kind != DB_OK)
		report(arg, true, db->error.text);
	else if (probe_table(&asker, db->options.table, &shape, report, arg) ==
		     DB_OK &&
		 shape.faults == 0)
		db_report_found(db, report, arg);
	db_close(db);
	/* A host that stands by takes no writes: that is no fault. */
	return kind == DB_OK && db->read_only;
}

/* -------------------------------------------------------------- upsert ---- */

static enum db_class
db_upsert_text(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, size_t *sent)
{
	size_t length;
	const char *text;

	batch_begin(&db->batch, horizon);
	for (size_t i = 0; i < n; i++) {
		if (!batch_add(&db->batch, records[i]))
			break;
	}
	*sent = db->batch.rows;
	text = batch_end(&db->batch, &length);
	return db_query(db, "insert", text, length, 0, NULL);
}

/* Sends them by bulk execution, or as text where that turns out not to be
   had. */
static enum db_class
db_upsert_bulk(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, size_t *sent)
{
	const char *text;
	unsigned number;

	deadline_begin(db->deadline, db->mysql, db->options.read_timeout_ms);
	number =
	    bulk_upsert(db->bulk, &db->batch, records, n, horizon, sent, &text);
	if (!bulk_unsupported(number))
		return db_in_time(db, number == 0
					  ? db_no_rows(db)
					  : db_fail_number(db, number, text));
	deadline_end(db->deadline);
	bulk_close(db->bulk);
	db->bulk = NULL;
	db->bulk_refused = true;
	return db_upsert_text(db, records, n, horizon, sent);
}

/* Looks at the table before a statement, if it is time: when the last look is
   old, or no row might be written, or values that do not fit are cut. */
static enum db_class
db_look_if_due(struct db *db)
{
	bool changed;

	if (*db->shape.fault == '\0' && !db->session.lax &&
	    session_clock_ms() - db->looked_ms < LOOK_AGE)
		return DB_OK;
	return db_look(db, &changed);
}

/*
 * A statement was refused: because the table is not what it was, or
 * because of a mode that the server does not have by itself?  Then it is sent
 * again.
 */
static enum db_class
db_refused(struct db *db, enum db_class kind)
{
	const struct asker asker = db_asker(db);
	struct db_error error = db->error;
	bool strict = session_may_be_lax(&db->session, error.number);
	bool changed;

	enum db_class look = db_look(db, &changed);
	if (look == DB_RECONNECT || *db->shape.fault != '\0')
		return look;
	if (look == DB_OK && changed)
		return db_fail(
		    db, DB_RETRY, error.number, "the table has changed");
	if (look == DB_OK && strict &&
	    session_mode(&asker, &db->session, true) == DB_OK)
		return db_fail(db, DB_RETRY, error.number,
		    "refused in strict mode; using the server's sql_mode");
	db->error = error;
	return kind;
}

enum db_class
db_upsert(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, uint64_t *clamped, size_t *sent)
{
	enum db_class kind;
	struct asker asker;

	*sent = 0;
	if (db->mysql == NULL)
		return db_fail(
		    db, DB_RECONNECT, CR_SERVER_GONE_ERROR, "not connected");
	if (n > db->options.max_rows)
		n = db->options.max_rows;
	db->batch.clamped = 0;
	kind = db_look_if_due(db);
	if (kind == DB_OK) {
		kind = db->bulk != NULL && n >= BULK_MIN
			   ? db_upsert_bulk(db, records, n, horizon, sent)
			   : db_upsert_text(db, records, n, horizon, sent);
		asker = db_asker(db);
		if (kind == DB_OK)
			kind =
			    session_commit(&asker, db->options.read_timeout_ms);
		else if (kind == DB_REFUSED || kind == DB_HOLD ||
			 kind == DB_UNLISTED)
			kind = db_refused(db, kind);
	}
	if (kind == DB_OK)
		*clamped += db->batch.clamped;
	if (kind == DB_RECONNECT || kind == DB_NEXT_HOST)
		db_end(db, kind == DB_RECONNECT);
	if (kind == DB_NEXT_HOST)
		hosts_next(&db->hosts);
	return kind;
}

/* ------------------------------------------------------------- the rest --- */

struct db *
db_new(const struct db_options *options)
{
	struct db *db;

	if (pthread_once(&library_once, library_start) != 0 || library_failed)
		return NULL;
	db = calloc(1, sizeof(*db));
	if (db == NULL)
		return NULL;
	db->options = *options;
	db->hosts = (struct hosts){ .words = options->hosts,
		.socket = options->socket,
		.port = options->port };
	db->session.id =
	    options->session != NULL ? options->session : &db->words[0];
	db->session.mark = options->session_mark != NULL ? options->session_mark
							 : &db->words[1];
	db->table = batch_quote(options->table);
	db->deadline = db->table != NULL ? deadline_new() : NULL;
	if (db->deadline == NULL) {
		free(db->table);
		free(db);
		return NULL;
	}
	return db;
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	db_close(db);
	deadline_free(db->deadline);
	free(db->table);
	free(db);
}

void
db_set_password(struct db *db, const char *password)
{
	db->options.password = password;
}

bool
db_connected(const struct db *db)
{
	return db->mysql != NULL;
}

const char *
db_host(const struct db *db)
{
	return db->hosts.name;
}

const struct db_error *
db_error(const struct db *db)
{
	return &db->error;
}
