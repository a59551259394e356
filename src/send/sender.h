/* SPDX-License-Identifier: MIT
 *
 * The sender: one connection to a reporter, and records that are sent on it as
 * reports.  For the tools; one thread.  Failures are returned, with a text for
 * people in sender->error.
 */
#pragma once

#include "client/channel.h"
#include "send/encode.h"

#define SENDER_HOST "127.0.0.1"
#define SENDER_PORT CHANNEL_PORT
#define SENDER_FINISH_MS 5000 /* for the server to close after us */
#define SENDER_BUFFER 65536

struct sender {
	struct channel channel;
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

/* sender_open - connect to host (a name or an address, IPv4 or IPv6; or
   several: see reporter_open()) and port (a number or a service's name), trying
   all addresses.  transport: for TLS, or NULL; it is the caller's and outlives
   the connection. */
bool sender_open(struct sender *sender, const char *host, const char *port,
    enum encode_dialect dialect, struct reporter_transport *transport);

/* sender_take - give the socket, which does not block, to the caller. */
int sender_take(struct sender *sender);

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
