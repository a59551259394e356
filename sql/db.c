/* SPDX-License-Identifier: MIT
 *
 * The database connection of a worker.  Owns the connection, the statement's
 * buffer and the choice of the host; used by the worker's flush thread alone.
 * It never logs: every failure is returned as a class, with number and text in
 * db_error().
 *
 * autocommit is on, so that each statement is a transaction.
 */
#include "config.h"

#include "sql/db.h"

#include "sql/answer.h"
#include "sql/batch.h"
#include "sql/bulk.h"
#include "sql/client.h"
#include "sql/dberror.h"
#include "sql/fault.h"
#include "sql/host.h"
#include "sql/login.h"
#include "sql/probe.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The longest statement as text, whatever the server would take. */
#define STATEMENT_MAX (16u << 20)

/* What a packet holds besides the statement, with some to spare. */
#define PACKET_HEAD 64

struct db {
	struct db_options options;
	MYSQL *mysql; /* NULL: not connected */
	size_t host;  /* of the list: in use, or the next to try */
	char *table;  /* quoted */
	struct batch batch;
	struct bulk *bulk;        /* NULL: text */
	bool bulk_refused;        /* for good */
	bool galera;              /* the server is a node of a cluster */
	uint64_t lock_busy_ms;    /* since when another session has the lock,
				     monotonic; 0: none has */
	size_t packet;            /* the server's max_allowed_packet */
	char name[HOST_MAX + 16]; /* for db_host() */
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

/* Sends a statement; `call` is its name for the fault tests.  Returns DB_OK or
 * the class of the error noted. */
static enum db_class
db_query(struct db *db, const char *call, const char *text, size_t length)
{
	unsigned pretended = fault_db(call);
	int failed = 0;

	if (pretended == 0 || fault_late(pretended))
		failed = mysql_real_query(db->mysql, text, length);
	if (pretended != 0 || failed != 0)
		return db_fail_mysql(db, pretended);
	return DB_OK;
}

/* Sends a statement that has a result.  Returns it, to be freed, or NULL with
   the error noted. */
static MYSQL_RES *
db_ask(struct db *db, const char *text)
{
	MYSQL_RES *result;

	if (db_query(db, "query", text, strlen(text)) != DB_OK)
		return NULL;
	result = mysql_store_result(db->mysql);
	if (result == NULL)
		db_fail_mysql(db, 0);
	return result;
}

/* ------------------------------------------------------------ the host ---- */

static size_t
db_hosts(const struct db *db)
{
	size_t n = 0;

	while (db->options.hosts != NULL && db->options.hosts[n] != NULL)
		n++;
	return n;
}

static void
db_next_host(struct db *db)
{
	size_t n = db_hosts(db);

	db->host = n > 0 ? (db->host + 1) % n : 0;
}

/* Takes the host to connect to next apart, and notes its name. */
static bool
db_read_host(struct db *db, struct host *host)
{
	const char *word = db_hosts(db) > 0 ? db->options.hosts[db->host] : "";
	const char *socket = or_null(db->options.socket);

	snprintf(db->name, sizeof(db->name), "%s", word);
	if (!host_read(host, word))
		return false;
	if (host->port == 0)
		host->port = db->options.port;
	if (host_is_local(host))
		snprintf(db->name, sizeof(db->name), "%s",
		    socket != NULL ? socket : "localhost");
	else
		snprintf(db->name, sizeof(db->name),
		    strchr(host->name, ':') != NULL ? "[%s]:%u" : "%s:%u",
		    host->name, host->port != 0 ? host->port : MYSQL_PORT);
	return true;
}

/* ------------------------------------------------------------- connect ---- */

static enum db_class
db_open(struct db *db)
{
	const char *why, *unreadable = login_unreadable(&db->options, &why);
	struct host host;
	unsigned pretended;

	if (!db_read_host(db, &host))
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
	if (pretended != 0 || !login_connect(db->mysql, &db->options, &host))
		return db_fail_mysql(db, pretended);
	if (!host_is_local(&host))
		client_keepalive(db->mysql);
	if (mysql_autocommit(db->mysql, 1) != 0)
		return db_fail_mysql(db, 0);
	return DB_OK;
}

static enum db_class
db_probe_server(struct db *db)
{
	struct probe_server server;
	MYSQL_RES *answer = db_ask(db, PROBE_SERVER);

	if (answer == NULL)
		return db->error.kind;
	probe_server(answer, &server);
	mysql_free_result(answer);
	db->packet = server.packet;
	db->galera = server.galera;
	if (server.read_only)
		return db_fail(db, DB_NEXT_HOST, ER_OPTION_PREVENTS_STATEMENT,
		    "the server is read-only");
	if (server.packet < PACKET_HEAD + BATCH_MIN)
		return db_fail(db, DB_HOLD, 0,
		    "the server's max_allowed_packet is below 5120 bytes");
	return DB_OK;
}

static uint64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Calls a function of the server for the lock; more: its other arguments.
 *number: the result; -1: it is NULL. */
static enum db_class
db_ask_lock(struct db *db, const char *function, const char *more, long *number)
{
	char text[128];
	MYSQL_RES *answer;
	MYSQL_ROW row;

	*number = -1;
	snprintf(text, sizeof(text), "SELECT %s('%s'%s)", function,
	    db->options.lock, more);
	answer = db_ask(db, text);
	if (answer == NULL)
		return db->error.kind;
	row = mysql_fetch_row(answer);
	if (row != NULL && row[0] != NULL)
		*number = strtol(row[0], NULL, 10);
	mysql_free_result(answer);
	return DB_OK;
}

/* Ends the session that has the lock: it is our account's, or the server does
   not let us. */
static bool
db_end_holder(struct db *db)
{
	char statement[32];
	long id;

	db_ask_lock(db, "IS_USED_LOCK", "", &id);
	snprintf(statement, sizeof(statement), "KILL %ld", id);
	return id > 0 &&
	       db_query(db, "query", statement, strlen(statement)) == DB_OK;
}

/* Asks for the lock.  A server without such locks answers NULL or an error of
   its own: then there is none to wait for. */
static enum db_class
db_get_lock(struct db *db, bool *busy)
{
	long got;
	enum db_class kind = db_ask_lock(db, "GET_LOCK", ", 0", &got);

	*busy = got == 0;
	return kind == DB_HOLD ? DB_OK : kind;
}

/*
 * Takes the lock that options ask for.  After a firewall has dropped its
 * connection the server keeps the session that has it for wait_timeout, 8
 * hours, and its statement may wait for a row: so after read_timeout it is
 * ended.  If that fails, or it has the lock for as long again, we do without.
 */
static enum db_class
db_take_lock(struct db *db)
{
	const struct timespec pause = { 0, 100 * 1000 * 1000 };
	uint64_t now = monotonic_ms(), limit = db->options.read_timeout_ms;
	enum db_class kind;
	bool busy;

	if (!is_set(db->options.lock))
		return DB_OK;
	kind = db_get_lock(db, &busy);
	if (busy && db->lock_busy_ms == 0)
		db->lock_busy_ms = now;
	if (busy && now - db->lock_busy_ms >= limit) {
		/* It may end late, after a rollback. */
		if (db_end_holder(db))
			limit *= 2;
		nanosleep(&pause, NULL);
		kind = db_get_lock(db, &busy);
	}
	if (busy && now - db->lock_busy_ms < limit)
		return db_fail(db, DB_RECONNECT, 0,
		    "a statement of the previous connection may still be "
		    "running");
	if (kind == DB_OK)
		db->lock_busy_ms = 0;
	return kind;
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

static enum db_class
db_probe_table(struct db *db)
{
	char question[1024];
	struct column_signs signs;
	MYSQL_RES *answer;
	bool keyed;

	snprintf(question, sizeof(question),
	    "SELECT " BATCH_COLUMNS " FROM %s WHERE 1=0", db->table);
	answer = db_ask(db, question);
	if (answer == NULL)
		return db->error.kind;
	keyed = probe_columns(answer, &signs);
	mysql_free_result(answer);
	if (!keyed)
		return db_fail(db, DB_HOLD, 0,
		    "the table has no primary key "
		    "(modid, cmdid, ip, port, caller)");
	if (batch_open(&db->batch, db->options.table, db_capacity(db), signs) !=
	    0)
		return db_fail(db, DB_WAIT_ROOM, CR_OUT_OF_MEMORY,
		    "no memory for statements");
	return DB_OK;
}

enum db_class
db_connect(struct db *db)
{
	enum db_class kind;

	db_close(db);
	kind = db_open(db);
	if (kind == DB_OK)
		kind = db_probe_server(db);
	if (kind == DB_OK)
		kind = db_take_lock(db);
	if (kind == DB_OK)
		kind = db_probe_table(db);
	/* No row was sent yet, so none may be set aside, whatever the number.
	 */
	if (kind == DB_SPLIT || kind == DB_REFUSED)
		kind = db->error.kind = DB_HOLD;
	if (kind != DB_OK) {
		db_close(db);
		db_next_host(db);
		return kind;
	}
	/* Galera may roll a transaction back, and then MariaDB's bulk execution
	   returns OK all the same. */
	if (!db->options.text_only && !db->bulk_refused && !db->galera)
		db->bulk =
		    bulk_open(db->mysql, db->options.max_rows, db->packet);
	return DB_OK;
}

void
db_close(struct db *db)
{
	bulk_close(db->bulk);
	db->bulk = NULL;
	batch_close(&db->batch);
	if (db->mysql != NULL)
		mysql_close(db->mysql);
	db->mysql = NULL;
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
	    db->error.kind == DB_NEXT_HOST ? ", read-only" : "");
	report(arg, false, text);
}

/* Whether the account may delete rows: EXPLAIN requires the right, too.  Other
   errors, as of a server that is read-only, say nothing about it. */
static unsigned
db_probe_removal(struct db *db, db_report *report, void *arg)
{
	char text[1024];
	MYSQL_RES *answer;

	snprintf(text, sizeof(text), "EXPLAIN DELETE FROM %s WHERE modid=0",
	    db->table);
	answer = db_ask(db, text);
	mysql_free_result(answer);
	if (answer != NULL || db->error.number != ER_TABLEACCESS_DENIED_ERROR)
		return 0;
	snprintf(text, sizeof(text),
	    "table %s: the account may not delete; expected DELETE for "
	    "mysql.retention, as in grants.sql",
	    db->options.table);
	report(arg, true, text);
	return 1;
}

bool
db_probe(struct db *db, db_report *report, void *arg)
{
	enum db_class kind;

	db_close(db);
	db->error = (struct db_error){ .kind = DB_OK };
	kind = db_open(db);
	if (kind == DB_OK)
		kind = db_probe_server(db);
	/* A host that stands by takes no writes: that is no fault. */
	if (kind != DB_OK && kind != DB_NEXT_HOST)
		report(arg, true, db->error.text);
	else if (probe_table(db->mysql, db->options.table, report, arg) == 0 &&
		 (!db->options.removes ||
		     db_probe_removal(db, report, arg) == 0))
		db_report_found(db, report, arg);
	db_close(db);
	return kind == DB_NEXT_HOST;
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
	return db_query(db, "insert", text, length);
}

/* Sends them by bulk execution, or as text where that turns out not to be
   had. */
static enum db_class
db_upsert_bulk(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, size_t *sent)
{
	const char *text;
	unsigned number =
	    bulk_upsert(db->bulk, &db->batch, records, n, horizon, sent, &text);

	if (number == 0)
		return DB_OK;
	if (!bulk_unsupported(number))
		return db_fail_number(db, number, text);
	bulk_close(db->bulk);
	db->bulk = NULL;
	db->bulk_refused = true;
	return db_upsert_text(db, records, n, horizon, sent);
}

/* After a statement: closes a connection that is of no more use. */
static enum db_class
db_after(struct db *db, enum db_class kind)
{
	if (kind == DB_RECONNECT || kind == DB_NEXT_HOST)
		db_close(db);
	if (kind == DB_NEXT_HOST)
		db_next_host(db);
	return kind;
}

enum db_class
db_upsert(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, uint64_t *clamped, size_t *sent)
{
	enum db_class kind;

	*sent = 0;
	if (db->mysql == NULL)
		return db_fail(
		    db, DB_RECONNECT, CR_SERVER_GONE_ERROR, "not connected");
	if (n > db->options.max_rows)
		n = db->options.max_rows;
	db->batch.clamped = 0;
	if (db->bulk != NULL && n >= BULK_MIN)
		kind = db_upsert_bulk(db, records, n, horizon, sent);
	else
		kind = db_upsert_text(db, records, n, horizon, sent);
	if (kind == DB_OK)
		*clamped += db->batch.clamped;
	return db_after(db, kind);
}

/* ---------------------------------------------------- other statements ---- */

enum db_class
db_statement(
    struct db *db, const char *text, unsigned columns, struct answer *answer)
{
	enum db_class kind = db_query(db, "query", text, strlen(text));

	if (kind == DB_OK && columns == 0)
		*answer =
		    (struct answer){ .rows = mysql_affected_rows(db->mysql) };
	else if (kind == DB_OK && answer_read(db->mysql, columns, answer) != 0)
		kind = answer->fault == NULL
			   ? db_fail_mysql(db, 0)
			   : db_fail(db, DB_RECONNECT, CR_MALFORMED_PACKET,
				 answer->fault);
	return db_after(db, kind);
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
	db->table = batch_quote(options->table);
	if (db->table == NULL) {
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
	return db->name;
}

const struct db_error *
db_error(const struct db *db)
{
	return &db->error;
}
