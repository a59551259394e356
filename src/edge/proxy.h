/* SPDX-License-Identifier: MIT
 *
 * The header of the PROXY protocol, version 2, with which a balancer passes on
 * an agent's connection.  Pure functions.
 */
#ifndef REPORTER_PROXY_H
#define REPORTER_PROXY_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROXY_FIXED 16        /* bytes that every header begins with */
#define PROXY_ADDRESSES 216   /* of addresses, at most, by the protocol */
#define PROXY_VALUES_MAX 1024 /* of values behind them, our limit */
#define PROXY_HEADER_MAX (PROXY_FIXED + PROXY_ADDRESSES + PROXY_VALUES_MAX)

enum proxy_verdict {
	PROXY_SHORT,   /* incomplete: read up to `wanted` bytes */
	PROXY_ADDRESS, /* complete; source: the agent's address */
	PROXY_OWN,     /* complete: a connection of the balancer's own */
	PROXY_INVALID  /* no header, or not usable: see fault */
};

struct proxy_header {
	enum proxy_verdict verdict;
	/* Bytes of the header, as far as known yet: PROXY_FIXED to
	   PROXY_HEADER_MAX.  A caller that reads no more than that never reads
	   what follows the header. */
	size_t wanted;
	const char *fault; /* PROXY_INVALID: "not a PROXY header ..." */
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} source;
};

/* proxy_parse - parse the first length bytes of a connection. */
struct proxy_header proxy_parse(const uint8_t *bytes, size_t length);

#endif
