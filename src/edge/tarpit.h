/* SPDX-License-Identifier: MIT
 *
 * The tarpit: sockets of refused and of faulty agents, kept open and unread for
 * a while.  Agents of ELB and Lars reconnect at once when they are
 * disconnected, 15,500 times a second, so these connections are not closed at
 * once.  Belongs to the master's loop.  now_ms: the monotonic clock, in
 * milliseconds.
 */
#pragma once

#include "edge/limiter.h"

#include <stdbool.h>

#define TARPIT_MAX 1024    /* sockets */
#define TARPIT_MS 2000     /* how long each is kept */
#define TARPIT_AT_ONCE 100 /* faulty ones closed at once, per second */

/* All zero: empty, of capacity 0. */
struct tarpit {
	uint32_t capacity, first, count;
	struct limiter at_once;
	struct {
		int fd;
		uint64_t until_ms;
	} kept[TARPIT_MAX]; /* a ring, the oldest at `first` */
};

/* tarpit_resize - keep at most `capacity` sockets, or TARPIT_MAX if that is
   less, from now on; 0 closes all. */
void tarpit_resize(struct tarpit *tarpit, uint64_t capacity);

/* tarpit_add - take ownership of a socket, which epoll must not watch.  If the
   tarpit is full the oldest one is closed, if its capacity is 0 this one.
   Returns false if that one's time was not over: its agent reconnects now, and
   the caller should accept more slowly. */
bool tarpit_add(struct tarpit *tarpit, int fd, uint64_t now_ms);

/* tarpit_add_faulty - likewise, with the same result, but TARPIT_AT_ONCE a
   second are closed at once: so an agent that resends its buffer from the
   middle of a message soon reaches the end of it, and many faulty agents still
   cost little. */
bool tarpit_add_faulty(struct tarpit *tarpit, int fd, uint64_t now_ms);

/* tarpit_drop - close the oldest.  Returns false when there is none. */
bool tarpit_drop(struct tarpit *tarpit);

/* tarpit_expire - close those whose time is over.  Returns the milliseconds
   until the next one's is, but at most max_ms. */
uint64_t tarpit_expire(struct tarpit *tarpit, uint64_t now_ms, uint64_t max_ms);
