/* SPDX-License-Identifier: MIT
 *
 * The option table.  Owns constant data only; any process and thread may read
 * it.  Nothing here fails.
 *
 * A new option needs a field in struct settings, a row here, and its entries
 * in reporter.conf(5) and etc/reporter.conf, which t/unit_option compares with
 * this table.
 */
#include "config.h"

#include "conf/option.h"

#include "conf/listen_spec.h"
#include "shm/segment.h"
#include "conf/syntax.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define NEAR 2 /* slips of the fingers that are still near */

static const char *const overflow_names[] = { "block", "drop", NULL };
static const char *const check_caller_names[] = { "off", "log", "reject",
	NULL };
static const char *const switch_names[] = { "off", "on", NULL };
static const char *const version_names[] = { "1.2", "1.3", NULL };
static const char *const level_names[] = { "error", "warn", "info", "debug",
	NULL };

/* clang-format off */

/* One row of the table: section, name and field; then what differs. */
#define ROW(section_, name_, field_) \
	.section = section_, .name = name_, \
	.offset = offsetof(struct settings, field_)
#define RANGE(min_, max_) .min = (min_), .max = (max_)

const struct conf_option option_table[] = {
	{ ROW("reporter", "instance", instance), .type = OPTION_TEXT,
	  .standard = "default", RANGE(1, INSTANCE_MAX - 1),
	  .live = OPTION_RESTART, .check = syntax_instance,
	  .expects = "1 to 31 letters, digits, - and _",
	  .text = "Name of this instance: its shared memory and reporterctl use it" },
	{ ROW("reporter", "listen", listen), .type = OPTION_LIST,
	  .standard = "0.0.0.0:12316", RANGE(1, LISTENERS_MAX),
	  .live = OPTION_LIVE, .check = syntax_listen,
	  .expects = "ADDRESS:PORT, [ADDRESS6]:PORT or *:PORT, with proxy and tls behind it as wanted, several separated by commas",
	  .text = "Where agents connect to" },
	{ ROW("reporter", "workers", workers), .type = OPTION_AUTO,
	  .standard = "auto", RANGE(1, WORKERS_MAX),
	  .live = OPTION_QUEUE,
	  .text = "Processes that write to the database; auto: one a CPU, at most 4" },
	{ ROW("reporter", "user", user), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 32),
	  .live = OPTION_RESTART, .check = syntax_user,
	  .expects = "a user's name, or nothing",
	  .text = "User to become when started by root; nothing: stay who we are" },
	{ ROW("reporter", "group", group), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 32),
	  .live = OPTION_RESTART, .check = syntax_group,
	  .expects = "a group's name, or nothing",
	  .text = "Group whose members may look on with reporterctl; nothing: none" },
	{ ROW("reporter", "sandbox", sandbox), .type = OPTION_CHOICE,
	  .standard = "on", .choices = switch_names,
	  .live = OPTION_RESTART,
	  .text = "Have the kernel kill a process that makes a call it has no use for" },
	{ ROW("reporter", "pid_file", pid_file), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_RESTART, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "File that the master's process id is written to" },
	{ ROW("reporter", "shutdown_timeout", shutdown_timeout),
	  .type = OPTION_TIME, .unit = "s",
	  .standard = "30s", RANGE(100, HOUR),
	  .live = OPTION_LIVE,
	  .text = "How long workers may take to bring all to the database at the end" },

	{ ROW("limits", "max_connections", max_connections),
	  .type = OPTION_NUMBER,
	  .standard = "10000", RANGE(1, 1000000),
	  .live = OPTION_LIVE,
	  .text = "Agents that may be connected at one time" },
	{ ROW("limits", "max_connections_per_address",
	      max_connections_per_address),
	  .type = OPTION_NUMBER,
	  .standard = "0", RANGE(0, 1000000),
	  .live = OPTION_LIVE,
	  .text = "Of these, as many from one address; 0: no limit" },
	{ ROW("limits", "accept_rate", accept_rate), .type = OPTION_NUMBER,
	  .standard = "0", RANGE(0, 1000000),
	  .live = OPTION_LIVE,
	  .text = "New connections a second, others wait their turn; 0: no limit" },
	{ ROW("limits", "max_message", max_message), .type = OPTION_SIZE,
	  .standard = "64k", RANGE(1 * KIB, 64 * KIB),
	  .live = OPTION_LIVE,
	  .text = "Longest message; who sends a longer one is disconnected" },
	{ ROW("limits", "idle_timeout", idle_timeout), .type = OPTION_TIME,
	  .unit = "s",
	  .standard = "5min", RANGE(0, 24 * HOUR),
	  .live = OPTION_LIVE,
	  .text = "An agent silent for so long is disconnected; 0: never" },
	{ ROW("limits", "message_timeout", message_timeout),
	  .type = OPTION_TIME, .unit = "s",
	  .standard = "30s", RANGE(0, 24 * HOUR),
	  .live = OPTION_LIVE,
	  .text = "A message begun must be finished in that time; 0: never" },
	{ ROW("limits", "allow", allow), .type = OPTION_LIST,
	  .standard = "", RANGE(0, 1024),
	  .live = OPTION_LIVE, .check = syntax_allow,
	  .expects = "ADDRESS or ADDRESS/BITS, several separated by commas, or nothing",
	  .text = "Addresses that may connect; nothing: everybody" },
	{ ROW("limits", "deny", deny), .type = OPTION_LIST,
	  .standard = "", RANGE(0, 1024),
	  .live = OPTION_LIVE, .check = syntax_allow,
	  .expects = "ADDRESS or ADDRESS/BITS, several separated by commas, or nothing",
	  .text = "Addresses that may not connect, even if allow has them" },
	{ ROW("limits", "check_caller", check_caller), .type = OPTION_CHOICE,
	  .standard = "off", .choices = check_caller_names,
	  .live = OPTION_LIVE,
	  .text = "Whether a report's caller must be the address it comes from" },
	{ ROW("limits", "proxy_from", proxy_from), .type = OPTION_LIST,
	  .standard = "", RANGE(0, 1024),
	  .live = OPTION_LIVE, .check = syntax_allow,
	  .expects = "ADDRESS or ADDRESS/BITS, several separated by commas, or nothing",
	  .text = "Balancers that may tell an agent's address, where listen says proxy" },
	{ ROW("limits", "max_clock_skew", max_clock_skew),
	  .type = OPTION_TIME, .unit = "s",
	  .standard = "1min", RANGE(0, 24 * HOUR),
	  .step = SECOND,
	  .live = OPTION_WORKERS,
	  .text = "How far an agent's clock may be ahead; a later time is stored as now" },

	{ ROW("tls", "certificate", certificate), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_LIVE, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Certificate shown to agents, where listen says tls" },
	{ ROW("tls", "key", key), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_LIVE, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Private key of that certificate" },
	{ ROW("tls", "client_ca", client_ca), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_LIVE, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Who signs the agents' certificates; nothing: agents need none" },
	{ ROW("tls", "min_version", min_version), .type = OPTION_CHOICE,
	  .standard = "1.2", .choices = version_names,
	  .live = OPTION_LIVE,
	  .text = "Oldest version of TLS that agents may speak" },

	{ ROW("queue", "ring_records", ring_records), .type = OPTION_POWER,
	  .standard = "65536", RANGE(RING_RECORDS_MIN, RING_RECORDS_MAX),
	  .live = OPTION_QUEUE,
	  .text = "Records that each worker's ring holds, 32 bytes each" },
	{ ROW("queue", "table_keys", table_keys), .type = OPTION_NUMBER,
	  .standard = "262144", RANGE(TABLE_KEYS_MIN, TABLE_KEYS_MAX),
	  .live = OPTION_QUEUE,
	  .text = "Keys that each worker's pending table holds, about 62 bytes each" },
	{ ROW("queue", "overflow", overflow), .type = OPTION_CHOICE,
	  .standard = "block", .choices = overflow_names,
	  .live = OPTION_LIVE,
	  .text = "When a ring is full: block its agents, or drop their records" },

	{ ROW("mysql", "host", host), .type = OPTION_LIST,
	  .standard = "localhost", RANGE(1, 32),
	  .live = OPTION_WORKERS, .check = syntax_host,
	  .expects = "HOST, HOST:PORT or [ADDRESS6]:PORT, several separated by commas",
	  .text = "Database servers, tried in this order" },
	{ ROW("mysql", "port", port), .type = OPTION_NUMBER,
	  .standard = "3306", RANGE(1, 65535),
	  .live = OPTION_WORKERS,
	  .text = "Port of each host that names none" },
	{ ROW("mysql", "socket", socket), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 107),
	  .live = OPTION_WORKERS, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Socket used for localhost; nothing: the client library's own" },
	{ ROW("mysql", "user", mysql_user), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 80),
	  .live = OPTION_WORKERS, .check = syntax_any,
	  .expects = "a text of at most 80 bytes",
	  .text = "Database user" },
	{ ROW("mysql", "password", password), .type = OPTION_SECRET,
	  .standard = "", RANGE(0, 128),
	  .live = OPTION_LIVE, .check = syntax_any,
	  .expects = "a text of at most 128 bytes",
	  .text = "Password of that user; never shown, read by workers only" },
	{ ROW("mysql", "database", database), .type = OPTION_TEXT,
	  .standard = "reporter", RANGE(0, 64),
	  .live = OPTION_WORKERS, .check = syntax_any,
	  .expects = "a text of at most 64 bytes",
	  .text = "Database that the table is in" },
	{ ROW("mysql", "table", table), .type = OPTION_TEXT,
	  .standard = "ServerCallStatus", RANGE(1, 129),
	  .live = OPTION_WORKERS, .check = syntax_table,
	  .expects = "TABLE or DATABASE.TABLE, of letters, digits, _ and $",
	  .text = "Table that is kept up to date" },
	{ ROW("mysql", "defaults_file", defaults_file), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_WORKERS, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Option file of the client library, groups [client] and [reporter]" },
	{ ROW("mysql", "ssl_ca", ssl_ca), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_WORKERS, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Certificates of those who vouch for the servers; demands TLS" },
	{ ROW("mysql", "ssl_cert", ssl_cert), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_WORKERS, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Certificate to show to the servers; demands TLS" },
	{ ROW("mysql", "ssl_key", ssl_key), .type = OPTION_TEXT,
	  .standard = "", RANGE(0, 4095),
	  .live = OPTION_WORKERS, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "Private key of that certificate" },
	{ ROW("mysql", "ssl_verify", ssl_verify), .type = OPTION_CHOICE,
	  .standard = "on", .choices = switch_names,
	  .live = OPTION_WORKERS,
	  .text = "Whether a server must prove by ssl_ca that it is the host" },
	{ ROW("mysql", "flush_interval", flush_interval),
	  .type = OPTION_TIME, .unit = "ms",
	  .standard = "1s", RANGE(1, HOUR),
	  .live = OPTION_WORKERS,
	  .text = "Longest time between two flushes of a worker that has work" },
	{ ROW("mysql", "flush_rows", flush_rows), .type = OPTION_NUMBER,
	  .standard = "5000", RANGE(1, 1000000),
	  .live = OPTION_WORKERS,
	  .text = "So many dirty keys are flushed without waiting; most rows of a batch" },
	{ ROW("mysql", "connect_timeout", connect_timeout),
	  .type = OPTION_TIME, .unit = "s",
	  .standard = "5s", RANGE(SECOND, 5 * MINUTE),
	  .step = SECOND,
	  .live = OPTION_WORKERS,
	  .text = "How long a connection to a database server may take" },
	{ ROW("mysql", "read_timeout", read_timeout),
	  .type = OPTION_TIME, .unit = "s",
	  .standard = "30s", RANGE(SECOND, HOUR),
	  .step = SECOND,
	  .live = OPTION_WORKERS,
	  .text = "How long a database server may take to answer" },
	{ ROW("mysql", "dead_letter_file", dead_letter_file),
	  .type = OPTION_TEXT,
	  .standard = LOCALSTATEDIR "/lib/reporter/dead-letter.jsonl",
	  RANGE(0, 4095),
	  .live = OPTION_WORKERS, .check = syntax_path,
	  .expects = "a file's path that begins with /, or nothing",
	  .text = "File for records that the database refuses; nothing: only counted" },
	{ ROW("mysql", "dead_letter_size", dead_letter_size),
	  .type = OPTION_SIZE,
	  .standard = "64m", RANGE(4 * KIB, 1024 * GIB),
	  .live = OPTION_WORKERS,
	  .text = "Most that file may hold; later records are only counted" },

	{ ROW("log", "target", log_target), .type = OPTION_TEXT,
	  .standard = "syslog", RANGE(1, 4095),
	  .live = OPTION_WORKERS, .check = syntax_log_target,
	  .expects = "syslog, stderr, or a file's path that begins with /",
	  .text = "Where log lines go" },
	{ ROW("log", "level", log_level), .type = OPTION_CHOICE,
	  .standard = "info", .choices = level_names,
	  .live = OPTION_WORKERS,
	  .text = "Lines of this level and graver ones are logged" },
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

bool
option_section_known(const char *section)
{
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].section, section) == 0)
			return true;
	}
	return false;
}

void
option_name(const struct conf_option *option, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", option->section, option->name);
}

enum units
option_units(const struct conf_option *option)
{
	return option->type == OPTION_TIME   ? UNITS_TIME
	       : option->type == OPTION_SIZE ? UNITS_SIZE
					     : UNITS_NONE;
}

static void
choices_text(const char *const *choices, char *text, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; choices[i] != NULL && length < size; i++) {
		const char *join = i == 0                   ? ""
				   : choices[i + 1] == NULL ? " or "
							    : ", ";

		length += (size_t)snprintf(
		    text + length, size - length, "%s%s", join, choices[i]);
	}
}

