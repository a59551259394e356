/* SPDX-License-Identifier: MIT
 *
 * Our connection to the database: for references, and to check that a figure
 * is of rows that are really there.
 */
#include "config.h"

#include "bench/bench.h"
#include "conf/secret.h"
#include "sql/batch.h"
#include "sql/host.h"
#include "sql/login.h"
#include "conf/db_settings.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX 128      /* bytes of one line for LOAD DATA */
#define READ_TIMEOUT 600  /* seconds: a reference takes its time */
#define REST_PATIENCE 5.0 /* seconds */
#define REST_HISTORY 10   /* transactions with old versions of rows */

char base_table[160];
static MYSQL *mysql; /* NULL: not connected */
static char *rows;   /* lines for LOAD DATA */
static size_t length, capacity, given;

/* What the client library asks for instead of a file. */
static int
reading_init(void **reading, const char *name, void *arg)
{
	(void)name;
	*reading = arg;
	given = 0;
	return 0;
}

static int
reading_read(void *reading, char *buffer, unsigned size)
{
	size_t n = length - given < size ? length - given : size;

	(void)reading;
	memcpy(buffer, rows + given, n);
	given += n;
	return (int)n;
}

static void
reading_end(void *reading)
{
	(void)reading;
}

static int
reading_error(void *reading, char *text, unsigned size)
{
	(void)reading;
	snprintf(text, size, "cannot read");
	return 2;
}

static void
line_add(void *arg, const struct record *r)
{
	(void)arg;
	if (capacity - length < LINE_MAX) {
		capacity = capacity * 2 + 64 * LINE_MAX;
		rows = grown(rows, capacity);
	}
	length += (size_t)snprintf(rows + length, LINE_MAX,
	    "%" PRId32 "\t%" PRId32 "\t%" PRIu32 "\t%u\t%" PRIu32 "\t%" PRIu32
	    "\t%" PRIu32 "\t%" PRIu64 "\t%u\n",
	    r->modid, r->cmdid, r->ip, r->port, r->caller, r->succ, r->err,
	    record_ts(r), r->overload);
}

void
base_prepare(const struct keyset *set, uint64_t ts)
{
	length = 0;
	keyset_sorted(set, (uint32_t)(ts % 10000), ts, line_add, NULL);
}

bool
base_load(void)
{
	return base_may("LOAD DATA LOCAL INFILE 'rows' REPLACE INTO TABLE %s "
			"(" BATCH_COLUMNS ")",
	    base_table);
}

static bool
host_open(const struct db_options *db, const char *word)
{
	unsigned on = 1;
	struct host host;

	if (!host_read(&host, word))
		fail("invalid database host \"%s\"", word);
	if (host.port == 0)
		host.port = db->port;
	mysql = login_new(db, &host);
	if (mysql == NULL)
		fail("out of memory");
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &on);
	return login_connect(mysql, db, &host);
}

void
base_open(const struct settings *s, const char *conf)
{
	struct secret password;

	if (mysql != NULL)
		return;
	struct db_options db = db_settings(s);
	char *table = batch_quote(s->table);
	snprintf(base_table, sizeof(base_table), "%s", table);
	free(table);
	secret_init(&password, conf, "mysql", "password");
	if (secret_read(&password, stderr) != SECRET_READ)
		fail("cannot read the database password");
	db.password = password.text;
	db.read_timeout_ms = READ_TIMEOUT * 1000;
	for (size_t i = 0; !host_open(&db, s->host.words[i]);) {
		if (++i == s->host.count)
			fail(
			    "cannot connect to the database: %s", base_error());
		mysql_close(mysql);
	}
	secret_wipe(&password);
	mysql_set_local_infile_handler(mysql, reading_init, reading_read,
	    reading_end, reading_error, rows);
}

void
base_close(void)
{
	if (mysql != NULL)
		mysql_close(mysql);
	mysql = NULL;
	free(rows);
	rows = NULL;
	length = capacity = 0;
}

#define QUERY(good, format) \
	do { \
		char text[1024]; \
		FORMAT(text, format); \
		good = mysql_query(mysql, text) == 0; \
	} while (0)

const char *
base_error(void)
{
	return mysql_error(mysql);
}

bool
base_may(const char *format, ...)
{
	bool good;

	QUERY(good, format);
	return good;
}

void
base_run(const char *format, ...)
{
	bool good;

	QUERY(good, format);
	if (!good)
		fail("database: %s", base_error());
}

int64_t
base_number(int64_t absent, const char *format, ...)
{
	bool good;

	QUERY(good, format);
	MYSQL_RES *result = good ? mysql_store_result(mysql) : NULL;
	if (result == NULL)
		fail("database: %s", base_error());
	MYSQL_ROW row = mysql_fetch_row(result);
	if (row != NULL && row[0] != NULL)
		absent = strtoll(row[0], NULL, 10);
	mysql_free_result(result);
	return absent;
}

void
base_describe(void)
{
	char text[160];

	if (mysql == NULL)
		return;
	snprintf(text, sizeof(text),
	    "%s, innodb_buffer_pool_size %" PRId64
	    " MiB, innodb_flush_log_at_trx_commit %" PRId64,
	    mysql_get_server_info(mysql),
	    base_number(0, "SELECT @@innodb_buffer_pool_size") >> 20,
	    base_number(0, "SELECT @@innodb_flush_log_at_trx_commit"));
	report_fact("database", text);
}

void
base_rest(void)
{
	static const char history[] =
	    "SELECT COUNT FROM information_schema.INNODB_METRICS "
	    "WHERE NAME = 'trx_rseg_history_len'";
	struct wait wait = { NULL, REST_PATIENCE, 10e-3, 0, 0 };

	/* Not every user may ask. */
	if (!base_may(history))
		return;
	mysql_free_result(mysql_store_result(mysql));
	while (wait_more(&wait, base_number(0, history) > REST_HISTORY))
		continue;
}

void
base_check(const struct keyset *set, uint64_t ts)
{
	uint32_t first, last;

	keyset_callers(set, &first, &last);
	int64_t found = base_number(0,
	    "SELECT COUNT(*) FROM %s WHERE modid BETWEEN %" PRId32
	    " AND %" PRId32 " AND caller BETWEEN %" PRIu32 " AND %" PRIu32
	    " AND ts = %" PRIu64,
	    base_table, set->base, keyset_last(set), first, last, ts);
	int64_t all =
	    options.self ? base_number(0, "SELECT COUNT(*) FROM %s", base_table)
			 : found;

	if ((uint64_t)found != set->keys || (uint64_t)all != set->keys)
		fail("invalid table: %" PRId64 " rows, %" PRId64
		     " of them of this round, instead of %" PRIu64,
		    all, found, set->keys);
}
