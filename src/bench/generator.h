/* SPDX-License-Identifier: MIT
 *
 * The load generator: any number of connections that send a stream as fast as
 * the other end takes it, in large writes, from one thread.  It measures its
 * own share: how long it waited for the other end.  A generator that hardly
 * waits is the limit itself, and the figure is its own.
 */
#ifndef REPORTER_BENCH_GENERATOR_H
#define REPORTER_BENCH_GENERATOR_H

#include "bench/stream.h"

/* Bytes of one write, unless told otherwise.  As much as a server with
   max_message at its default can read at once. */
#define GENERATOR_CHUNK 65536

/* Bytes that may be on their way, sent and not yet taken by the other end, on
   all connections together.  Without a bound, many connections would be a test
   of how much the kernel can hold. */
#define GENERATOR_WINDOW (16 * 1024 * 1024)

struct generator {
	int epoll;
	size_t count; /* of links */
	size_t busy;  /* links that have something left to send */
	struct link *links;
	const char *name; /* of the other end, for messages */
	size_t chunk;     /* bytes of one write */
	/* How many bytes of this stream the other end has taken, since
	   anything was sent; NULL: not known, no window then. */
	double (*taken)(void *arg);
	void *taken_arg;
	double given;  /* bytes sent by generator_send(), so far */
	double window; /* what taken() said last */
};

/* What was sent. */
struct sent {
	uint64_t records, bytes;
	double began, ended; /* clock_now() */
	double waited;       /* seconds of these it waited for the other end */
};

/* generator_limit - how many connections the limit of open files allows. */
uint64_t generator_limit(void);

/*
 * generator_open - make so many connections, at most generator_limit().
 * name: who is at the other end, for messages.  Failing to connect is fatal.
 */
void generator_open(struct generator *g, const char *name, const char *host,
    const char *port, size_t connections);

/*
 * generator_send - send the stream.  seconds 0: each report once, divided
 * among the connections.  Else over and over for so long, each connection
 * beginning at another place; then each ends with a whole report.
 * Returns when all is in the kernel's hands.  A connection that the other end
 * closes is fatal.
 */
void generator_send(struct generator *g, const struct stream *stream,
    double seconds, struct sent *sent);

/* generator_finish - close our side of each connection and wait until the
   other end, having read all, has closed its own. */
void generator_finish(struct generator *g);

/* generator_close - close all connections. */
void generator_close(struct generator *g);

/* link_connect - one connection, blocking and without delay.  Returns its
   descriptor; failing is fatal. */
int link_connect(const char *name, const char *host, const char *port);

#endif
