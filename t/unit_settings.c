/* SPDX-License-Identifier: MIT
 *
 * The configuration as a whole: errors with their lines, the form of files,
 * lists, inclusion, what hangs together, the password, dump and comparison.
 * One process; files in a directory of its own.
 */
#include "config.h"

#include "config_fixture.h"
#include "conf/option.h"
#include "conf/secret.h"
#include "suite.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a worker reads of the file that was loaded last. */
static void
secret_is(const char *wanted)
{
	struct secret secret;

	secret = (struct secret){ .path = config_path };
	ck_assert_int_eq(secret_read(&secret, stderr), SECRET_READ);
	ck_assert_str_eq(secret.text, wanted);
	secret_wipe(&secret);
}

/* ---------------------------------------------------------------- files ----
 */

START_TEST(defaults_alone)
{
	struct settings *settings = config_load_path(NULL);

	ck_assert_ptr_nonnull(settings);
	ck_assert_str_eq(config_errors, "");
	ck_assert_str_eq(settings->instance, "default");
	ck_assert_uint_eq(settings->listen.count, 1);
	ck_assert_str_eq(settings->listen.words[0], "0.0.0.0:12316");
	ck_assert_ptr_null(settings->listen.words[1]);
	ck_assert_uint_eq(settings->allow.count, 0);
	ck_assert_uint_eq(settings->flush_interval, 1000);
	ck_assert_uint_eq(settings->urgent_interval, 50);
	ck_assert_uint_eq(settings->max_message, 65536);
	ck_assert_str_eq(settings->db.table, "ServerCallStatus");
	settings_free(settings);
}
END_TEST

START_TEST(auto_is_the_number_of_processors_but_at_most_four)
{
	struct settings *settings =
	    config_valid("[reporter]\nworkers = auto\n");
	cpu_set_t all, one;
	int count, cpu = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	count = CPU_COUNT(&all);
	ck_assert_uint_eq(settings->workers, (uint64_t)(count > 4 ? 4 : count));
	settings_free(settings);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	settings = config_valid("[reporter]\nworkers = auto\n");
	ck_assert_uint_eq(settings->workers, 1);
	settings_free(settings);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
}
END_TEST

START_TEST(all_errors_come_in_one_go_with_their_lines)
{
	config_invalid("[reporter]\n"
		       "instance = a b\n"
		       "\n"
		       "  listen = 1.2.3.4,\n"
		       "    # the rest\n"
		       "    *:99999\n"
		       "workers = 0\n"
		       "[mysq]\n"
		       "host = 127.0.0.1\n"
		       "[mysql]\n"
		       "flush_intervall = 3\n"
		       "flush_rows = 1000001\n"
		       "flush_interval = 5m\n"
		       "junk\n"
		       "port: 3306\n"
		       "[queue] more\n"
		       "[queue\n"
		       "junk = 1\n"
		       "[queue]\n"
		       "ring_records = 60000\n"
		       "overflow = dorp\n",
	    "a.conf:2: reporter.instance: \"a b\" is not a valid instance "
	    "name; "
	    "expected 1 to 31 letters, digits, - and _\n"
	    "a.conf:4: reporter.listen: \"1.2.3.4\" has no port, "
	    "\"*:99999\" has a port above 65535; expected "
	    "a list of ADDRESS:PORT, [ADDRESS6]:PORT or *:PORT, each "
	    "optionally followed by proxy and tls\n"
	    "a.conf:7: reporter.workers: 0 is too small; expected auto, or a "
	    "number from 1 to 64\n"
	    "a.conf:8: [mysq]: unknown section; did you mean [mysql]?\n"
	    "a.conf:11: mysql.flush_intervall: unknown option; did you mean "
	    "flush_interval?\n"
	    "a.conf:12: mysql.flush_rows: 1000001 is too large; expected a "
	    "number from 1 to 1000000\n"
	    "a.conf:13: mysql.flush_interval: invalid value \"5m\" (units: ms, "
	    "s, min, h); expected a time from 1ms to 1h, default unit ms\n"
	    "a.conf:14: expected [section] or name = value\n"
	    "a.conf:15: expected [section] or name = value\n"
	    "a.conf:16: unexpected text after the closing bracket\n"
	    "a.conf:17: missing closing bracket\n"
	    "a.conf:20: queue.ring_records: 60000 is not a power of two, the "
	    "nearest is 65536; expected a power of two from 32768 to "
	    "268435456\n"
	    "a.conf:21: queue.overflow: invalid value \"dorp\"; expected block "
	    "or drop\n");
}
END_TEST

