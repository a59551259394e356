/* SPDX-License-Identifier: MIT
 *
 * The link: one connection to one of several hosts.  It never waits, except
 * for the names of hosts to be resolved.  Times are in milliseconds of
 * link_clock().  For one thread at a time.
 *
 * Where an attempt fails, the next address is tried at once, and after the last
 * one of the last host the first one again, after a pause.  A connection that
 * is lost before LINK_STEADY_MS was refused: then there is a pause as well. The
 * pause is random, from the half to the whole of a time that begins with
 * LINK_PAUSE_MS and doubles each time.
 */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LINK_HOSTS_MAX 16
#define LINK_PORT "12316"
#define LINK_CONNECT_MS 5000
#define LINK_PAUSE_MS 2000
#define LINK_PAUSE_DOUBLES 5
/* A reporter closes refused connections after at most two seconds. */
#define LINK_STEADY_MS 10000
/* Data that the other system does not acknowledge, though it is sent again. */
#define LINK_SILENCE_MS 30000

struct reporter_transport;

enum link_state {
	LINK_DOWN, /* until retry_at */
	LINK_CONNECTING,
	LINK_UP
};

struct link {
	char *names; /* of the hosts, cut into these: */
	struct link_host {
		const char *name, *port;
	} hosts[LINK_HOSTS_MAX];
	unsigned n, host;                /* hosts, and which one is next */
	struct addrinfo *list, *address; /* of that; NULL: not resolved */
	struct reporter_transport *transport;
	void *session; /* of the transport, while connecting and up */
	enum link_state state;
	int fd;
	short events;      /* to poll for */
	unsigned failures; /* since a connection was steady */
	uint64_t since;    /* of connecting or up */
	uint64_t retry_at;
	uint64_t silent_since; /* 0: all is acknowledged */
	bool ended;            /* see link_end(), and after that, */
	bool closed;     /* whether the reporter closed, without an error */
	char peer[128];  /* for people: host and address */
	char error[160]; /* of the last failure */
};

/* link_clock - milliseconds of a clock that nobody sets. */
uint64_t link_clock(void);

/* link_random - a number below n, at least 1. */
uint64_t link_random(uint64_t n);

/* link_init - hosts: see reporter_open().  Returns 0, or -1 with errno. */
int link_init(struct link *link, const char *hosts, const char *port,
    struct reporter_transport *transport);

/* link_free - close the connection at once. */
void link_free(struct link *link);

/* link_forget - in the child of a fork: drop what is the parent's, without a
   byte to the connection. */
void link_forget(struct link *link);

/*
 * link_turn - do what can be done: connect, notice that the connection was
 * lost.  Bytes that come in are thrown away.  writing: more is to be written.
 * Returns whether link->state has changed, to LINK_UP or from it; after a loss
 * link->error has the reason.
 */
bool link_turn(struct link *link, bool writing);

/* link_write - write to a link that is up.  Returns how many bytes were taken,
   0 if it has to wait or was lost. */
size_t link_write(struct link *link, const void *bytes, size_t n);

/* link_unsent - how many bytes the other system has not acknowledged. */
size_t link_unsent(const struct link *link);

/* link_end - nothing more is written.  The reporter closes as well when it has
   read all. */
void link_end(struct link *link);

/* link_confirmed - whether it has. */
bool link_confirmed(const struct link *link);

/* link_wait - milliseconds until link_turn() is due without an event. */
uint64_t link_wait(const struct link *link, uint64_t now);
