/* SPDX-License-Identifier: MIT
 *
 * The option table.  A new option needs a field in struct settings, a row
 * here, and its entries in reporter.conf(5) and etc/reporter.conf, which
 * t/unit_option compares with this table.
 */
#include "config.h"

#include "conf/option.h"

#include "conf/listen_spec.h"
#include "lib/address.h"
#include "lib/prefix.h"
#include "shm/segment.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------- the form of a text ----
 */

#define IDENTIFIER_MAX 64 /* MySQL's longest name of a database or a table */

static const char *
syntax_any(const char *word)
{
	(void)word;
	return NULL;
}

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

/* Whether the system could have a user or group of this name. */
static bool
is_account(const char *word)
{
	if (isdigit((unsigned char)*word) || *word == '-')
		return false;
	for (; *word != '\0'; word++) {
		if (!isalnum((unsigned char)*word) &&
		    strchr("_-.$", *word) == NULL)
			return false;
	}
	return true;
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
	.offset = offsetof(struct settings, field_), \
	.initial = initial_, .live = OPTION_##live_
#define ROW(section_, name_, initial_, live_) \
	FIELD(section_, name_, name_, initial_, live_)
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
	  .expects = "1 to 31 letters, digits, - and _",
	  .text = "Instance name, used by reporterctl and for the shared memory" },
	{ ROW(reporter, listen, "0.0.0.0:12316", LIVE),
	  LIST(1, LISTENERS_MAX, listen),
	  .expects = "a list of ADDRESS:PORT, [ADDRESS6]:PORT or *:PORT, each optionally followed by proxy and tls",
	  .text = "Addresses and ports that agents connect to" },
	{ ROW(reporter, workers, "auto", QUEUE),
	  .type = OPTION_AUTO, RANGE(1, WORKERS_MAX),
	  .text = "Number of worker processes; auto: one per CPU, at most 4" },
	{ ROW(reporter, user, "", RESTART), TEXT(0, 32, user),
	  .expects = "a user name, or empty",
	  .text = "User to run as when started by root; empty: do not change user" },
	{ ROW(reporter, group, "", RESTART), TEXT(0, 32, group),
	  .expects = "a group name, or empty",
	  .text = "Group that may read the status with reporterctl; empty: none" },
	{ ROW(reporter, sandbox, "on", RESTART), CHOICE(switch_names),
	  .text = "Restrict system calls (seccomp) and file access (Landlock)" },
	{ ROW(reporter, pid_file, "", RESTART), FILE_PATH(4095),
	  .text = "File that contains the process ID of the master" },
	{ ROW(reporter, runtime_directory, RUNSTATEDIR "/reporter", RESTART),
	  FILE_PATH(4095),
	  .text = "Directory of the socket for reporter -r" },
	{ ROW(reporter, shutdown_timeout, "30s", LIVE), SECONDS(100, HOUR),
	  .text = "Timeout for the flush at shutdown" },

	{ ROW(limits, max_connections, "10000", LIVE), NUMBER(1, 1000000),
	  .text = "Maximum number of connections" },
	{ ROW(limits, max_connections_per_address, "0", LIVE),
	  NUMBER(0, 1000000),
	  .text = "Maximum number of connections from one address; 0: no limit" },
	{ ROW(limits, accept_rate, "0", LIVE), NUMBER(0, 1000000),
	  .text = "Maximum number of new connections per second; 0: no limit" },
	{ ROW(limits, max_message, "64k", LIVE), SIZE(1 * KIB, 64 * KIB),
	  .text = "Maximum message size" },
	{ ROW(limits, idle_timeout, "5min", LIVE), SECONDS(0, 24 * HOUR),
	  .text = "Idle timeout of native agents; 0: none" },
	{ ROW(limits, message_timeout, "30s", LIVE), SECONDS(0, 24 * HOUR),
	  .text = "Timeout for receiving one message; 0: none" },
	{ ROW(limits, max_connection_age, "0", LIVE),
	  SECONDS(0, 30 * 24 * HOUR),
	  .text = "Age at which connections are closed; 0: no limit" },
	{ ROW(limits, allow, "", LIVE), PREFIXES,
	  .text = "Addresses that may connect; empty: all" },
	{ ROW(limits, deny, "", LIVE), PREFIXES,
	  .text = "Addresses that may not connect; overrides allow" },
	{ ROW(limits, check_caller, "off", LIVE), CHOICE(check_caller_names),
	  .text = "Action when the caller in a report is not the address of its agent" },
	{ ROW(limits, proxy_from, "", LIVE), PREFIXES,
	  .text = "Load balancers that may connect to a proxy listener" },
	{ ROW(limits, max_clock_skew, "1min", WORKERS),
	  SECONDS(0, 24 * HOUR), .step = SECOND,
	  .text = "Maximum time by which the clock of an agent may be ahead" },

	{ ROW(tls, certificate, "", LIVE), FILE_PATH(4095),
	  .text = "Server certificate" },
	{ ROW(tls, key, "", LIVE), FILE_PATH(4095),
	  .text = "Private key of the server certificate" },
	{ ROW(tls, client_ca, "", LIVE), FILE_PATH(4095),
	  .text = "CA certificates used to verify the agents; empty: do not verify" },
	{ ROW(tls, min_version, "1.2", LIVE), CHOICE(version_names),
	  .text = "Minimum TLS version" },

	{ ROW(queue, ring_records, "65536", QUEUE),
	  .type = OPTION_POWER, RANGE(RING_RECORDS_MIN, RING_RECORDS_MAX),
	  .text = "Size of the ring of each worker, in records of 32 bytes" },
	{ ROW(queue, table_keys, "262144", QUEUE),
	  NUMBER(TABLE_KEYS_MIN, TABLE_KEYS_MAX),
	  .text = "Size of the pending table of each worker, in keys of about 62 bytes" },
	{ ROW(queue, overflow, "block", LIVE), CHOICE(overflow_names),
	  .text = "Action when a ring is full: block its agents, or drop records" },

	{ ROW(mysql, host, "localhost", WORKERS), LIST(1, 32, host),
	  .expects = "a list of HOST, HOST:PORT or [ADDRESS6]:PORT",
	  .text = "Database servers, tried in this order" },
	{ ROW(mysql, port, "3306", WORKERS), NUMBER(1, 65535),
	  .text = "Default port of the hosts" },
	{ ROW(mysql, socket, "", WORKERS), FILE_PATH(107),
	  .text = "Unix socket for localhost; empty: default of the client library" },
	{ FIELD(mysql, user, mysql_user, "", WORKERS), TEXT(0, 80, any),
	  .expects = "at most 80 bytes",
	  .text = "Database user" },
	{ ROW(mysql, password, "", LIVE),
	  .type = OPTION_SECRET, RANGE(0, 128), .check = syntax_any,
	  .expects = "at most 128 bytes",
	  .text = "Password of the database user" },
	{ ROW(mysql, database, "reporter", WORKERS), TEXT(0, 64, any),
	  .expects = "at most 64 bytes",
	  .text = "Database that contains the table" },
	{ ROW(mysql, table, "ServerCallStatus", WORKERS), TEXT(1, 129, table),
	  .expects = "TABLE or DATABASE.TABLE, of letters, digits, _ and $",
	  .text = "Table to keep up to date" },
	{ ROW(mysql, defaults_file, "", WORKERS), FILE_PATH(4095),
	  .text = "Option file of the client library" },
	{ ROW(mysql, ssl_ca, "", WORKERS), FILE_PATH(4095),
	  .text = "CA certificates used to verify the servers; requires TLS" },
	{ ROW(mysql, ssl_cert, "", WORKERS), FILE_PATH(4095),
	  .text = "Client certificate; requires TLS" },
	{ ROW(mysql, ssl_key, "", WORKERS), FILE_PATH(4095),
	  .text = "Private key of the client certificate" },
	{ ROW(mysql, ssl_verify, "on", WORKERS), CHOICE(verify_names),
	  .text = "Verify the servers: certificate and name, CA only, or none" },
	{ ROW(mysql, server_public_key, "", WORKERS), FILE_PATH(4095),
	  .text = "RSA public key of the servers, for logins without TLS" },
	{ ROW(mysql, insecure_auth, "off", WORKERS), CHOICE(switch_names),
	  .text = "Allow unsafe ways to send the password" },
	{ ROW(mysql, flush_interval, "1s", WORKERS),
	  .type = OPTION_TIME, .unit = "ms", RANGE(1, HOUR),
	  .text = "Maximum time between two flushes" },
	{ ROW(mysql, urgent_interval, "50ms", WORKERS),
	  .type = OPTION_TIME, .unit = "ms", RANGE(1, HOUR),
	  .text = "Flush interval of new keys and changes of overload" },
	{ ROW(mysql, flush_rows, "5000", WORKERS), NUMBER(1, 1000000),
	  .text = "Maximum rows of a transaction" },
	{ ROW(mysql, bulk, "auto", WORKERS), CHOICE(bulk_names),
	  .text = "Prepared statements and bulk execution, or text always" },
	{ ROW(mysql, connect_timeout, "5s", WORKERS),
	  SECONDS(SECOND, 5 * MINUTE), .step = SECOND,
	  .text = "Timeout for connecting to a database server" },
	{ ROW(mysql, read_timeout, "30s", WORKERS),
	  SECONDS(SECOND, HOUR), .step = SECOND,
	  .text = "Timeout for a statement and its result" },
	{ ROW(mysql, keepalive, "30s", WORKERS),
	  SECONDS(0, HOUR), .step = SECOND,
	  .text = "Idle time before the database connection is probed; 0: off" },
	{ ROW(mysql, dead_letter_file,
	      LOCALSTATEDIR "/lib/reporter/dead-letter.jsonl", WORKERS),
	  FILE_PATH(4095),
	  .text = "File for records that the database rejects; empty: none" },
	{ ROW(mysql, dead_letter_size, "64m", WORKERS),
	  SIZE(4 * KIB, 1024 * GIB),
	  .text = "Maximum size of the dead-letter file" },
	{ ROW(mysql, hold_time, "0", WORKERS), SECONDS(0, 30 * 24 * HOUR),
	  .text = "Maximum time to retry a row that fails alone; 0: forever" },
	{ ROW(mysql, retention, "0", WORKERS),
	  SECONDS(0, 87600 * HOUR), .step = SECOND,
	  .text = "Age at which rows are removed from the table; 0: never" },

	{ FIELD(log, target, log_target, "syslog", WORKERS),
	  TEXT(1, 4095, log_target),
	  .expects = "syslog, stderr, or an absolute path",
	  .text = "Log destination" },
	{ FIELD(log, level, log_level, "info", WORKERS), CHOICE(level_names),
	  .text = "Minimum severity to log" },
};

/* clang-format on */

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

const struct conf_option *
option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].section, section) == 0 &&
		    strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	}
	return NULL;
}

const char *
option_section(const char *name)
{
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].section, name) == 0)
			return option_table[i].section;
	}
	return NULL;
}

void
option_name(const struct conf_option *option, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", option->section, option->name);
}
