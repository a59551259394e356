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

static const struct {
	unsigned number;
	enum db_class kind;
} errors[] = {
	/* The statement lost against another, or the cluster is not ready. */
	{ ER_CHECKREAD, DB_RETRY }, /* 1020, snapshot isolation of MariaDB */
	{ ER_ERROR_DURING_COMMIT, DB_RETRY }, /* 1180 */
	{ ER_LOCK_DEADLOCK, DB_RETRY },       /* 1213 */
	{ ER_QUERY_INTERRUPTED, DB_RETRY },   /* 1317 */
	{ 1243, DB_RETRY }, /* by a proxy: prepared on another server */
	{ ER_NEED_REPREPARE, DB_RETRY }, /* 1615 */
	{ 3101, DB_RETRY }, /* MySQL: rolled back by group replication */
	{ 3168, DB_RETRY }, /* Vitess: server not available */
	{ 8002, DB_RETRY }, /* TiDB: write conflict, SELECT FOR UPDATE */
	{ 8005, DB_RETRY }, /* TiDB: write conflict */
	{ 8022, DB_RETRY }, /* TiDB: the commit failed, try again */
	{ 8028, DB_RETRY }, /* TiDB: the table was altered meanwhile */
	{ 9004, DB_RETRY }, /* TiDB: a lock could not be resolved in time */
	{ 9005, DB_RETRY }, /* TiDB: region unavailable */
	{ 9007, DB_RETRY }, /* TiDB: write conflict */

	/* The connection is lost, or was never made. */
	{ ER_CON_COUNT_ERROR, DB_RECONNECT },           /* 1040 */
	{ ER_SERVER_SHUTDOWN, DB_RECONNECT },           /* 1053 */
	{ ER_HOST_IS_BLOCKED, DB_RECONNECT },           /* 1129 */
	{ ER_NET_PACKETS_OUT_OF_ORDER, DB_RECONNECT },  /* 1156 */
	{ ER_NET_READ_ERROR, DB_RECONNECT },            /* 1158 */
	{ ER_NET_READ_INTERRUPTED, DB_RECONNECT },      /* 1159 */
	{ ER_NET_ERROR_ON_WRITE, DB_RECONNECT },        /* 1160 */
	{ ER_NET_WRITE_INTERRUPTED, DB_RECONNECT },     /* 1161 */
	{ ER_NEW_ABORTING_CONNECTION, DB_RECONNECT },   /* 1184 */
	{ ER_TOO_MANY_USER_CONNECTIONS, DB_RECONNECT }, /* 1203 */
	{ ER_USER_LIMIT_REACHED, DB_RECONNECT },        /* 1226 */
	{ 1927, DB_RECONNECT }, /* MariaDB: the connection was killed */
	{ CR_SOCKET_CREATE_ERROR, DB_RECONNECT },  /* 2001 */
	{ CR_CONNECTION_ERROR, DB_RECONNECT },     /* 2002 */
	{ CR_CONN_HOST_ERROR, DB_RECONNECT },      /* 2003 */
	{ CR_UNKNOWN_HOST, DB_RECONNECT },         /* 2005 */
	{ CR_SERVER_GONE_ERROR, DB_RECONNECT },    /* 2006 */
	{ CR_SERVER_HANDSHAKE_ERR, DB_RECONNECT }, /* 2012 */
	{ CR_SERVER_LOST, DB_RECONNECT },          /* 2013 */
	{ CR_COMMANDS_OUT_OF_SYNC, DB_RECONNECT }, /* 2014 */
	{ CR_MALFORMED_PACKET, DB_RECONNECT },     /* 2027 */
	{ CR_SERVER_LOST_EXTENDED, DB_RECONNECT }, /* 2055 */
	{ 3169, DB_RECONNECT }, /* MySQL: the session was killed */
	{ 4031, DB_RECONNECT }, /* MySQL: closed after a long silence */
	{ 5013, DB_RECONNECT }, /* Connector/C: read error */
	{ 5014, DB_RECONNECT }, /* Connector/C: write error */
	/* ProxySQL: the connection is tied to another group of servers; TiDB:
	   the transaction took longer than old versions are kept. */
	{ 9006, DB_RECONNECT },

	/* This host does not take writes; another may. */
	{ ER_OPEN_AS_READONLY, DB_NEXT_HOST },  /* 1036 */
	{ ER_UNKNOWN_COM_ERROR, DB_NEXT_HOST }, /* 1047, Galera: no member */
	{ ER_OPTION_PREVENTS_STATEMENT, DB_NEXT_HOST },             /* 1290 */
	{ ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, DB_NEXT_HOST }, /* 1792 */
	{ ER_READ_ONLY_MODE, DB_NEXT_HOST },                        /* 1836 */
	{ 3032, DB_NEXT_HOST }, /* MySQL: offline_mode */
	{ 8027, DB_NEXT_HOST }, /* TiDB: this server's schema is outdated */
	/* TiDB: PD, or TiKV, does not respond; ProxySQL: no server does. */
	{ 9001, DB_NEXT_HOST }, { 9002, DB_NEXT_HOST },

	{ 3, DB_WAIT_ROOM },                   /* error writing file */
	{ 1021, DB_WAIT_ROOM },                /* disk full */
	{ 1026, DB_WAIT_ROOM },                /* error writing file */
	{ ER_OUTOFMEMORY, DB_WAIT_ROOM },      /* 1037 */
	{ ER_OUT_OF_RESOURCES, DB_WAIT_ROOM }, /* 1041 */
	{ ER_RECORD_FILE_FULL, DB_WAIT_ROOM }, /* 1114 */
	{ CR_OUT_OF_MEMORY, DB_WAIT_ROOM },    /* 2008 */
	{ 9003, DB_WAIT_ROOM },                /* TiDB: TiKV is busy */
	{ 9008, DB_WAIT_ROOM }, /* TiDB: too many connections to TiKV */

	/* Fewer rows may pass. */
	{ ER_NET_PACKET_TOO_LARGE, DB_SPLIT }, /* 1153 */
	{ ER_TRANS_CACHE_FULL, DB_SPLIT },     /* 1197 */
	{ ER_LOCK_WAIT_TIMEOUT, DB_SPLIT },    /* 1205, perhaps of one row */
	{ ER_LOCK_TABLE_FULL, DB_SPLIT },      /* 1206 */
	{ ER_STMT_CACHE_FULL, DB_SPLIT },      /* 1705 */
	{ 1969, DB_SPLIT },                    /* MariaDB: max_statement_time */
	{ CR_NET_PACKET_TOO_LARGE, DB_SPLIT }, /* 2020 */
	{ 3024, DB_SPLIT },                    /* MySQL: max_execution_time */
	{ 3100, DB_SPLIT }, /* MySQL: too large for group replication */
	{ 8004, DB_SPLIT }, /* TiDB: the transaction is too large */
	{ 8175, DB_SPLIT }, /* TiDB: tidb_mem_quota_query */
	{ 8252, DB_SPLIT }, /* TiDB: quota of the resource group */
	{ 9500, DB_SPLIT }, /* TiDB: the transaction is too large */

	/* A row that this table will never take, whatever it takes else. */
	{ ER_BAD_NULL_ERROR, DB_REFUSED },                  /* 1048 */
	{ ER_DUP_ENTRY, DB_REFUSED },                       /* 1062 */
	{ ER_WARN_DATA_OUT_OF_RANGE, DB_REFUSED },          /* 1264 */
	{ WARN_DATA_TRUNCATED, DB_REFUSED },                /* 1265 */
	{ ER_TRUNCATED_WRONG_VALUE, DB_REFUSED },           /* 1292 */
	{ ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, DB_REFUSED }, /* 1366 */
	{ ER_VIEW_CHECK_FAILED, DB_REFUSED },               /* 1369 */
	{ ER_DATA_TOO_LONG, DB_REFUSED },                   /* 1406 */
	{ ER_CANT_CREATE_GEOMETRY_OBJECT, DB_REFUSED },     /* 1416 */
	{ ER_NO_REFERENCED_ROW_2, DB_REFUSED },             /* 1452 */
	{ ER_NO_PARTITION_FOR_GIVEN_VALUE, DB_REFUSED },    /* 1526 */
	{ ER_SIGNAL_EXCEPTION, DB_REFUSED },  /* 1644, raised by a trigger */
	{ ER_DATA_OUT_OF_RANGE, DB_REFUSED }, /* 1690 */
	{ 3140, DB_REFUSED },                 /* MySQL: invalid JSON */
	{ 3819, DB_REFUSED },                 /* MySQL: a CHECK constraint */
	{ 4025, DB_REFUSED },                 /* MariaDB: a CHECK constraint */

	/* For a person to fix: it concerns every row. */
	{ ER_CANT_OPEN_FILE, DB_HOLD },                      /* 1016 */
	{ ER_NOT_KEYFILE, DB_HOLD },                         /* 1034 */
	{ ER_DBACCESS_DENIED_ERROR, DB_HOLD },               /* 1044 */
	{ ER_ACCESS_DENIED_ERROR, DB_HOLD },                 /* 1045 */
	{ ER_NO_DB_ERROR, DB_HOLD },                         /* 1046 */
	{ ER_BAD_DB_ERROR, DB_HOLD },                        /* 1049 */
	{ ER_BAD_FIELD_ERROR, DB_HOLD },                     /* 1054 */
	{ ER_PARSE_ERROR, DB_HOLD },                         /* 1064 */
	{ ER_WRONG_VALUE_COUNT_ON_ROW, DB_HOLD },            /* 1136 */
	{ ER_TABLEACCESS_DENIED_ERROR, DB_HOLD },            /* 1142 */
	{ ER_COLUMNACCESS_DENIED_ERROR, DB_HOLD },           /* 1143 */
	{ ER_NO_SUCH_TABLE, DB_HOLD },                       /* 1146 */
	{ ER_CRASHED_ON_USAGE, DB_HOLD },                    /* 1194 */
	{ ER_CRASHED_ON_REPAIR, DB_HOLD },                   /* 1195 */
	{ ER_SPECIFIC_ACCESS_DENIED_ERROR, DB_HOLD },        /* 1227 */
	{ ER_SP_DOES_NOT_EXIST, DB_HOLD },                   /* 1305 */
	{ ER_NON_UPDATABLE_TABLE, DB_HOLD },                 /* 1288 */
	{ ER_NONUPDATEABLE_COLUMN, DB_HOLD },                /* 1348 */
	{ ER_VIEW_INVALID, DB_HOLD },                        /* 1356 */
	{ ER_NO_DEFAULT_FOR_FIELD, DB_HOLD },                /* 1364 */
	{ ER_PROCACCESS_DENIED_ERROR, DB_HOLD },             /* 1370 */
	{ ER_CANT_UPDATE_USED_TABLE_IN_SF_OR_TRG, DB_HOLD }, /* 1442 */
	{ ER_NO_SUCH_USER, DB_HOLD },                        /* 1449 */
	{ ER_NON_INSERTABLE_TABLE, DB_HOLD },                /* 1471 */
	{ ER_ACCESS_DENIED_NO_PASSWORD_ERROR, DB_HOLD },     /* 1698 */
	{ ER_TABLESPACE_DISCARDED, DB_HOLD },                /* 1814 */
	{ CR_CANT_READ_CHARSET, DB_HOLD },                   /* 2019 */
	{ CR_SSL_CONNECTION_ERROR, DB_HOLD },                /* 2026 */
	{ CR_AUTH_PLUGIN_CANNOT_LOAD, DB_HOLD },             /* 2059 */
	{ 2049, DB_HOLD }, /* the password's old hash is refused */
	{ 2054, DB_HOLD }, /* a protocol or plugin that the library lacks */
	{ 2061, DB_HOLD }, /* MySQL: the authentication plugin failed */
	{ CLIENT_AUTH_REFUSED, DB_HOLD },     /* 5010 */
	{ 1906, DB_HOLD },                    /* MariaDB: a generated column */
	{ 3105, DB_HOLD },                    /* MySQL: likewise */
	{ ER_MUST_CHANGE_PASSWORD, DB_HOLD }, /* 1820 */
	{ 1932, DB_HOLD }, /* MariaDB: the engine has lost the table */
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
		if (errors[i].number == number)
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
