/* SPDX-License-Identifier: MIT
 *
 * One host of the list that reporter.conf gives, parsed.
 */
#ifndef REPORTER_HOST_H
#define REPORTER_HOST_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_MAX 256

struct host {
	char name[HOST_MAX]; /* "" is: what the client library takes */
	unsigned port;       /* 0 is: none was given */
	bool tcp; /* a port was given: no socket, whatever the name */
};

/*
 * host_read - parse HOST, HOST:PORT, [HOST6] or [HOST6]:PORT.  An IPv6
 * address without brackets has more than one colon and no port.  "" is the
 * local host.
 * Returns whether it is valid.
 */
bool host_read(struct host *host, const char *word);

/* host_is_local - whether the client library takes a unix socket for it. */
bool host_is_local(const struct host *host);

#endif
