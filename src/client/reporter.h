/* SPDX-License-Identifier: MIT
 *
 * libreporter: counts the calls that a program makes, and keeps a reporter
 * informed.  See reporter_client(3).
 *
 * The counts of each key (modid, cmdid, ip, port) since its last report are in
 * a table of bounded size.  A thread of the library sends them every interval,
 * and connects again when it has to; no function but reporter_flush() and
 * reporter_close() waits for the network.
 *
 * Functions return 0, or -1 with errno.  Any thread may call them, also in a
 * child of fork(), where the client starts again: without counts, and with a
 * connection of its own.
 */
#ifndef REPORTER_H
#define REPORTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct reporter;
struct reporter_transport; /* TLS: see reporter_tls.h */

#define REPORTER_NO_THREAD 1u /* the program calls reporter_turn() */

enum reporter_level {
	REPORTER_ERROR,
	REPORTER_WARN,
	REPORTER_INFO
};

/* Set size, and to zero what has no value.  Texts are copied. */
struct reporter_options {
	size_t size; /* sizeof(struct reporter_options) */
	/* "reports-1.example.com, 10.0.0.1:7779, [2001:db8::1]:12316": tried
	   in turn, with all addresses of each name.  NULL: 127.0.0.1. */
	const char *hosts;
	const char *port;     /* of hosts without one; NULL: "12316" */
	uint32_t caller;      /* our IPv4 address; 0: that of the connection */
	uint32_t interval_ms; /* between reports of a key; 0: 15000 */
	uint32_t keys_max;    /* 72 bytes or so each; 0: 10000 */
	uint32_t flags;       /* REPORTER_NO_THREAD */
	/* Called by the thread of the library, by reporter_turn(),
	   reporter_flush() and reporter_close() without one, or by a function
	   that cannot start it.  Not called after reporter_close().  It must
	   not call a function of this client.  text has no line feed, and must
	   be copied if it is kept.  NULL: none. */
	void (*log)(void *arg, enum reporter_level level, const char *text);
	void *log_arg;
	struct reporter_transport *transport; /* NULL: plain TCP */
};

/* Since reporter_open(), or since the fork(). */
struct reporter_stats {
	size_t size;          /* sizeof(struct reporter_stats) */
	uint64_t connected;   /* 1: to a host that has not closed */
	uint64_t keys;        /* in the table */
	uint64_t dropped;     /* calls that found the table full */
	uint64_t reports;     /* given to a connection, with */
	uint64_t results;     /* so many results */
	uint64_t heartbeats;  /* given to a connection */
	uint64_t connections; /* that were established */
	uint64_t failures;    /* attempts that failed, connections lost */
};

/* reporter_open - make a client.  It connects at the first call.
   Returns NULL with errno: EINVAL for an option out of range, ENOMEM. */
struct reporter *reporter_open(const struct reporter_options *options);

/* reporter_call - count one call of function cmdid of service modid on a
   server: ip is its IPv4 address as a number (127.0.0.1 is 0x7f000001), ok
   whether the call succeeded.  Never waits for anything but another thread that
   adds a key. ENOSPC: the table is full, and the call was not counted. */
int reporter_call(struct reporter *reporter, int32_t modid, int32_t cmdid,
    uint32_t ip, uint16_t port, int ok);

/* reporter_add - the same for many calls.  A key counts up to 268,435,455 of
   each kind in an interval. */
int reporter_add(struct reporter *reporter, int32_t modid, int32_t cmdid,
    uint32_t ip, uint16_t port, uint32_t succ, uint32_t err);

/* reporter_overload - whether the server is considered overloaded from now on.
   A change is sent at once, but at most once in a second. */
int reporter_overload(struct reporter *reporter, int32_t modid, int32_t cmdid,
    uint32_t ip, uint16_t port, int overloaded);

/* reporter_flush - send what was counted now, and wait until the reporter's
   system has it.  ETIMEDOUT: it has not within timeout_ms; nothing is lost. */
int reporter_flush(struct reporter *reporter, uint32_t timeout_ms);

/* reporter_close - send what was counted, close the connection, wait for the
   reporter to confirm that by closing as well, and free the client in any case,
   NULL too.  No other thread may use it.  ETIMEDOUT: not within timeout_ms;
   0 does not wait. */
int reporter_close(struct reporter *reporter, uint32_t timeout_ms);

/* reporter_stats - size is set by the caller. */
void reporter_stats(struct reporter *reporter, struct reporter_stats *stats);

/*
 * With REPORTER_NO_THREAD: poll the descriptor for these events, and call
 * reporter_turn() when one occurs, or after so many milliseconds as the last
 * one returned, or after a change of overload; by one thread at a time.  It
 * waits only for the names of hosts to be resolved, so not if they are
 * addresses.  Descriptor and events may differ after each turn; -1: none at the
 * moment.
 */
int reporter_fd(struct reporter *reporter);
short reporter_events(struct reporter *reporter);
int reporter_turn(struct reporter *reporter);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
