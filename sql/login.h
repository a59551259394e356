/* SPDX-License-Identifier: MIT
 *
 * Connecting to one host: all that the client library must know before.
 */
#pragma once

#include "sql/client.h"
#include "sql/db.h"
#include "sql/host.h"
#include "sql/link.h"

static inline bool
is_set(const char *text)
{
	return text != NULL && *text != 0;
}

static inline const char *
or_null(const char *text)
{
	return is_set(text) ? text : NULL;
}

/* login_unsupported - why the client library does not support the value of
   mysql.ssl_verify; NULL: it does. */
const char *login_unsupported(const struct db_options *options);

/* login_new - a connection object that knows time limits, files and TLS, not
   yet connected.  NULL: no memory. */
MYSQL *login_new(const struct db_options *options, const struct host *host);

/* login_connect - connect it.  Returns whether it is; else mysql_errno() and
   mysql_error() have the reason. */
bool login_connect(
    MYSQL *mysql, const struct db_options *options, const struct host *host);

/* login_open - make link->mysql and connect it, with a limit on the handshake;
   link->deadline keeps the limits of what follows.  Files of the options that
   cannot be read are an error: the client library would pass over some of them
   without a word, and wait forever for the writer of a pipe.
   Returns DB_OK, or the class of link->error. */
enum db_class login_open(struct link *link, const struct db_options *options,
    const struct host *host);

/* login_read_fault - why this process cannot read a file of the options, or
   NULL. */
const char *login_read_fault(const char *path);
