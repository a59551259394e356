/* SPDX-License-Identifier: MIT
 *
 * A private database server.  Errors are returned as text in the struct.
 */
#include "config.h"

#include "bench/db_server.h"

#include "bench/bench.h"
#include "bench/process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds */
#define WORDS_MAX 16

/* Find the first program of these in the directories that servers are in. */
static bool
program_find(char *path, size_t size, const char *const *names)
{
	static const char *const directories[] = { "/usr/sbin", "/usr/bin",
		"/usr/libexec", "/usr/local/sbin", "/usr/local/bin",
		"/usr/local/mysql/bin", NULL };

	for (; *names != NULL; names++) {
		for (const char *const *d = directories; *d != NULL; d++) {
			snprintf(path, size, "%s/%s", *d, *names);
			if (access(path, X_OK) == 0)
				return true;
		}
	}
	return false;
}

/* Make the data: MariaDB has a script for it, MySQL an option. */
static int
data_make(struct db_server *server, const char *program, const char *data)
{
	static const char *const scripts[] = { "mariadb-install-db",
		"mysql_install_db", NULL };
	char script[128];
	bool maria = program_find(script, sizeof(script), scripts);
	const char *words[] = { maria ? script : program, "--no-defaults", data,
		maria ? "--auth-root-authentication-method=normal"
		      : "--initialize-insecure",
		geteuid() == 0 ? "--user=root" : NULL, NULL };
	int status;

	pid_t pid = child_start(server->directory, DB_SERVER_LOG, words);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return 0;
	snprintf(server->error, sizeof(server->error),
	    "%s failed to make the database's data", words[0]);
	return -1;
}

pid_t
db_server_pid(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid = -1;
	char byte;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	/* A byte of its greeting shows that it is up. */
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	    read(fd, &byte, 1) == 1)
		pid = peer.pid;
	if (fd >= 0)
		close(fd);
	return pid;
}

int
db_server_start(struct db_server *server, const char *const *options_more)
{
	static const char *const names[] = { "mariadbd", "mysqld", NULL };
	struct wait wait = { .patience = PATIENCE, .pause = 20e-3 };
	char program[128], data[96], socket_option[128], pid_file[96];
	const char *words[WORDS_MAX] = { program, "--no-defaults",
		"--skip-networking", data, socket_option, pid_file };
	size_t n = 6;
	bool up = false;

	snprintf(server->socket, sizeof(server->socket), "%s/database.sock",
	    server->directory);
	snprintf(data, sizeof(data), "--datadir=%s/data", server->directory);
	snprintf(socket_option, sizeof(socket_option), "--socket=%s",
	    server->socket);
	snprintf(pid_file, sizeof(pid_file), "--pid-file=%s/database.pid",
	    server->directory);
	if (!program_find(program, sizeof(program), names)) {
		snprintf(server->error, sizeof(server->error),
		    "no database server found: install Debian's package "
		    "mariadb-server-core");
		return -1;
	}
	if (data_make(server, program, data) < 0)
		return -1;
	if (geteuid() == 0)
		words[n++] = "--user=root";
	while (*options_more != NULL && n < WORDS_MAX - 1)
		words[n++] = *options_more++;
	server->pid = child_start(server->directory, DB_SERVER_LOG, words);
	while (!child_ended(&server->pid) &&
	       !(up = db_server_pid(server->socket) > 0) && wait_more(&wait, 1))
		continue;
	if (up)
		return 0;
	snprintf(server->error, sizeof(server->error), "%s %s", program,
	    server->pid == 0 ? "died unexpectedly" : "is not responding");
	db_server_stop(server);
	return -1;
}

void
db_server_stop(struct db_server *server)
{
	child_stop(&server->pid, SIGKILL);
}
