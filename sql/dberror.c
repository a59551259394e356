/* SPDX-License-Identifier: MIT
 *
 * A name is used where both client libraries have it, a number elsewhere:
 * t/mysql lists the names that MySQL's library lacks.
 */
#include "config.h"

#include "sql/dberror.h"

#include "sql/client.h"

#include <stddef.h>
#include <string.h>

#define NUMBERS 40 /* of one class, at most; unused ones are 0 */

static const struct {
	enum db_class kind;
	unsigned numbers[NUMBERS];
} errors[] = {
	/* The statement lost against another, or the cluster is not ready. */
	{ DB_RETRY,
	    { ER_CHECKREAD, ER_ERROR_DURING_COMMIT, ER_LOCK_DEADLOCK,
		ER_QUERY_INTERRUPTED, ER_NEED_REPREPARE,
		1243, /* by a proxy: prepared on another server */
		3101, /* MySQL: rolled back by group replication */
		3168, /* Vitess: server not available */
		/* TiDB: write conflicts, a commit that failed, a table altered
		   meanwhile, a lock not resolved in time, no region. */
		8002, 8005, 9007, 8022, 8028, 9004, 9005 } },
	/* The connection is lost, or was never made. */
	{ DB_RECONNECT,
	    { ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_HOST_IS_BLOCKED,
		ER_NET_PACKETS_OUT_OF_ORDER, ER_NET_READ_ERROR,
		ER_NET_READ_INTERRUPTED, ER_NET_ERROR_ON_WRITE,
		ER_NET_WRITE_INTERRUPTED, ER_NEW_ABORTING_CONNECTION,
		ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED,
		CR_SOCKET_CREATE_ERROR, CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR,
		CR_UNKNOWN_HOST, CR_SERVER_GONE_ERROR, CR_SERVER_HANDSHAKE_ERR,
		CR_SERVER_LOST, CR_COMMANDS_OUT_OF_SYNC, CR_MALFORMED_PACKET,
		CR_SERVER_LOST_EXTENDED,
		/* MariaDB, MySQL: the session was killed; MySQL: closed after a
		   long silence; Connector/C: read error, write error. */
		1927, 3169, 4031, 5013, 5014,
		/* ProxySQL: the connection is tied to another group of
		   servers; TiDB: the transaction took longer than old versions
		   are kept. */
		9006 } },
	/* This host does not take writes; another may. */
	{ DB_NEXT_HOST,
	    { ER_OPEN_AS_READONLY, ER_UNKNOWN_COM_ERROR /* Galera: no member */,
		ER_OPTION_PREVENTS_STATEMENT,
		ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE,
		3032, /* MySQL: offline_mode */
		8027, /* TiDB: this server's schema is outdated */
		/* TiDB: PD, or TiKV, does not respond; ProxySQL: no server. */
		9001, 9002 } },
	/* Memory, disk, or TiKV is full or busy. */
	{ DB_WAIT_ROOM,
	    { 3, 1021, 1026, ER_OUTOFMEMORY, ER_OUT_OF_RESOURCES,
		ER_RECORD_FILE_FULL, CR_OUT_OF_MEMORY, 9003, 9008 } },
	/* Fewer rows may pass; of a lock, perhaps not one. */
	{ DB_SPLIT,
	    { ER_NET_PACKET_TOO_LARGE, ER_TRANS_CACHE_FULL,
		ER_LOCK_WAIT_TIMEOUT, ER_LOCK_TABLE_FULL, ER_STMT_CACHE_FULL,
		CR_NET_PACKET_TOO_LARGE, 1969, /* MariaDB: max_statement_time */
		3024, 3100, /* MySQL: max_execution_time, group replication */
		/* TiDB: size of a transaction, tidb_mem_quota_query, quota of
		   the resource group. */
		8004, 9500, 8175, 8252 } },
	/* A row that this table will never take, whatever it takes else. */
	{ DB_REFUSED,
	    { ER_BAD_NULL_ERROR, ER_DUP_ENTRY, ER_WARN_DATA_OUT_OF_RANGE,
		WARN_DATA_TRUNCATED, ER_TRUNCATED_WRONG_VALUE,
		ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_VIEW_CHECK_FAILED,
		ER_DATA_TOO_LONG, ER_CANT_CREATE_GEOMETRY_OBJECT,
		ER_NO_REFERENCED_ROW_2, ER_NO_PARTITION_FOR_GIVEN_VALUE,
		ER_SIGNAL_EXCEPTION /* raised by a trigger */,
		ER_DATA_OUT_OF_RANGE, 3140, /* MySQL: invalid JSON */
		3819, 4025 /* MySQL, MariaDB: a CHECK constraint */ } },
	/* For a person to fix: it concerns every row. */
	{ DB_HOLD,
	    { ER_CANT_OPEN_FILE, ER_NOT_KEYFILE, ER_DBACCESS_DENIED_ERROR,
		ER_ACCESS_DENIED_ERROR, ER_NO_DB_ERROR, ER_BAD_DB_ERROR,
		ER_BAD_FIELD_ERROR, ER_PARSE_ERROR, ER_WRONG_VALUE_COUNT_ON_ROW,
		ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
		ER_NO_SUCH_TABLE, ER_CRASHED_ON_USAGE, ER_CRASHED_ON_REPAIR,
		ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_SP_DOES_NOT_EXIST,
		ER_NON_UPDATABLE_TABLE, ER_NONUPDATEABLE_COLUMN,
		ER_VIEW_INVALID, ER_NO_DEFAULT_FOR_FIELD,
		ER_PROCACCESS_DENIED_ERROR,
		ER_CANT_UPDATE_USED_TABLE_IN_SF_OR_TRG, ER_NO_SUCH_USER,
		ER_NON_INSERTABLE_TABLE, ER_ACCESS_DENIED_NO_PASSWORD_ERROR,
		ER_TABLESPACE_DISCARDED, ER_MUST_CHANGE_PASSWORD,
		CR_CANT_READ_CHARSET, CR_SSL_CONNECTION_ERROR,
		CR_AUTH_PLUGIN_CANNOT_LOAD, CLIENT_AUTH_REFUSED,
		2049,       /* the password's old hash is refused */
		2054,       /* a protocol or plugin that the library lacks */
		2061,       /* MySQL: the authentication plugin failed */
		1906, 3105, /* MariaDB, MySQL: a generated column */
		1932 /* MariaDB: the engine has lost the table */ } },
};

