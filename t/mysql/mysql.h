/* SPDX-License-Identifier: MIT
 *
 * Approximates MySQL's <mysql.h>: its options for TLS, and none of the names of
 * MariaDB's library that code might use by accident.  For t/libsqlmysql.a.
 */
#include_next <mysql.h>

#if !HAVE_DECL_MYSQL_OPT_SSL_MODE
#define MYSQL_OPT_SSL_MODE ((enum mysql_option)42)
#define MYSQL_OPT_GET_SERVER_PUBLIC_KEY ((enum mysql_option)43)
#define SSL_MODE_DISABLED 1
#define SSL_MODE_REQUIRED 3
#define SSL_MODE_VERIFY_CA 4
#define SSL_MODE_VERIFY_IDENTITY 5
#endif
#undef HAVE_DECL_MYSQL_OPT_SSL_MODE
#define HAVE_DECL_MYSQL_OPT_SSL_MODE 1
#undef HAVE_DECL_MARIADB_OPT_RESTRICTED_AUTH
#define HAVE_DECL_MARIADB_OPT_RESTRICTED_AUTH 0
#undef HAVE_DECL_STMT_ATTR_ARRAY_SIZE
#define HAVE_DECL_STMT_ATTR_ARRAY_SIZE 0

/* gcc warns of a macro that is poisoned. */
#undef MYSQL_CHARSET
#undef mariadb_connect
#undef MARIADB_CLIENT_STMT_BULK_OPERATIONS
#pragma GCC poison my_bool MARIADB_CHARSET_INFO
#pragma GCC poison mysql_get_socket mysql_get_timeout_value
#pragma GCC poison mysql_get_timeout_value_ms mysql_optionsv mysql_get_optionv
#pragma GCC poison mysql_get_server_name mysql_stmt_warning_count
#pragma GCC poison mariadb_reconnect mariadb_cancel
#pragma GCC poison mariadb_connection mariadb_get_info mariadb_get_infov
#pragma GCC poison mariadb_field_attr mariadb_stmt_execute_direct
#pragma GCC poison mariadb_stmt_fetch_fields
#pragma GCC poison STMT_ATTR_ARRAY_SIZE STMT_ATTR_ROW_SIZE STMT_ATTR_STATE
#pragma GCC poison STMT_ATTR_PREBIND_PARAMS STMT_ATTR_CB_PARAM
#pragma GCC poison STMT_INDICATOR_NONE STMT_INDICATOR_NTS STMT_INDICATOR_NULL
#pragma GCC poison MYSQL_OPT_SSL_ENFORCE MYSQL_OPT_SSL_VERIFY_SERVER_CERT
#pragma GCC poison MYSQL_OPT_NONBLOCK MYSQL_OPT_CONNECT_ATTRS
#pragma GCC poison MARIADB_OPT_HOST MARIADB_OPT_USER MARIADB_OPT_PASSWORD
#pragma GCC poison MARIADB_OPT_PORT MARIADB_OPT_SCHEMA MARIADB_OPT_UNIXSOCKET
#pragma GCC poison MARIADB_OPT_SSL_FP MARIADB_OPT_TLS_PEER_FP
#pragma GCC poison MARIADB_OPT_TLS_VERSION MARIADB_OPT_TLS_PASSPHRASE
#pragma GCC poison MARIADB_OPT_CONNECTION_READ_ONLY
#pragma GCC poison MARIADB_OPT_RESTRICTED_AUTH MARIADB_OPT_STATUS_CALLBACK
