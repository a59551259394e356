/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "sql/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_COLUMNS 5
#define KEY ((1u << KEY_COLUMNS) - 1)
#define COLUMNS BATCH_COLUMN_COUNT
#define OVERLOAD 8 /* its place */
#define FOREIGN 31 /* the bit of a column that is none of ours */

/* ----------------------------------------------------------- the table ---- */

struct column {
	const char *name, *types; /* those that hold all that we write */
};

static const struct column columns[COLUMNS] = {
	{ "modid", "int bigint" },
	{ "cmdid", "int bigint" },
	{ "ip", "int bigint" },
	{ "port", "int bigint mediumint smallint unsigned" },
	{ "caller", "int bigint" },
	{ "succ_cnt", "int bigint" },
	{ "err_cnt", "int bigint" },
	{ "ts", "int bigint" },
	{ "overload",
	    "char varchar enum set bit int bigint mediumint smallint tinyint" },
};

/* The rights that our statement requires on each column. */
static const char *const rights[] = { "select", "insert", "update" };
#define RIGHTS (sizeof(rights) / sizeof(*rights))
#define UPDATE 2 /* the place of "update" */

struct probe {
	struct link *link;
	const char *table, *quoted;
	struct shape *shape;
	db_report *report;
	void *arg;
	unsigned seen;            /* bits of the columns that are there */
	unsigned missing[RIGHTS]; /* bits of the columns without the right */
	/* Foreign columns: one that numbers rows, and one that tells current
	   rows from old ones, in MariaDB's system-versioned tables. */
	char numbered[260], row_end[260];
};

/* Reports a fault; all: it harms every row. */
static void __attribute__((format(printf, 3, 4)))
fault(struct probe *p, bool all, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (all && *p->shape->fault == '\0')
		snprintf(
		    p->shape->fault, sizeof(p->shape->fault), "%.255s", text);
	p->shape->faults++;
	if (p->report != NULL)
		p->report(p->arg, true, text);
}

/* Whether `word` is one of the words of a list. */
static bool
has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at++) {
		char before = at == list ? ' ' : at[-1], after = at[length];

		if ((before == ' ' || before == ',') &&
		    (after == '\0' || after == ' ' || after == ','))
			return true;
	}
	return false;
}

static unsigned
column_place(const char *name)
{
	unsigned at = 0;

	while (at < COLUMNS && strcasecmp(columns[at].name, name) != 0)
		at++;
	return at < COLUMNS ? at : FOREIGN;
}

/* Asks; an error is reported. */
static enum db_class
ask(struct probe *p, const char *question, unsigned count,
    struct answer *answer)
{
	enum db_class kind = link_ask(p->link, question, count, answer);

	if (kind != DB_OK)
		fault(p, false, "error %u: %s", p->link->error.number,
		    p->link->error.text);
	return kind;
}

#define LITERAL_MAX 280

/* Writes a name as a literal that means the same in every sql_mode: MySQL's
   library refuses to escape with NO_BACKSLASH_ESCAPES.  text: LITERAL_MAX
   bytes. */
static void
put_literal(char *text, const char *name, size_t length)
{
	size_t n = (size_t)sprintf(text, "_utf8mb4 x'");

	n += mysql_hex_string(text + n, name, length < 128 ? length : 0);
	memcpy(text + n, "'", 2);
}

/* Asks what information_schema has about the table. */
static enum db_class
ask_schema(struct probe *p, const char *what, const char *more, unsigned count,
    struct answer *answer)
{
	const char *dot = strchr(p->table, '.');
	const char *name = dot == NULL ? p->table : dot + 1;
	char schema[LITERAL_MAX] = "DATABASE()", table[LITERAL_MAX];
	char question[1200];

	if (dot != NULL)
		put_literal(schema, p->table, (size_t)(dot - p->table));
	put_literal(table, name, strlen(name));
	snprintf(question, sizeof(question),
	    "SELECT %s WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s%s", what,
	    schema, table, more);
	return ask(p, question, count, answer);
}

