/* SPDX-License-Identifier: MIT
 *
 * The raw sink: what absorbing is measured against.  A process of its own with
 * one epoll loop that reads loopback TCP with buffers as large as the master's
 * and discards what it read.
 */
#ifndef REPORTER_BENCH_RAWSINK_H
#define REPORTER_BENCH_RAWSINK_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* What both processes see. */
struct rawsink_shared {
	_Atomic uint64_t bytes; /* read so far */
};

struct rawsink {
	pid_t pid;
	char port[8];
	struct rawsink_shared *shared;
};

/* rawsink_start - start it.  It ends with this process at the latest. */
void rawsink_start(struct rawsink *sink);

/* rawsink_wait - wait until it has read so many bytes in all. */
void rawsink_wait(const struct rawsink *sink, uint64_t bytes);

/* rawsink_bytes - how many it has read. */
uint64_t rawsink_bytes(const struct rawsink *sink);

/* rawsink_stop - end it. */
void rawsink_stop(struct rawsink *sink);

#endif
