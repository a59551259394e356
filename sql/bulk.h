/* SPDX-License-Identifier: MIT
 *
 * Prepared statements, which save the server the parsing: with MariaDB's bulk
 * execution, which sends any number of rows for one row of placeholders; with
 * other servers one row of placeholders for each row, and a fixed number of
 * rows.
 */
#pragma once

#include "sql/batch.h"
#include "sql/client.h"

/* Below so many rows one statement as text is as fast, and it saves the round
   trip that prepares. */
#define BULK_MIN 64

/* Rows of a statement without bulk execution, prepared or as text.  In a longer
   one each row takes the server longer, see DECISIONS.md. */
#define BULK_ROWS 250

struct bulk;

/* bulk_open - prepare for prepared statements over a connection.
   max: rows of one execution, 1 or more; packet: the server's
   max_allowed_packet.  Nothing is sent.
   Returns NULL when packet or memory do not allow it. */
struct bulk *bulk_open(MYSQL *mysql, size_t max, size_t packet);

/* bulk_rows - how many of n rows one execution takes; 0: send them as text.
   bulk: NULL is allowed. */
size_t bulk_rows(const struct bulk *bulk, size_t n);

/* bulk_upsert - write the first of n records to the table in one statement, in
   the form that `batch` has for its table and columns.
   *sent: set to bulk_rows(), which must not be 0.  batch->clamped counts.
   Returns 0 or an error number, with its text in *text, valid until the next
   call of the client library. */
unsigned bulk_upsert(struct bulk *bulk, struct batch *batch,
    const struct record *const *records, size_t n, uint64_t horizon,
    size_t *sent, const char **text);

/* bulk_unsupported - whether the error number means that the other end, or
   something between, has no bulk execution or no prepared statements. */
bool bulk_unsupported(unsigned number);

/* bulk_close - before the connection is closed; NULL is allowed. */
void bulk_close(struct bulk *bulk);
