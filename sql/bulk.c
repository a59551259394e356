/* SPDX-License-Identifier: MIT
 *
 * Bulk execution.  Owns the prepared statement of a connection and the array
 * of rows bound to it.  The worker's flush thread; failures are returned.
 *
 * The horizon is a constant in the statement's text and not a tenth value of
 * each row, so that the statement is prepared again when the horizon moves on.
 * To the server one bulk execution of INSERT is one statement: with autocommit
 * it is one transaction, and an error in a row undoes all.
 */
#include "config.h"

#include "sql/bulk.h"

#include "sql/fault.h"

#include <stdlib.h>

#if CLIENT_BULK

#define COLUMNS BATCH_COLUMN_COUNT

/* Bytes of a row in the packet: a byte for each column saying that it is not
   NULL, six numbers of 4, port, time, overload with its length; and what else
   the packet holds. */
#define WIRE_ROW (COLUMNS + 6 * 4 + 2 + 8 + 2)
#define WIRE_HEAD 256

/* What is bound: the record with its time in one piece. */
struct bulk_row {
	uint64_t ts;
	int32_t modid, cmdid;
	uint32_t ip, caller, succ, err;
	uint16_t port;
	char overload; /* as in the text form: a digit, since an ENUM would
			  take a number as an index; for BIT the number */
	unsigned long overload_length;
};

struct bulk {
	MYSQL *mysql;
	MYSQL_STMT *statement; /* NULL: not prepared */
	uint64_t horizon;      /* of the prepared statement */
	bool failed; /* prepare it again: the statement may be the cause */
	size_t max;
	struct bulk_row rows[];
};

struct bulk *
bulk_open(MYSQL *mysql, size_t max, size_t packet)
{
	struct bulk *bulk;

	if (packet <= WIRE_HEAD + WIRE_ROW || !client_has_bulk(mysql))
		return NULL;
	if (max > (packet - WIRE_HEAD) / WIRE_ROW)
		max = (packet - WIRE_HEAD) / WIRE_ROW;
	bulk = malloc(sizeof(*bulk) + max * sizeof(bulk->rows[0]));
	if (bulk == NULL)
		return NULL;
	bulk->mysql = mysql;
	bulk->statement = NULL;
	bulk->failed = false;
	bulk->max = max;
	return bulk;
}

static void
bulk_forget(struct bulk *bulk)
{
	if (bulk->statement != NULL)
		mysql_stmt_close(bulk->statement);
	bulk->statement = NULL;
}

static bool
bulk_bind(struct bulk *bulk, const struct column_signs *signs)
{
	struct bulk_row *row = bulk->rows;
	size_t size = sizeof(*row);
	MYSQL_BIND bind[COLUMNS] = {
		{ .buffer = &row->modid, .buffer_type = MYSQL_TYPE_LONG },
		{ .buffer = &row->cmdid, .buffer_type = MYSQL_TYPE_LONG },
		{ .buffer = &row->ip,
		    .buffer_type = MYSQL_TYPE_LONG,
		    .is_unsigned = signs->ip_unsigned },
		{ .buffer = &row->port,
		    .buffer_type = MYSQL_TYPE_SHORT,
		    .is_unsigned = true },
		{ .buffer = &row->caller,
		    .buffer_type = MYSQL_TYPE_LONG,
		    .is_unsigned = signs->caller_unsigned },
		{ .buffer = &row->succ,
		    .buffer_type = MYSQL_TYPE_LONG,
		    .is_unsigned = true },
		{ .buffer = &row->err,
		    .buffer_type = MYSQL_TYPE_LONG,
		    .is_unsigned = true },
		{ .buffer = &row->ts, .buffer_type = MYSQL_TYPE_LONGLONG },
		{ .buffer = &row->overload,
		    .buffer_type = signs->overload_bit ? MYSQL_TYPE_TINY
						       : MYSQL_TYPE_STRING,
		    .length = &row->overload_length },
	};

	return mysql_stmt_attr_set(
		   bulk->statement, STMT_ATTR_ROW_SIZE, &size) == 0 &&
	       mysql_stmt_bind_param(bulk->statement, bind) == 0;
}

