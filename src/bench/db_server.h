/* SPDX-License-Identifier: MIT
 *
 * A private database server, mariadbd or mysqld, reached by its unix socket
 * alone: for reporter-bench --self and for tests.
 */
#ifndef REPORTER_DB_SERVER_H
#define REPORTER_DB_SERVER_H

#include <sys/types.h>

#define DB_SERVER_LOG "database.log" /* in its directory */

struct db_server {
	char directory[64]; /* of its data, socket and log; filled in before */
	char socket[108];
	pid_t pid; /* 0: not running */
};

/*
 * db_server_start - make its data, start it without any option file, and wait
 * until it answers.  options: up to 10, ended by NULL.  Its user root has no
 * password.  It ends with the calling thread at the latest.  Returns 0, or -1
 * when it ended or did not answer: its log shows why.
 */
int db_server_start(struct db_server *server, const char *const *options);

/* db_server_pid - the process that answers on a socket, -1 when none does. */
pid_t db_server_pid(const char *socket);

/* db_server_stop - kill it and wait; its directory stays. */
void db_server_stop(struct db_server *server);

#endif
