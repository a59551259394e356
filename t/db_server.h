/* SPDX-License-Identifier: MIT
 *
 * A database server for tests: a private mariadbd (or mysqld) in a folder of
 * its own, reached by its unix socket alone.  If the environment variable
 * REPORTER_TEST_SOCKET names the socket of a private server that runs already,
 * that one is used and left running.
 */
#ifndef REPORTER_DB_SERVER_H
#define REPORTER_DB_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct db_server {
	char folder[64]; /* "" is: not ours */
	char socket[108];
	pid_t pid; /* of the server, ours or not */
};

#define DB_SERVER_MISSING 77 /* the exit status of a test that is skipped */

/* db_server_start - start it and wait until it answers.  Returns 0;
   DB_SERVER_MISSING when none is installed, or 1, with the reason on standard
   error. */
int db_server_start(struct db_server *server);

/* db_server_stop - end it, if it is ours, and remove its folder. */
void db_server_stop(struct db_server *server);

#endif
