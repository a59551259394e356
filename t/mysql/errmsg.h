/* SPDX-License-Identifier: MIT
 *
 * <errmsg.h> as MySQL's client library has it: without the names that only
 * MariaDB's library has, and those that MySQL has removed.  For
 * t/libsqlmysql.a. To make the list, which is of MySQL 9.7:
 *
 *     names() { grep -oE '^ *#define [A-Z][A-Z_0-9]+ ' "$1" | sort -u; }
 *     comm -23 <(names MARIADB/errmsg.h) <(names MYSQL/errmsg.h)
 */
#include_next <errmsg.h>

#undef CER_MAX_ERROR
#undef CER_MIN_ERROR
#undef CR_ASYNC_NOT_SUPPORTED
#undef CR_BIND_ADDR_FAILED
#undef CR_BINLOG_ERROR
#undef CR_BINLOG_INVALID_FILE
#undef CR_BINLOG_SEMI_SYNC_ERROR
#undef CR_BULK_WITHOUT_PARAMETERS
#undef CR_CONNSTR_PARSE_ERROR
#undef CR_CONN_UNKNOWN_PROTOCOL
#undef CR_ERR_BINLOG_UNCOMPRESS
#undef CR_ERR_CHECKSUM_VERIFICATION_ERROR
#undef CR_ERR_LOAD_PLUGIN
#undef CR_ERR_MISSING_ERROR_INFO
#undef CR_ERR_NET_READ
#undef CR_ERR_NET_UNCOMPRESS
#undef CR_ERR_NET_WRITE
#undef CR_ERR_STMT_PARAM_CALLBACK
#undef CR_ERR_UNSUPPORTED_BINLOG_FORMAT
#undef CR_EVENT_CREATE_FAILED
#undef CR_FILE_NOT_FOUND
#undef CR_FILE_READ
#undef CR_FUNCTION_NOT_SUPPORTED
#undef CR_INVALID_CLIENT_FLAG
#undef CR_INVALID_PARAMETER
#undef CR_INVALID_STMT
#undef CR_MARIADB_LAST_ERROR
#undef CR_MYSQL_LAST_ERROR
#undef CR_PLUGIN_NOT_ALLOWED
#undef CR_SECURE_AUTH
#undef CR_SHARED_MEMORY_CONNECT_ERROR
#undef CR_UNKNOWN_BINLOG_EVENT
#undef CR_VERSION_MISMATCH
#undef ER_UNKNOWN_ERROR_CODE
