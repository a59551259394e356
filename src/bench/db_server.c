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
#include <unistd.h>

#define PATIENCE 120 /* seconds */

/* Make the data, for which MariaDB has a script and MySQL an option, and become
   the server.  $1: the directory; $2 and up: options. */
static const char script[] =
    "PATH=/usr/sbin:/usr/bin:/usr/libexec:/usr/local/sbin:/usr/local/bin:"
    "/usr/local/mysql/bin:/sbin:/bin\n"
    "server=$(command -v mariadbd || command -v mysqld) || {\n"
    "    echo 'no database server: install mariadb-server-core'; exit 1; }\n"
    "[ $(id -u) != 0 ] || user=--user=root\n"
    "in=--datadir=$1/data at=$1; shift\n"
    "if make=$(command -v mariadb-install-db || command -v mysql_install_db)\n"
    "then how=--auth-root-authentication-method=normal\n"
    "else make=$server how=--initialize-insecure\n"
    "fi\n"
    "$make --no-defaults $how $in $user || exit 1\n"
    "exec $server --no-defaults --skip-networking $in $user \\\n"
    "    --socket=$at/database.sock --pid-file=$at/database.pid \"$@\"\n";

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
db_server_start(struct db_server *server, const char *const *more)
{
	struct wait wait = { .patience = PATIENCE, .pause = 20e-3 };
	const char *words[16] = { "/bin/sh", "-c", script, "sh",
		server->directory };

	snprintf(server->socket, sizeof(server->socket), "%s/database.sock",
	    server->directory);
	for (size_t n = 5; *more != NULL && n < 15; n++)
		words[n] = *more++;
	server->pid = child_start(server->directory, DB_SERVER_LOG, words);
	while (!child_ended(&server->pid)) {
		if (db_server_pid(server->socket) > 0)
			return 0;
		if (!wait_more(&wait, 1))
			db_server_stop(server);
	}
	return -1;
}

void
db_server_stop(struct db_server *server)
{
	child_stop(&server->pid, SIGKILL);
}
