/* SPDX-License-Identifier: MIT
 *
 * The seam between the two client libraries, MySQL's libmysqlclient and
 * MariaDB's Connector/C.  Whatever only one of them offers is decided here,
 * when compiling, by what configure found.
 *
 * What is left to the libraries on purpose:
 * - my_bool (MariaDB) and bool (MySQL 8): flags are assigned, never declared
 *   here, so both fit.
 * - TLS: its options differ by name and by default.  Both libraries read them
 *   from defaults_file (ssl-ca, ssl-cert, ssl-key and their own switch to
 *   demand it), so reporter sets none.
 * - MYSQL_OPT_RECONNECT: off by default in both, and MySQL's library complains
 *   on standard error about anyone who sets it.
 */
#ifndef REPORTER_CLIENT_H
#define REPORTER_CLIENT_H

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <stdbool.h>

/* MariaDB's bulk execution: one prepared row, an array of values. */
#define CLIENT_BULK HAVE_DECL_STMT_ATTR_ARRAY_SIZE

#if CLIENT_BULK
/* client_has_bulk - whether the server at the other end takes it as well. */
static inline bool
client_has_bulk(MYSQL *mysql)
{
	unsigned long more = 0; /* it writes this type */

	return mariadb_get_infov(mysql,
		   MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
		   &more) == 0 &&
	       (more & (unsigned long)(MARIADB_CLIENT_STMT_BULK_OPERATIONS >>
				       32)) != 0;
}
#endif

#endif
