/* SPDX-License-Identifier: MIT
 *
 * The benchmark's own connection.  Owns it and the lines for LOAD DATA.  Main
 * thread; what cannot be done is fatal unless the function says otherwise.
 */
#include "config.h"

#include "bench/base.h"

#include "sql/batch.h"
#include "bench/fail.h"
#include "sql/host.h"
#include "sql/login.h"
#include "conf/secret.h"
#include "conf/db_settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_MAX 1024
#define LINE_MAX 128 /* bytes of one line for LOAD DATA */

/* Transactions whose old versions of rows are still kept. */
#define HISTORY \
	"information_schema.INNODB_METRICS WHERE NAME = " \
	"'trx_rseg_history_len'"
#define HISTORY_LEFT 10
#define READ_TIMEOUT 600 /* seconds: a reference takes its time */
#define REST 5.0         /* seconds at the most */
#define PAUSE 10e-3      /* seconds between two looks */

/* ------------------------------------------------------------ LOAD DATA --- */

/* What the client library asks for instead of a file. */
struct reading {
	const char *next;
	size_t left;
};

static int
reading_init(void **reading, const char *name, void *arg)
{
	struct base *base = arg;
	struct reading *r = malloc(sizeof(*r));

	(void)name;
	*reading = r;
	if (r == NULL)
		return 1;
	*r = (struct reading){ base->rows, base->length };
	return 0;
}

static int
reading_read(void *reading, char *buffer, unsigned size)
{
	struct reading *r = reading;
	size_t n = r->left < size ? r->left : size;

	memcpy(buffer, r->next, n);
	r->next += n;
	r->left -= n;
	return (int)n;
}

static void
reading_end(void *reading)
{
	free(reading);
}

static int
reading_error(void *reading, char *text, unsigned size)
{
	(void)reading;
	snprintf(text, size, "no memory");
	return 2;
}

static void
line_add(void *arg, const struct record *r)
{
	struct base *base = arg;

	if (base->capacity - base->length < LINE_MAX) {
		base->capacity = base->capacity * 2 + 64 * LINE_MAX;
		base->rows = realloc(base->rows, base->capacity);
		if (base->rows == NULL)
			fail("no memory for rows");
	}
	base->length += (size_t)snprintf(base->rows + base->length, LINE_MAX,
	    "%" PRId32 "\t%" PRId32 "\t%" PRIu32 "\t%u\t%" PRIu32 "\t%" PRIu32
	    "\t%" PRIu32 "\t%" PRIu64 "\t%u\n",
	    r->modid, r->cmdid, r->ip, r->port, r->caller, r->succ, r->err,
	    record_ts(r), r->overload);
}

void
base_prepare(struct base *base, const struct keyset *set, uint64_t ts)
{
	base->length = 0;
	keyset_sorted(set, (uint32_t)(ts % 10000), ts, line_add, base);
}

bool
base_load(struct base *base)
{
	return base_may(base,
	    "LOAD DATA LOCAL INFILE 'rows' REPLACE INTO TABLE %s "
	    "(" BATCH_COLUMNS ")",
	    base->table);
}

/* ------------------------------------------------------------ connection -- */

/* Connect to this host.  Returns whether it worked. */
static bool
host_open(struct base *base, struct db_options *options, const char *word)
{
	unsigned on = 1;
	struct host host;

	if (!host_read(&host, word))
		fail("the database's host \"%s\" is no name", word);
	if (host.port == 0)
		host.port = options->port;
	base->mysql = login_new(options, &host);
	if (base->mysql == NULL)
		fail("no memory for a connection");
	mysql_options(base->mysql, MYSQL_OPT_LOCAL_INFILE, &on);
	return login_connect(base->mysql, options, &host);
}

void
base_open(struct base *base, const struct settings *s, const char *conf)
{
	struct db_options options = db_settings(s);
	char *table = batch_quote(s->table);
	struct secret password;
	size_t i = 0;

	memset(base, 0, sizeof(*base));
	if (table == NULL)
		fail("no memory for a connection");
	snprintf(base->table, sizeof(base->table), "%s", table);
	free(table);
	secret_init(&password, conf, "mysql", "password");
	if (secret_read(&password, stderr) != SECRET_READ)
		fail("the password cannot be read");
	options.password = password.text;
	options.read_timeout_ms = READ_TIMEOUT * 1000;
	while (!host_open(base, &options, s->host.words[i])) {
		if (++i == s->host.count)
			fail("database: %s", mysql_error(base->mysql));
		mysql_close(base->mysql);
	}
	secret_wipe(&password);
	mysql_set_local_infile_handler(base->mysql, reading_init, reading_read,
	    reading_end, reading_error, base);
}

