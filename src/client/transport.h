/* SPDX-License-Identifier: MIT
 *
 * How a channel uses its socket, where that is not plain TCP.  The socket does
 * not block.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

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
