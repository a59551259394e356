/* SPDX-License-Identifier: MIT
 *
 * The state of a database connection, for its two sources: db.c connects,
 * write.c sends rows.
 */
#pragma once

#include "sql/batch.h"
#include "sql/bulk.h"
#include "sql/db.h"
#include "sql/host.h"
#include "sql/link.h"
#include "sql/probe.h"
#include "sql/session.h"

struct db {
	struct db_options options;
	struct link link;
	struct hosts hosts;
	char *table;        /* quoted */
	char database[256]; /* that we connected to; "": none */
	struct batch batch;
	struct bulk *bulk;  /* NULL: text */
	bool bulk_refused;  /* by this server */
	bool loses;         /* a proxy ends transactions before COMMIT */
	bool open;          /* logged in */
	struct shape shape; /* of the table at the last look, ... */
	uint64_t looked_ms; /* ... which was then, monotonic, ... */
	bool changed;       /* ... and saw another one than before */
	int64_t ahead;      /* of our clock, by the server's then: seconds */
	unsigned refused;   /* number of the error that it was for; 0: none */
	uint64_t locked_ms; /* when a lock was last waited for in vain, as long
			       as none is waited for; 0: they are */
	struct session session;
	counter words[2]; /* of the session, when options have none */
};

/* db_look - look at the table.  Returns DB_OK: rows may be written; else the
   class of the error. */
enum db_class db_look(struct db *db);

/* db_after - after a statement of this class: close a connection that is of no
   more use.  Returns kind. */
enum db_class db_after(struct db *db, enum db_class kind);
