/* SPDX-License-Identifier: MIT
 *
 * From settings to the options of a database connection.
 */
#include "config.h"

#include "conf/db_settings.h"

struct db_options
db_settings(const struct settings *s)
{
	return (struct db_options){
		.hosts = s->host.words,
		.port = (unsigned)s->port,
		.socket = s->socket,
		.user = s->mysql_user,
		.database = s->database,
		.table = s->table,
		.defaults_file = s->defaults_file,
		.ssl_ca = s->ssl_ca,
		.ssl_cert = s->ssl_cert,
		.ssl_key = s->ssl_key,
		.ssl_verify = (enum db_verify)s->ssl_verify,
		.server_public_key = s->server_public_key,
		.insecure_auth = s->insecure_auth,
		.connect_timeout_ms = (unsigned)s->connect_timeout,
		.read_timeout_ms = (unsigned)s->read_timeout,
		.keepalive_ms = (unsigned)s->keepalive,
		.max_rows = s->flush_rows < DB_ROWS_MAX ? (size_t)s->flush_rows
							: DB_ROWS_MAX,
		.text_only = s->bulk == BULK_OFF,
		.removes = s->retention > 0,
	};
}
