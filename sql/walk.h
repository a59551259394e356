/* SPDX-License-Identifier: MIT
 *
 * A walk along the table's primary key in small steps, which removes old rows.
 * Used by the thread that has the connection.
 */
#pragma once

#include "sql/db.h"

#define WALK_ROWS 2000 /* of one step */
#define WALK_KEY 5     /* columns */

/* The key's numbers as the table has them, and ts; a NULL is INT64_MAX. */
struct walk_row {
	int64_t key[WALK_KEY], ts;
};

struct walk {
	bool begun;  /* false: the next step is the first */
	size_t rows; /* read by the last step that read */
	size_t next; /* of these, the next one to remove; `rows`: none is */
	struct walk_row row[WALK_ROWS];
	uint64_t removed; /* rows, by all steps */
};

/* walk_step - send one statement: remove some of the rows read whose ts is less
   than `before`, unless they were updated meanwhile; or, when none is left,
   read the next rows, at most WALK_ROWS, of the table (a name, or
   database.table). db: connected.  before: 0 removes none; the same for a whole
   walk, which ends where walk_is_read() says. Returns DB_OK, or the class of
   db_error(): then the step can be repeated. */
enum db_class walk_step(
    struct db *db, const char *table, struct walk *walk, uint64_t before);

/* walk_is_read - whether all rows read so far are done with, so that the next
   step reads; after the first one, fewer than WALK_ROWS are the table's end. */
static inline bool
walk_is_read(const struct walk *walk)
{
	return !walk->begun || walk->next == walk->rows;
}
