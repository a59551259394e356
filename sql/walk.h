/* SPDX-License-Identifier: MIT
 *
 * A walk along the table's primary key in small steps, which removes old rows.
 * Used by the thread that has the connection.
 */
#ifndef REPORTER_WALK_H
#define REPORTER_WALK_H

#include "sql/db.h"

#define WALK_ROWS 2000 /* of one step */
#define WALK_KEY 5     /* columns */

/* The key's numbers as the table has them, and ts; a NULL is INT64_MAX. */
struct walk_row {
	int64_t key[WALK_KEY], ts;
};

struct walk {
	bool begun;           /* false: the next step is the first */
	struct walk_row last; /* the last row that was read */
	size_t rows;          /* read by the last step */
	struct walk_row row[WALK_ROWS];
	uint64_t removed; /* rows, by all steps */
};

/*
 * walk_step - read the next rows of the table (a name, or database.table) after
 * walk->last, at most WALK_ROWS, and remove those whose ts is less than
 * `before`, unless they are updated meanwhile.  db: connected.
 * Returns DB_OK: fewer than WALK_ROWS rows are the end of the table.  Else the
 * class of db_error(): some may be removed, and the step can be repeated.
 */
enum db_class walk_step(
    struct db *db, const char *table, struct walk *walk, uint64_t before);

#endif
