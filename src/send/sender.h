/* SPDX-License-Identifier: MIT
 *
 * The sender: one connection to a reporter, and records that are sent on it as
 * reports.  For the tools; one thread.  Failures are returned, with a text for
 * people in sender->error.
 */
#pragma once

#include "send/encode.h"

#define SENDER_HOST "127.0.0.1"
#define SENDER_PORT "12316"
#define SENDER_CONNECT_MS 5000 /* to connect to one address */
#define SENDER_FINISH_MS 5000  /* for the server to close after us */
#define SENDER_BUFFER 65536

#define SENDER_CLOSED "the server has closed the connection"
#define SENDER_NOT_CLOSED \
	"all is sent, but the server has not confirmed it in time: it is " \
	"slow, or not a reporter"

struct sender_layer;

struct sender {
	int fd;                     /* -1: not connected */
	struct sender_layer *layer; /* plain TCP, or TLS */
	enum encode_dialect dialect;
	uint64_t reports, records; /* given to the kernel, or buffered */
	size_t grouped;            /* records of the report begun */
	size_t length;             /* bytes buffered */
	struct record report[ENCODE_RECORDS_MAX];
	uint8_t buffer[SENDER_BUFFER];
	char error[256]; /* of the last failure */
};

/* How the connection ended. */
enum sender_end {
	SENDER_DONE,    /* the server took all and closed after us */
	SENDER_UNCLEAR, /* its system has all, but it has not closed in time */
	SENDER_FAILED   /* it closed early, or has not all */
};

/* sender_open - connect to host (a name or an address, IPv4 or IPv6) and port
   (a number or a service's name), trying all its addresses.  Ignores SIGPIPE
   in the whole process. */
bool sender_open(struct sender *sender, const char *host, const char *port,
    enum encode_dialect dialect);

/*
 * How a sender uses its socket: see tls_client.h for TLS.  Functions return
 * false, or SENDER_FAILED, after sender_fail().  deadline: of monotonic_ms().
 */
struct sender_layer {
	bool (*open)(
	    struct sender *sender, const char *host, uint64_t deadline);
	bool (*write)(struct sender *sender); /* what is in the buffer */
	bool (*alive)(struct sender *sender);
	enum sender_end (*finish)(struct sender *sender, uint64_t deadline);
	void (*close)(struct sender *sender); /* but not the socket */
};

/* sender_secure - use a layer from now on; right after sender_open(), with the
   same host.  The layer is the caller's and outlives the connection. */
bool sender_secure(
    struct sender *sender, struct sender_layer *layer, const char *host);

/* sender_add - send a record.  Consecutive records that can be in one report
   are; reports wait in a buffer until it is full, or sender_flush().  Blocks
   while the server does not read. */
bool sender_add(struct sender *sender, const struct record *record);

/* sender_flush - give everything to the kernel. */
bool sender_flush(struct sender *sender);

/* sender_alive - whether the server still reads, as far as is known without
   waiting. */
bool sender_alive(struct sender *sender);

/* sender_finish - flush, close our side, wait for the server to close its own,
   close. */
enum sender_end sender_finish(struct sender *sender);

/* sender_close - close at once.  Does nothing when not connected. */
void sender_close(struct sender *sender);

/* sender_fail - set the text of sender->error.  Returns false. */
bool sender_fail(struct sender *sender, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* sender_wait - wait for an event of poll(2).  deadline: of monotonic_ms(),
   UINT64_MAX for none.  Returns false when the time is over. */
bool sender_wait(int fd, short events, uint64_t deadline);
