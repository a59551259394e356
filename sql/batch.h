/* SPDX-License-Identifier: MIT
 *
 * The batch: one INSERT ... ON DUPLICATE KEY UPDATE as text, built row by row.
 * Used by one thread.  The text works on MySQL 5.6 to 9, MariaDB 10.5 and up
 * and TiDB.
 */
#pragma once

#include "shm/record.h"

#include <stdbool.h>
#include <stddef.h>

/* The table's columns in the order of the statement's values. */
#define BATCH_COLUMNS "modid,cmdid,ip,port,caller,succ_cnt,err_cnt,ts,overload"

#define BATCH_COLUMN_COUNT 9

/* A format: a row of a table to itself.  Twice the table's quoted name. */
#define BATCH_RESEND \
	"INSERT INTO %s (" BATCH_COLUMNS ") SELECT " BATCH_COLUMNS \
	" FROM %s LIMIT 1 ON DUPLICATE KEY UPDATE ts=VALUES(ts)"

/* Bytes of the longest row, its separator included. */
#define BATCH_ROW_MAX 96

#define BATCH_HEAD_MAX 1024 /* bytes of a statement before its rows, ... */
#define BATCH_TAIL_MAX 512  /* ... and after them */

/* What differs between installations: columns that are signed in some and
   unsigned in others.  One wide enough for any unsigned 32-bit number counts as
   unsigned. */
struct column_signs {
	bool ip_unsigned, caller_unsigned;
	bool succ_unsigned, err_unsigned;
	bool overload_bit; /* BIT: written as a number, since '1' is 49 there;
			      every other type gets '0' or '1' */
};

struct batch {
	char *text;      /* the statement, not ended by a 0 */
	size_t length;   /* of the text so far, its tail not counted */
	size_t capacity; /* bytes the statement may have, tail included */
	size_t rows;
	size_t head_length; /* of the text before the rows, always the same */
	size_t tail_length;
	char tail[BATCH_TAIL_MAX];
	struct column_signs signs;
	uint64_t clamped; /* counts cut to their column's range, ever */
};

/* batch_quote - `table` (a name, or database.table) quoted for a statement.
   Returns a string to be freed, or NULL when memory is short. */
char *batch_quote(const char *table);

/* batch_open - prepare for statements into `table` (a name, or database.table;
   quoted here) of at most `capacity` bytes.
   Returns 0, or -1 when memory is short, capacity is below BATCH_MIN or the
   table's name is invalid. */
#define BATCH_MIN 4096
int batch_open(struct batch *batch, const char *table, size_t capacity,
    struct column_signs signs);

/* batch_begin - begin a statement.  horizon: a greater ts that is in the
   table is replaced by any. */
void batch_begin(struct batch *batch, uint64_t horizon);

/* batch_add - add a row.  Returns false when it does not fit any more; an
   empty batch always takes one. */
bool batch_add(struct batch *batch, const struct record *record);

/* batch_values - what a record's columns get, in the order of BATCH_COLUMNS; a
   count that its column cannot hold is cut, and counted in batch->clamped. */
void batch_values(struct batch *batch, const struct record *record,
    int64_t values[BATCH_COLUMN_COUNT]);

/* batch_placeholders - in place of rows: as many rows of nine question marks,
   for a statement to be prepared.  That many rows must fit. */
void batch_placeholders(struct batch *batch, size_t rows);

/* batch_end - finish the statement.  Returns its text, *length bytes, valid
   until the next call. */
const char *batch_end(struct batch *batch, size_t *length);

/* batch_close - free what it owns. */
void batch_close(struct batch *batch);
