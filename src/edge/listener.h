/* SPDX-License-Identifier: MIT
 *
 * Listening sockets.  Owned by the master.
 */
#ifndef REPORTER_LISTENER_H
#define REPORTER_LISTENER_H

#include "listen_spec.h"
#include "settings.h"

#include <netinet/in.h>

/* Sockets of all addresses together: one of `listen` may stand for several. */
#define SOCKETS_MAX 256

struct listener {
	bool used;                   /* false: the entry is free */
	bool added;                  /* by the last listeners_add() */
	struct listen_spec spec;     /* of the configuration */
	struct sockaddr_in6 address; /* large enough for IPv4's */
	int fd;
};

struct listeners {
	struct listener listener[SOCKETS_MAX];
	bool held; /* not watched for now */
};

/*
 * listeners_add - listen on these addresses as well; those that are listened
 * on already stay as they are.  An asterisk and a host's name stand for all the
 * addresses that getaddrinfo() returns and this machine has.  An address that
 * several words stand for is the most particular one's.
 * epoll: the descriptor each socket is added to, with its struct listener as
 * the event's pointer.
 * Returns 0; or -1, then the reason was logged and everything is as before.
 */
int listeners_add(
    struct listeners *listeners, const struct words_list *specs, int epoll);

/* listeners_keep - listen on these addresses only, each with the words behind
   it from now on: close all others.  With the list of before, it undoes a
   listeners_add(). */
void listeners_keep(
    struct listeners *listeners, const struct words_list *specs, int epoll);

/* listeners_watch - whether epoll is to speak of those who wait to be accepted.
   If not, they wait in the kernel.  Costs nothing while it stays as it is. */
void listeners_watch(struct listeners *listeners, int epoll, bool on);

/* listeners_close - close all. */
void listeners_close(struct listeners *listeners);

/* listener_of - the listener of an epoll event's pointer, or NULL if it is
   none. */
struct listener *listener_of(struct listeners *listeners, const void *pointer);

#endif
