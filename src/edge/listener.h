/* SPDX-License-Identifier: MIT
 *
 * Listening sockets.  Owned by the master.
 */
#ifndef REPORTER_LISTENER_H
#define REPORTER_LISTENER_H

#include "listen_spec.h"
#include "settings.h"

struct listener {
	bool used;               /* false: the entry is free */
	struct listen_spec spec; /* of the configuration */
	int fd;
};

struct listeners {
	struct listener listener[LISTENERS_MAX];
	bool held; /* not watched for now */
};

/*
 * listeners_add - listen on these addresses as well; those that are listened
 * on already stay as they are.
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