static const struct {
	const char *text, *error;
} names[] = {
	{ "[mysql]\nprot = 1\n",
	    "a.conf:2: mysql.prot: unknown option; did you mean port?\n" },
	{ "[mysql]\nflush-rows = 1\n",
	    "a.conf:2: mysql.flush-rows: unknown option; "
	    "did you mean flush_rows?\n" },
	{ "[mysql]\nPort = 1\n",
	    "a.conf:2: mysql.Port: unknown option; did you mean port?\n" },
	{ "[mysql]\nlevel = debug\n", "a.conf:2: mysql.level: unknown option; "
				      "did you mean level in [log]?\n" },
	{ "[mysql]\nflush_itnervla = 1\n",
	    "a.conf:2: mysql.flush_itnervla: unknown option; "
	    "did you mean flush_interval?\n" },
	{ "[mysql]\npope = 1\n", "a.conf:2: mysql.pope: unknown option\n" },
	{ "[mysql]\nxyz = 1\n", "a.conf:2: mysql.xyz: unknown option\n" },
	{ "[mysql]\n= 1\n", "a.conf:2: mysql.: unknown option\n" },
	{ "[mysql]\ninclude = x\n", "a.conf:2: mysql.include: unknown option; "
				    "did you mean include in [reporter]?\n" },
	{ "[reporter]\nInclud = x\n",
	    "a.conf:2: reporter.Includ: unknown option; "
	    "did you mean include?\n" },
	{ "port = 1\n", "a.conf:1: port: option outside a section; "
			"did you mean port in [mysql]?\n" },
	{ "xyz = 1\n", "a.conf:1: xyz: unknown option\n" },
	{ "[Log]\n",
	    "a.conf:1: [Log]: unknown section; did you mean [log]?\n" },
	{ "[ log ]\n",
	    "a.conf:1: [ log ]: unknown section; did you mean [log]?\n" },
	{ "[databases]\nx = 1\n", "a.conf:1: [databases]: unknown section\n" },
	{ "[]\n", "a.conf:1: []: unknown section\n" },
	{ "[reactor]\nmaxConn = 1\n",
	    "a.conf:1: [reactor]: unknown section; for a file of Lars or ELB, "
	    "see reporter-migrate(8)\n" },
	{ "[repoter]\n", "a.conf:1: [repoter]: unknown section; for a file of "
			 "Lars or ELB, see reporter-migrate(8)\n" },
	{ "[mysql]\ndb_host = x\n",
	    "a.conf:2: mysql.db_host: unknown option; for a file of Lars or "
	    "ELB, see reporter-migrate(8)\n" },
	{ "[limits]\nmaxConn = 1\n",
	    "a.conf:2: limits.maxConn: unknown option; for a file of Lars or "
	    "ELB, see reporter-migrate(8)\n" },
};

START_TEST(unknown_name_is_an_error_with_a_suggestion)
{
	config_invalid(names[_i].text, names[_i].error);
}
END_TEST

START_TEST(missing_file_is_said)
{
	ck_assert_ptr_null(config_load_path(config_path));
	ck_assert_str_eq(
	    config_errors, "a.conf: cannot read: No such file or directory\n");
	ck_assert_ptr_null(config_load_path("/"));
	ck_assert_str_eq(config_errors, "/: cannot read: Is a directory\n");
}
END_TEST

START_TEST(form_of_lines_is_free)
{
	struct settings *settings = config_valid("\xef\xbb\xbf"
						 "; comment\r\n"
						 "  # comment\r\n"
						 "\t[mysql]  # comment\r\n"
						 "\r\n"
						 "   user=a#b;c\t; comment\r\n"
						 "\tdatabase\t = x y  \r\n"
						 "      port =  1 # comment\n"
						 "table = \"t\"\n"
						 "[log]\n"
						 "target = \"/a \"");

	ck_assert_str_eq(settings->db.user, "a#b;c");
	ck_assert_str_eq(settings->db.database, "x y");
	ck_assert_uint_eq(settings->db.port, 1);
	ck_assert_str_eq(settings->db.table, "t");
	ck_assert_str_eq(settings->log_target, "/a ");
	settings_free(settings);
}
END_TEST