/* The expression of a generated column, which may be "ROW END" on MariaDB.  To
   other servers this is a comment: MySQL 5.6 has no such column. */
#define ROW_END_EXPRESSION "COALESCE(/*M!100304 GENERATION_EXPRESSION, */'')"

/* The columns of the answer about columns. */
static const unsigned NAME = 0, DATA_TYPE = 1, COLUMN_TYPE = 2, NULLABLE = 3,
		      DEFAULT = 4, EXTRA = 5, EXPRESSION = 6, PRIVILEGES = 7,
		      SERVER = 8, ASKED = 9;

/* Clock and state of the server, in the same question: a proxy may have changed
   the server since we connected.  Only MariaDB reads what is in the comment. */
#define ASK_SERVER \
	"CONCAT_WS(' ', UNIX_TIMESTAMP() /*M!100100 , (SELECT VARIABLE_VALUE " \
	"FROM information_schema.SESSION_VARIABLES " \
	"WHERE VARIABLE_NAME = 'WSREP_ON') */)"

/* Asks for our columns.  *keyed: those of the key belong to keys. */
static enum db_class
ask_columns(struct probe *p, bool *keyed)
{
	char question[1024];
	struct answer answer;

	snprintf(question, sizeof(question),
	    "SELECT " BATCH_COLUMNS " FROM %s WHERE 1=0", p->quoted);
	enum db_class kind = ask(p, question, COLUMNS, &answer);
	if (kind != DB_OK)
		return kind;
	/* A primary key over some of them is one that mixes rows up.  Without
	   any, a unique key looks like a plain one. */
	*keyed = (answer.keyed & KEY) == KEY &&
		 ((answer.primary & KEY) == 0 || (answer.primary & KEY) == KEY);
	answer_close(&answer);
	return DB_OK;
}

/* Takes what was seen into the shape's mark: all but the rights, which are not
   the table's. */
static void
shape_mark(struct shape *shape, const struct answer *a)
{
	for (size_t row = 0; row < a->rows; row++)
		for (unsigned i = 0; i < a->columns && i < PRIVILEGES; i++)
			shape->mark =
			    hash_text(shape->mark, answer_text(a, row, i));
}

/* ------------------------------------------------------------- columns ---- */

/* One that we do not write must do without us. */
static void
check_foreign(struct probe *p, const struct answer *a, size_t row)
{
	const char *extra = answer_text(a, row, EXTRA);

	if (strcasestr(extra, "auto_increment") != NULL)
		snprintf(p->numbered, sizeof(p->numbered), "%s",
		    answer_text(a, row, NAME));
	else if (strcmp(answer_text(a, row, EXPRESSION), "ROW END") == 0)
		snprintf(p->row_end, sizeof(p->row_end), "%s",
		    answer_text(a, row, NAME));
	else if (strcmp(answer_text(a, row, NULLABLE), "NO") == 0 &&
		 answer_is_null(a, row, DEFAULT) &&
		 strcasestr(extra, "generated") == NULL)
		fault(p, false,
		    "table %s: column %s has no default, and reporter does "
		    "not write it; give it one",
		    p->table, answer_text(a, row, NAME));
}

/* A label is found with its quotes: quotes inside of one are doubled. */
static bool
has_label(const char *type, const char *label)
{
	for (const char *at = type; (at = strstr(at, label)) != NULL; at++) {
		if (at > type && (at[-1] == '(' || at[-1] == ',') &&
		    (at[3] == ',' || at[3] == ')'))
			return true;
	}
	return false;
}

/* Without them '0' and '1' are taken as numbers of labels, or refused. */
static bool
lacks_labels(const char *data_type, const char *type)
{
	return (strcmp(data_type, "enum") == 0 ||
		   strcmp(data_type, "set") == 0) &&
	       (!has_label(type, "'0'") || !has_label(type, "'1'"));
}

