/* SPDX-License-Identifier: MIT
 *
 * The option table.  A new option needs a field in struct settings, a row
 * here, and its entries in reporter.conf(5) and etc/reporter.conf, which
 * t/unit_option compares with this table.
 */
#include "config.h"

#include "conf/option.h"

#include "lib/address.h"
#include "lib/prefix.h"
#include "shm/segment.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* --------------------------------------------------- the form of a text ----
 */

#define IDENTIFIER_MAX 64 /* MySQL's longest name of a database or a table */

#define syntax_any NULL

static const char *
syntax_instance(const char *word)
{
	return segment_instance_ok(word) ? NULL
					 : "is not a valid instance name";
}

static const char *
syntax_listen(const char *word)
{
	struct listen_spec spec;

	return listen_spec_parse(&spec, word);
}

static const char *
syntax_host(const char *word)
{
	struct address address;
	const char *fault = address_parse(&address, word);

	if (fault == NULL && address.host[0] == '\0')
		return "is not a host to connect to";
	if (fault == NULL && address.port == 0)
		return "has port 0";
	return fault;
}

static const char *
syntax_allow(const char *word)
{
	struct prefix prefix;

	return prefix_parse(&prefix, word);
}

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Whether the system could have a user or group of this name. */
static bool
is_account(const char *word)
{
	return strspn(word, DIGITS "-") == 0 &&
	       word[strspn(word, DIGITS LETTERS "_-.$")] == '\0';
}

static const char *
syntax_user(const char *word)
{
	return is_account(word) ? NULL : "is not a valid user name";
}

static const char *
syntax_group(const char *word)
{
	return is_account(word) ? NULL : "is not a valid group name";
}

static const char *
syntax_path(const char *word)
{
	if (*word == '\0')
		return NULL;
	if (*word != '/')
		return "is not an absolute path";
	return word[strlen(word) - 1] == '/' ? "is the path of a directory"
					     : NULL;
}

static const char *
syntax_log_target(const char *word)
{
	if (strcmp(word, "syslog") == 0 || strcmp(word, "stderr") == 0)
		return NULL;
	return syntax_path(word);
}

static const char *
syntax_table(const char *word)
{
	size_t length = 0;
	int dots = 0;

	for (; *word != '\0'; word++) {
		if (*word == '.') {
			if (length == 0 || ++dots > 1)
				break;
			length = 0;
			continue;
		}
		if (!isalnum((unsigned char)*word) && *word != '_' &&
		    *word != '$')
			return "contains an invalid character";
		if (++length > IDENTIFIER_MAX)
			return "has a name of more than 64 characters";
	}
	return *word == '\0' && length > 0 ? NULL : "has a misplaced dot";
}

/* -------------------------------------------------------- the table ---- */

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const char *const overflow_names[] = { "block", "drop", NULL };
static const char *const bulk_names[] = { "auto", "off", NULL };
static const char *const check_caller_names[] = { "off", "log", "reject",
	"replace", NULL };
static const char *const switch_names[] = { "off", "on", NULL };
static const char *const version_names[] = { "1.2", "1.3", NULL };
static const char *const verify_names[] = { "on", "ca", "off", NULL };
static const char *const level_names[] = { "error", "warn", "info", "debug",
	NULL };

/* clang-format off */

/* A row of the table: section, name, field if that is another word, default,
   what a change requires; then what differs. */
#define FIELD(section_, name_, field_, initial_, live_) \
	.section = #section_, .name = #name_, \
	.full = #section_ "." #name_, \
	.offset = offsetof(struct settings, field_), \
	.initial = initial_, .live = OPTION_##live_
#define ROW(section_, name_, initial_, live_) \
	FIELD(section_, name_, name_, initial_, live_)
#define DB(name_, initial_, live_) \
	FIELD(mysql, name_, db.name_, initial_, live_)
