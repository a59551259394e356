/* SPDX-License-Identifier: MIT
 *
 * The channel: one connection to one of several hosts.  It never waits, except
 * for the names of hosts to be resolved.  Times are in milliseconds of
 * channel_clock().  For one thread at a time.
 *
 * Where an attempt fails, the next address is tried at once, and after the last
 * one of the last host the first one again, after a pause.  A connection that
 * is lost before CHANNEL_STEADY_MS was refused: then there is a pause as well.
 * The pause is random, from the half to the whole of a time that begins with
 * CHANNEL_PAUSE_MS and doubles each time.
 */
#pragma once

#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANNEL_HOSTS_MAX 16
#define CHANNEL_CLOSED "the server has closed the connection"
#define CHANNEL_PORT "12316"
#define CHANNEL_CONNECT_MS 5000
#define CHANNEL_PAUSE_MS 2000
#define CHANNEL_PAUSE_DOUBLES 5
/* A reporter closes refused connections after at most two seconds. */
#define CHANNEL_STEADY_MS 10000
/* Data that the other system does not acknowledge, though it is sent again. */
#define CHANNEL_SILENCE_MS 30000
/* Between reads of 256 KiB from a peer that sends without end. */
#define CHANNEL_READ_MS 100

struct reporter_transport;

enum channel_state {
	CHANNEL_DOWN, /* until retry_at */
	CHANNEL_CONNECTING,
	CHANNEL_UP
};

enum channel_resolving {
	CHANNEL_IDLE,
	CHANNEL_RESOLVING,
	CHANNEL_ABANDONED /* meanwhile: do nothing any more */
};

struct channel {
	char *names; /* of the hosts, cut into these: */
	struct channel_host {
		const char *name, *port;
	} hosts[CHANNEL_HOSTS_MAX];
	unsigned n, host;                /* hosts, and which one is next */
	struct addrinfo *list, *address; /* of that; NULL: not resolved */
	struct reporter_transport *transport;
	void *session;         /* of the transport, while connecting and up */
	_Atomic int resolving; /* enum channel_resolving */
	enum channel_state state;
	int fd;
	short events;      /* to poll for */
	unsigned failures; /* since a connection was steady */
	uint64_t since;    /* of connecting or up */
	uint64_t retry_at;
	uint64_t silent_since; /* 0: all is acknowledged */
	uint64_t read_at;      /* when to read more than one buffer */
	bool ended;            /* see channel_end(), and after that, */
	bool closed;     /* whether the reporter closed, without an error */
	char peer[128];  /* for people: host and address */
	char error[160]; /* of the last failure */
};

/* channel_clock - milliseconds of a clock that nobody sets. */
uint64_t channel_clock(void);

/* channel_random - a number below n, which is not 0. */
uint64_t channel_random(uint64_t n);

/* channel_init - hosts: see reporter_open().  Returns 0, or -1 with errno. */
int channel_init(struct channel *channel, const char *hosts, const char *port,
    struct reporter_transport *transport);

/* channel_free - close the connection at once. */
void channel_free(struct channel *channel);

/* channel_forget - in the child of a fork: drop what is the parent's, without a
   byte to the connection. */
void channel_forget(struct channel *channel);

/*
 * channel_turn - do what can be done: connect, notice that the connection was
 * lost.  Bytes that come in are thrown away.  writing: more is to be written.
 * Returns whether channel->state has changed, to CHANNEL_UP or from it; after a
 * loss channel->error has the reason.
 */
bool channel_turn(struct channel *channel, bool writing);

/* channel_write - write to a channel that is up.  Returns how many bytes were
   taken, 0 if it has to wait or was lost. */
size_t channel_write(struct channel *channel, const void *bytes, size_t n);

/* channel_unsent - how many bytes the other system has not acknowledged. */
size_t channel_unsent(const struct channel *channel);

/* channel_end - nothing more is written.  The reporter closes as well when it
   has read all. */
void channel_end(struct channel *channel);

/* channel_confirmed - whether it has. */
bool channel_confirmed(const struct channel *channel);

/* channel_wait - milliseconds until channel_turn() is due without an event. */
uint64_t channel_wait(const struct channel *channel, uint64_t now);
