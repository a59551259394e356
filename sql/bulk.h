/* SPDX-License-Identifier: MIT
 *
 * Bulk execution: MariaDB's way to send many rows with one prepared statement.
 * Where the client library does not have it, bulk_open() always returns NULL,
 * and nothing else is called.
 */
#ifndef REPORTER_BULK_H
#define REPORTER_BULK_H

#include "sql/batch.h"
#include "sql/client.h"

/* Below so many rows one statement as text is as fast, and it saves the round
   trip that prepares. */
#define BULK_MIN 64

struct bulk;

#if CLIENT_BULK

/*
 * bulk_open - prepare for bulk execution over a connection.
 * max: rows of one execution, 1 or more; packet: the server's
 * max_allowed_packet.  Nothing is sent.
 * Returns NULL when client, server or memory do not allow it.
 */
struct bulk *bulk_open(MYSQL *mysql, size_t max, size_t packet);

/*
 * bulk_upsert - write the first of n records to the table in one transaction,
 * in the form that `batch` has for its table and columns.
 * *sent: set to how many were taken, 1 or more.  batch->clamped counts.
 * Returns 0 or an error number, with its text in *text, valid until the next
 * call of the client library.
 */
unsigned bulk_upsert(struct bulk *bulk, struct batch *batch,
    const struct record *const *records, size_t n, uint64_t horizon,
    size_t *sent, const char **text);

/* bulk_unsupported - whether the error number means that the other end, or
   something between, has no bulk execution or no prepared statements. */
bool bulk_unsupported(unsigned number);

/* bulk_close - before the connection is closed; NULL is allowed. */
void bulk_close(struct bulk *bulk);

#else

#define bulk_open(mysql, max, packet) ((void)(mysql), (struct bulk *)NULL)
#define bulk_upsert(bulk, batch, records, n, horizon, sent, text) \
	((void)(horizon), (void)(text), (unsigned)CR_NOT_IMPLEMENTED)
#define bulk_unsupported(number) ((number) == CR_NOT_IMPLEMENTED)
#define bulk_close(bulk) ((void)(bulk))

#endif

#endif