void
option_expects(const struct conf_option *option, char *text, size_t size)
{
	static const char *const kinds[] = {
		[OPTION_NUMBER] = "a number",
		[OPTION_POWER] = "a power of two",
		[OPTION_AUTO] = "auto, or a number",
		[OPTION_TIME] = "a time",
		[OPTION_SIZE] = "a size",
	};
	char min[32], max[32];

	if (option->type == OPTION_CHOICE) {
		choices_text(option->choices, text, size);
		return;
	}
	if (option->expects != NULL) {
		snprintf(text, size, "%s", option->expects);
		return;
	}
	units_format(option_units(option), option->min, min, sizeof(min));
	units_format(option_units(option), option->max, max, sizeof(max));
	snprintf(text, size, "%s from %s to %s%s%s%s", kinds[option->type], min,
	    max, option->step ? " in whole seconds" : "",
	    option->unit ? ", a bare number is in " : "",
	    option->unit ? option->unit : "");
}

const char *
option_live_text(enum option_live live)
{
	static const char *const texts[] = {
		[OPTION_LIVE] = "at once",
		[OPTION_WORKERS] = "workers are started again",
		[OPTION_QUEUE] = "new queues are made",
		[OPTION_RESTART] = "needs a restart",
	};

	return texts[live];
}

