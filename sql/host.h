/* SPDX-License-Identifier: MIT
 *
 * The list of hosts that reporter.conf gives: each parsed, and which one is
 * next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_MAX 256
#define HOSTS_BACK 32 /* workers return to the first 32 of a list only */

struct host {
	char name[HOST_MAX]; /* "" is: what the client library takes */
	unsigned port;       /* 0 is: none was given */
	bool tcp; /* a port was given: no socket, whatever the name */
};

/* host_read - parse HOST, HOST:PORT, [HOST6] or [HOST6]:PORT.  An IPv6 address
   without brackets has more than one colon and no port.  "" is the local host.
   Returns whether it is valid. */
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
	/* Whether to return to a host.  Times are monotonic milliseconds, 0:
	   never. */
	struct way_back {
		uint64_t next_ms;     /* when to ask it again */
		uint64_t well_ms;     /* since when it has been well */
		uint64_t returned_ms; /* when we returned; 0: not in use */
		unsigned failures, relapses; /* in a row */
		unsigned address; /* of its name, the next to be dialled */
		bool answers;     /* it did so at the last login */
	} back[HOSTS_BACK];
	size_t asked;      /* the host that is being asked */
	int fd;            /* of the connection to it; 0 or less: none */
	uint64_t asked_ms; /* since when */
};

/* hosts_ask - begin to ask the hosts before the one in use, or go on with it;
   call it about once a second.  It blocks only while a name is resolved.
   limit_ms: how long a host may take to send its greeting.
   Returns whether hosts->asked has sent it, or is local: log in to see whether
   it is well, then call hosts_note(). */
bool hosts_ask(struct hosts *hosts, unsigned limit_ms);

/* hosts_note - note whether hosts->asked is well; if not, whether it answers at
   all.  Returns true if it has been well for long enough: then it has become
   the one in use. */
bool hosts_note(struct hosts *hosts, bool well, bool answers);

/* hosts_left - the host in use failed.  If that is soon after we returned to
   it, it must be well for longer before the next time. */
void hosts_left(struct hosts *hosts);

/* hosts_read - parse the host in use, and note its name.  Returns whether it is
   valid. */
bool hosts_read(struct hosts *hosts, struct host *host);

/* hosts_next - go on to the next one. */
void hosts_next(struct hosts *hosts);

/* hosts_leave_read_only - whether to leave a server that calls itself
   read-only.  A proxy may have asked another server for it: without a better
   host, after all were tried, the answer to our statement is what counts. */
bool hosts_leave_read_only(const struct hosts *hosts);
