/* SPDX-License-Identifier: MIT
 *
 * Listening sockets, of the master's loop; also those that a service manager
 * holds and passes in: with them no agent is refused during a restart.
 */
#pragma once

#include "conf/settings.h"
#include "edge/ark.h"
#include "edge/proxy.h"
#include "lib/address.h"

#include <netinet/in.h>

struct listener {
	bool used;    /* false: the entry is free */
	bool unnamed; /* no word has had it yet: it is new, or was passed in */
	bool carried; /* it came with the connections of another process */
	bool added;   /* by the last listeners_add() */
	bool claimed; /* by a word of the last listeners_add(): next */
	int fd;
	union peer address; /* of getsockname() */
	struct listen_spec spec, next;
	/* A host name of the list that stands for this address as well as a
	   more specific word does; "": none. */
	char name[LISTEN_ADDRESS_MAX], next_name[LISTEN_ADDRESS_MAX];
};

struct listeners {
	struct listener listener[SOCKETS_MAX];
	bool unwatched; /* epoll does not report them for now */
	int epoll; /* the owner's: each socket is added to it, with its struct
		      listener as the event's pointer */
};

/* listeners_pass - add a listening socket that was passed in to this process,
   before the first listeners_add(), whose words take those that listen on
   exactly their addresses.  carried: it came with connections.  Of two for one
   address the first one is taken.  The socket is the listeners' now; if it
   cannot be used, it is closed and logged. */
void listeners_pass(struct listeners *listeners, int fd, bool carried);

/* listeners_activate - take the descriptors that a service manager passed in to
   this process, at the start of the master: listening TCP sockets as of
   listeners_pass(), and *ark gets the parts of an ark, if there is one.  All
   others are logged and closed. */
void listeners_activate(struct listeners *listeners, struct ark *ark);

/* listeners_add - open a listener for each address of this list of words;
   existing ones stay as they are.  An asterisk and a host name stand for all
   the addresses that getaddrinfo() returns and this machine has.  Where several
   words stand for an address, a numeric address takes precedence over a host
   name, and both over an asterisk.  To be followed by listeners_commit() or
   listeners_undo().
   Returns 0; or -1: the reason was logged, and everything is as before. */
int listeners_add(struct listeners *listeners, const struct words_list *specs);

/* listeners_commit - close those that the last listeners_add() has no word for;
   the others follow the words that it has. */
void listeners_commit(struct listeners *listeners);

/* listeners_undo - close those that the last listeners_add() has opened. */
void listeners_undo(struct listeners *listeners);

/* listeners_watch - whether epoll is to report agents that wait to be accepted.
   If not, they wait in the kernel.  Costs nothing while nothing changes. */
void listeners_watch(struct listeners *listeners, bool on);

/* listeners_close - close all. */
void listeners_close(struct listeners *listeners);

/* listener_of - the listener that an event's pointer is, or NULL. */
struct listener *listener_of(struct listeners *listeners, const void *pointer);
