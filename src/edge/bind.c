/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/bind.h"
#include "shm/keep_errno.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

/* Of an idle connection: seconds to the first probe, between probes, and how
   many get no answer: 120 s in all. */
#define KEEPALIVE_IDLE 60
#define KEEPALIVE_INTERVAL 15
#define KEEPALIVE_PROBES 4
#define BACKLOG 4096 /* after a restart all agents may connect at once */

int
socket_listen(const struct addrinfo *ai, bool ipv6_only)
{
	int on = 1;
	int fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);

	if (fd < 0)
		return -1;
	/* A restart must not wait for old connections to time out. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6 && ipv6_only)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	KEEP_ERRNO(close(fd));
	return -1;
}

static int
socket_option(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	getsockopt(fd, SOL_SOCKET, option, &value, &size);
	return value;
}

bool
socket_is_tcp(int fd, bool listening)
{
	int family = socket_option(fd, SO_DOMAIN);

	return (family == AF_INET || family == AF_INET6) &&
	       socket_option(fd, SO_TYPE) == SOCK_STREAM &&
	       socket_option(fd, SO_ACCEPTCONN) == listening &&
	       (listening || fcntl(fd, F_GETFL) & O_NONBLOCK);
}

void
socket_keepalive(int fd)
{
	/* A connection inherits all of it. */
	static const int options[][3] = { { SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES } };

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(fd, options[i][0], options[i][1], &options[i][2],
		    sizeof(options[i][2]));
}

int
spec_resolve(const char *address, int flags, struct addrinfo **found)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | flags,
		.ai_socktype = SOCK_STREAM,
	};
	struct address parsed;
	char port[12];

	if (address_parse(&parsed, address) != NULL || parsed.port < 0)
		return EAI_SERVICE;
	snprintf(port, sizeof(port), "%d", parsed.port);
	return getaddrinfo(
	    *parsed.host == '\0' ? NULL : parsed.host, port, &hints, found);
}
