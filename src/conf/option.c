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

/* One row of the table: section, name and field; then what differs. */
#define ROW(section_, name_, field_) \
	.section = section_, .name = name_, \
	.offset = offsetof(struct settings, field_)
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
	{ ROW("reporter", "instance", instance), TEXT(1, INSTANCE_MAX - 1, instance),
	  .initial = "default", .live = OPTION_RESTART,
	  .expects = "1 to 31 letters, digits, - and _",
	  .text = "Instance name, used by reporterctl and for the shared memory" },
	{ ROW("reporter", "listen", listen), LIST(1, LISTENERS_MAX, listen),
	  .initial = "0.0.0.0:12316", .live = OPTION_LIVE,
	  .expects = "a list of ADDRESS:PORT, [ADDRESS6]:PORT or *:PORT, each optionally followed by proxy and tls",
	  .text = "Addresses and ports that agents connect to" },
	{ ROW("reporter", "workers", workers),
	  .type = OPTION_AUTO, RANGE(1, WORKERS_MAX),
	  .initial = "auto", .live = OPTION_QUEUE,
	  .text = "Number of worker processes; auto: one per CPU, at most 4" },
	{ ROW("reporter", "user", user), TEXT(0, 32, user),
	  .initial = "", .live = OPTION_RESTART,
	  .expects = "a user name, or empty",
	  .text = "User to run as when started by root; empty: do not change user" },
	{ ROW("reporter", "group", group), TEXT(0, 32, group),
	  .initial = "", .live = OPTION_RESTART,
	  .expects = "a group name, or empty",
	  .text = "Group that may read the status with reporterctl; empty: none" },
	{ ROW("reporter", "sandbox", sandbox), CHOICE(switch_names),
	  .initial = "on", .live = OPTION_RESTART,
	  .text = "Restrict system calls (seccomp) and file access (Landlock)" },
	{ ROW("reporter", "pid_file", pid_file), FILE_PATH(4095),
	  .initial = "", .live = OPTION_RESTART,
	  .text = "File that contains the process ID of the master" },
	{ ROW("reporter", "runtime_directory", runtime_directory), FILE_PATH(4095),
	  .initial = RUNSTATEDIR "/reporter", .live = OPTION_RESTART,
	  .text = "Directory of the socket for reporter -r" },
	{ ROW("reporter", "shutdown_timeout", shutdown_timeout),
	  SECONDS(100, HOUR),
	  .initial = "30s", .live = OPTION_LIVE,
	  .text = "Timeout for the flush at shutdown" },

	{ ROW("limits", "max_connections", max_connections), NUMBER(1, 1000000),
	  .initial = "10000", .live = OPTION_LIVE,
	  .text = "Maximum number of connections" },
	{ ROW("limits", "max_connections_per_address",
	      max_connections_per_address), NUMBER(0, 1000000),
	  .initial = "0", .live = OPTION_LIVE,
	  .text = "Maximum number of connections from one address; 0: no limit" },
	{ ROW("limits", "accept_rate", accept_rate), NUMBER(0, 1000000),
	  .initial = "0", .live = OPTION_LIVE,
	  .text = "Maximum number of new connections per second; 0: no limit" },
	{ ROW("limits", "max_message", max_message), SIZE(1 * KIB, 64 * KIB),
	  .initial = "64k", .live = OPTION_LIVE,
	  .text = "Maximum message size" },
	{ ROW("limits", "idle_timeout", idle_timeout), SECONDS(0, 24 * HOUR),
	  .initial = "5min", .live = OPTION_LIVE,
	  .text = "Idle timeout of native agents; 0: none" },
	{ ROW("limits", "message_timeout", message_timeout),
	  SECONDS(0, 24 * HOUR),
	  .initial = "30s", .live = OPTION_LIVE,
	  .text = "Timeout for receiving one message; 0: none" },
	{ ROW("limits", "max_connection_age", max_connection_age),
	  SECONDS(0, 30 * 24 * HOUR),
	  .initial = "0", .live = OPTION_LIVE,
	  .text = "Age at which connections are closed; 0: no limit" },
	{ ROW("limits", "allow", allow), PREFIXES,
	  .initial = "", .live = OPTION_LIVE,
	  .text = "Addresses that may connect; empty: all" },
	{ ROW("limits", "deny", deny), PREFIXES,
	  .initial = "", .live = OPTION_LIVE,
	  .text = "Addresses that may not connect; overrides allow" },
	{ ROW("limits", "check_caller", check_caller), CHOICE(check_caller_names),
	  .initial = "off", .live = OPTION_LIVE,
	  .text = "Action when the caller in a report is not the address of its agent" },
	{ ROW("limits", "proxy_from", proxy_from), PREFIXES,
	  .initial = "", .live = OPTION_LIVE,
	  .text = "Load balancers that may connect to a proxy listener" },
	{ ROW("limits", "max_clock_skew", max_clock_skew),
	  SECONDS(0, 24 * HOUR), .step = SECOND,
	  .initial = "1min", .live = OPTION_WORKERS,
	  .text = "Maximum time by which the clock of an agent may be ahead" },

	{ ROW("tls", "certificate", certificate), FILE_PATH(4095),
	  .initial = "", .live = OPTION_LIVE,
	  .text = "Server certificate" },
	{ ROW("tls", "key", key), FILE_PATH(4095),
	  .initial = "", .live = OPTION_LIVE,
	  .text = "Private key of the server certificate" },
	{ ROW("tls", "client_ca", client_ca), FILE_PATH(4095),
	  .initial = "", .live = OPTION_LIVE,
	  .text = "CA certificates used to verify the agents; empty: do not verify" },
	{ ROW("tls", "min_version", min_version), CHOICE(version_names),
	  .initial = "1.2", .live = OPTION_LIVE,
	  .text = "Minimum TLS version" },

	{ ROW("queue", "ring_records", ring_records),
	  .type = OPTION_POWER, RANGE(RING_RECORDS_MIN, RING_RECORDS_MAX),
	  .initial = "65536", .live = OPTION_QUEUE,
	  .text = "Size of the ring of each worker, in records of 32 bytes" },
	{ ROW("queue", "table_keys", table_keys),
	  NUMBER(TABLE_KEYS_MIN, TABLE_KEYS_MAX),
	  .initial = "262144", .live = OPTION_QUEUE,
	  .text = "Size of the pending table of each worker, in keys of about 62 bytes" },
	{ ROW("queue", "overflow", overflow), CHOICE(overflow_names),
	  .initial = "block", .live = OPTION_LIVE,
	  .text = "Action when a ring is full: block its agents, or drop records" },

	{ ROW("mysql", "host", host), LIST(1, 32, host),
	  .initial = "localhost", .live = OPTION_WORKERS,
	  .expects = "a list of HOST, HOST:PORT or [ADDRESS6]:PORT",
	  .text = "Database servers, tried in this order" },
	{ ROW("mysql", "port", port), NUMBER(1, 65535),
	  .initial = "3306", .live = OPTION_WORKERS,
	  .text = "Default port of the hosts" },
	{ ROW("mysql", "socket", socket), FILE_PATH(107),
	  .initial = "", .live = OPTION_WORKERS,
	  .text = "Unix socket for localhost; empty: default of the client library" },
	{ ROW("mysql", "user", mysql_user), TEXT(0, 80, any),
	  .initial = "", .live = OPTION_WORKERS,
	  .expects = "at most 80 bytes",
	  .text = "Database user" },
	{ ROW("mysql", "password", password), .type = OPTION_SECRET,
	  RANGE(0, 128), .check = syntax_any,
	  .initial = "", .live = OPTION_LIVE,
	  .expects = "at most 128 bytes",
	  .text = "Password of the database user" },
	{ ROW("mysql", "database", database), TEXT(0, 64, any),
	  .initial = "reporter", .live = OPTION_WORKERS,
	  .expects = "at most 64 bytes",
	  .text = "Database that contains the table" },
	{ ROW("mysql", "table", table), TEXT(1, 129, table),
	  .initial = "ServerCallStatus", .live = OPTION_WORKERS,
	  .expects = "TABLE or DATABASE.TABLE, of letters, digits, _ and $",
	  .text = "Table to keep up to date" },
	{ ROW("mysql", "defaults_file", defaults_file), FILE_PATH(4095),
	  .initial = "", .live = OPTION_WORKERS,
	  .text = "Option file of the client library" },
	{ ROW("mysql", "ssl_ca", ssl_ca), FILE_PATH(4095),
	  .initial = "", .live = OPTION_WORKERS,
	  .text = "CA certificates used to verify the servers; requires TLS" },
	{ ROW("mysql", "ssl_cert", ssl_cert), FILE_PATH(4095),
	  .initial = "", .live = OPTION_WORKERS,
	  .text = "Client certificate; requires TLS" },
	{ ROW("mysql", "ssl_key", ssl_key), FILE_PATH(4095),
	  .initial = "", .live = OPTION_WORKERS,
	  .text = "Private key of the client certificate" },
	{ ROW("mysql", "ssl_verify", ssl_verify), CHOICE(verify_names),
	  .initial = "on", .live = OPTION_WORKERS,
	  .text = "Verify the servers: certificate and name, CA only, or none" },
	{ ROW("mysql", "server_public_key", server_public_key),
	  FILE_PATH(4095), .initial = "", .live = OPTION_WORKERS,
	  .text = "RSA public key of the servers, for logins without TLS" },
	{ ROW("mysql", "insecure_auth", insecure_auth), CHOICE(switch_names),
	  .initial = "off", .live = OPTION_WORKERS,
	  .text = "Allow unsafe ways to send the password" },
	{ ROW("mysql", "flush_interval", flush_interval),
	  .type = OPTION_TIME, .unit = "ms", RANGE(1, HOUR),
	  .initial = "1s", .live = OPTION_WORKERS,
	  .text = "Maximum time between two flushes" },
	{ ROW("mysql", "urgent_interval", urgent_interval),
	  .type = OPTION_TIME, .unit = "ms", RANGE(1, HOUR),
	  .initial = "50ms", .live = OPTION_WORKERS,
	  .text = "Flush interval of new keys and changes of overload" },
	{ ROW("mysql", "flush_rows", flush_rows), NUMBER(1, 1000000),
	  .initial = "5000", .live = OPTION_WORKERS,
	  .text = "Maximum rows of a transaction" },
	{ ROW("mysql", "bulk", bulk), CHOICE(bulk_names),
	  .initial = "auto", .live = OPTION_WORKERS,
	  .text = "Prepared statements and bulk execution, or text always" },
	{ ROW("mysql", "connect_timeout", connect_timeout),
	  SECONDS(SECOND, 5 * MINUTE), .step = SECOND,
	  .initial = "5s", .live = OPTION_WORKERS,
	  .text = "Timeout for connecting to a database server" },
	{ ROW("mysql", "read_timeout", read_timeout),
	  SECONDS(SECOND, HOUR), .step = SECOND,
	  .initial = "30s", .live = OPTION_WORKERS,
	  .text = "Timeout for a statement and its result" },
	{ ROW("mysql", "keepalive", keepalive),
	  SECONDS(0, HOUR), .step = SECOND,
	  .initial = "30s", .live = OPTION_WORKERS,
	  .text = "Idle time before the database connection is probed; 0: off" },
	{ ROW("mysql", "dead_letter_file", dead_letter_file), FILE_PATH(4095),
	  .initial = LOCALSTATEDIR "/lib/reporter/dead-letter.jsonl",
	  .live = OPTION_WORKERS,
	  .text = "File for records that the database rejects; empty: none" },
	{ ROW("mysql", "dead_letter_size", dead_letter_size),
	  SIZE(4 * KIB, 1024 * GIB),
	  .initial = "64m", .live = OPTION_WORKERS,
	  .text = "Maximum size of the dead-letter file" },
	{ ROW("mysql", "hold_time", hold_time), SECONDS(0, 30 * 24 * HOUR),
	  .initial = "0", .live = OPTION_WORKERS,
	  .text = "Maximum time to retry a row that fails alone; 0: forever" },
	{ ROW("mysql", "retention", retention),
	  SECONDS(0, 87600 * HOUR), .step = SECOND,
	  .initial = "0", .live = OPTION_WORKERS,
	  .text = "Age at which rows are removed from the table; 0: never" },

	{ ROW("log", "target", log_target), TEXT(1, 4095, log_target),
	  .initial = "syslog", .live = OPTION_WORKERS,
	  .expects = "syslog, stderr, or an absolute path",
	  .text = "Log destination" },
	{ ROW("log", "level", log_level), CHOICE(level_names),
	  .initial = "info", .live = OPTION_WORKERS,
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
