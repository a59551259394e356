/* SPDX-License-Identifier: MIT
 *
 * The look at a server and its table.  Owns nothing; called by db.c, in the
 * worker's flush thread; it cannot fail.
 */
#include "config.h"

#include "sql/look.h"

#include <stdlib.h>

#define KEY_COLUMNS 5
#define SOME_KEY \
	(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG | PART_KEY_FLAG)

static bool
is_off(const char *value)
{
	return strcmp(value, "OFF") == 0 || strcmp(value, "0") == 0;
}

void
look_at_server(MYSQL_RES *answer, struct look_server *server)
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
look_at_columns(MYSQL_RES *answer, struct column_signs *signs)
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
