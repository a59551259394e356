/* SPDX-License-Identifier: MIT
 *
 * Starting and ending the servers of --self.  Owns their processes, which die
 * with the runner.  The runner's main thread; failures are fatal.
 */
#include "config.h"

#include "bench/self.h"

#include "bench/fail.h"
#include "bench/schema.inc"

#include <errno.h>
#include <fcntl.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds */
#define PAUSE 10e-3

/* ------------------------------------------------------------- programs --- */

/* The path of a program beside ours, or in the folders that servers are in.
   Returns false when there is none. */
static bool
program_find(const char *name, char *path, size_t size)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin",
		"/usr/libexec", "/usr/local/sbin", "/usr/local/bin",
		"/usr/local/mysql/bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, size, "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* Start a program with its output behind a file of the folder. */
static pid_t
program_start(const struct self *self, const char *log, char *const *words)
{
	char path[96];
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		fail("%s: %s", words[0], strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/%s", self->folder, log);
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int in = open("/dev/null", O_RDONLY);
	if (getppid() != parent || out < 0 || in < 0)
		_exit(127);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	/* A server that starts removes what looks left over of another one in
	   the folder for temporary tables: it must have its own. */
	setenv("TMPDIR", self->folder, 1);
	execv(words[0], words);
	_exit(127);
}

/* Whether it has ended by itself. */
static bool
program_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

/* ------------------------------------------------------------- database --- */

/* Make the data folder: MariaDB has a script for it, MySQL an option. */
static void
database_install(const struct self *self)
{
	char script[128], server[128], data[96];
	char no_defaults[] = "--no-defaults", user[] = "--user=root";
	char insecure[] = "--initialize-insecure";
	char normal[] = "--auth-root-authentication-method=normal";
	char test[] = "--skip-test-db";
	char *maria[] = { script, no_defaults, normal, test, data, user, NULL };
	char *mysql[] = { server, no_defaults, insecure, data, user, NULL };
	char **words = maria;
	int status;

	snprintf(data, sizeof(data), "--datadir=%s/data", self->folder);
	if (!program_find("mariadb-install-db", script, sizeof(script))) {
		words = mysql;
		if (!program_find("mysqld", server, sizeof(server)))
			fail("--self needs a database server: install "
			     "Debian's package mariadb-server-core");
	}
	if (geteuid() != 0)
		words[words == maria ? 5 : 4] = NULL;
	pid_t pid = program_start(self, "database.log", words);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("%s has failed", words[0]);
}

static void
database_spawn(struct self *self)
{
	char server[128], data[96], socket[128], pid_file[96];
	char no_defaults[] = "--no-defaults", network[] = "--skip-networking";
	char infile[] = "--local-infile=1", user[] = "--user=root";
	char *words[] = { server, no_defaults, network, infile, data, socket,
		pid_file, geteuid() == 0 ? user : NULL, NULL };

	if (!program_find("mariadbd", server, sizeof(server)) &&
	    !program_find("mysqld", server, sizeof(server)))
		fail("--self needs a database server: install Debian's "
		     "package mariadb-server-core");
	snprintf(data, sizeof(data), "--datadir=%s/data", self->folder);
	snprintf(socket, sizeof(socket), "--socket=%s", self->socket);
	snprintf(pid_file, sizeof(pid_file), "--pid-file=%s/database.pid",
	    self->folder);
	self->database = program_start(self, "database.log", words);
}

/* Wait until it answers, and make the table. */
static void
database_prepare(struct self *self)
{
	static const char *const statements[] = { "CREATE DATABASE reporter",
		"USE reporter", SCHEMA_SQL };
	double deadline = clock_now() + PATIENCE;
	MYSQL *mysql;

	for (;;) {
		mysql = mysql_init(NULL);
		if (mysql == NULL)
			fail("no memory for a connection");
		if (mysql_real_connect(mysql, "localhost", "root", "", NULL, 0,
			self->socket, 0) != NULL)
			break;
		if (program_ended(self->database))
			fail("the database has ended");
		if (clock_now() > deadline)
			fail("the database does not answer: %s",
			    mysql_error(mysql));
		mysql_close(mysql);
		clock_sleep(PAUSE);
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
		if (mysql_query(mysql, statements[i]) != 0)
			fail("database: %s", mysql_error(mysql));
	mysql_close(mysql);
}

void
self_start_database(struct self *self)
{
	if (self->database != 0)
		return;
	database_install(self);
	database_spawn(self);
	database_prepare(self);
}

/* ------------------------------------------------------------- reporter --- */

static void
conf_write(const struct self *self, const struct setup *setup)
{
	FILE *file = fopen(self->conf, "we");
	/* Each worker has room for all: services are divided by hash. */
	uint64_t keys = setup->keys > 65536 ? setup->keys : 65536;

	if (file == NULL)
		fail("%s: %s", self->conf, strerror(errno));
	fprintf(file,
	    "[reporter]\ninstance = %s\nlisten = 127.0.0.1:0\n"
	    "shutdown_timeout = 100ms\n",
	    self->instance);
	if (setup->workers != 0)
		fprintf(file, "workers = %llu\n",
		    (unsigned long long)setup->workers);
	fprintf(file, "[limits]\nmax_connections = %llu\n",
	    (unsigned long long)setup->connections);
	fprintf(file, "[queue]\ntable_keys = %llu\n", (unsigned long long)keys);
	fprintf(file,
	    "[mysql]\nhost = localhost\nsocket = %s%s\nuser = root\n"
	    "database = reporter\nread_timeout = 10min\n"
	    "dead_letter_file = %s/dead\n",
	    self->socket, setup->database ? "" : ".away", self->folder);
	if (setup->interval_ms != 0)
		fprintf(file, "flush_interval = %llums\n",
		    (unsigned long long)setup->interval_ms);
	fprintf(file, "[log]\ntarget = stderr\n");
	if (fclose(file) != 0)
		fail("%s: %s", self->conf, strerror(errno));
}

/* The daemon: given, or beside us, or where it was installed. */
static void
reporter_find(const struct self *self, char *path, size_t size)
{
	ssize_t n;

	if (self->program != NULL) {
		snprintf(path, size, "%s", self->program);
		return;
	}
	n = readlink("/proc/self/exe", path, size - 1);
	path[n > 0 ? n : 0] = '\0';
	char *name = strrchr(path, '/');
	if (name != NULL) {
		snprintf(name, size - (size_t)(name - path), "/reporter");
		if (access(path, X_OK) == 0)
			return;
	}
	snprintf(path, size, "%s", SBINDIR "/reporter");
}

/* The port in the log's line "listening on 127.0.0.1:PORT", behind `from`.
   Returns whether it is there. */
static bool
reporter_port(struct self *self, long from)
{
	static const char sign[] = "listening on 127.0.0.1:";
	char path[96], line[256];
	bool found = false;

	snprintf(path, sizeof(path), "%s/reporter.log", self->folder);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	fseek(file, from, SEEK_SET);
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, sign);

		/* Only a whole line has the whole port. */
		if (at != NULL && strchr(at, '\n') != NULL)
			found = sscanf(at + sizeof(sign) - 1, "%7[0-9]",
				    self->port) == 1;
	}
	fclose(file);
	return found;
}

