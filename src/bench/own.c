/* SPDX-License-Identifier: MIT
 *
 * A reporter and a database of our own, in a temporary directory.  The
 * supervisor makes and removes it; the runner starts the servers, which die
 * with it.
 */
#include "config.h"

#include "bench/process.h"
#include "bench/schema.inc"
#include "bench/site.h"

#include <inttypes.h>
#include <mysql.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds */
#define REPORTER_LOG "reporter.log"

struct own own;

/* ------------------------------------------------------------- directory -- */

void
own_make(void)
{
	struct db_server *database = &own.database;

	if (directory_make(database->directory, sizeof(database->directory),
		"reporter-bench") < 0)
		fail("cannot create %s: %m", database->directory);
	snprintf(own.conf, sizeof(own.conf), "%s/reporter.conf",
	    database->directory);
	snprintf(own.instance, sizeof(own.instance), "bench-%d", (int)getpid());
}

static void
segments_remove(void)
{
	static char names[CHILDREN_MAX][SEGMENT_NAME_MAX];
	char name[SEGMENT_NAME_MAX];
	int n = segment_list(own.instance, names, CHILDREN_MAX);

	for (int i = 0; i < n && i < CHILDREN_MAX; i++)
		segment_remove(names[i]);
	snprintf(name, sizeof(name), "/reporter.%s", own.instance);
	segment_remove(name);
}

void
own_clean(int status, bool interrupted)
{
	const char *directory = own.database.directory;

	if (status == BENCH_FAILED && !interrupted)
		shell("cd %s && tail -n 12 *.log >&2", directory);
	segments_remove();
	if (shell("rm -rf %s", directory) < 0)
		notice("cannot remove %s", directory);
}

/* -------------------------------------------------------------- database -- */

static void
database_start(void)
{
	static const char *const infile[] = { "--local-infile=1", NULL };
	static const char *const statements[] = { "CREATE DATABASE reporter",
		"USE reporter", SCHEMA_SQL };

	if (db_server_start(&own.database, infile) < 0)
		fail("cannot start a database server");
	MYSQL *mysql = mysql_init(NULL);
	bool good =
	    mysql != NULL && mysql_real_connect(mysql, "localhost", "root", "",
				 NULL, 0, own.database.socket, 0) != NULL;
	for (size_t i = 0; good && i < 3; i++)
		good = mysql_query(mysql, statements[i]) == 0;
	if (!good)
		fail("cannot create the table: %s",
		    mysql != NULL ? mysql_error(mysql) : "out of memory");
	mysql_close(mysql);
}

/* -------------------------------------------------------------- reporter -- */

static void
conf_write(const struct setup *setup)
{
	const char *directory = own.database.directory;
	FILE *file = fopen(own.conf, "we");

	if (file == NULL)
		fail("cannot write %s: %m", own.conf);
	/* 0 is the daemon's default.  Each worker has room for all keys:
	   services are divided by hash. */
	fprintf(file,
	    "[reporter]\ninstance = %s\nlisten = 127.0.0.1:0\n"
	    "shutdown_timeout = 100ms\n%sworkers = %" PRIu64 "\n"
	    "[limits]\nmax_connections = %" PRIu64 "\n"
	    "[queue]\ntable_keys = %" PRIu64 "\n"
	    "[log]\ntarget = stderr\n"
	    "[mysql]\nhost = localhost\nsocket = %s/database.sock%s\n"
	    "user = root\ndatabase = reporter\nread_timeout = 10min\n"
	    "dead_letter_file = %s/dead\n%sflush_interval = %" PRIu64 "ms\n",
	    own.instance, setup->workers != 0 ? "" : "#", setup->workers,
	    setup->connections, setup->keys > 65536 ? setup->keys : 65536,
	    directory, setup->database ? "" : ".away", directory,
	    setup->interval_ms != 0 ? "" : "#", setup->interval_ms);
	if (fclose(file) != 0)
		fail("cannot write %s: %m", own.conf);
}

/* The daemon: given, or beside us, or where it was installed. */
static const char *
program_find(void)
{
	static char path[4096];

	if (options.server != NULL)
		return options.server;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 10);
	path[n > 0 ? n : 0] = '\0';
	char *name = strrchr(path, '/');
	if (name != NULL) {
		strcpy(name, "/reporter");
		if (access(path, X_OK) == 0)
			return path;
	}
	return SBINDIR "/reporter";
}

/* Read the port from the log.  Returns whether it is there. */
static bool
port_read(void)
{
	static const char sign[] = "listening on 127.0.0.1:";
	char path[96], line[256];
	bool found = false;

	snprintf(
	    path, sizeof(path), "%s/" REPORTER_LOG, own.database.directory);
	FILE *file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, sign);

		/* Only a whole line has the whole port. */
		found = at != NULL && strchr(at, '\n') != NULL &&
			sscanf(at + sizeof(sign) - 1, "%7[0-9]", own.port) == 1;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

void
own_start(const struct setup *setup)
{
	struct wait wait = { "the reporter to start", PATIENCE, 10e-3, 0, 0 };
	const char *words[] = { program_find(), "-f", "-c", own.conf, NULL };

	own_stop();
	if (setup->database && own.database.pid == 0)
		database_start();
	conf_write(setup);
	own.reporter = child_start(own.database.directory, REPORTER_LOG, words);
	while (watch_try(own.instance, own.reporter) != NULL || !port_read()) {
		if (child_ended(&own.reporter))
			fail("%s ended at its start", words[0]);
		wait_more(&wait, 1);
	}
}

void
own_stop(void)
{
	watch_close();
	if (own.reporter == 0)
		return;
	child_stop(&own.reporter, SIGTERM);
	segments_remove();
}
