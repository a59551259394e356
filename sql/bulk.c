/* SPDX-License-Identifier: MIT
 *
 * Owns the prepared statement of a connection and the rows bound to it.
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

#define COLUMNS BATCH_COLUMN_COUNT
#define NUMBERS (COLUMNS - 1)

/* Bytes of a row in the packet: for each column its type, and whether it is
   NULL; numbers of 8, overload with its length.  Bytes of what else the packet
   holds, with some to spare. */
#define WIRE_ROW (COLUMNS * 3 + NUMBERS * 8 + 2)
#define WIRE_HEAD 256

/* What is bound.  Numbers have 64 bits, the type that the server gives to a
   parameter: it would convert any other. */
struct bulk_row {
	int64_t numbers[COLUMNS];
	char overload; /* the last one as in the text form: a digit, since an
			  ENUM would take a number as an index; for BIT the
			  number */
	unsigned long overload_length;
};

struct bulk {
	MYSQL *mysql;
	MYSQL_STMT *statement; /* NULL: not prepared */
	uint64_t horizon;      /* of the prepared statement */
	bool failed; /* prepare it again: the statement may be the cause */
	bool array;  /* one row of placeholders for any number of rows */
	size_t max;
	struct bulk_row rows[];
};

struct bulk *
bulk_open(MYSQL *mysql, size_t max, size_t packet)
{
	bool array = client_has_bulk(mysql);
	struct bulk *bulk;

	if (!array && max > BULK_ROWS)
		max = BULK_ROWS;
	if (packet <= WIRE_HEAD + BULK_MIN * WIRE_ROW)
		return NULL;
	if (max > (packet - WIRE_HEAD) / WIRE_ROW)
		max = (packet - WIRE_HEAD) / WIRE_ROW;
	bulk = malloc(sizeof(*bulk) + max * sizeof(bulk->rows[0]));
	if (bulk == NULL)
		return NULL;
	*bulk = (struct bulk){ .mysql = mysql, .array = array, .max = max };
	return bulk;
}

size_t
bulk_rows(const struct bulk *bulk, size_t n)
{
	if (bulk == NULL || n < (bulk->array ? BULK_MIN : bulk->max))
		return 0;
	return n < bulk->max ? n : bulk->max;
}

static void
bulk_forget(struct bulk *bulk)
{
	if (bulk->statement != NULL)
		mysql_stmt_close(bulk->statement);
	bulk->statement = NULL;
}

/* How many rows of placeholders the statement has. */
static size_t
bulk_places(const struct bulk *bulk)
{
	return bulk->array ? 1 : bulk->max;
}

static bool
bulk_bind(struct bulk *bulk, const struct column_signs *signs)
{
	size_t places = bulk_places(bulk) * COLUMNS;
	MYSQL_BIND *bind = calloc(places, sizeof(*bind));
	bool bound = bind != NULL;

	for (size_t i = 0; bound && i < places; i++) {
		struct bulk_row *row = &bulk->rows[i / COLUMNS];

		bind[i].buffer_type = MYSQL_TYPE_LONGLONG;
		bind[i].buffer = &row->numbers[i % COLUMNS];
		if (i % COLUMNS != NUMBERS)
			continue;
		bind[i].buffer_type =
		    signs->overload_bit ? MYSQL_TYPE_TINY : MYSQL_TYPE_STRING;
		bind[i].buffer = &row->overload;
		bind[i].buffer_length = 1;
		bind[i].length = &row->overload_length;
	}
	bound = bound && mysql_stmt_bind_param(bulk->statement, bind) == 0;
	free(bind);
	return bound;
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

	if (bulk->statement != NULL && bulk->horizon == horizon &&
	    !bulk->failed)
		return 0;
	bulk_forget(bulk);
	bulk->statement = mysql_stmt_init(bulk->mysql);
	if (bulk->statement == NULL)
		return CR_OUT_OF_MEMORY;
	unsigned pretended = fault_db("prepare");
	if (pretended != 0)
		return pretended;
	batch_begin(batch, horizon);
	batch_placeholders(batch, bulk_places(bulk));
	const char *text = batch_end(batch, &length);
	bulk->horizon = horizon;
	if (mysql_stmt_prepare(bulk->statement, text, length) != 0)
		return bulk_error(bulk);
	/* The library believes the server, and would bind as many. */
	if (mysql_stmt_param_count(bulk->statement) !=
	    bulk_places(bulk) * COLUMNS)
		return CR_MALFORMED_PACKET;
	if (bulk_bind(bulk, &batch->signs))
		return 0;
	return bulk_error(bulk);
}

static void
bulk_fill(struct bulk *bulk, struct batch *batch,
    const struct record *const *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct bulk_row *row = &bulk->rows[i];

		batch_values(batch, records[i], row->numbers);
		row->overload = (char)((batch->signs.overload_bit ? 0 : '0') +
				       row->numbers[NUMBERS]);
		row->overload_length = 1;
	}
}

static unsigned
bulk_execute(struct bulk *bulk, unsigned rows)
{
	unsigned pretended = fault_db("execute");
	bool failed = false;

	if (pretended == 0 || fault_late(pretended))
		failed = (bulk->array && !client_bulk_array(bulk->statement,
					     sizeof(bulk->rows[0]), rows)) ||
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
	*sent = n = bulk_rows(bulk, n);
	unsigned number = bulk_prepare(bulk, batch, horizon);
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
	case ER_UNSUPPORTED_PS:
	case ER_MAX_PREPARED_STMT_COUNT_REACHED:
#if CLIENT_BULK
	case CR_FUNCTION_NOT_SUPPORTED:
	case CR_BULK_WITHOUT_PARAMETERS:
	case ER_BINLOG_NON_SUPPORTED_BULK:
#endif
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
