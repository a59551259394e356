/* SPDX-License-Identifier: MIT
 *
 * The options of a database connection, from the settings.
 */
#ifndef REPORTER_DB_SETTINGS_H
#define REPORTER_DB_SETTINGS_H

#include "conf/settings.h"
#include "sql/db.h"

/* Most rows of one statement, and so of one transaction, whatever flush_rows;
   the server's max_allowed_packet may allow fewer. */
#define DB_ROWS_MAX 10000

/* db_settings - the options of a connection, without password and session.  The
   strings stay those of the settings. */
struct db_options db_settings(const struct settings *s);

#endif
