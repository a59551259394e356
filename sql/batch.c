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

/* Writes value in decimal and a comma; returns the byte after them. */
static char *
put_number(char *p, uint64_t value)
{
	char digits[20];
	char *at = digits + sizeof(digits);
	size_t length;

	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	length = (size_t)(digits + sizeof(digits) - at);
	memcpy(p, at, length);
	p[length] = ',';
	return p + length + 1;
}

static char *
put_signed(char *p, int32_t value)
{
	if (value >= 0)
		return put_number(p, (uint64_t)value);
	*p++ = '-';
	return put_number(p, (uint64_t) - (int64_t)value);
}

/* The 32 bits of value as the column shows them. */
static char *
put_pattern(char *p, uint32_t value, bool column_unsigned)
{
	if (column_unsigned)
		return put_number(p, value);
	return put_signed(p, (int32_t)value);
}

/* Writes a row; returns the byte after it, at most BATCH_ROW_MAX on. */
static char *
put_row(struct batch *batch, char *p, const struct record *r)
{
	const struct column_signs *signs = &batch->signs;

	*p++ = '(';
	p = put_signed(p, r->modid);
	p = put_signed(p, r->cmdid);
	p = put_pattern(p, r->ip, signs->ip_unsigned);
	p = put_number(p, r->port);
	p = put_pattern(p, r->caller, signs->caller_unsigned);
	p = put_number(
	    p, batch_count(r->succ, signs->succ_unsigned, &batch->clamped));
	p = put_number(
	    p, batch_count(r->err, signs->err_unsigned, &batch->clamped));
	p = put_number(p, record_ts(r));
	if (!signs->overload_bit)
		*p++ = '\'';
	*p++ = r->overload ? '1' : '0';
	if (!signs->overload_bit)
		*p++ = '\'';
	*p++ = ')';
	return p;
}

static char *
put_quoted(char *p, const char *name, size_t length)
{
	*p++ = '`';
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '`')
			*p++ = '`';
		*p++ = name[i];
	}
	*p++ = '`';
	return p;
}

char *
batch_quote(const char *table)
{
	size_t database = strcspn(table, ".");
	char *quoted = malloc(strlen(table) * 2 + 5);
	char *p = quoted;

	if (quoted == NULL)
		return NULL;
	if (table[database] == '.') {
		p = put_quoted(p, table, database);
		*p++ = '.';
		table += database + 1;
	}
	p = put_quoted(p, table, strlen(table));
	*p = 0;
	return quoted;
}

int
batch_open(struct batch *batch, const char *table, size_t capacity,
    struct column_signs signs)
{
	char *quoted;
	int length = -1;

	memset(batch, 0, sizeof(*batch));
	if (capacity < BATCH_MIN || *table == 0)
		return -1;
	quoted = batch_quote(table);
	batch->text = malloc(capacity);
	if (quoted != NULL && batch->text != NULL)
		length = snprintf(batch->head, sizeof(batch->head),
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
	memcpy(batch->text, batch->head, batch->head_length);
	batch->length = batch->head_length;
	batch->rows = 0;
}

bool
batch_add(struct batch *batch, const struct record *record)
{
	char *end;

	if (batch->capacity - batch->length <
	    BATCH_ROW_MAX + batch->tail_length)
		return false;
	end = batch->text + batch->length;
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
