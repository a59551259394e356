/* SPDX-License-Identifier: MIT
 *
 * Our connection to the database: for references, and to check that a figure
 * is of rows that are really there.
 */
#include "config.h"

#include "t/bench/bench.h"
#include "conf/secret.h"
#include "sql/batch.h"
#include "sql/login.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define READ_TIMEOUT 600 /* seconds: a reference takes its time */
#define REST_TIMEOUT 5.0 /* seconds */
#define TIDY_TIMEOUT 30  /* seconds */
#define REST_HISTORY 10  /* transactions with old versions of rows */

char base_table[160];
static MYSQL *mysql; /* NULL: not connected */
static FILE *lines;  /* in memory, for LOAD DATA */

static void
line_add(void *arg, const struct record *r)
{
	(void)arg;
	fprintf(lines,
	    "%" PRId32 "\t%" PRId32 "\t%" PRIu32 "\t%u\t%" PRIu32 "\t%" PRIu32
	    "\t%" PRIu32 "\t%" PRIu64 "\t%u\n",
	    r->modid, r->cmdid, r->ip, r->port, r->caller, r->succ, r->err,
	    record_ts(r), r->overload);
}

void
base_prepare(const struct keyset *set, uint64_t ts)
{
	if (lines == NULL)
		lines = fdopen(memfd_create("lines", MFD_CLOEXEC), "w");
	if (lines == NULL || ftruncate(fileno(lines), 0) < 0)
		fail("cannot create a file in memory: %m");
	rewind(lines);
	keyset_sorted(set, (uint32_t)(ts % 10000), ts, line_add, NULL);
	if (fflush(lines) != 0)
		fail("cannot write a file in memory: %m");
}

bool
base_load(void)
{
	return base_try("LOAD DATA LOCAL INFILE '/proc/self/fd/%d' REPLACE "
			"INTO TABLE %s (" BATCH_COLUMNS ")",
	    fileno(lines), base_table);
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
base_open(void)
{
	const struct settings *s = site.settings;
	struct secret password;

	struct db_options db = db_settings(s);
	char *table = batch_quote(db.table);
	snprintf(base_table, sizeof(base_table), "%s", table);
	free(table);
	password = (struct secret){ .path = parameter_text("conf") };
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
	if (site_self())
		base_run("TRUNCATE TABLE %s", base_table);
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
base_try(const char *format, ...)
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

/* The column of the address is signed at some sites and unsigned at others. */
int64_t
base_value(const struct record *key, const char *column, int64_t absent)
{
	return base_number(absent,
	    "SELECT %s FROM %s WHERE modid = %" PRId32 " AND cmdid = %" PRId32
	    " AND ip IN (%" PRIu32 ", %" PRId32
	    ") AND port = %u AND caller = %" PRIu32,
	    column, base_table, key->modid, key->cmdid, key->ip,
	    (int32_t)key->ip, key->port, key->caller);
}

void
base_describe(void)
{
	char text[160];

	snprintf(text, sizeof(text),
	    "%s, innodb_buffer_pool_size %" PRId64
	    " MiB, innodb_flush_log_at_trx_commit %" PRId64,
	    mysql_get_server_info(mysql),
	    base_number(0, "SELECT @@innodb_buffer_pool_size") >> 20,
	    base_number(0, "SELECT @@innodb_flush_log_at_trx_commit"));
	fact("database", json_string(text));
}

void
base_rest(void)
{
	static const char history[] =
	    "SELECT COUNT FROM information_schema.INNODB_METRICS "
	    "WHERE NAME = 'trx_rseg_history_len'";
	struct wait wait = { NULL, REST_TIMEOUT, 10e-3, 0, 0 };

	/* Not every account may; MySQL reports it when the rows are read. */
	MYSQL_RES *result =
	    base_try(history) ? mysql_store_result(mysql) : NULL;
	if (result == NULL)
		return;
	mysql_free_result(result);
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
	    site_self() ? base_number(0, "SELECT COUNT(*) FROM %s", base_table)
			: found;

	if ((uint64_t)found != set->keys || (uint64_t)all != set->keys)
		fail("invalid table: %" PRId64 " rows, %" PRId64
		     " of them of this round, instead of %" PRIu64,
		    all, found, set->keys);
}

void
base_tidy(void)
{
	struct wait wait = { NULL, TIDY_TIMEOUT, 10e-3, 0, 0 };
	uint64_t others = (uint64_t)parameter("connections");
	struct counts now;

	/* Records that are flushed later would bring their rows back.  Some
	   may not even have been read: those connections are still open. */
	do
		now = watch.workers > 0 ? watch_counts() : (struct counts){ 0 };
	while (wait_more(&wait,
	    now.connections > others || now.queued > 0 || now.pending > 0));
	/* The pending table still has our newest records: those of the next run
	   must be newer. */
	for (int turns = 0;
	     turns < 10 * TIDY_TIMEOUT && time(NULL) < (time_t)parameter("ts");
	     turns++)
		clock_sleep(0.1);
	base_run("DELETE FROM %s WHERE modid BETWEEN %d AND %d", base_table,
	    SITE_MODID, SITE_MODID_END);
}