#define RANGE(min_, max_) .min = (min_), .max = (max_)
#define NUMBER(min_, max_) .type = OPTION_NUMBER, RANGE(min_, max_)
#define SIZE(min_, max_) .type = OPTION_SIZE, RANGE(min_, max_)
#define SECONDS(min_, max_) .type = OPTION_TIME, .unit = "s", RANGE(min_, max_)
#define CHOICE(names_) .type = OPTION_CHOICE, .choices = names_
#define TEXT(min_, max_, check_) \
	.type = OPTION_TEXT, RANGE(min_, max_), .check = syntax_##check_
#define FILE_PATH(max_) \
	TEXT(0, max_, path), .expects = "an absolute path, or empty"
#define LIST(min_, max_, check_) \
	.type = OPTION_LIST, RANGE(min_, max_), .check = syntax_##check_
#define PREFIXES \
	LIST(0, 1024, allow), \
	.expects = "a list of ADDRESS or ADDRESS/BITS, or empty"

const struct conf_option option_table[] = {
	{ ROW(reporter, instance, "default", RESTART),
	  TEXT(1, INSTANCE_MAX - 1, instance),
	  .expects = "1 to 31 letters, digits, - and _" },
	{ ROW(reporter, listen, "0.0.0.0:12316", LIVE),
	  LIST(1, LISTENERS_MAX, listen),
	  .expects = "a list of ADDRESS:PORT, [ADDRESS6]:PORT or *:PORT, each "
		     "optionally followed by proxy and tls" },
	{ ROW(reporter, workers, "auto", QUEUE),
	  .type = OPTION_AUTO, RANGE(1, WORKERS_MAX) },
	{ ROW(reporter, user, "", RESTART), TEXT(0, 32, user),
	  .expects = "a user name, or empty" },
	{ ROW(reporter, group, "", RESTART), TEXT(0, 32, group),
	  .expects = "a group name, or empty" },
	{ ROW(reporter, sandbox, "on", RESTART), CHOICE(switch_names) },
	{ ROW(reporter, pid_file, "", RESTART), FILE_PATH(4095) },
	{ ROW(reporter, runtime_directory, RUNSTATEDIR "/reporter", RESTART),
	  FILE_PATH(4095) },
	{ ROW(reporter, shutdown_timeout, "30s", LIVE), SECONDS(100, HOUR) },

	{ ROW(limits, max_connections, "10000", LIVE), NUMBER(1, 1000000) },
	{ ROW(limits, max_connections_per_address, "1000", LIVE),
	  NUMBER(0, 1000000) },
	{ ROW(limits, accept_rate, "0", LIVE), NUMBER(0, 1000000) },
	{ ROW(limits, max_message, "64k", LIVE), SIZE(1 * KIB, 64 * KIB) },
	{ ROW(limits, idle_timeout, "5min", LIVE), SECONDS(0, 24 * HOUR) },
	{ ROW(limits, message_timeout, "30s", LIVE), SECONDS(0, 24 * HOUR) },
	{ ROW(limits, max_connection_age, "0", LIVE),
	  SECONDS(0, 30 * 24 * HOUR) },
	{ ROW(limits, allow, "", LIVE), PREFIXES },
	{ ROW(limits, deny, "", LIVE), PREFIXES },
	{ ROW(limits, check_caller, "off", LIVE), CHOICE(check_caller_names) },
	{ ROW(limits, proxy_from, "", LIVE), PREFIXES },
	{ ROW(limits, max_clock_skew, "1min", WORKERS),
	  SECONDS(0, 24 * HOUR), .step = SECOND },

	{ ROW(tls, certificate, "", LIVE), FILE_PATH(4095) },
	{ ROW(tls, key, "", LIVE), FILE_PATH(4095) },
	{ ROW(tls, client_ca, "", LIVE), FILE_PATH(4095) },
	{ ROW(tls, min_version, "1.2", LIVE), CHOICE(version_names) },

	{ ROW(queue, ring_records, "65536", QUEUE),
	  .type = OPTION_POWER, RANGE(RING_RECORDS_MIN, RING_RECORDS_MAX) },
	{ ROW(queue, table_keys, "262144", QUEUE),
	  NUMBER(TABLE_KEYS_MIN, TABLE_KEYS_MAX) },
	{ ROW(queue, overflow, "block", LIVE), CHOICE(overflow_names) },

	{ ROW(mysql, host, "localhost", WORKERS), LIST(1, 32, host),
	  .expects = "a list of HOST, HOST:PORT or [ADDRESS6]:PORT" },
	{ DB(port, "3306", WORKERS), NUMBER(1, 65535) },
	{ DB(socket, "", WORKERS), FILE_PATH(107) },
	{ DB(user, "", WORKERS), TEXT(0, 80, any),
	  .expects = "at most 80 bytes" },
	{ ROW(mysql, password, "", LIVE),
	  .type = OPTION_SECRET, RANGE(0, 128), .check = syntax_any,
	  .expects = "at most 128 bytes" },
	{ DB(database, "reporter", WORKERS), TEXT(0, 64, any),
	  .expects = "at most 64 bytes" },
	{ DB(table, "ServerCallStatus", WORKERS), TEXT(1, 129, table),
	  .expects = "TABLE or DATABASE.TABLE, of letters, digits, _ and $" },
	{ DB(defaults_file, "", WORKERS), FILE_PATH(4095) },
	{ DB(ssl_ca, "", WORKERS), FILE_PATH(4095) },
	{ DB(ssl_cert, "", WORKERS), FILE_PATH(4095) },
	{ DB(ssl_key, "", WORKERS), FILE_PATH(4095) },
	{ DB(ssl_verify, "on", WORKERS), CHOICE(verify_names) },
	{ DB(server_public_key, "", WORKERS), FILE_PATH(4095) },
	{ DB(insecure_auth, "off", WORKERS), CHOICE(switch_names) },
	{ ROW(mysql, flush_interval, "1s", WORKERS),
	  .type = OPTION_TIME, .unit = "ms", RANGE(1, HOUR) },
	{ ROW(mysql, urgent_interval, "50ms", WORKERS),
	  .type = OPTION_TIME, .unit = "ms", RANGE(1, HOUR) },
	{ ROW(mysql, flush_rows, "5000", WORKERS), NUMBER(1, 1000000) },
	{ ROW(mysql, bulk, "auto", WORKERS), CHOICE(bulk_names) },
	{ FIELD(mysql, connect_timeout, db.connect_timeout_ms, "5s", WORKERS),
	  SECONDS(SECOND, 5 * MINUTE), .step = SECOND },
	{ FIELD(mysql, read_timeout, db.read_timeout_ms, "30s", WORKERS),
	  SECONDS(SECOND, HOUR), .step = SECOND },
	{ FIELD(mysql, keepalive, db.keepalive_ms, "30s", WORKERS),
	  SECONDS(0, HOUR), .step = SECOND },
	{ ROW(mysql, dead_letter_file,
	      LOCALSTATEDIR "/lib/reporter/dead-letter.jsonl", WORKERS),
	  FILE_PATH(4095) },
	{ ROW(mysql, dead_letter_size, "64m", WORKERS),
	  SIZE(4 * KIB, 1024 * GIB) },
	{ ROW(mysql, hold_time, "0", WORKERS), SECONDS(0, 30 * 24 * HOUR) },
	{ ROW(mysql, retention, "0", WORKERS),
	  SECONDS(0, 87600 * HOUR), .step = SECOND },

	{ FIELD(log, target, log_target, "syslog", WORKERS),
	  TEXT(1, 4095, log_target),
	  .expects = "syslog, stderr, or an absolute path" },
	{ FIELD(log, level, log_level, "info", WORKERS), CHOICE(level_names) },
};

/* clang-format on */

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);
static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTIONS_MAX,
    "each has a place in struct settings");

const struct conf_option *
option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].section, section) == 0 &&
		    (name == NULL || strcmp(option_table[i].name, name) == 0))
			return &option_table[i];
	}
	return NULL;
}