START_TEST(later_value_counts)
{
	struct settings *settings =
	    config_valid("[mysql]\nport = 1\nhost = a\n"
			 "[log]\nlevel = warn\n[mysql]\n"
			 "port = 2\nhost = b\n");

	ck_assert_uint_eq(settings->db.port, 2);
	ck_assert_uint_eq(settings->host.count, 1);
	ck_assert_str_eq(settings->host.words[0], "b");
	settings_free(settings);
}
END_TEST

START_TEST(list_goes_on_after_a_comma)
{
	struct settings *settings = config_valid("[reporter]\n"
						 "listen = *:1, *:2,\n"
						 "\n"
						 "   # comment\n"
						 "[::1]:3, # comment\n"
						 "\t*:4\n"
						 "instance = x\n");

	ck_assert_uint_eq(settings->listen.count, 4);
	ck_assert_str_eq(settings->listen.words[0], "*:1");
	ck_assert_str_eq(settings->listen.words[2], "[::1]:3");
	ck_assert_str_eq(settings->listen.words[3], "*:4");
	ck_assert_ptr_null(settings->listen.words[4]);
	ck_assert_str_eq(settings->instance, "x");
	settings_free(settings);
	config_invalid("[mysql]\nhost = a,\n\n",
	    "a.conf:2: mysql.host: list ends in a comma, but the file ends\n");
	/* What follows a list by mistake is not passed over. */
	ck_assert_ptr_null(config_load("[mysql]\nhost = a,\nport = 1\n"));
	ck_assert_ptr_nonnull(
	    strstr(config_errors, "\"port = 1\" is not a valid address"));
	config_invalid("[mysql]\nhost = a,\n[log]\nlevel = debug\n",
	    "a.conf:2: mysql.host: list ends in a comma, but a section "
	    "begins\n");
	/* Other values may end in a comma. */
	settings = config_valid("[mysql]\npassword = a,\nport = 1\n");
	secret_is("a,");
	ck_assert_uint_eq(settings->db.port, 1);
	settings_free(settings);
}
END_TEST

START_TEST(all_words_of_a_list_are_looked_at)
{
	char text[4096] = "[limits]\nallow = 1.1.1.1";

	config_invalid("[limits]\nallow = 1.2.3.4, x,, 1.2.3.4, ::1\n",
	    "a.conf:2: limits.allow: \"x\" is not an IPv4 or IPv6 address, "
	    "empty entry, \"1.2.3.4\" is repeated; expected a list of ADDRESS "
	    "or ADDRESS/BITS, or empty\n");
	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), ",\nword-%d", i);
	ck_assert_ptr_null(config_load(text));
	ck_assert_ptr_nonnull(strstr(config_errors,
	    " is not an IPv4 or IPv6 address and more; expected "));
}
END_TEST

START_TEST(too_long_a_line_is_an_error)
{
	char text[20000], path_text[4096];
	struct settings *settings;
	size_t length;

	/* The longest value of an option, and a long comment. */
	memset(path_text, 'x', sizeof(path_text));
	path_text[0] = '/';
	path_text[4095] = '\0';
	snprintf(
	    text, sizeof(text), "[log]\ntarget = %s # %09000d\n", path_text, 0);
	settings = config_valid(text);
	ck_assert_str_eq(settings->log_target, path_text);
	settings_free(settings);
	/* The longest line, which ends in a list. */
	length = (size_t)sprintf(text, "[limits]\nallow = ");
	memset(text + length, ' ', 8192);
	strcpy(text + length - 8 + 8192 - 3, "::1 # comment\n");
	settings = config_valid(text);
	ck_assert_uint_eq(settings->allow.count, 1);
	settings_free(settings);
	strcpy(text + length - 8 + 8192 - 3, " ::1\nlevel = x\n");
	config_invalid(text,
	    "a.conf:2: line too long: 8193 bytes, at most 8192\n"
	    "a.conf:3: limits.level: unknown option; did you mean level in "
	    "[log]?\n");
}
END_TEST

START_TEST(control_character_is_an_error)
{
	static const char zero[] = "[log]\nlevel = info\0x\n";

	config_invalid("[log]\nlevel = \x1b[31minfo\n",
	    "a.conf:2: line contains a control character\n");
	config_put("a.conf", zero, sizeof(zero) - 1);
	ck_assert_ptr_null(config_load_path(config_path));
	ck_assert_str_eq(
	    config_errors, "a.conf:2: line contains a control character\n");
}
END_TEST

