/* SPDX-License-Identifier: MIT
 *
 * Inspecting a server and its table: what each connection must know, and the
 * thorough check of a configuration.
 */
#ifndef REPORTER_PROBE_H
#define REPORTER_PROBE_H

#include "sql/batch.h"
#include "sql/client.h"
#include "sql/db.h"

/* The question about the server.  SHOW leaves out variables that a server
   does not know, where SELECT would fail. */
#define PROBE_SERVER \
	"SHOW VARIABLES WHERE Variable_name IN " \
	"('max_allowed_packet','read_only','innodb_read_only','wsrep_on')"

struct probe_server {
	size_t packet;  /* max_allowed_packet, bytes; 0: unknown */
	bool read_only; /* it takes no writes */
	bool galera;    /* it is a node of a Galera cluster */
};

/* probe_server - read the answer to PROBE_SERVER. */
void probe_server(MYSQL_RES *answer, struct probe_server *server);

/*
 * probe_columns - read the columns of an answer to SELECT BATCH_COLUMNS.
 * Returns whether modid, cmdid, ip, port and caller belong to keys: without
 * one, each flush would add rows and never change any.
 */
bool probe_columns(MYSQL_RES *answer, struct column_signs *signs);

/*
 * probe_table - report all faults of the table (a name, or database.table) as
 * this connection's account sees it: columns, types, keys, rights.  Nothing is
 * written.  Returns how many faults were reported.
 */
unsigned probe_table(
    MYSQL *mysql, const char *table, db_report *report, void *arg);

#endif
