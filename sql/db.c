/* SPDX-License-Identifier: MIT
 *
 * Owns the connection, the statement's buffer and the choice of the host.
 * autocommit is on, so that each statement is a transaction.  The table is
 * looked at when connecting, after each statement that it refused, and every
 * second: somebody may alter or replace it.
 */
#include "config.h"

#include "sql/db_state.h"

#include "sql/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a packet holds besides the statement, with some to spare. */
#define PACKET_HEAD 64

/* No row was sent, so none may be set aside, whatever the number. */
static enum db_class
db_without_row(struct db *db, enum db_class kind)
{
	if (dberror_divides(kind))
		kind = db->link.error.kind = DB_HOLD;
	return kind;
}

/* ------------------------------------------------------------- connect ---- */

static enum db_class
db_open(struct db *db)
{
	struct host host;

	if (!hosts_read(&db->hosts, &host))
		return link_fail(&db->link, DB_HOLD, 0, "invalid host name");
	enum db_class kind = login_open(&db->link, &db->options, &host);
	if (kind != DB_OK)
		return kind;
	db->open = true;
	/* The library follows the server, which may go elsewhere. */
	snprintf(db->database, sizeof(db->database), "%s",
	    db->link.mysql->db != NULL ? db->link.mysql->db : "");
	client_on_close(db->link.mysql, true);
	if (!host_is_local(&host))
		client_keepalive(
		    db->link.mysql, (int)(db->options.keepalive_ms / 1000));
	return DB_OK;
}

/* Bytes that a statement may have. */
static size_t
db_capacity(const struct db *db)
{
	const size_t capacity = BATCH_MIN + BULK_ROWS * BATCH_ROW_MAX;

	return capacity < db->session.packet - PACKET_HEAD
		   ? capacity
		   : db->session.packet - PACKET_HEAD;
}

static void
db_open_bulk(struct db *db)
{
	bulk_close(db->bulk);
	db->bulk = NULL;
	/* Galera may roll a transaction back, and then MariaDB's bulk execution
	   returns OK all the same. */
	if (!db->options.text_only && !db->bulk_refused && !db->session.galera)
		db->bulk = bulk_open(
		    db->link.mysql, db->options.max_rows, db->session.packet);
}

/* Looks at the table, as probe_table(), and notes how far the server's clock is
   ahead. */
static enum db_class
db_probe_table(struct db *db, struct shape *shape, db_report *report, void *arg)
{
	time_t before = time(NULL);
	enum db_class kind = probe_table(
	    &db->link, db->options.table, db->table, shape, report, arg);
	struct timespec after;

	/* time(2) may be a tick behind the clock that the server reads. */
	clock_gettime(CLOCK_REALTIME, &after);
	if (kind != DB_OK)
		return kind;
	db->ahead = 0;
	/* Invalid, or the server did not return it. */
	if (shape->clock == 0 || shape->clock > RECORD_TS_MAX)
		return kind;
	/* A second is rounding. */
	if (shape->clock > (uint64_t)after.tv_sec + 1)
		db->ahead = (int64_t)shape->clock - after.tv_sec;
	else if (shape->clock + 1 < (uint64_t)before)
		db->ahead = (int64_t)shape->clock - before;
	return kind;
}

enum db_class
db_look(struct db *db)
{
	struct shape shape;
	enum db_class kind = db_probe_table(db, &shape, NULL, NULL);

	db->changed = false;
	if (kind != DB_OK)
		return db_without_row(db, kind);
	db->changed = shape.mark != db->shape.mark;
	if (shape.galera && !db->session.galera) {
		db->session.galera = true;
		db_open_bulk(db);
	}
	db->shape = shape;
	db->batch.signs = shape.signs;
	db->looked_ms = clock_ms();
	if (*shape.fault != '\0')
		return link_fail(&db->link, DB_HOLD, 0, shape.fault);
	if (!db->changed)
		return DB_OK;
	db_open_bulk(db);
	if (!db->session.lax)
		return DB_OK;
	db->session.lax = false;
	return session_set(&db->link, &db->session);
}

/* Back to the database that we connected to: init_connect may have left it. */
static enum db_class
db_use(struct db *db)
{
	enum db_class kind = DB_OK;

	if (*db->database == '\0')
		return kind;
	deadline_begin(db->link.deadline, db->link.mysql, db->link.limit_ms);
	if (mysql_select_db(db->link.mysql, db->database) != 0)
		kind = link_fail_mysql(&db->link, 0);
	return link_in_time(&db->link, kind);
}

