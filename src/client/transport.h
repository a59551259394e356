/* SPDX-License-Identifier: MIT
 *
 * What both libraries share: how a channel uses its socket, where that is not
 * plain TCP, and options that may grow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

/* The socket does not block. */
struct reporter_transport {
	/* Of the socket fd, which is connected; host: as it was configured.
	   Returns NULL when out of memory. */
	void *(*open)(
	    struct reporter_transport *transport, int fd, const char *host);
	/* Agree with the other side.  Returns 1 when that is done, 0 if it has
	   to wait for *events, -1 after a failure. */
	int (*agree)(void *session, short *events);
	/* As read(2) and write(2); where they have to wait, EAGAIN, and *events
	   are those to poll for.  Reading returns 0 only at an
	   end that the other side has announced. */
	ssize_t (*read)(void *session, void *bytes, size_t n, short *events);
	ssize_t (*write)(
	    void *session, const void *bytes, size_t n, short *events);
	/* Announce that nothing more is written. */
	void (*end)(void *session);
	/* Why agree() or read() failed. */
	const char *(*error)(void *session);
	/* Sends nothing. */
	void (*free)(void *session);
};

/* options_copy - take the options of a caller whose header may be older or
   newer: members that it has not are zero, and those that we have not must be.
   min: size of the header's first version; own is zero.  Returns false if they
   are invalid. */
static inline bool
options_copy(
    void *own, size_t size, size_t min, const void *given, size_t given_size)
{
	bool valid = given_size >= min;

	memcpy(own, given, given_size < size ? given_size : size);
	for (size_t i = size; valid && i < given_size; i++)
		valid = ((const char *)given)[i] == 0;
	return valid;
}
