/* SPDX-License-Identifier: MIT
 *
 * Inspecting a server and its table.  Called by db.c, in one thread.  An error
 * of the server is reported like any other fault.
 */
#include "config.h"

#include "sql/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_COLUMNS 5
#define COLUMNS 9
#define FOREIGN 31 /* the bit of a column that is none of ours */
#define SOME_KEY \
	(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG | PART_KEY_FLAG)

/* ----------------------------------------------------- each connection ---- */

static bool
is_off(const char *value)
{
	return strcmp(value, "OFF") == 0 || strcmp(value, "0") == 0;
}

void
probe_server(MYSQL_RES *answer, struct probe_server *server)
{
	MYSQL_ROW row;

	server->packet = 0;
	server->read_only = server->galera = false;
	while ((row = mysql_fetch_row(answer)) != NULL) {
		if (strcmp(row[0], "max_allowed_packet") == 0)
			server->packet = strtoul(row[1], NULL, 10);
		else if (strcmp(row[0], "wsrep_on") == 0)
			server->galera = !is_off(row[1]);
		else if (!is_off(row[1]))
			server->read_only = true;
	}
}

static bool
column_is_wide(const MYSQL_FIELD *column)
{
	return (column->flags & UNSIGNED_FLAG) != 0 ||
	       column->type == MYSQL_TYPE_LONGLONG;
}

bool
probe_columns(MYSQL_RES *answer, struct column_signs *signs)
{
	const MYSQL_FIELD *columns = mysql_fetch_fields(answer);

	signs->ip_unsigned = column_is_wide(&columns[2]);
	signs->caller_unsigned = column_is_wide(&columns[4]);
	signs->succ_unsigned = column_is_wide(&columns[5]);
	signs->err_unsigned = column_is_wide(&columns[6]);
	for (int i = 0; i < KEY_COLUMNS; i++) {
		if ((columns[i].flags & SOME_KEY) == 0)
			return false;
	}
	return true;
}

/* -------------------------------------------- the check of the options ---- */

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
	    "char varchar enum int bigint mediumint smallint tinyint" },
};

/* Rights, and the columns that need them: bits of their places. */
static const struct {
	const char *name;
	unsigned columns;
} rights[] = {
	{ "select", (1u << COLUMNS) - 1 },
	{ "insert", (1u << COLUMNS) - 1 },
	{ "update", ((1u << COLUMNS) - 1) & ~((1u << KEY_COLUMNS) - 1) },
};
#define RIGHTS (sizeof(rights) / sizeof(*rights))

struct probe {
	MYSQL *mysql;
	const char *table;
	db_report *report;
	void *arg;
	unsigned faults;
	unsigned seen;            /* bits of the columns that are there */
	unsigned missing[RIGHTS]; /* bits of the columns without the right */
};

static void __attribute__((format(printf, 2, 3)))
fault(struct probe *p, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	p->faults++;
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

/* Ask what information_schema has about the table.  NULL: the error was
 * reported. */
static MYSQL_RES *
ask(struct probe *p, const char *what, const char *more)
{
	const char *dot = strchr(p->table, '.');
	const char *name = dot == NULL ? p->table : dot + 1;
	char schema[260] = "DATABASE()", table[260], question[1200];
	MYSQL_RES *answer = NULL;

	if (dot != NULL) {
		schema[0] = '\'';
		unsigned long n = mysql_real_escape_string(p->mysql, schema + 1,
		    p->table,
		    dot - p->table < 128 ? (unsigned long)(dot - p->table) : 0);
		memcpy(schema + 1 + n, "'", 2);
	}
	mysql_real_escape_string(
	    p->mysql, table, name, strlen(name) < 128 ? strlen(name) : 0);
	snprintf(question, sizeof(question),
	    "SELECT %s WHERE TABLE_SCHEMA = %s AND TABLE_NAME = '%s'%s", what,
	    schema, table, more);
	if (mysql_query(p->mysql, question) == 0)
		answer = mysql_store_result(p->mysql);
	if (answer == NULL)
		fault(p, "error %u: %s", mysql_errno(p->mysql),
		    mysql_error(p->mysql));
	return answer;
}

/* ------------------------------------------------------------- columns ---- */

/* One that we do not write must do without us. */
static void
check_foreign(struct probe *p, MYSQL_ROW row)
{
	if (strcmp(row[3], "NO") == 0 && row[4] == NULL &&
	    strcasestr(row[5], "auto_increment") == NULL &&
	    strcasestr(row[5], "generated") == NULL)
		fault(p,
		    "table %s: column %s has no default, and reporter does "
		    "not write it; give it one",
		    p->table, row[0]);
}

static void
check_column(struct probe *p, unsigned at, MYSQL_ROW row)
{
	/* What holds a port only without its sign. */
	bool narrow = strcmp(row[1], "smallint") == 0 && at < KEY_COLUMNS &&
		      strstr(row[2], "unsigned") == NULL;

	p->seen |= 1u << at;
	if (!has_word(columns[at].types, row[1]) || narrow)
		fault(p, "table %s: column %s is %s; expected as in schema.sql",
		    p->table, row[0], row[2]);
	for (size_t i = 0; i < RIGHTS; i++) {
		if ((rights[i].columns & 1u << at) != 0 &&
		    !has_word(row[6], rights[i].name))
			p->missing[i] |= 1u << at;
	}
}

static void
check_columns(struct probe *p, MYSQL_RES *answer)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(answer)) != NULL) {
		unsigned at = column_place(row[0]);

		if (at == FOREIGN)
			check_foreign(p, row);
		else
			check_column(p, at, row);
	}
	for (unsigned at = 0; at < COLUMNS; at++) {
		if ((p->seen & 1u << at) == 0)
			fault(p,
			    "table %s: there is no column %s, or the account "
			    "may not see it; expected as in schema.sql",
			    p->table, columns[at].name);
	}
}

