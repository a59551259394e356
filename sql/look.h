/* SPDX-License-Identifier: MIT
 *
 * The look at a server and its table, once per connection: reads answers that
 * db.c asked for.  Pure functions of a result, which stays the caller's.
 */
#ifndef REPORTER_LOOK_H
#define REPORTER_LOOK_H

#include "sql/batch.h"
#include "sql/client.h"

/* The question about the server.  SHOW leaves out variables that a server
   does not know, where SELECT would fail. */
#define LOOK_SERVER \
	"SHOW VARIABLES WHERE Variable_name IN " \
	"('max_allowed_packet','read_only','innodb_read_only','wsrep_on')"

struct look_server {
	size_t packet;  /* max_allowed_packet, bytes; 0: unknown */
	bool read_only; /* it takes no writes */
	bool galera;    /* it is a node of a Galera cluster */
};

/* look_at_server - read the answer to LOOK_SERVER. */
void look_at_server(MYSQL_RES *answer, struct look_server *server);

/*
 * look_at_columns - read the columns of an answer to SELECT BATCH_COLUMNS.
 * Returns whether modid, cmdid, ip, port and caller belong to keys: without
 * one, each flush would add rows and never change any.
 */
bool look_at_columns(MYSQL_RES *answer, struct column_signs *signs);

#endif
