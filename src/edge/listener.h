/* SPDX-License-Identifier: MIT
 *
 * Listening sockets, of the master's loop.
 */
#pragma once

#include "lib/address.h"
#include "conf/settings.h"

#include <netinet/in.h>

struct listener {
	bool used;    /* false: the entry is free */
	bool unnamed; /* no word has had it yet: it is new, or was passed in */
	bool carried; /* it came with the connections of another process */
	bool added;   /* by the last listeners_add() */
	bool claimed; /* by a word of the last listeners_add(): next */
	bool both;    /* [::] that was passed in and serves IPv4 as well */
	int fd;
	struct sockaddr_in6 address; /* or sockaddr_in, of getsockname() */
	struct listen_spec spec, next;
	/* A host name of the list that stands for this address as well as a
	   more specific word does; "": none. */
	char name[LISTEN_ADDRESS_MAX], next_name[LISTEN_ADDRESS_MAX];
};

struct listeners {
	struct listener listener[SOCKETS_MAX];
	bool unwatched; /* epoll does not report them for now */
};

/* listeners_pass - add a listening socket that was passed in to this process,
   before the first listeners_add(), whose words take those that listen on
   exactly their addresses.  carried: it came with connections.  Of two for one
   address the first one is taken.  The socket is the listeners' now; if it
   cannot be used, it is closed and logged. */
void listeners_pass(
    struct listeners *listeners, int fd, bool carried, int epoll);

/* listeners_add - open a listener for each address of this list of words;
   existing ones stay as they are.  An asterisk and a host name stand for all
   the addresses that getaddrinfo() returns and this machine has.  Where several
   words stand for an address, a numeric address takes precedence over a host
   name, and both over an asterisk.  To be followed by listeners_commit() or
   listeners_undo().
   epoll: the descriptor each socket is added to, with its struct listener as
   the event's pointer.
   Returns 0; or -1: the reason was logged, and everything is as before. */
int listeners_add(
    struct listeners *listeners, const struct words_list *specs, int epoll);

/* listeners_commit - close those that the last listeners_add() has no word for;
   the others follow the words that it has. */
void listeners_commit(struct listeners *listeners, int epoll);

/* listeners_undo - close those that the last listeners_add() has opened. */
void listeners_undo(struct listeners *listeners, int epoll);

/* listeners_watch - whether epoll is to report agents that wait to be accepted.
   If not, they wait in the kernel.  Costs nothing while nothing changes. */
void listeners_watch(struct listeners *listeners, int epoll, bool on);

/* listeners_close - close all. */
void listeners_close(struct listeners *listeners);

/* listener_of - the listener that an event's pointer is, or NULL. */
struct listener *listener_of(struct listeners *listeners, const void *pointer);
