/* SPDX-License-Identifier: MIT
 *
 * The close look at a table, for the check of a configuration: its columns,
 * their types, its keys, the account's rights.  Part of db.c's side of things.
 */
#ifndef REPORTER_PROBE_H
#define REPORTER_PROBE_H

#include "sql/client.h"
#include "sql/db.h"

/*
 * probe_table - say all that is wrong with the table (a name, or
 * database.table) as this connection's account sees it.  Nothing is written.
 * Returns how many faults were said.
 */
unsigned probe_table(MYSQL *mysql, const char *table, db_say *say, void *arg);

#endif
