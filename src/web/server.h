/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the HTTP side, on libmicrohttpd.
 */
#pragma once

struct server;

/* server_listen - a listening socket for ADDRESS:PORT; the address a number,
   port 0 any that is free.  Returns it, or -1: logged. */
int server_listen(const char *address);

/* server_start - answer on a listening socket, in a thread of its own, until
   server_stop(), which closes it.  instance is the caller's, and stays.
   Returns NULL: logged. */
struct server *server_start(int fd, const char *instance);

/* server_stop - end the thread, close the listening socket and all connections,
   free the server. */
void server_stop(struct server *server);
