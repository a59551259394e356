/* SPDX-License-Identifier: MIT
 *
 * The list of hosts that reporter.conf gives: each parsed, and which one is
 * next.
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

/* The list, and the place in it.  words and socket are the caller's. */
struct hosts {
	char *const *words; /* NULL-terminated; NULL or empty: the local host */
	const char *socket; /* for the local host; NULL or "": the default */
	unsigned port;      /* for hosts that name none; 0: the default */
	size_t at;          /* in use, or the next to try */
	size_t failed;      /* in a row that were not connected to */
	char name[HOST_MAX + 16]; /* of the one last read: "host:port", or
				     the socket's path */
};

/* hosts_read - parse the host in use, and note its name.  Returns whether it is
   valid. */
bool hosts_read(struct hosts *hosts, struct host *host);

/* hosts_next - go on to the next one. */
void hosts_next(struct hosts *hosts);

/*
 * hosts_leave_read_only - whether to leave a server that calls itself
 * read-only.  A proxy may have asked another server for it: without a better
 * host, after all were tried, the answer to our statement is what counts.
 */
bool hosts_leave_read_only(const struct hosts *hosts);

#endif