static void
report_rights(struct probe *p)
{
	for (size_t i = 0; i < RIGHTS; i++) {
		unsigned missing = p->missing[i];

		if (missing != 0)
			fault(p,
			    "table %s: the account may not %s %s%s; expected "
			    "SELECT, INSERT and UPDATE, as in grants.sql",
			    p->table, rights[i].name,
			    columns[ffs((int)missing) - 1].name,
			    (missing & (missing - 1)) != 0 ? " and more" : "");
	}
}

/* ---------------------------------------------------------------- keys ---- */

/* A unique key is over: these are its columns. */
static bool
check_key(struct probe *p, const char *name, unsigned its)
{
	const unsigned wanted = (1u << KEY_COLUMNS) - 1;

	if (its == wanted)
		return true;
	/* Wider than ours forbids nothing that ours allows. */
	if ((its & wanted) != wanted)
		fault(p,
		    "table %s: unique key %s lacks some of modid, cmdid, ip, "
		    "port, caller: rows of different keys would take each "
		    "other's place",
		    p->table, name);
	return false;
}

static void
check_keys(struct probe *p, MYSQL_RES *answer)
{
	char name[260] = "";
	unsigned its = 0;
	bool keyed = false;
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(answer)) != NULL) {
		if (strcmp(name, row[0]) != 0) {
			if (*name != '\0')
				keyed |= check_key(p, name, its);
			snprintf(name, sizeof(name), "%s", row[0]);
			its = 0;
		}
		/* MySQL has keys of expressions, which are no column. */
		its |= 1u << (row[1] != NULL ? column_place(row[1]) : FOREIGN);
	}
	if (*name != '\0')
		keyed |= check_key(p, name, its);
	if (!keyed)
		fault(p,
		    "table %s has no primary key (modid, cmdid, ip, port, "
		    "caller): each report would add rows",
		    p->table);
}

unsigned
probe_table(MYSQL *mysql, const char *table, db_report *report, void *arg)
{
	struct probe p = {
		.mysql = mysql, .table = table, .report = report, .arg = arg
	};
	MYSQL_RES *answer = ask(&p,
	    "COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, "
	    "COLUMN_DEFAULT, EXTRA, PRIVILEGES FROM information_schema.COLUMNS",
	    " ORDER BY ORDINAL_POSITION");

	if (answer == NULL)
		return p.faults;
	if (mysql_num_rows(answer) == 0) {
		fault(&p,
		    "there is no table %s, or the account has no right to "
		    "see it; make it with schema.sql, and see grants.sql",
		    table);
		mysql_free_result(answer);
		return p.faults;
	}
	check_columns(&p, answer);
	mysql_free_result(answer);
	report_rights(&p);
	answer = ask(&p,
	    "INDEX_NAME, COLUMN_NAME FROM "
	    "information_schema.STATISTICS",
	    " AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX");
	if (answer != NULL) {
		check_keys(&p, answer);
		mysql_free_result(answer);
	}
	return p.faults;
}
