/* SPDX-License-Identifier: MIT
 *
 * The header of the PROXY protocol, version 1 (text) or 2 (binary), with which
 * a balancer passes on an agent's connection.  Pure functions.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROXY_TEXT_MAX 107    /* bytes of a header of version 1 */
#define PROXY_FIXED 16        /* bytes that one of version 2 begins with */
#define PROXY_ADDRESSES 216   /* of addresses, at most, by the protocol */
#define PROXY_VALUES_MAX 1024 /* of values behind them, our limit */
#define PROXY_HEADER_MAX (PROXY_FIXED + PROXY_ADDRESSES + PROXY_VALUES_MAX)

/* The address of an agent or a balancer. */
union peer {
	struct sockaddr_in6 in6; /* the longest, so that all is zeroed */
	struct sockaddr_in in;
	struct sockaddr any;
};

enum proxy_verdict {
	PROXY_SHORT,   /* incomplete: all these bytes belong to it */
	PROXY_ADDRESS, /* complete; source: the agent's address */
	PROXY_OWN,     /* complete: a connection of the balancer's own */
	PROXY_INVALID  /* no header, or not usable: see fault */
};

struct proxy_header {
	enum proxy_verdict verdict;
	/* Bytes of the header, up to PROXY_HEADER_MAX; what follows them
	   belongs to the agent.  PROXY_SHORT: as far as known yet, and more
	   than there are. */
	size_t wanted;
	const char *fault; /* PROXY_INVALID: "not a PROXY header ..." */
	union peer source;
};

/* proxy_parse - parse the first length bytes of a connection. */
struct proxy_header proxy_parse(const uint8_t *bytes, size_t length);