START_TEST(many_words_are_taken_up_to_the_limit)
{
	const struct conf_option *option = option_find("limits", "allow");
	struct settings *settings;
	char *text = malloc(64 * 1024), *at = text;

	ck_assert_ptr_nonnull(text);
	at += sprintf(at, "[limits]\nallow = ");
	for (unsigned i = 0; i < option->max; i++)
		at += sprintf(
		    at, "%s10.0.%u.%u", i == 0 ? "" : ",\n", i / 256, i % 256);
	settings = config_valid(text);
	ck_assert_uint_eq(settings->allow.count, option->max);
	settings_free(settings);
	sprintf(at, ",\n::1\n");
	ck_assert_ptr_null(config_load(text));
	ck_assert_ptr_nonnull(strstr(config_errors, "more than 1024 entries"));
	free(text);
}
END_TEST

/* ------------------------------------------------------------ inclusion ----
 */

static const char *
origin(const struct settings *settings, const char *section, const char *name)
{
	const char *text =
	    settings->origins[option_find(section, name) - option_table];
	const char *slash = strrchr(text, '/');

	return slash == NULL ? text : slash + 1;
}

START_TEST(files_are_included_in_their_place)
{
	static const char one[] = "[mysql]\nport = 1\nuser = one\n";
	static const char two[] = "[mysql]\n\nport = 2\n";
	struct settings *settings;
	char conf_d[96];

	snprintf(conf_d, sizeof(conf_d), "%s/conf.d", config_directory);
	ck_assert_int_eq(mkdir(conf_d, 0700), 0);
	config_put("conf.d/1.conf", one, sizeof(one) - 1);
	config_put("conf.d/2.conf", two, sizeof(two) - 1);
	config_put("conf.d/3.other", "junk", 4);
	settings = config_valid("[mysql]\nport = 9\ndatabase = d\n[reporter]\n"
				"include = conf.d/*.conf\n"
				"instance = x\n[mysql]\nuser = last\n");
	ck_assert_uint_eq(settings->db.port, 2);
	ck_assert_str_eq(settings->db.user, "last");
	ck_assert_str_eq(settings->instance, "x");
	ck_assert_str_eq(origin(settings, "mysql", "port"), "2.conf:3");
	ck_assert_str_eq(origin(settings, "mysql", "user"), "a.conf:8");
	ck_assert_str_eq(origin(settings, "mysql", "database"), "a.conf:3");
	ck_assert_str_eq(origin(settings, "mysql", "host"), "default");
	settings_free(settings);
	/* Before any section; what comes after overrides it. */
	settings = config_valid("include = conf.d/1.conf\n[mysql]\nport = 9\n");
	ck_assert_uint_eq(settings->db.port, 9);
	ck_assert_str_eq(settings->db.user, "one");
	settings_free(settings);
}
END_TEST

START_TEST(errors_of_an_included_file_have_its_name)
{
	static const char wrong[] = "port = 1\n[mysql]\nport = x\n";

	config_put("b.conf", wrong, sizeof(wrong) - 1);
	config_invalid("[reporter]\ninclude = b.conf\nworkers = x\n",
	    "b.conf:1: port: option outside a section; did you mean port in "
	    "[mysql]?\n"
	    "b.conf:3: mysql.port: invalid value \"x\"; expected a number "
	    "from 1 to 65535\n"
	    "a.conf:3: reporter.workers: invalid value \"x\"; expected "
	    "auto, or a number from 1 to 64\n");
}
END_TEST

START_TEST(include_of_nothing)
{
	settings_free(config_valid("include = no.d/*.conf\n"));
	config_invalid("include = no.conf\n",
	    "a.conf:1: include: cannot find no.conf: No "
	    "such file or directory\n");
	config_invalid("include =\n", "a.conf:1: include: missing path\n");
}
END_TEST

START_TEST(include_may_be_quoted)
{
	struct settings *settings;

	config_put("b c.conf", "[mysql]\nport = 7\n", 17);
	settings = config_valid("include = \"b c.conf\"\n");
	ck_assert_uint_eq(settings->db.port, 7);
	settings_free(settings);
}
END_TEST

/* Neither is waited for. */
START_TEST(pipe_or_device_is_no_configuration)
{
	char pipe[96];

	snprintf(pipe, sizeof(pipe), "%s/pipe.conf", config_directory);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	config_invalid("include = *pipe.conf\n",
	    "pipe.conf: cannot read: not a regular file\n");
	ck_assert_ptr_null(config_load_path("/dev/zero"));
	ck_assert_str_eq(
	    config_errors, "/dev/zero: cannot read: not a regular file\n");
}
END_TEST

