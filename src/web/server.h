/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the HTTP side, on libmicrohttpd.
 */
#ifndef REPORTER_SERVER_H
#define REPORTER_SERVER_H

struct server;

/*
 * server_listen - a listening socket for ADDRESS:PORT; the address a number,
 * port 0 any that is free.  Returns it, or -1: logged.
 */
int server_listen(const char *address);

/* server_start - answer on a listening socket, in a thread of its own, until
   server_stop().  Returns NULL: logged. */
struct server *server_start(int socket, const char *instance);

void server_stop(struct server *server);

#endif
