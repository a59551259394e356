/* SPDX-License-Identifier: MIT
 *
 * Keys are compared column by column: neither MySQL nor MariaDB finds a range
 * of the index for (a, b) > (x, y).  Numbers are sent back as the table shows
 * them, so that it does not matter whether a column is signed.
 */
#include "config.h"

#include "sql/walk.h"
#include "sql/batch.h"
#include "sql/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 200 /* rows of one DELETE */
#define KEY "modid,cmdid,ip,port,caller"
#define EQUAL \
	"(modid=%" PRId64 " AND cmdid=%" PRId64 " AND ip=%" PRId64 \
	" AND port=%" PRId64 " AND caller=%" PRId64 ")"
#define TEXT_MAX (512 + CHUNK * 180) /* a row has at most 51 + 5 * 20 bytes */

static enum db_class
walk_read(struct db *db, const char *quoted, struct walk *walk)
{
	const int64_t *k = walk->row[walk->begun ? walk->rows - 1 : 0].key;
	char where[512] = "", text[1024];
	struct answer answer;

	if (walk->begun)
		snprintf(where, sizeof(where),
		    "WHERE (modid>%" PRId64 " OR (modid=%" PRId64
		    " AND (cmdid>%" PRId64 " OR (cmdid=%" PRId64
		    " AND (ip>%" PRId64 " OR (ip=%" PRId64 " AND (port>%" PRId64
		    " OR (port=%" PRId64 " AND caller>%" PRId64 ")))))))) ",
		    k[0], k[0], k[1], k[1], k[2], k[2], k[3], k[3], k[4]);
	snprintf(text, sizeof(text),
	    "SELECT " KEY ",ts FROM %s %sORDER BY " KEY " LIMIT %d", quoted,
	    where, WALK_ROWS);
	enum db_class kind = db_statement(db, text, WALK_KEY + 1, &answer);
	if (kind != DB_OK)
		return kind;
	walk->rows = answer.rows < WALK_ROWS ? answer.rows : WALK_ROWS;
	for (size_t at = 0; at < walk->rows; at++) {
		struct walk_row *row = &walk->row[at];

		for (unsigned i = 0; i < WALK_KEY; i++)
			row->key[i] =
			    strtoll(answer_text(&answer, at, i), NULL, 10);
		row->ts =
		    answer_is_null(&answer, at, WALK_KEY)
			? INT64_MAX
			: strtoll(answer_text(&answer, at, WALK_KEY), NULL, 10);
	}
	answer_close(&answer);
	walk->begun = true;
	walk->next = 0;
	return DB_OK;
}

/* Moves on to the next old row, if it is not at one. */
static bool
walk_finds(struct walk *walk, size_t *at, uint64_t before)
{
	while (*at < walk->rows &&
	       (before == 0 || walk->row[*at].ts >= (int64_t)before))
		++*at;
	return *at < walk->rows;
}

static enum db_class
walk_remove(
    struct db *db, const char *quoted, struct walk *walk, uint64_t before)
{
	char text[TEXT_MAX];
	size_t at = walk->next;
	struct answer changed;
	int length = snprintf(text, sizeof(text),
	    "DELETE FROM %s WHERE ts<%" PRIu64 " AND (0", quoted, before);

	for (int i = 0; i < CHUNK && walk_finds(walk, &at, before); i++) {
		const int64_t *k = walk->row[at++].key;

		length += snprintf(text + length, sizeof(text) - (size_t)length,
		    " OR " EQUAL, k[0], k[1], k[2], k[3], k[4]);
	}
	memcpy(text + length, ")", 2);
	enum db_class kind = db_statement(db, text, 0, &changed);
	if (kind == DB_OK)
		walk->removed += changed.rows;
	/* What takes too long, or is locked, is passed over. */
	if (kind == DB_OK || kind == DB_SPLIT)
		walk->next = at;
	return kind;
}

enum db_class
walk_step(struct db *db, const char *table, struct walk *walk, uint64_t before)
{
	char *quoted = batch_quote(table);
	enum db_class kind = DB_WAIT_ROOM;

	if (quoted != NULL)
		kind = walk_is_read(walk)
			   ? walk_read(db, quoted, walk)
			   : walk_remove(db, quoted, walk, before);
	if (kind == DB_OK)
		walk_finds(walk, &walk->next, before);
	free(quoted);
	return kind;
}