/* Galera, Vitess and ProxySQL use these numbers for several errors: a part of
   the text identifies the error. */
static const struct {
	unsigned number;
	enum db_class kind;
	const char *part;
} texts[] = {
	/* wsrep_max_ws_size and wsrep_max_ws_rows. */
	{ 1105, DB_SPLIT, "Maximum writeset size exceeded" },
	{ 1180, DB_SPLIT, "wsrep_max_ws_rows exceeded" },
	{ 1180, DB_SPLIT, "Got error 90 " }, /* EMSGSIZE */
	/* Galera: the node has lost the primary component.  Before MariaDB
	   10.4 the number is that of the system (ENOTCONN, ECONNABORTED). */
	{ 1180, DB_NEXT_HOST, "Got error 6 " },
	{ 1180, DB_NEXT_HOST, "Got error 103 " },
	{ 1180, DB_NEXT_HOST, "Got error 107 " },
	{ 1105, DB_NEXT_HOST, "primary component" },
	{ 1180, DB_NEXT_HOST, "primary component" },
	{ 1105, DB_NEXT_HOST, "WSREP has not yet prepared node" },
	/* Vitess: a shard changes its primary, or is being split. */
	{ 1105, DB_RETRY, "primary is not " },
	{ 1105, DB_RETRY, "reparent" },
	{ 1105, DB_RETRY, "being resharded" },
	{ 1105, DB_RETRY, "no healthy tablet" },
	{ 1105, DB_RETRY, "code = Unavailable" },
	{ 1105, DB_RETRY, "code = ClusterEvent" },
	/* ProxySQL, where TiDB's region is unavailable: see 9006. */
	{ 9005, DB_RECONNECT, "while locked on HG" },
};

enum db_class
dberror_class(unsigned number, const char *text)
{
	if (number == 0)
		return DB_OK;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].number == number &&
		    strstr(text, texts[i].part) != NULL)
			return texts[i].kind;
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		for (size_t k = 0; k < NUMBERS; k++)
			if (errors[i].numbers[k] == number)
				return errors[i].kind;
	}
	/* The client library knows nothing of rows. */
	return dberror_is_client(number) ? DB_RECONNECT : DB_UNLISTED;
}

const char *
db_class_name(enum db_class kind)
{
	static const char *const names[DB_CLASSES] = {
		[DB_OK] = "ok",
		[DB_RETRY] = "retry",
		[DB_RECONNECT] = "reconnect",
		[DB_NEXT_HOST] = "next_host",
		[DB_WAIT_ROOM] = "wait_room",
		[DB_SPLIT] = "split",
		[DB_REFUSED] = "refused",
		[DB_UNLISTED] = "unlisted",
		[DB_HOLD] = "hold",
	};

	return NAME_OF(names, kind);
}