/* A failure without a number must not pass as success. */
static unsigned
bulk_error(const struct bulk *bulk)
{
	unsigned number = mysql_stmt_errno(bulk->statement);

	return number != 0 ? number : CR_UNKNOWN_ERROR;
}

/* Makes sure that the statement for this horizon is prepared.  Returns 0 or an
   error number. */
static unsigned
bulk_prepare(struct bulk *bulk, struct batch *batch, uint64_t horizon)
{
	size_t length;
	const char *text;
	unsigned pretended;

	if (bulk->statement != NULL && bulk->horizon == horizon &&
	    !bulk->failed)
		return 0;
	bulk_forget(bulk);
	bulk->statement = mysql_stmt_init(bulk->mysql);
	if (bulk->statement == NULL)
		return CR_OUT_OF_MEMORY;
	pretended = fault_db("prepare");
	if (pretended != 0)
		return pretended;
	batch_begin(batch, horizon);
	batch_placeholders(batch);
	text = batch_end(batch, &length);
	bulk->horizon = horizon;
	if (mysql_stmt_prepare(bulk->statement, text, length) != 0)
		return bulk_error(bulk);
	/* The library believes the server, and would bind as many. */
	if (mysql_stmt_param_count(bulk->statement) != COLUMNS)
		return CR_MALFORMED_PACKET;
	if (bulk_bind(bulk, &batch->signs))
		return 0;
	return bulk_error(bulk);
}

static void
bulk_fill(struct bulk *bulk, struct batch *batch,
    const struct record *const *records, size_t n)
{
	const struct column_signs *signs = &batch->signs;

	for (size_t i = 0; i < n; i++) {
		const struct record *r = records[i];
		struct bulk_row *row = &bulk->rows[i];

		row->modid = r->modid;
		row->cmdid = r->cmdid;
		row->ip = r->ip;
		row->caller = r->caller;
		row->succ =
		    batch_count(r->succ, signs->succ_unsigned, &batch->clamped);
		row->err =
		    batch_count(r->err, signs->err_unsigned, &batch->clamped);
		row->ts = record_ts(r);
		row->port = r->port;
		row->overload = (char)(r->overload != 0);
		if (!signs->overload_bit)
			row->overload = (char)('0' + row->overload);
		row->overload_length = 1;
	}
}

static unsigned
bulk_execute(struct bulk *bulk, unsigned rows)
{
	unsigned pretended = fault_db("execute");
	bool failed = false;

	if (pretended == 0 || fault_late(pretended))
		failed = mysql_stmt_attr_set(bulk->statement,
			     STMT_ATTR_ARRAY_SIZE, &rows) != 0 ||
			 mysql_stmt_execute(bulk->statement) != 0;
	if (pretended != 0)
		return pretended;
	return failed ? bulk_error(bulk) : 0;
}

unsigned
bulk_upsert(struct bulk *bulk, struct batch *batch,
    const struct record *const *records, size_t n, uint64_t horizon,
    size_t *sent, const char **text)
{
	unsigned number;

	if (n > bulk->max)
		n = bulk->max;
	*sent = n;
	number = bulk_prepare(bulk, batch, horizon);
	if (number == 0) {
		bulk_fill(bulk, batch, records, n);
		number = bulk_execute(bulk, (unsigned)n);
	}
	bulk->failed = number != 0;
	*text = bulk->failed && bulk->statement != NULL
		    ? mysql_stmt_error(bulk->statement)
		    : "";
	return number;
}

bool
bulk_unsupported(unsigned number)
{
	switch (number) {
	case CR_NOT_IMPLEMENTED:
	case CR_FUNCTION_NOT_SUPPORTED:
	case CR_BULK_WITHOUT_PARAMETERS:
	case ER_UNSUPPORTED_PS:
	case ER_MAX_PREPARED_STMT_COUNT_REACHED:
	case ER_BINLOG_NON_SUPPORTED_BULK:
		return true;
	default:
		return false;
	}
}

void
bulk_close(struct bulk *bulk)
{
	if (bulk == NULL)
		return;
	bulk_forget(bulk);
	free(bulk);
}

#endif
