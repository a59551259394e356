/* SPDX-License-Identifier: MIT
 *
 * The statement keeps the newer ts whatever order rows come in.  MySQL assigns
 * from left to right, and a column named on the right has its new value by
 * then, so that ts must be assigned last.
 */
#include "config.h"

#include "sql/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Takes column `name` over if the row that came is to win.  A ts that is NULL
   is the oldest: it fails both comparisons. */
#define TAKE_OVER(name) \
	name "=IF(ts>VALUES(ts) AND ts<=%" PRIu64 "," name ",VALUES(" name ")" \
	     ")"

/* The 32 bits of value as the column shows them. */
static int64_t
pattern(uint32_t value, bool column_unsigned)
{
	return column_unsigned ? (int64_t)value : (int32_t)value;
}

/* A count as its column can hold it. */
static int64_t
count(struct batch *batch, uint32_t value, bool column_unsigned)
{
	if (column_unsigned || value <= INT32_MAX)
		return value;
	batch->clamped++;
	return INT32_MAX;
}

void
batch_values(struct batch *batch, const struct record *r,
    int64_t values[BATCH_COLUMN_COUNT])
{
	const struct column_signs *signs = &batch->signs;

	*values++ = r->modid;
	*values++ = r->cmdid;
	*values++ = pattern(r->ip, signs->ip_unsigned);
	*values++ = r->port;
	*values++ = pattern(r->caller, signs->caller_unsigned);
	*values++ = count(batch, r->succ, signs->succ_unsigned);
	*values++ = count(batch, r->err, signs->err_unsigned);
	*values++ = (int64_t)record_ts(r);
	*values = r->overload;
}

/* Writes the number and a comma; returns the byte after them. */
static char *
put_number(char *p, int64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	if (value < 0) {
		*p++ = '-';
		value = -value;
	}
	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	p = mempcpy(p, digits + at, sizeof(digits) - at);
	*p = ',';
	return p + 1;
}

/* Writes a row; returns the byte after it, at most BATCH_ROW_MAX on. */
static char *
put_row(struct batch *batch, char *p, const struct record *r)
{
	static const char ends[2][2][5] = { { "'0')", "'1')" },
		{ "0)", "1)" } };
	int64_t values[BATCH_COLUMN_COUNT];

	batch_values(batch, r, values);
	*p++ = '(';
	for (int i = 0; i < BATCH_COLUMN_COUNT - 1; i++)
		p = put_number(p, values[i]);
	return stpcpy(p, ends[batch->signs.overload_bit][r->overload]);
}

char *
batch_quote(const char *table)
{
	char *quoted = malloc(strlen(table) * 2 + 5), *p = quoted;
	const char *dot = strchr(table, '.');

	if (quoted == NULL)
		return NULL;
	*p++ = '`';
	for (const char *at = table; *at != '\0'; at++) {
		if (at == dot) {
			p = stpcpy(p, "`.`");
			continue;
		}
		if (*at == '`')
			*p++ = '`';
		*p++ = *at;
	}
	strcpy(p, "`");
	return quoted;
}

int
batch_open(struct batch *batch, const char *table, size_t capacity,
    struct column_signs signs)
{
	int length = -1;

	memset(batch, 0, sizeof(*batch));
	if (capacity < BATCH_MIN || *table == 0)
		return -1;
	char *quoted = batch_quote(table);
	batch->text = malloc(capacity);
	if (quoted != NULL && batch->text != NULL)
		length = snprintf(batch->text, BATCH_HEAD_MAX,
		    "INSERT INTO %s (" BATCH_COLUMNS ") VALUES ", quoted);
	free(quoted);
	if (length < 0 || length >= BATCH_HEAD_MAX) {
		batch_close(batch);
		return -1;
	}
	batch->head_length = (size_t)length;
	batch->capacity = capacity;
	batch->signs = signs;
	return 0;
}

void
batch_begin(struct batch *batch, uint64_t horizon)
{
	int length = snprintf(batch->tail, sizeof(batch->tail),
	    " ON DUPLICATE KEY UPDATE " TAKE_OVER("succ_cnt") "," TAKE_OVER(
		"err_cnt") "," TAKE_OVER("overload") "," TAKE_OVER("ts"),
	    horizon, horizon, horizon, horizon);

	batch->tail_length = (size_t)length;
	batch->length = batch->head_length;
	batch->rows = 0;
}

bool
batch_add(struct batch *batch, const struct record *record)
{
	if (batch->capacity - batch->length <
	    BATCH_ROW_MAX + batch->tail_length)
		return false;
	char *end = batch->text + batch->length;
	if (batch->rows > 0)
		*end++ = ',';
	end = put_row(batch, end, record);
	batch->length = (size_t)(end - batch->text);
	batch->rows++;
	return true;
}

void
batch_placeholders(struct batch *batch, size_t rows)
{
	static const char row[] = ",(?,?,?,?,?,?,?,?,?)";
	char *end = batch->text + batch->length;

	for (size_t i = 0; i < rows; i++)
		end = mempcpy(end, row + (i == 0), sizeof(row) - 1 - (i == 0));
	batch->length = (size_t)(end - batch->text);
}

const char *
batch_end(struct batch *batch, size_t *length)
{
	memcpy(batch->text + batch->length, batch->tail, batch->tail_length);
	*length = batch->length + batch->tail_length;
	return batch->text;
}

void
batch_close(struct batch *batch)
{
	free(batch->text);
	memset(batch, 0, sizeof(*batch));
}
