/* SPDX-License-Identifier: MIT
 *
 * The ark: what a master leaves to its successor, so that no agent notices a
 * restart: its listening sockets, its connections, and the bytes read of
 * incomplete messages.  It consists of descriptors, which a service manager can
 * store and a Unix socket can pass on:
 *
 *   - a sealed memfd with the state: struct ark_header, then a struct ark_conn
 *     for each connection, each followed by its buffered bytes, padded to a
 *     multiple of 8;
 *   - ends of SOCK_SEQPACKET pairs.  In their queues are the sockets, as
 *     SCM_RIGHTS messages that begin with the number of their first socket:
 *     first the listening ones, then those of the connections, in the order of
 *     the state.
 *
 * Both sides run on one machine, so numbers have its byte order.  If you change
 * the format, change ARK_VERSION: an ark of another version is refused.
 *
 * Nothing here blocks.  Called by the master.
 */
#ifndef REPORTER_ARK_H
#define REPORTER_ARK_H

#include "lib/pass.h"
#include "shm/agents.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ARK_VERSION 1
#define ARK_NAME "ark" /* in the store of a service manager */
/* Descriptors: the state, and queues for about 70,000 sockets each. */
#define ARK_PARTS 8

struct ark_header {
	char magic[8];
	uint32_t version;
	uint32_t listeners;
	uint64_t connections;
	uint64_t length;     /* of the state, bytes */
	uint64_t max_age_ms; /* max_connection_age */
	char instance[INSTANCE_MAX];
};

/* Bits of flags. */
#define ARK_HEADER 1      /* its PROXY header is incomplete */
#define ARK_BALANCER 2    /* no agent's address is known */
#define ARK_HALF_CLOSED 4 /* our direction is closed */
#define ARK_FOREIGN 8     /* its first foreign report was logged */
#define ARK_EXPLAINED 16  /* and so was its first rejection */
#define ARK_SKEWED 32     /* and that its clock is ahead */
#define ARK_SHOWN 64      /* `agent` is what readers saw of it */

struct ark_conn {
	struct sockaddr_in6 peer; /* or sockaddr_in */
	uint32_t flags;
	uint32_t dialect;  /* enum dialect */
	uint32_t buffered; /* bytes */
	uint32_t put;      /* see struct stream */
	uint64_t offset;   /* of the first of these in the stream */
	uint64_t age_ms;
	struct agent agent;
};

/* Its descriptors, in any order.  All zero: no ark. */
struct ark {
	int count;
	int part[ARK_PARTS];
};

/* ark_drop - close its descriptors. */
void ark_drop(struct ark *ark);

/* -------------------------------------------------------------- writing --- */

struct ark_writer {
	struct ark ark;
	struct ark_header header;
	FILE *file;       /* the state */
	int to;           /* the other end of the last queue, or -1 */
	uint64_t sockets; /* in queues */
	uint32_t batched; /* the next message */
	int batch[PASS_MAX];
};

/* ark_begin - an empty ark; max_age_ms: max_connection_age.  Returns 0, or -1
   with errno: to be given up. */
int ark_begin(
    struct ark_writer *writer, const char *instance, uint64_t max_age_ms);

/* ark_put_listener, ark_put_conn - add a socket, which the caller keeps as
   well; all listeners first.  bytes: conn->buffered.  Return 0, or -1 with
   errno: ENOBUFS if the ark is full, which ark_end() can still complete; else
   it is to be given up. */
int ark_put_listener(struct ark_writer *writer, int fd);
int ark_put_conn(struct ark_writer *writer, int fd, const struct ark_conn *conn,
    const uint8_t *bytes);

/* ark_end - complete it: writer->ark, with the first header.connections
   connections.  Returns 0, or -1 with errno: to be given up. */
int ark_end(struct ark_writer *writer);

/* ark_give_up - free all of it, complete or not. */
void ark_give_up(struct ark_writer *writer);

/* -------------------------------------------------------------- reading --- */

/* All zero: nothing is left in it. */
struct ark_reader {
	const uint8_t *bytes; /* the state */
	size_t length, at;
	struct ark_header header;
	int *fds; /* the sockets in order, -1: missing or taken */
	uint64_t next;
};

/*
 * ark_parse - check the state, `length` bytes that are aligned to 8; instance:
 * whose it must be.  A pure function.  Returns NULL, and the reader is at the
 * first connection, without sockets; or the fault, as in "unknown version".
 */
const char *ark_parse(struct ark_reader *reader, const uint8_t *bytes,
    size_t length, const char *instance);

/*
 * ark_open - check an ark, take all its sockets out, and close its descriptors.
 * Returns NULL, then ark_close() ends it; or the fault: then all is closed.
 */
const char *ark_open(
    struct ark_reader *reader, struct ark *ark, const char *instance);

/* ark_next_listener - the next listening socket, which is the caller's now; -1:
   there are no more. */
int ark_next_listener(struct ark_reader *reader);

/* ark_next_conn - after all listeners, the next connection, likewise, and its
   buffered bytes. */
int ark_next_conn(struct ark_reader *reader, const struct ark_conn **conn,
    const uint8_t **bytes);

/* ark_close - close the sockets that were not taken, and free. */
void ark_close(struct ark_reader *reader);

#endif
