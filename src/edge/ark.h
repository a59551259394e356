/* SPDX-License-Identifier: MIT
 *
 * The ark: what a master leaves to its successor, so that no agent notices a
 * restart.  It consists of descriptors, which a service manager can store and a
 * Unix socket can pass on:
 *
 *   - a sealed memfd: struct ark_header, then a struct ark_conn for each
 *     connection, followed by its buffered bytes, padded to a multiple of 8;
 *   - ends of SOCK_SEQPACKET pairs.  In their queues are the sockets, as
 *     SCM_RIGHTS messages that begin with the number of their first socket:
 *     the listening ones, then the connections in the order of the memfd.
 *
 * If you change the format, change ARK_VERSION: an ark of another version is
 * refused.  Nothing here blocks.  Called by the master.
 */
#pragma once

#include "shm/agents.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#define ARK_VERSION 1
#define ARK_NAME "ark"      /* in the store of a service manager */
#define ARK_PARTS 8         /* the memfd, and queues for 70,000 sockets each */
#define ARK_MESSAGE_FDS 253 /* of one message: the kernel's SCM_MAX_FD */

struct ark_header {
	char magic[8];
	uint32_t version;
	uint32_t listeners;
	uint64_t connections;
	uint64_t length;     /* of the memfd, bytes */
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
#define ARK_SHOWN 64      /* it had a row: `agent` */
#define ARK_FLAGS 127     /* all of them */

struct ark_conn {
	struct sockaddr_in6 peer; /* or sockaddr_in */
	uint32_t flags;
	uint32_t dialect;  /* enum dialect */
	uint32_t buffered; /* bytes */
	uint32_t put;      /* see struct stream */
	uint64_t offset;   /* of the first buffered byte in the stream */
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

/* ark_send - send a message of n bytes and up to ARK_MESSAGE_FDS descriptors,
   which the caller keeps as well.  Returns 0, or -1 with errno. */
int ark_send(int to, const void *bytes, size_t n, const int *fds, int count);

/* ark_receive - receive one; fds has ARK_MESSAGE_FDS.  Returns its length, 0 at
   the end, or -1 with errno; also then *count descriptors are the caller's. */
ssize_t ark_receive(int from, void *bytes, size_t n, int *fds, int *count);

struct ark_writer {
	struct ark ark;
	struct ark_header header; /* of what is in queues */
	FILE *file;               /* the state, in memory */
	char *bytes;
	size_t size;
	int to;           /* the other end of the last queue, or -1 */
	uint64_t sockets; /* in queues */
	int batched, batch[ARK_MESSAGE_FDS];
};

/* ark_begin - an empty ark; max_age_ms: max_connection_age.  Returns 0, or -1
   with errno.  In any case ark_give_up() ends it. */
int ark_begin(
    struct ark_writer *writer, const char *instance, uint64_t max_age_ms);

/* ark_put - add a socket, which the caller keeps as well, and for a connection
   its entry and its buffered bytes; listeners come first, with entry NULL.
   Returns 0, or -1 with errno: ENOBUFS if the ark is full, which ark_end() can
   complete; else it cannot be used. */
int ark_put(struct ark_writer *writer, int fd, const struct ark_conn *entry,
    const uint8_t *bytes);

/* ark_put_rest - add the connections of another ark that were not taken; they
   stay there as well.  As ark_put(). */
struct ark_reader;
int ark_put_rest(struct ark_writer *writer, const struct ark_reader *rest);

/* ark_end - complete it: writer->ark, with the first header.connections
   connections.  Returns 0, or -1 with errno. */
int ark_end(struct ark_writer *writer);

/* ark_give_up - free all of it, complete or not. */
void ark_give_up(struct ark_writer *writer);

/* All zero: empty. */
struct ark_reader {
	const uint8_t *bytes; /* the memfd */
	size_t length, at;
	struct ark_header header;
	int *fds; /* the sockets in order, -1: missing or taken */
	uint64_t next;
};

/* ark_parse - check `length` bytes of a memfd, aligned to 8; instance: whose it
   must be.  A pure function.  Returns NULL, and the reader is at the first
   connection, without sockets; or the fault, as in "unknown version". */
const char *ark_parse(struct ark_reader *reader, const uint8_t *bytes,
    size_t length, const char *instance);

/* ark_open - check an ark, take all its sockets out, and close its descriptors.
   Returns NULL, then ark_close() ends it; or the fault: then all is closed. */
const char *ark_open(
    struct ark_reader *reader, struct ark *ark, const char *instance);

/* ark_next - the next socket, which is the caller's now; -1: no more.  First
   those that listen, with entry NULL; the others have an entry and bytes. */
int ark_next(struct ark_reader *reader, const struct ark_conn **entry,
    const uint8_t **bytes);

/* ark_close - close the sockets that were not taken, and free. */
void ark_close(struct ark_reader *reader);
