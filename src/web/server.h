/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the HTTP side, on libmicrohttpd.
 */
#pragma once

#define SERVER_HOSTS_MAX 32

struct sampler;

struct server_settings {
	const char *instance;
	struct sampler *sampler;
	const char *directory; /* of the page's files; NULL: compiled in */
	/* Names of the server, beside addresses and localhost. */
	const char *host[SERVER_HOSTS_MAX];
	unsigned hosts;
};

/* server_listen - a listening socket for ADDRESS:PORT; the address a number,
   port 0 any that is free.  Returns it, or -1: logged. */
int server_listen(const char *address);

/* server_start - answer on a listening socket, in a thread of its own, until
   server_stop(), which closes it.  The settings must stay valid until then.
   Returns NULL: logged. */
struct server *server_start(int fd, const struct server_settings *settings);

/* server_stop - end the thread, close all sockets, free the server. */
void server_stop(struct server *server);
