/* SPDX-License-Identifier: MIT
 *
 * A time limit for all of a call of the client library.  The library's own
 * limits are for one read each: a server that sends a byte now and then would
 * hold a statement forever.  A thread of its own waits for the end of the
 * limit, and then shuts the socket down, so that the call returns an error.  It
 * sleeps while no limit runs; to begin one costs no system call as a rule.
 *
 * One connection at a time, and one thread that calls these functions.
 */
#pragma once

#include "sql/client.h"

#include <stdint.h>
#include <time.h>

/* clock_ms - milliseconds of a clock that is never set. */
static inline uint64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct deadline;

/* deadline_new - NULL: no memory, or no thread. */
struct deadline *deadline_new(void);

/* deadline_free - end the thread; NULL is allowed. */
void deadline_free(struct deadline *deadline);

/* deadline_begin - what follows must end within ms milliseconds (1 or more).
   mysql: connected, and given to deadline_watch(); or about to connect: then
   the limit is for the handshake, not for connecting (each address of a host
   has the library's limit), which is cut between ms and twice that. */
void deadline_begin(struct deadline *deadline, MYSQL *mysql, unsigned ms);

/* deadline_end - the call is over; call it before mysql is closed.  Returns
   whether it was cut short: the connection is useless. */
bool deadline_end(struct deadline *deadline);

/* deadline_watch - mysql is connected. */
void deadline_watch(struct deadline *deadline, MYSQL *mysql);

/* deadline_forget - the connection is about to be closed.  cut: it may be in
   any state; what the library does to close it must not wait. */
void deadline_forget(struct deadline *deadline, bool cut);