static void
check_column(struct probe *p, unsigned at, const struct answer *a, size_t row)
{
	const char *data_type = answer_text(a, row, DATA_TYPE);
	const char *type = answer_text(a, row, COLUMN_TYPE);
	bool is_unsigned = strstr(type, "unsigned") != NULL;
	/* What holds a port only without its sign. */
	bool narrow = strcmp(data_type, "smallint") == 0 && at < KEY_COLUMNS &&
		      !is_unsigned;
	struct column_signs *signs = &p->shape->signs;
	bool *const wides[COLUMNS] = { [2] = &signs->ip_unsigned,
		[4] = &signs->caller_unsigned,
		[5] = &signs->succ_unsigned,
		[6] = &signs->err_unsigned };

	p->seen |= 1u << at;
	if (at == OVERLOAD)
		signs->overload_bit = strcmp(data_type, "bit") == 0;
	else if (wides[at] != NULL)
		*wides[at] = is_unsigned || strcmp(data_type, "bigint") == 0;
	if (at == OVERLOAD && lacks_labels(data_type, type))
		fault(p, true,
		    "table %s: column overload is %s; expected the values '0' "
		    "and '1'",
		    p->table, type);
	else if (strstr(answer_text(a, row, EXTRA), "GENERATED") != NULL)
		fault(p, true,
		    "table %s: column %s is generated; reporter writes it",
		    p->table, columns[at].name);
	else if (!has_word(columns[at].types, data_type) || narrow)
		fault(p, false,
		    "table %s: column %s is %s; expected as in schema.sql",
		    p->table, columns[at].name, type);
	for (size_t i = 0; i < RIGHTS; i++) {
		if (!has_word(answer_text(a, row, PRIVILEGES), rights[i]))
			p->missing[i] |= 1u << at;
	}
}

static void
check_columns(struct probe *p, const struct answer *a)
{
	for (size_t row = 0; row < a->rows; row++) {
		unsigned at = column_place(answer_text(a, row, NAME));

		if (at == FOREIGN)
			check_foreign(p, a, row);
		else
			check_column(p, at, a, row);
	}
	for (unsigned at = 0; at < COLUMNS; at++)
		if ((p->seen & 1u << at) == 0)
			fault(p, true,
			    "table %s: there is no column %s, or the account "
			    "may not see it; expected as in schema.sql",
			    p->table, columns[at].name);
}

/* EXPLAIN requires the rights of what it explains. */
enum db_class
probe_rights(struct link *link, const char *quoted)
{
	char question[2048];

	snprintf(question, sizeof(question), "EXPLAIN " BATCH_RESEND, quoted,
	    quoted);
	return link_ask(link, question, 1, NULL);
}

static void
report_rights(struct probe *p)
{
	unsigned *update = &p->missing[UPDATE];

	/* Whether our statement is permitted without UPDATE of the key's
	   columns: MariaDB and MySQL 5.6 require it, MySQL 9 does not. */
	if (p->report != NULL && *update != 0 && (*update & ~KEY) == 0 &&
	    probe_rights(p->link, p->quoted) == DB_OK)
		*update = 0;
	for (size_t i = 0; i < RIGHTS; i++) {
		char names[128] = "";

		for (unsigned at = 0; at < COLUMNS; at++) {
			if ((p->missing[i] & 1u << at) == 0)
				continue;
			strcat(names, *names != '\0' ? ", " : "");
			strcat(names, columns[at].name);
		}
		if (*names != '\0')
			fault(p, false,
			    "table %s: the account may not %s %s; expected "
			    "SELECT, INSERT and UPDATE, as in grants.sql",
			    p->table, rights[i], names);
	}
}

/* ---------------------------------------------------------------- keys ---- */

/* All columns of a unique key are known: its.  Returns whether it is ours. */
static bool
check_key(struct probe *p, const char *name, unsigned its)
{
	/* A key over more columns is harmless.  One with a column
	   of others may or may not: that is for a person to judge. */
	if ((its & KEY) != KEY)
		fault(p, (its & 1u << FOREIGN) == 0,
		    "table %s: unique key %s lacks some of modid, cmdid, ip, "
		    "port, caller: rows of different keys would take each "
		    "other's place%s",
		    p->table, name,
		    (its & 1u << FOREIGN) == 0
			? ""
			: ", unless it has a column that numbers them, which "
			  "the account has no right to see");
	return its == KEY;
}

