/* SPDX-License-Identifier: MIT
 *
 * How a link uses its socket, where that is not plain TCP.  The socket does not
 * block.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct reporter_transport {
	/* Of the socket fd, which is connected; host: as it was configured.
	   Returns NULL when out of memory. */
	void *(*open)(
	    struct reporter_transport *transport, int fd, const char *host);
	/* As read(2) and write(2); where they have to wait, EAGAIN, and *events
	   are those to poll for. */
	ssize_t (*read)(void *session, void *bytes, size_t n, short *events);
	ssize_t (*write)(
	    void *session, const void *bytes, size_t n, short *events);
	/* Announce that nothing more is written. */
	void (*end)(void *session);
	/* Why read() failed. */
	const char *(*error)(void *session);
	/* Sends nothing. */
	void (*free)(void *session);
};
