/* SPDX-License-Identifier: MIT
 *
 * What the suites that need a database share.  Owns the server, the
 * administrator's connection and the records of a test.  Called by test code;
 * every failure fails the test.
 */
#include "config.h"

#include "db_fixture.h"

#include "sql/client.h"
#include "suite.h"

#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct db_server server;
static char server_script[PATH_MAX];
static MYSQL *admin_connection;
static char answer[1024];
static unsigned warnings; /* of the statements sent last */
static struct record *records_made;
static const struct record **pointers_made;

/* Becomes the server, which dies with the test.  Its script is found in the
   build directory, where suites run. */
static void
server_become(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1 || chdir(server.directory) < 0 ||
	    freopen("/dev/null", "r", stdin) == NULL ||
	    freopen("database.log", "w", stdout) == NULL ||
	    dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		_exit(127);
	setenv("TMPDIR", server.directory, 1);
	execl(server_script, "reporter-bench-self", "database",
	    server.directory, "--innodb-buffer-pool-size=16M",
	    "--loose-innodb-log-file-size=8M",
	    "--innodb-flush-log-at-trx-commit=0", (char *)NULL);
	perror(server_script);
	_exit(127);
}

/* The process that answers on the socket; -1 when none does. */
static pid_t
server_pid(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { .pid = -1 };
	socklen_t length = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s", server.socket);
	/* A byte of its greeting shows that it is up. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 ||
	    read(fd, &byte, 1) != 1)
		peer.pid = -1;
	close(fd);
	return peer.pid;
}

static void
server_close(void)
{
	char command[128];

	if (server.pid > 0) {
		kill(server.pid, SIGKILL);
		waitpid(server.pid, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", server.directory);
	if (system(command) != 0)
		fprintf(stderr, "cannot remove %s\n", server.directory);
}

/* Waits until it answers.  Returns 0, or 1 after showing its log; 77,
   automake's status of a test that is skipped, where none is installed. */
static int
server_wait(void)
{
	char command[256];

	for (int turn = 0; turn < 6000; turn++) {
		if (server_pid() > 0)
			return 0;
		if (waitpid(server.pid, NULL, WNOHANG) != 0) {
			server.pid = 0;
			break;
		}
		usleep(20000);
	}
	snprintf(command, sizeof(command),
	    "cd %s && tail -n 60 database.log >&2 && "
	    "grep -q '^no database server' database.log",
	    server.directory);
	return system(command) == 0 ? 77 : 1;
}

/* Starts the server, or takes the one that is given. */
static int
server_open(const char *given)
{
	const char *place = getenv("TMPDIR");

	if (given != NULL) {
		snprintf(server.socket, sizeof(server.socket), "%s", given);
		server.pid = server_pid();
		return server.pid > 0 ? 0 : 1;
	}
	/* The path of a socket has at most about 100 bytes. */
	if (place == NULL || *place != '/' || strlen(place) > 32)
		place = "/tmp";
	snprintf(server.directory, sizeof(server.directory),
	    "%s/reporter-db-XXXXXX", place);
	if (realpath("t/bench/reporter-bench-self", server_script) == NULL ||
	    mkdtemp(server.directory) == NULL) {
		perror("cannot start a database server");
		return 1;
	}
	snprintf(server.socket, sizeof(server.socket), "%s/database.sock",
	    server.directory);
	server.pid = fork();
	if (server.pid == 0)
		server_become();
	return server_wait();
}

int
fixture_main(Suite *suite)
{
	const char *given = getenv("REPORTER_TEST_SOCKET");
	int failed = server_open(given);

	if (failed == 0)
		failed = suite_run(suite);
	if (given == NULL)
		server_close();
	return failed;
}

const struct db_server *
fixture_server(void)
{
	return &server;
}

void
fixture_open(void)
{
	admin_connection = mysql_init(NULL);
	ck_assert_ptr_nonnull(mysql_real_connect(admin_connection, NULL, "root",
	    NULL, NULL, 0, server.socket, CLIENT_MULTI_STATEMENTS));
	admin("DROP DATABASE IF EXISTS " TEST_DATABASE
	      "; CREATE DATABASE " TEST_DATABASE "; USE " TEST_DATABASE
	      "; SET GLOBAL read_only = 0"
	      "; SET GLOBAL max_allowed_packet = 16777216");
}

unsigned long
server_version(void)
{
	return mysql_get_server_version(admin_connection);
}

bool
server_has_bulk(void)
{
	return CLIENT_BULK && strstr(mysql_get_server_info(admin_connection),
				  "MariaDB") != NULL;
}

void
fixture_close(void)
{
	mysql_close(admin_connection);
	free(records_made);
	free(pointers_made);
	records_made = NULL;
	pointers_made = NULL;
}

/* Reads all results of what was sent; keeps the first row in `answer`. */
static void
read_results(void)
{
	bool first = true;

	answer[0] = 0;
	warnings = 0;
	do {
		MYSQL_RES *result = mysql_store_result(admin_connection);
		MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;

		for (unsigned i = 0;
		     row != NULL && first && i < mysql_num_fields(result); i++)
			snprintf(answer + strlen(answer),
			    sizeof(answer) - strlen(answer), "%s%s",
			    i > 0 ? " " : "", row[i] ? row[i] : "NULL");
		first = first && row == NULL;
		mysql_free_result(result);
		warnings += mysql_warning_count(admin_connection);
	} while (mysql_next_result(admin_connection) == 0);
	ck_assert_msg(mysql_errno(admin_connection) == 0, "%s",
	    mysql_error(admin_connection));
}

static void
admin_send(const char *text)
{
	ck_assert_msg(mysql_query(admin_connection, text) == 0, "%s: %s", text,
	    mysql_error(admin_connection));
	read_results();
}

#define ADMIN_SEND(format) \
	do { \
		char text[4096]; \
		va_list args; \
		va_start(args, format); \
		vsnprintf(text, sizeof(text), format, args); \
		va_end(args); \
		admin_send(text); \
	} while (0)

void
admin(const char *format, ...)
{
	ADMIN_SEND(format);
}

const char *
admin_ask(const char *format, ...)
{
	ADMIN_SEND(format);
	return answer;
}

long long
admin_number(const char *format, ...)
{
	ADMIN_SEND(format);
	ck_assert_str_ne(answer, "");
	return strtoll(answer, NULL, 10);
}

unsigned
admin_fails(const char *statement)
{
	return mysql_query(admin_connection, statement) != 0
		   ? mysql_errno(admin_connection)
		   : 0;
}

/* Copies text; the name reporter, of database and user, becomes that of the
   test's, so that nobody else's are touched. */
static void
rename_all(char *to, size_t size, const char *text)
{
	static const char name[] = "reporter";
	const char *at;
	size_t used = 0;

	*to = 0;
	while ((at = strstr(text, name)) != NULL) {
		used += (size_t)snprintf(to + used, size - used, "%.*s%s",
		    (int)(at - text), text, TEST_DATABASE);
		ck_assert_uint_lt(used, size);
		text = at + strlen(name);
	}
	used += (size_t)snprintf(to + used, size - used, "%s", text);
	ck_assert_uint_lt(used, size);
}

unsigned
admin_file(const char *path)
{
	const char *top = getenv("srcdir");
	char name[512], text[8192], renamed[10000];
	size_t length;
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", top != NULL ? top : ".", path);
	file = fopen(name, "r");
	ck_assert_msg(file != NULL, "%s", name);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	rename_all(renamed, sizeof(renamed), text);
	admin_send(renamed);
	return warnings;
}

void
make_table(const char *type)
{
	admin("CREATE TABLE ServerCallStatus (modid int(11) NOT NULL,"
	      "cmdid int(11) NOT NULL, ip %s NOT NULL, port %s NOT NULL,"
	      "caller %s NOT NULL, succ_cnt %s NOT NULL, err_cnt %s NOT NULL,"
	      "ts bigint(20) NOT NULL, overload char(1) NOT NULL,"
	      "PRIMARY KEY (modid, cmdid, ip, port, caller)) ENGINE=InnoDB",
	    type, type, type, type, type);
}

struct db_options
fixture_options(void)
{
	return (struct db_options){ .socket = server.socket,
		.user = "root",
		.password = "",
		.database = TEST_DATABASE,
		.table = "ServerCallStatus",
		.defaults_file = "",
		.connect_timeout_ms = 10000,
		.read_timeout_ms = 30000,
		.max_rows = 5000 };
}

struct db *
open_db(const struct db_options *options)
{
	struct db *db = db_new(options);

	ck_assert_ptr_nonnull(db);
	ck_assert_msg(db_connect(db) == DB_OK, "%s", db_error(db)->text);
	ck_assert(db_connected(db));
	return db;
}

struct record *
make_records(size_t n, uint64_t ts)
{
	free(records_made);
	records_made = calloc(n, sizeof(*records_made));
	ck_assert_ptr_nonnull(records_made);
	for (size_t i = 0; i < n; i++) {
		records_made[i] = (struct record){ .modid = 1,
			.cmdid = 2,
			.ip = (uint32_t)i,
			.caller = 2130706433,
			.succ = 1,
			.port = 80 };
		record_set_ts(&records_made[i], ts);
	}
	return records_made;
}

const struct record *const *
pointers(const struct record *records, size_t n)
{
	free(pointers_made);
	pointers_made = calloc(n, sizeof(*pointers_made));
	ck_assert_ptr_nonnull(pointers_made);
	for (size_t i = 0; i < n; i++)
		pointers_made[i] = &records[i];
	return pointers_made;
}

size_t
store(struct db *db, const struct record *records, size_t n, uint64_t horizon,
    uint64_t *clamped)
{
	const struct record *const *all = pointers(records, n);
	uint64_t ignored = 0;
	size_t calls = 0;

	for (size_t at = 0, sent; at < n; at += sent, calls++) {
		enum db_class kind = db_upsert(db, all + at, n - at, horizon,
		    clamped != NULL ? clamped : &ignored, &sent);

		ck_assert_msg(kind == DB_OK, "%s", db_error(db)->text);
		ck_assert_uint_ge(sent, 1);
		ck_assert_uint_le(sent, n - at);
	}
	return calls;
}
