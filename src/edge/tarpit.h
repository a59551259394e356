/* SPDX-License-Identifier: MIT
 *
 * The tarpit: sockets of refused agents, kept open and unread for a while.
 * Agents of ELB and Lars connect again at once when they are disconnected,
 * 15,000 times a second, so that a refusal must not be an end that they see
 * at once.  Belongs to the master's loop; the clock is passed in.
 */
#ifndef REPORTER_TARPIT_H
#define REPORTER_TARPIT_H

#include <stdbool.h>
#include <stdint.h>

#define TARPIT_MAX 1024 /* sockets */
#define TARPIT_MS 2000  /* how long each is kept */

/* All zero: nothing is kept, and none may be. */
struct tarpit {
	uint32_t capacity, first, count;
	struct {
		int fd;
		uint64_t until_ms;
	} kept[TARPIT_MAX]; /* a ring, the oldest at `first` */
};

/* tarpit_resize - keep at most `capacity` sockets, or TARPIT_MAX if that is
   less, from now on. */
void tarpit_resize(struct tarpit *tarpit, uint64_t capacity);

/* tarpit_add - keep a socket, in place of the oldest one if there is no room.
   It is closed here, now or later; epoll must not watch it. */
void tarpit_add(struct tarpit *tarpit, int fd, uint64_t now_ms);

/* tarpit_drop - close the oldest.  Returns false when there is none. */
bool tarpit_drop(struct tarpit *tarpit);

/* tarpit_expire - close those whose time is over.  Returns the milliseconds
   until there is more to close, or `most` if that is less. */
uint64_t tarpit_expire(struct tarpit *tarpit, uint64_t now_ms, uint64_t most);

/* tarpit_close - close all. */
void tarpit_close(struct tarpit *tarpit);

#endif
