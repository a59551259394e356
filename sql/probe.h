/* SPDX-License-Identifier: MIT
 *
 * Inspecting a table: what each connection must know, and the
 * thorough check of a configuration.
 */
#pragma once

#include "sql/batch.h"
#include "sql/db.h"
#include "sql/link.h"

/* What one look at the table finds. */
struct shape {
	struct column_signs signs;
	unsigned faults; /* how many were reported */
	uint64_t mark;   /* a hash of all that was seen */
	uint64_t clock;  /* the server's, seconds since 1970; 0: unknown */
	bool galera;     /* this session is one of a node of a cluster */
	char fault[256]; /* why no row may be written; "": one may */
};

/* probe_rights - whether the account may execute our statement on the table.
   Nothing is written.  Returns DB_OK or the class of the error, which may have
   another reason. */
enum db_class probe_rights(struct link *link, const char *quoted);

/* probe_table - look at the table (a name, or database.table; and the same
   quoted) as this connection's account sees it: columns, types, keys, rights.
   Nothing is written.
   report: called with each fault, those included that harm only some rows;
   NULL: nobody is.
   Returns DB_OK, shape being set and its fault being the first that harms all
   rows; or the class of the error of a question, which is reported as well. */
enum db_class probe_table(struct link *link, const char *table,
    const char *quoted, struct shape *shape, db_report *report, void *arg);