/* Sets up the session.  A node of a cluster without a quorum, or with
   wsrep_reject_queries, accepts the login and describes the table; only reading
   from the table fails. */
static enum db_class
db_enter(struct db *db)
{
	char text[1024];
	enum db_class kind = session_begin(&db->link);

	if (kind == DB_OK)
		kind = session_ask(&db->link, &db->session);
	if (kind == DB_OK && db->session.packet < PACKET_HEAD + BATCH_MIN)
		kind = link_fail(&db->link, DB_HOLD, 0,
		    "the server's max_allowed_packet is below 5120 bytes");
	if (kind == DB_OK)
		kind = session_set(&db->link, &db->session);
	if (kind == DB_OK)
		kind = db_use(db);
	if (kind != DB_OK || !db->session.galera)
		return kind;
	snprintf(text, sizeof(text), "SELECT modid FROM %s LIMIT 1", db->table);
	return link_ask(&db->link, text, 1, NULL);
}

/* The first look at the table, with one at the rights: while nothing is to be
   stored, no statement would find that they are missing. */
static enum db_class
db_look_first(struct db *db)
{
	enum db_class kind = db_look(db);

	if (kind != DB_OK)
		return kind;
	kind = probe_rights(&db->link, db->table);
	/* A proxy or a server that does not explain it may execute it; MySQL 9
	   answers without a result for a view. */
	if (db->link.error.number != ER_TABLEACCESS_DENIED_ERROR &&
	    db->link.error.number != ER_COLUMNACCESS_DENIED_ERROR &&
	    (kind != DB_RECONNECT ||
		db->link.error.number == CR_MALFORMED_PACKET))
		kind = DB_OK;
	return kind;
}

/* Sets up the session and takes the first look at the table. */
static enum db_class
db_begin(struct db *db)
{
	enum db_class kind = db_enter(db);

	if (kind == DB_OK && db->session.read_only &&
	    hosts_leave_read_only(&db->hosts))
		return link_fail(&db->link, DB_NEXT_HOST,
		    ER_OPTION_PREVENTS_STATEMENT, "the server is read-only");
	if (kind == DB_OK)
		kind = session_succeed(&db->link, &db->session);
	if (kind != DB_OK)
		return kind;
	memset(&db->shape, 0, sizeof(db->shape));
	db->locked_ms = 0;
	db->bulk_refused = db->loses = false;
	if (batch_open(&db->batch, db->options.table, db_capacity(db),
		db->shape.signs) != 0)
		return link_fail(&db->link, DB_WAIT_ROOM, CR_OUT_OF_MEMORY,
		    "no memory for statements");
	return db_look_first(db);
}

/* lost: the connection failed, and a statement may still run at the server. */
static void
db_end(struct db *db, bool lost)
{
	session_closed(&db->session, lost);
	if (!lost && db->open)
		client_on_close(db->link.mysql, false);
	db->open = false;
	deadline_forget(db->link.deadline, lost);
	bulk_close(db->bulk);
	db->bulk = NULL;
	batch_close(&db->batch);
	if (db->link.mysql != NULL)
		mysql_close(db->link.mysql);
	db->link.mysql = NULL;
}

enum db_class
db_connect(struct db *db)
{
	db_close(db);
	enum db_class kind = db_open(db);
	if (kind == DB_OK)
		kind = db_begin(db);
	kind = db_without_row(db, kind);
	if (kind == DB_OK) {
		db->hosts.failed = 0;
		return kind;
	}
	/* It is this host's session that is being ended. */
	if (!db->session.ending) {
		hosts_left(&db->hosts);
		db->hosts.failed++;
		hosts_next(&db->hosts);
	}
	db_end(db, kind == DB_RECONNECT);
	return kind;
}

enum db_class
db_after(struct db *db, enum db_class kind)
{
	if (kind == DB_RECONNECT || kind == DB_NEXT_HOST) {
		db_end(db, kind == DB_RECONNECT);
		hosts_left(&db->hosts);
	}
	if (kind == DB_NEXT_HOST)
		hosts_next(&db->hosts);
	return kind;
}

void
db_close(struct db *db)
{
	db_end(db, false);
}