static long
log_length(const struct self *self)
{
	char path[96];
	long length = 0;

	snprintf(path, sizeof(path), "%s/reporter.log", self->folder);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fseek(file, 0, SEEK_END) == 0)
		length = ftell(file);
	fclose(file);
	return length;
}

/* Whether the master has published itself and all workers have checked in. */
static bool
reporter_ready(const struct self *self)
{
	struct segment segment;
	unsigned running = 0, starting = 0;

	if (segment_open_master(&segment, self->instance, SEGMENT_READ) !=
	    SHM_OK)
		return false;
	const struct master_shared *master = segment_master(&segment);
	for (int i = 0; i < CHILDREN_MAX; i++) {
		uint32_t state = atomic_load(&master->children[i].state);

		running += state == CHILD_RUNNING;
		starting += state != CHILD_RUNNING && state != CHILD_NONE;
	}
	bool ready = atomic_load(&master->pid) == self->reporter &&
		     running > 0 && starting == 0;
	segment_close(&segment);
	return ready;
}

void
self_start_reporter(struct self *self, const struct setup *setup)
{
	char path[4096], foreground[] = "-f", conf[] = "-c";
	char *words[] = { path, foreground, conf, self->conf, NULL };
	double deadline = clock_now() + PATIENCE;

	self_stop_reporter(self);
	conf_write(self, setup);
	reporter_find(self, path, sizeof(path));
	long from = log_length(self);
	self->reporter = program_start(self, "reporter.log", words);
	while (!reporter_port(self, from) || !reporter_ready(self)) {
		if (program_ended(self->reporter))
			fail("%s has ended", path);
		if (clock_now() > deadline)
			fail("%s does not get ready", path);
		clock_sleep(PAUSE);
	}
}

void
self_stop_reporter(struct self *self)
{
	if (self->reporter == 0)
		return;
	kill(self->reporter, SIGTERM);
	waitpid(self->reporter, NULL, 0);
	self->reporter = 0;
	self_remove_segments(self);
}