void
base_close(struct base *base)
{
	if (base->mysql != NULL)
		mysql_close(base->mysql);
	base->mysql = NULL;
	free(base->rows);
	base->rows = NULL;
	base->length = base->capacity = 0;
}

/* ------------------------------------------------------------ statements -- */

static bool __attribute__((format(printf, 2, 0)))
base_query(struct base *base, const char *format, va_list arguments)
{
	char text[STATEMENT_MAX];
	int length = vsnprintf(text, sizeof(text), format, arguments);

	if (length < 0 || (size_t)length >= sizeof(text))
		fail("a statement is too long");
	return mysql_real_query(base->mysql, text, (unsigned long)length) == 0;
}

const char *
base_error(const struct base *base)
{
	return mysql_error(base->mysql);
}

bool
base_may(struct base *base, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	bool good = base_query(base, format, arguments);
	va_end(arguments);
	return good;
}

void
base_run(struct base *base, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!base_query(base, format, arguments))
		fail("database: %s", base_error(base));
	va_end(arguments);
}

int64_t
base_number(struct base *base, int64_t absent, const char *format, ...)
{
	va_list arguments;
	int64_t number = absent;

	va_start(arguments, format);
	bool good = base_query(base, format, arguments);
	va_end(arguments);
	MYSQL_RES *result = good ? mysql_store_result(base->mysql) : NULL;
	if (result == NULL)
		fail("database: %s", base_error(base));
	MYSQL_ROW row = mysql_fetch_row(result);
	if (row != NULL && row[0] != NULL)
		number = strtoll(row[0], NULL, 10);
	mysql_free_result(result);
	return number;
}

void
base_server(struct base *base, char *text, size_t size)
{
	int64_t pool = base_number(base, 0, "SELECT @@innodb_buffer_pool_size");
	int64_t commit =
	    base_number(base, 0, "SELECT @@innodb_flush_log_at_trx_commit");

	snprintf(text, size,
	    "%s, innodb_buffer_pool_size %" PRId64
	    " MiB, innodb_flush_log_at_trx_commit %" PRId64,
	    mysql_get_server_info(base->mysql), pool >> 20, commit);
}

void
base_rest(struct base *base)
{
	double deadline = clock_now() + REST;

	/* Not everybody may ask. */
	if (!base_may(base, "SELECT 1 FROM " HISTORY))
		return;
	mysql_free_result(mysql_store_result(base->mysql));
	while (
	    base_number(base, 0, "SELECT COUNT FROM " HISTORY) > HISTORY_LEFT &&
	    clock_now() < deadline)
		clock_sleep(PAUSE);
}

void
base_check(struct base *base, const struct keyset *set, uint64_t ts, bool alone)
{
	uint32_t first, last;

	keyset_callers(set, &first, &last);
	int64_t rows = base_number(base, 0,
	    "SELECT COUNT(*) FROM %s WHERE modid BETWEEN %" PRId32
	    " AND %" PRId32 " AND caller BETWEEN %" PRIu32 " AND %" PRIu32
	    " AND ts = %" PRIu64,
	    base->table, set->base, keyset_last(set), first, last, ts);
	int64_t all = rows;

	if (alone)
		all = base_number(
		    base, 0, "SELECT COUNT(*) FROM %s", base->table);
	if ((uint64_t)rows != set->keys || (uint64_t)all != set->keys)
		fail("the table is wrong: %" PRId64 " rows, %" PRId64
		     " of them of this round, instead of %" PRIu64,
		    all, rows, set->keys);
}

void
base_upsert(struct base *base, const struct record *r)
{
	base_run(base,
	    "INSERT INTO %s (" BATCH_COLUMNS ") VALUES (%" PRId32 ",%" PRId32
	    ",%" PRIu32 ",%u,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64
	    ",'%u') ON DUPLICATE KEY UPDATE succ_cnt = VALUES(succ_cnt), "
	    "err_cnt = VALUES(err_cnt), overload = VALUES(overload), "
	    "ts = VALUES(ts)",
	    base->table, r->modid, r->cmdid, r->ip, r->port, r->caller, r->succ,
	    r->err, record_ts(r), r->overload);
}
