/* SPDX-License-Identifier: MIT
 *
 * The sink: a server of one connection in a thread, for tests of what sends.
 */
#pragma once

#include "shm/record.h"

#include <pthread.h>
#include <stddef.h>

/* What the server does with its connection. */
enum sink_mood {
	SINK_READS,          /* until the client's end, then closes */
	SINK_CLOSES,         /* at once */
	SINK_CLOSES_ON_DATA, /* when data is there, without reading it */
	SINK_CLOSES_ON_END   /* when all is there, without reading it */
};

struct sink {
	enum sink_mood mood;
	int fd; /* it listens */
	char port[8];
	pthread_t thread;
	char *bytes; /* what it read */
	size_t length;
};

/* sink_start - listen on a free port of 127.0.0.1 and serve one connection. */
void sink_start(struct sink *sink, enum sink_mood mood);

/* sink_join - wait until the connection has ended. */
void sink_join(struct sink *sink);

/*
 * sink_decode - the native reports that were read.  Fails the test if they are
 * anything else.  records: room for max; *reports: how many there were.
 * Returns how many records.
 */
size_t sink_decode(const struct sink *sink, struct record *records, size_t max,
    size_t *reports);

/* sink_free - free what it read. */
void sink_free(struct sink *sink);
