/* SPDX-License-Identifier: MIT
 *
 * Words of `listen` to addresses and sockets, which are the caller's.
 */
#include "config.h"

#include "edge/bind.h"
#include "lib/address.h"
#include "shm/keep_errno.h"

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

void
socket_keepalive(int fd)
{
	const int on = 1, idle = KEEPALIVE_IDLE, interval = KEEPALIVE_INTERVAL,
		  probes = KEEPALIVE_PROBES;

	/* A connection inherits all of it. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
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