/* The bits of a column of a key.  Part of a column is less than it. */
static unsigned
key_bits(const struct probe *p, const struct answer *a, size_t row)
{
	const char *column = answer_text(a, row, 1);

	/* MySQL has keys of expressions, which are no column. */
	if (answer_is_null(a, row, 1))
		return 1u << FOREIGN;
	/* No two rows have the same number. */
	if (strcmp(column, p->numbered) == 0)
		return KEY | 1u << FOREIGN;
	if (strcmp(column, p->row_end) == 0)
		return 0;
	return answer_is_null(a, row, 2) ? 1u << column_place(column) : 0;
}

/* Returns whether one of the keys is ours. */
static bool
check_keys(struct probe *p, const struct answer *a)
{
	bool keyed = false;
	unsigned its = 0;

	for (size_t row = 0; row < a->rows; row++) {
		const char *name = answer_text(a, row, 0);

		its |= key_bits(p, a, row);
		if (row + 1 < a->rows &&
		    strcmp(name, answer_text(a, row + 1, 0)) == 0)
			continue;
		keyed |= check_key(p, name, its);
		its = 0;
	}
	return keyed;
}

/* A view has no keys of its own: what is known about its columns counts. */
static enum db_class
check_view(struct probe *p, bool *keyed)
{
	struct answer answer;
	enum db_class kind =
	    ask_schema(p, "TABLE_TYPE FROM information_schema.TABLES",
		" AND TABLE_TYPE = 'VIEW'", 1, &answer);
	bool view = kind == DB_OK && answer.rows == 1;

	if (kind == DB_OK)
		answer_close(&answer);
	return view ? ask_columns(p, keyed) : kind;
}

static enum db_class
look_at_keys(struct probe *p)
{
	struct answer answer;
	enum db_class kind = ask_schema(p,
	    "INDEX_NAME, COLUMN_NAME, SUB_PART FROM "
	    "information_schema.STATISTICS",
	    " AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX", 3,
	    &answer);

	if (kind != DB_OK)
		return kind;
	shape_mark(p->shape, &answer);
	bool keyed = check_keys(p, &answer);
	if (answer.rows == 0)
		kind = check_view(p, &keyed);
	answer_close(&answer);
	if (kind == DB_OK && !keyed)
		fault(p, true,
		    "table %s has no primary key (modid, cmdid, ip, port, "
		    "caller): each report would add rows",
		    p->table);
	return kind;
}

enum db_class
probe_table(struct link *link, const char *table, const char *quoted,
    struct shape *shape, db_report *report, void *arg)
{
	struct probe p = { .link = link,
		.table = table,
		.quoted = quoted,
		.shape = shape,
		.report = report,
		.arg = arg };
	struct answer answer;
	bool keyed;

	memset(shape, 0, sizeof(*shape));
	enum db_class kind = ask_schema(&p,
	    "COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, "
	    "COLUMN_DEFAULT, EXTRA, " ROW_END_EXPRESSION ", "
	    "PRIVILEGES, " ASK_SERVER " FROM information_schema.COLUMNS",
	    " ORDER BY ORDINAL_POSITION", ASKED, &answer);
	if (kind != DB_OK)
		return kind;
	if (answer.rows == 0)
		fault(&p, true,
		    "there is no table %s, or the account has no right to "
		    "see it; make it with schema.sql, and see grants.sql",
		    table);
	shape_mark(shape, &answer);
	if (answer.rows > 0) {
		const char *server = answer_text(&answer, 0, SERVER);

		shape->clock = strtoull(server, NULL, 10);
		shape->galera = strstr(server, " ON") != NULL;
		check_columns(&p, &answer);
	}
	answer_close(&answer);
	report_rights(&p);
	/* The server's own error is more exact, if it has one. */
	if (*shape->fault != '\0' && report == NULL)
		return ask_columns(&p, &keyed);
	return p.seen != 0 ? look_at_keys(&p) : DB_OK;
}
