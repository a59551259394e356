/* SPDX-License-Identifier: MIT
 *
 * A database server for tests.  Owns its process and its folder.  Called by a
 * test's main thread.  Failures are said on standard error and returned.
 */
#include "config.h"

#include "db_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds */

static char *
find_program(const char *const *names)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin",
		"/usr/libexec", "/usr/local/sbin", "/usr/local/bin", NULL };
	static char path[128];

	for (; *names != NULL; names++) {
		for (int i = 0; folders[i] != NULL; i++) {
			snprintf(
			    path, sizeof(path), "%s/%s", folders[i], *names);
			if (access(path, X_OK) == 0)
				return strdup(path);
		}
	}
	return NULL;
}

/* Starts a program with its output in a file of the folder. */
static pid_t
start_program(const struct db_server *server, char *const *words)
{
	char output[96];
	pid_t parent = getpid();
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	/* The server must not outlive a test that is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	snprintf(output, sizeof(output), "%s/output", server->folder);
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	/* A server that starts removes what looks left over of another one in
	   the folder for temporary tables: it must have its own. */
	setenv("TMPDIR", server->folder, 1);
	execv(words[0], words);
	_exit(127);
}

static bool
run_program(const struct db_server *server, char *const *words)
{
	pid_t pid = start_program(server, words);
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* The process at the other end of the socket, or -1 when none answers. */
static pid_t
socket_process(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t length = sizeof(peer);
	pid_t pid = -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
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

static void
show_output(const struct db_server *server)
{
	char command[128];

	snprintf(command, sizeof(command), "tail -n 60 %s/output >&2",
	    server->folder);
	if (system(command) != 0)
		fprintf(stderr, "the server left no output\n");
}

static void
server_kill(struct db_server *server)
{
	if (server->folder[0] == 0 || server->pid <= 0)
		return;
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

/* Starts the server and waits until it answers. */
static bool
server_start(struct db_server *server)
{
	static const char *const names[] = { "mariadbd", "mysqld", NULL };
	const struct timespec pause = { 0, 20 * 1000 * 1000 };
	time_t until = time(NULL) + PATIENCE;
	char data[96], socket_word[128], pid_file[96], *program;
	char as_root[] = "--user=root";

	program = find_program(names);
	if (program == NULL)
		return false;
	snprintf(data, sizeof(data), "--datadir=%s/data", server->folder);
	snprintf(
	    pid_file, sizeof(pid_file), "--pid-file=%s/pid", server->folder);
	snprintf(
	    socket_word, sizeof(socket_word), "--socket=%s", server->socket);
	char *words[] = { program, (char[]){ "--no-defaults" },
		(char[]){ "--skip-networking" }, data, socket_word, pid_file,
		(char[]){ "--innodb-buffer-pool-size=16M" },
		(char[]){ "--innodb-log-file-size=8M" },
		(char[]){ "--innodb-flush-log-at-trx-commit=0" },
		geteuid() == 0 ? as_root : NULL, NULL };
	server->pid = start_program(server, words);
	free(program);
	while (server->pid > 0 && socket_process(server->socket) < 0) {
		if (waitpid(server->pid, NULL, WNOHANG) != 0) {
			server->pid = 0;
		} else if (time(NULL) > until) {
			server_kill(server);
		} else {
			nanosleep(&pause, NULL);
		}
	}
	if (server->pid <= 0)
		show_output(server);
	return server->pid > 0;
}

/* Makes the data folder: MariaDB has a script for it, MySQL an option. */
static bool
make_data(const struct db_server *server)
{
	static const char *const scripts[] = { "mariadb-install-db",
		"mysql_install_db", NULL };
	static const char *const servers[] = { "mysqld", NULL };
	char *script = find_program(scripts);
	char *program = script != NULL ? script : find_program(servers);
	char data[96];
	bool made;

	snprintf(data, sizeof(data), "--datadir=%s/data", server->folder);
	char as_root[] = "--user=root", as_we_are[] = "--innodb=ON";
	char for_script[] = "--auth-root-authentication-method=normal";
	char for_server[] = "--initialize-insecure";
	char *words[] = { program, (char[]){ "--no-defaults" }, data,
		geteuid() == 0 ? as_root : as_we_are,
		script != NULL ? for_script : for_server, NULL };
	made = program != NULL && run_program(server, words);
	free(program);
	if (!made)
		show_output(server);
	return made;
}

int
db_server_start(struct db_server *server)
{
	static const char *const names[] = { "mariadbd", "mysqld", NULL };
	const char *given = getenv("REPORTER_TEST_SOCKET");
	const char *place = getenv("TMPDIR");
	char *program;

	memset(server, 0, sizeof(*server));
	if (given != NULL) {
		snprintf(server->socket, sizeof(server->socket), "%s", given);
		server->pid = socket_process(given);
		return server->pid > 0 ? 0 : 1;
	}
	program = find_program(names);
	if (program == NULL) {
		fprintf(stderr, "neither mariadbd nor mysqld is here: install "
				"Debian's package mariadb-server-core\n");
		return DB_SERVER_MISSING;
	}
	free(program);
	if (place == NULL || strlen(place) > 32)
		place = "/tmp";
	snprintf(server->folder, sizeof(server->folder),
	    "%s/reporter-db-XXXXXX", place);
	if (mkdtemp(server->folder) == NULL) {
		perror(server->folder);
		server->folder[0] = 0;
		return 1;
	}
	snprintf(server->socket, sizeof(server->socket), "%s/socket",
	    server->folder);
	if (!make_data(server) || !server_start(server)) {
		db_server_stop(server);
		return 1;
	}
	return 0;
}

void
db_server_stop(struct db_server *server)
{
	char command[96];

	if (server->folder[0] == 0)
		return;
	server_kill(server);
	snprintf(command, sizeof(command), "rm -rf %s", server->folder);
	if (system(command) != 0)
		fprintf(stderr, "%s stays behind\n", server->folder);
	server->folder[0] = 0;
}