static unsigned
min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, left out, changed or swapped with their
   neighbour to make b of a; a large number for long names. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned cost[OPTION_NAME_MAX][OPTION_NAME_MAX];
	size_t m = strlen(a), n = strlen(b);

	if (m >= OPTION_NAME_MAX || n >= OPTION_NAME_MAX)
		return OPTION_NAME_MAX;
	for (size_t i = 0; i <= m; i++) {
		for (size_t j = 0; j <= n; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = (unsigned)(i + j);
				continue;
			}
			cost[i][j] =
			    min_of(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
				1 + min_of(cost[i - 1][j], cost[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cost[i][j] =
				    min_of(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[m][n];
}

bool
option_is_near(const char *name, const char *word)
{
	return distance(name, word) <= NEAR;
}

const struct conf_option *
option_near(const char *section, const char *name)
{
	const struct conf_option *nearest = NULL;
	unsigned best = NEAR + 1;

	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];
		unsigned away = distance(name, option->name);

		/* A short name is not near to every other short name. */
		if (away * 2 >= strlen(option->name))
			continue;
		/* Another section's name must be the very same. */
		if (strcmp(section, option->section) != 0)
			away = away == 0 ? 1 : NEAR + 1;
		if (away < best) {
			best = away;
			nearest = option;
		}
	}
	return nearest;
}

const char *
option_near_section(const char *section)
{
	const char *nearest = NULL;
	unsigned best = NEAR + 1;

	for (size_t i = 0; i < option_count; i++) {
		unsigned away = distance(section, option_table[i].section);

		if (away < best) {
			best = away;
			nearest = option_table[i].section;
		}
	}
	return nearest;
}
