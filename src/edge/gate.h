/* SPDX-License-Identifier: MIT
 *
 * The gate: what lies between a connection's socket and its stream of reports,
 * where `listen` says so: the PROXY header at first, TLS all the time.  A plain
 * connection has none.  The socket is the caller's, and does not block.
 * Belongs to the master's loop.
 *
 * OpenSSL's memory for one connection is bounded by its own limits: some 10
 * KiB, and 16 KiB more while a record is on its way; in a handshake a message
 * may have 128 KiB, and a peer may declare that much.  So a peer that has not
 * sent a byte gets none of it.
 */
#ifndef REPORTER_GATE_H
#define REPORTER_GATE_H

#include "edge/proxy.h"
#include "edge/tls.h"

struct gate;

/* What became of a read. */
enum gate_status {
	GATE_BYTES,     /* n bytes of the stream */
	GATE_PART,      /* a part of what comes before it: read again */
	GATE_NAMED,     /* the PROXY header is whole, in *header */
	GATE_OPEN,      /* TLS has begun */
	GATE_EMPTY,     /* nothing there for now */
	GATE_ENDED,     /* the peer is gone */
	GATE_SAID_END,  /* it is gone, and said so by TLS: gate_say_end() */
	GATE_BAD_PROXY, /* no PROXY header that we take: see fault */
	GATE_BAD_TLS,   /* not TLS, or not as we want it: see fault */
	GATE_NO_MEMORY
};

struct gate_result {
	enum gate_status status;
	size_t n;                   /* GATE_BYTES */
	struct proxy_header header; /* GATE_NAMED */
	const char *fault;          /* GATE_BAD_..., maybe in text */
	char text[TLS_REASON_MAX];
};

/* gate_new - for a connection that begins with a PROXY header, or TLS, or both.
   The caller frees it.  NULL: no memory. */
struct gate *gate_new(bool proxy, bool tls);

/* gate_free - NULL is allowed. */
void gate_free(struct gate *gate);

/*
 * gate_read - read once from the socket fd.
 * tls: by what a TLS that begins now does so.  bytes: where bytes of the stream
 * are to go, room of them, 1 or more; other bytes may be written there as well.
 * Whoever gets a status from GATE_ENDED on is to close the connection.
 */
void gate_read(struct gate *gate, int fd, struct tls *tls, uint8_t *bytes,
    size_t room, struct gate_result *result);

/* gate_passed - whether nothing more lies before the stream, now or later: the
   gate can be freed, and the connection is a plain one. */
bool gate_passed(const struct gate *gate);

/* gate_begun - whether something has begun that must end in the time of one
   message: all before the stream, or a record of TLS, which holds a message
   begun for all we know. */
bool gate_begun(const struct gate *gate);

/* gate_writes - whether TLS waits until the socket can be written to. */
bool gate_writes(const struct gate *gate);

/* gate_pending - bytes that the next gate_read() has at hand; no event of the
   socket tells of them. */
size_t gate_pending(const struct gate *gate);

/* gate_say_end - tell the peer that all it sent was taken. */
void gate_say_end(struct gate *gate);

#endif