bool
db_ask_earlier(struct db *db)
{
	return db_connected(db) &&
	       hosts_ask(&db->hosts, db->options.connect_timeout_ms);
}

/* The flush waits for this login: milliseconds. */
#define RETURN_MS 1000

bool
db_return(struct db *db)
{
	struct db_options options = db->options;
	bool well, answers;

	options.hosts = (char *[]){ options.hosts[db->hosts.asked], NULL };
	/* These belong to the connection in use. */
	options.session = options.session_mark = NULL;
	if (options.connect_timeout_ms > RETURN_MS)
		options.connect_timeout_ms = RETURN_MS;
	options.read_timeout_ms = options.connect_timeout_ms;
	struct db *other = db_new(&options);
	well = other != NULL && db_open(other) == DB_OK &&
	       db_enter(other) == DB_OK && !other->session.read_only &&
	       db_look(other) == DB_OK;
	answers =
	    well || (other != NULL && db_error(other)->kind != DB_RECONNECT);
	db_free(other);
	if (!hosts_note(&db->hosts, well, answers))
		return false;
	db_close(db);
	return true;
}

/* Reports what was found at the other end, if it has no fault. */
static void
db_report_found(struct db *db, db_report *report, void *arg)
{
	const char *cipher = mysql_get_ssl_cipher(db->link.mysql);
	char text[512];

	snprintf(text, sizeof(text),
	    "%s, %s, table %s OK, max_allowed_packet %zu%s",
	    mysql_get_server_info(db->link.mysql),
	    cipher != NULL ? cipher : "no TLS", db->options.table,
	    db->session.packet, db->session.read_only ? ", read-only" : "");
	report(arg, false, text);
}

/* Whether the account may delete rows: EXPLAIN requires the right, too.  Other
   errors, as of a server that is read-only, say nothing about it. */
static unsigned
db_probe_removal(struct db *db, db_report *report, void *arg)
{
	char text[1024];

	snprintf(text, sizeof(text), "EXPLAIN DELETE FROM %s WHERE modid=0",
	    db->table);
	if (link_ask(&db->link, text, 1, NULL) == DB_OK ||
	    db->link.error.number != ER_TABLEACCESS_DENIED_ERROR)
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
	struct shape shape;
	enum db_class kind;

	db_close(db);
	db->link.error = (struct db_error){ .kind = DB_OK };
	db->session.read_only = false;
	kind = db_open(db);
	if (kind == DB_OK)
		kind = db_enter(db);
	if (kind != DB_OK)
		report(arg, true, db->link.error.text);
	else if (db_probe_table(db, &shape, report, arg) == DB_OK &&
		 shape.faults == 0 &&
		 (!db->options.removes ||
		     db_probe_removal(db, report, arg) == 0))
		db_report_found(db, report, arg);
	db_close(db);
	/* A host that stands by takes no writes: that is no fault. */
	return kind == DB_OK && db->session.read_only;
}

/* ------------------------------------------------------------- the rest --- */

struct db *
db_new(const struct db_options *options)
{
	struct db *db;

	/* Called again it does nothing. */
	if (mysql_library_init(0, NULL, NULL) != 0 ||
	    (db = calloc(1, sizeof(*db))) == NULL)
		return NULL;
	db->options = *options;
	db->link.limit_ms = options->read_timeout_ms;
	db->hosts = (struct hosts){ .words = options->hosts,
		.socket = options->socket,
		.port = options->port };
	db->session.id =
	    options->session != NULL ? options->session : &db->words[0];
	db->session.mark = options->session_mark != NULL ? options->session_mark
							 : &db->words[1];
	db->table = batch_quote(options->table);
	db->link.deadline = db->table != NULL ? deadline_new() : NULL;
	if (db->link.deadline == NULL) {
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
	if (db->hosts.fd > 0)
		close(db->hosts.fd);
	deadline_free(db->link.deadline);
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
	return db->link.mysql != NULL;
}

void
db_look_after(struct db *db)
{
	if (db_connected(db) && !client_is_silent(db->link.mysql))
		db_end(db, true);
}

const char *
db_host(const struct db *db)
{
	return db->hosts.name;
}

int64_t
db_clock_ahead(const struct db *db)
{
	return db->ahead;
}

const struct db_error *
db_error(const struct db *db)
{
	return &db->link.error;
}