/* Else what it holds would be as if it had never been said. */
START_TEST(hidden_directory_is_an_error)
{
	char conf_d[96];

	snprintf(conf_d, sizeof(conf_d), "%s/conf.d", config_directory);
	ck_assert_int_eq(mkdir(conf_d, 0), 0);
	config_put("a.conf", "include = conf.d/*.conf\n", 24);
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(config_directory, 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_ptr_null(config_load_path(config_path));
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_str_eq(config_errors,
	    "a.conf:1: include: cannot find conf.d/*.conf: Permission "
	    "denied\n");
}
END_TEST

/* 1.conf includes 2.conf, and so on to the last. */
static void
put_chain(int last)
{
	for (int i = 1; i <= last; i++) {
		char name[32], text[32] = "[mysql]\nport = 7\n";

		snprintf(name, sizeof(name), "%d.conf", i);
		if (i < last)
			snprintf(
			    text, sizeof(text), "include = %d.conf\n", i + 1);
		config_put(name, text, strlen(text));
	}
}

START_TEST(include_has_a_limited_depth)
{
	struct settings *settings;

	put_chain(8);
	settings = config_valid("include = 1.conf\n");
	ck_assert_uint_eq(settings->db.port, 7);
	settings_free(settings);
	put_chain(9);
	config_invalid("include = 1.conf\n",
	    "8.conf:1: include: files nested more than 8 deep\n");
	config_invalid("include = a.conf\n",
	    "a.conf:1: include: files nested more than 8 deep\n");
}
END_TEST

/* --------------------------------------------------- what hangs together ----
 */

#ifdef HAVE_OPENSSL
#define TLS_FAULT(with_openssl) with_openssl
#else
#define TLS_FAULT(with_openssl) \
	"uses tls, but reporter was built without OpenSSL"
#endif

static const struct {
	const char *text, *reason;
} listens[] = {
	{ "*:1 proxy\n",
	    "\"*:1 proxy\" uses proxy, but limits.proxy_from is empty" },
	{ "*:1 tls\n", "\"*:1 tls\" " TLS_FAULT(
			   "uses tls, but tls.certificate is empty") },
	{ "*:1 tls\n[tls]\ncertificate = /c\n",
	    "\"*:1 tls\" " TLS_FAULT("uses tls, but tls.key is empty") },
	{ "*:1, *:2, *:1 proxy\n[limits]\nproxy_from = ::1\n",
	    "\"*:1 proxy\" has an address that is listed before" },
};

START_TEST(words_of_listen_need_their_options)
{
	char text[256], wanted[256];

	snprintf(
	    text, sizeof(text), "[reporter]\nlisten = %s", listens[_i].text);
	snprintf(wanted, sizeof(wanted), "a.conf:2: reporter.listen: %s\n",
	    listens[_i].reason);
	config_invalid(text, wanted);
}
END_TEST

START_TEST(words_of_listen_have_their_options)
{
	settings_free(config_valid("[reporter]\n"
				   "listen = *:1, *:2 proxy\n"
				   "[limits]\nproxy_from = ::1\n"));
#ifdef HAVE_OPENSSL
	settings_free(config_valid("[reporter]\nlisten = *:1, *:2 tls\n"
				   "[tls]\ncertificate = /c\nkey = /k\n"));
#endif
}
END_TEST

START_TEST(retention_is_not_short)
{
	settings_free(config_valid("[mysql]\nretention = 0\n"));
	settings_free(config_valid("[mysql]\nretention = 1min\n"));
	settings_free(
	    config_valid("[mysql]\nretention = 2h\nflush_interval = 1h\n"));
	config_invalid("[mysql]\nretention = 59\n",
	    "a.conf:2: mysql.retention: is too short; expected 0, or at least "
	    "1min and twice mysql.flush_interval\n");
	config_invalid("[mysql]\nflush_interval = 1h\nretention = 119min\n",
	    "a.conf:3: mysql.retention: is too short; expected 0, or at least "
	    "1min and twice mysql.flush_interval\n");
}
END_TEST

START_TEST(what_hangs_together_is_said_in_the_same_go)
{
	config_invalid("[mysql]\nport = 0\nsocket = /x\nhost = a\n"
		       "ssl_cert = x\nssl_key = /k\n",
	    "a.conf:2: mysql.port: 0 is too small; expected a number from 1 "
	    "to 65535\n"
	    "a.conf:5: mysql.ssl_cert: \"x\" is not an absolute path; expected "
	    "an absolute path, or empty\n"
	    "a.conf:3: mysql.socket: is for localhost, which mysql.host does "
	    "not contain\n");
	/* One that was misspelt may have been the one that is missing. */
	config_invalid("[mysql]\nsocket = /x\nhots = localhost\nhost = a\n",
	    "a.conf:3: mysql.hots: unknown option; did you mean host?\n");
}
END_TEST

START_TEST(socket_needs_localhost)
{
	settings_free(config_valid("[mysql]\nsocket = /s\n"));
	settings_free(
	    config_valid("[mysql]\nsocket = /s\nhost = a,localhost\n"));
	config_invalid("[mysql]\nsocket = /s\nhost = 127.0.0.1\n",
	    "a.conf:2: mysql.socket: is for localhost, which mysql.host does "
	    "not contain\n");
}
END_TEST

START_TEST(tls_is_said_in_whole)
{
	settings_free(config_valid("[mysql]\nssl_ca = /a\n"));
	settings_free(config_valid(
	    "[mysql]\nssl_ca = /a\nssl_cert = /c\nssl_key = /k\n"));
	settings_free(config_valid(
	    "[mysql]\nssl_verify = off\nssl_cert = /c\nssl_key = /k\n"));
	config_invalid("[mysql]\nssl_ca = /a\nssl_cert = /c\n",
	    "a.conf:3: mysql.ssl_cert: requires mysql.ssl_key\n");
	config_invalid("[mysql]\nssl_key = /k\n",
	    "a.conf:2: mysql.ssl_key: requires mysql.ssl_cert\n");
	settings_free(config_valid("[mysql]\nssl_verify = off\n"));
	settings_free(config_valid("[mysql]\nssl_verify = on\n"));
	settings_free(config_valid("[mysql]\nssl_verify = ca\nssl_ca = /a\n"));
	config_invalid("[mysql]\nssl_verify = ca\n",
	    "a.conf:2: mysql.ssl_verify: requires mysql.ssl_ca\n");
	config_invalid("[mysql]\nssl_verify = no\n",
	    "a.conf:2: mysql.ssl_verify: invalid value \"no\"; expected on, "
	    "ca or off\n");
	config_invalid("[mysql]\nssl_key = /k\nssl_cert = /c\n",
	    "a.conf:3: mysql.ssl_cert: requires mysql.ssl_ca to verify the "
	    "server, or mysql.ssl_verify = off\n");
}
END_TEST

/* ------------------------------------------------- the password is hidden ---
 */

#define SECRET "Xyzzy9"

START_TEST(password_is_never_shown)
{
	struct settings *a = config_valid("[mysql]\npassword = " SECRET "\n");
	struct settings *b;
	char *dump, wrong[400], filler[] = SECRET SECRET SECRET SECRET;
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	ck_assert(a->password);
	secret_is(SECRET);
	settings_dump(a, out);
	fclose(out);
	ck_assert_ptr_null(strstr(dump, SECRET));
	ck_assert_ptr_nonnull(strstr(dump, "# password = (hidden) "));
	ck_assert_ptr_nonnull(strstr(dump, "a.conf:2\n"));
	/* Nor in an error. */
	snprintf(wrong, sizeof(wrong),
	    "[mysql]\npassword = %s%s%s%s%s%s\n" SECRET "\n", filler, filler,
	    filler, filler, filler, filler);
	ck_assert_ptr_null(config_load(wrong));
	ck_assert_ptr_nonnull(strstr(config_errors, "too long (144 bytes)"));
	ck_assert_ptr_null(strstr(config_errors, SECRET));
	b = config_valid("[mysql]\npassword = \"" SECRET "\"\n");
	secret_is(SECRET);
	settings_free(b);
	settings_free(a);
	free(dump);
}
END_TEST

START_TEST(password_is_not_cut_off_silently)
{
	static const char *const wanted =
	    "a.conf:2: mysql.password: a comment follows it, or it contains # "
	    "or ; after a blank: put the comment on a line of its own, or such "
	    "a password into mysql.defaults_file\n";
	struct settings *settings = config_valid("[mysql]\npassword = a#b;c\n");

	secret_is("a#b;c");
	settings_free(settings);
	config_invalid("[mysql]\npassword = a ;b\n", wanted);
	config_invalid("[mysql]\npassword = a\t#b\n", wanted);
	config_invalid("[mysql]\npassword = \"a #b\"\n", wanted);
}
END_TEST

/* ---------------------------------------------------- dump and comparison ---
 */

/* Another value than the default for every option. */
static const char *const all_other =
    "[reporter]\n"
    "instance = other\nlisten = *:1,[::1]:2 proxy\nworkers = 3\nuser = nobody\n"
    "group = adm\nsandbox = off\n"
    "pid_file = /run/x.pid\nruntime_directory = /run/x\nshutdown_timeout = "
    "1500ms\n"
    "[limits]\n"
    "max_connections = 7\nmax_message = 1025\nidle_timeout = 0\n"
    "allow = 10.0.0.0/8, 2001:db8:1111:2222::/64, 2001:db8:3333::/48,\n"
    "192.0.2.0/24\nproxy_from = 10.0.0.1\nmax_clock_skew = 2h\n"
    "max_connections_per_address = 3\naccept_rate = 4\n"
    "message_timeout = 5\nmax_connection_age = 600\ndeny = "
    "10.1.0.0/16\ncheck_caller = reject\n"
    "[tls]\n"
    "certificate = /c\nkey = /k\nclient_ca = /a\nmin_version = 1.3\n"
    "[queue]\n"
    "ring_records = 32768\ntable_keys = 5555\noverflow = drop\n"
    "[mysql]\n"
    "host = localhost,db:1\nport = 2\nsocket = /s\nuser = \" u \"\n"
    "password = " SECRET "\ndatabase = \"\"q\"\"\ntable = a.b\n"
    "defaults_file = /d\nssl_ca = /ca\nssl_cert = /c\nssl_key = /k\n"
    "ssl_verify = off\nserver_public_key = /p\ninsecure_auth = on\n"
    "flush_interval = 1ms\nurgent_interval = 2s\nflush_rows = 77\n"
    "bulk = off\n"
    "connect_timeout = 1s\nread_timeout = 61\nkeepalive = 0\n"
    "dead_letter_file =\n"
    "dead_letter_size = 5000\nhold_time = 5\nretention = 90\n"
    "[log]\n"
    "target = /l\nlevel = debug\n";

/* Texts that would be a comment but for their quotes. */
static const char marks[] = "[mysql]\nuser = \"#u\"\ndatabase = \";q\"\n";

START_TEST(dump_can_be_loaded_again)
{
	const char *const texts[] = { "", all_other, marks };
	struct settings *before = config_valid(texts[_i]), *after;
	char *dump;
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	settings_dump(before, out);
	fclose(out);
	after = config_valid(dump);
	/* All but the password. */
	after->password = before->password;
	settings_compare(before, after, config_same, NULL);
	ck_assert_str_eq(before->dead_letter_file, after->dead_letter_file);
	settings_free(after);
	settings_free(before);
	free(dump);
}
END_TEST

START_TEST(dump_names_every_origin)
{
	struct settings *settings = config_valid("[log]\n\nlevel = warn\n");
	char *dump, wanted[160];
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	settings_dump(settings, out);
	fclose(out);
	snprintf(wanted, sizeof(wanted), "\nlevel = warn%*s # %s:3\n", 28, "",
	    config_path);
	ck_assert_msg(strstr(dump, wanted) != NULL, "%s", dump);
	ck_assert_ptr_nonnull(strstr(
	    dump, "\ntable = ServerCallStatus                 # default\n"));
	ck_assert_ptr_nonnull(strstr(dump, " # default, auto\n"));
	settings_free(settings);
	free(dump);
}
END_TEST

struct differences {
	size_t count;
	char names[64][OPTION_NAME_MAX];
	enum option_live live[64];
	char *text;
};

static void
note_difference(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	struct differences *seen = arg;

	ck_assert_uint_lt(seen->count, 64);
	strcpy(seen->names[seen->count], name);
	seen->live[seen->count] = live;
	seen->count++;
	free(seen->text);
	ck_assert_int_gt(
	    asprintf(&seen->text, "%s: %s -> %s", name, old_value, new_value),
	    0);
}

START_TEST(comparison_finds_every_option)
{
	struct settings *before = config_valid(""), *after;
	struct differences seen = { .count = 0 };

	/* The processors of this machine may be three. */
	before->workers = 1;
	after = config_valid(all_other);
	settings_compare(before, after, note_difference, &seen);
	ck_assert_uint_eq(seen.count, option_count);
	for (size_t i = 0; i < option_count; i++) {
		ck_assert_str_eq(seen.names[i], option_table[i].full);
		ck_assert_int_eq(seen.live[i], option_table[i].live);
	}
	seen.count = 0;
	settings_compare(after, after, note_difference, &seen);
	ck_assert_uint_eq(seen.count, 0);
	free(seen.text);
	settings_free(before);
	settings_free(after);
}
END_TEST

static const struct {
	const char *before, *after, *text;
} changes[] = {
	{ "[mysql]\nflush_interval = 1s\n", "[mysql]\nflush_interval = 90s\n",
	    "mysql.flush_interval: 1s -> 90s" },
	{ "[mysql]\nflush_interval = 1000\n", "[mysql]\nflush_interval = 1s\n",
	    NULL },
	/* The master has nothing to compare. */
	{ "[mysql]\npassword = " SECRET "\n", "[mysql]\npassword = x\n", NULL },
	{ "[mysql]\npassword = " SECRET "\n", "",
	    "mysql.password: (hidden) -> " },
	{ "[mysql]\nhost = a,b\n", "[mysql]\nhost = b,a\n",
	    "mysql.host: a, b -> b, a" },
	{ "[mysql]\nhost = a,b\n", "[mysql]\nhost = a\n",
	    "mysql.host: a, b -> a" },
	{ "", "[log]\nlevel = debug\n", "log.level: info -> debug" },
};

START_TEST(comparison_tells_both_values)
{
	struct settings *before = config_valid(changes[_i].before);
	struct settings *after = config_valid(changes[_i].after);
	struct differences seen = { .count = 0 };

	settings_compare(before, after, note_difference, &seen);
	if (changes[_i].text == NULL) {
		ck_assert_uint_eq(seen.count, 0);
	} else {
		ck_assert_uint_eq(seen.count, 1);
		ck_assert_str_eq(seen.text, changes[_i].text);
	}
	free(seen.text);
	settings_free(before);
	settings_free(after);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *
file_tests(void)
{
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, config_setup, config_teardown);
	tcase_add_test(tc, defaults_alone);
	tcase_add_test(tc, auto_is_the_number_of_processors_but_at_most_four);
	tcase_add_test(tc, all_errors_come_in_one_go_with_their_lines);
	tcase_add_loop_test(
	    tc, unknown_name_is_an_error_with_a_suggestion, 0, COUNT(names));
	tcase_add_test(tc, missing_file_is_said);
	tcase_add_test(tc, form_of_lines_is_free);
	tcase_add_test(tc, later_value_counts);
	tcase_add_test(tc, list_goes_on_after_a_comma);
	tcase_add_test(tc, all_words_of_a_list_are_looked_at);
	tcase_add_test(tc, too_long_a_line_is_an_error);
	tcase_add_test(tc, control_character_is_an_error);
	tcase_add_test(tc, many_words_are_taken_up_to_the_limit);
	tcase_add_test(tc, files_are_included_in_their_place);
	tcase_add_test(tc, errors_of_an_included_file_have_its_name);
	tcase_add_test(tc, include_of_nothing);
	tcase_add_test(tc, include_may_be_quoted);
	tcase_add_test(tc, pipe_or_device_is_no_configuration);
	tcase_add_test(tc, hidden_directory_is_an_error);
	tcase_add_test(tc, include_has_a_limited_depth);
	tcase_add_loop_test(
	    tc, words_of_listen_need_their_options, 0, COUNT(listens));
	tcase_add_test(tc, words_of_listen_have_their_options);
	tcase_add_test(tc, retention_is_not_short);
	tcase_add_test(tc, what_hangs_together_is_said_in_the_same_go);
	tcase_add_test(tc, socket_needs_localhost);
	tcase_add_test(tc, tls_is_said_in_whole);
	tcase_add_test(tc, password_is_never_shown);
	tcase_add_test(tc, password_is_not_cut_off_silently);
	tcase_add_loop_test(tc, dump_can_be_loaded_again, 0, 3);
	tcase_add_test(tc, dump_names_every_origin);
	tcase_add_test(tc, comparison_finds_every_option);
	tcase_add_loop_test(
	    tc, comparison_tells_both_values, 0, COUNT(changes));
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("settings");

	suite_add_tcase(suite, file_tests());
	return suite_run(suite);
}
