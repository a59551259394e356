/* SPDX-License-Identifier: MIT
 *
 * A client: its keys, its channel, and what is sent when.
 *
 * A pass over all keys takes their counts, makes a list of the keys that have
 * something to report, and sends it in whole reports as the channel accepts
 * them. The list is finished before another one is made, so that keys at its
 * end get their turn when the reporter reads slowly; meanwhile counts add up in
 * their figures.  After a loss the keys that were sent are sent once more as
 * they are, since nobody knows which reports were taken; those that have newer
 * figures send only these.
 *
 * The network side is the thread of the client, or who calls reporter_turn().
 */
#pragma once

#include "client/keys.h"
#include "client/channel.h"
#include "client/reporter.h"

/* Fits into any max_message that a reporter may have. */
#define CLIENT_RESULTS_MAX 128
#define CLIENT_BUFFER 16384
#define CLIENT_HEARTBEAT_MS 60000
#define CLIENT_URGENT_MS 1000
/* Intervals without calls after which a key is removed, and when new keys find
   no room. */
#define CLIENT_IDLE_MAX 240
#define CLIENT_IDLE_FULL 4

struct reporter {
	struct keys keys;
	struct channel channel;
	uint32_t caller, interval_ms, flags;
	void (*log)(void *arg, enum reporter_level level, const char *text);
	void *log_arg;
	_Atomic bool urgent; /* a key is */

	/* The network side's. */
	uint32_t address; /* of the connection */
	uint64_t next_pass, next_urgent, wrote_at;
	uint64_t last_ts;      /* never goes back */
	uint64_t dropped_told; /* in the log */
	uint64_t covered;      /* the flush that the pass is for */
	uint32_t *order;       /* the list: indices of slots */
	uint32_t order_n, order_at;
	size_t length, sent; /* of the buffer */

	/* Written by the network side. */
	_Atomic uint64_t reports, results, heartbeats, connections, failures;
	_Atomic bool connected;

	/* The rest is client.c's: see there. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic bool begun;
	_Atomic uint64_t begin_at; /* the next try; 0: none yet */
	bool stale;     /* a fork was since: what is above is the parent's */
	bool running;   /* the thread is */
	bool abandoned; /* it frees the client at its end */
	bool closing, closed;
	unsigned waiting; /* for flush_done */
	uint64_t close_by;
	uint64_t flush_wanted, flush_done;
	int wake; /* eventfd */
	struct reporter *next;
	uint8_t buffer[CLIENT_BUFFER];
};

/* client_log - call the program's log function. */
void client_log(struct reporter *r, enum reporter_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* pass_reset - begin without anything sent. */
void pass_reset(struct reporter *r);

/* pass_turn - do what can be done now.  flush: counts up to now must be sent,
   if this differs from the last time.  Returns milliseconds until the next
   time. */
uint64_t pass_turn(struct reporter *r, uint64_t flush);

/* pass_done - whether the pass for r->covered has reached the other system. */
bool pass_done(const struct reporter *r);
