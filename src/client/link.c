/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "client/link.h"

#include "client/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t
link_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
link_random(uint64_t n)
{
	struct timespec now;
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		bits =
		    (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15) >> 16;
	}
	return bits % n;
}

/* ------------------------------------------------------------- hosts ------ */

/* NAME, NAME:PORT, [ADDRESS]:PORT, or an IPv6 address. */
static bool
host_parse(struct link_host *host, char *text, const char *port)
{
	char *colon = strrchr(text, ':'), *end = strchr(text, ']');

	host->name = text;
	host->port = port;
	if (*text == '[') {
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		host->name = text + 1;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
	} else if (colon != NULL && strchr(text, ':') != colon) {
		colon = NULL;
	}
	if (colon != NULL) {
		*colon = '\0';
		host->port = colon + 1;
	}
	/* getaddrinfo() takes a number modulo 65536. */
	unsigned long number = strtoul(host->port, &end, 10);
	return *host->name != '\0' && *host->port != '\0' &&
	       (*end != '\0' || (number > 0 && number <= UINT16_MAX));
}

int
link_init(struct link *link, const char *hosts, const char *port,
    struct reporter_transport *transport)
{
	char *rest = NULL, *word;
	size_t length = strlen(hosts) + 1;

	memset(link, 0, sizeof(*link));
	link->fd = -1;
	link->transport = transport;
	link->names = malloc(length + strlen(port) + 1);
	if (link->names == NULL)
		return -1;
	memcpy(link->names, hosts, length);
	port = strcpy(link->names + length, port);
	for (word = strtok_r(link->names, ", \t\n", &rest); word != NULL;
	     word = strtok_r(NULL, ", \t\n", &rest)) {
		if (link->n == LINK_HOSTS_MAX ||
		    !host_parse(&link->hosts[link->n++], word, port))
			break;
	}
	if (word == NULL && link->n > 0)
		return 0;
	free(link->names);
	errno = EINVAL;
	return -1;
}

/* --------------------------------------------------------- the end of it -- */

static void
link_hang_up(struct link *link)
{
	if (link->session != NULL)
		link->transport->free(link->session);
	link->session = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->events = 0;
	link->state = LINK_DOWN;
}

static void
link_no_list(struct link *link)
{
	if (link->list != NULL)
		freeaddrinfo(link->list);
	link->list = link->address = NULL;
}

void
link_free(struct link *link)
{
	link_hang_up(link);
	link_no_list(link);
	free(link->names);
}

void
link_forget(struct link *link)
{
	/* What the parent's thread had in its hands is left alone. */
	link->session = NULL;
	link->list = link->address = NULL;
	link_hang_up(link);
	link->failures = 0;
	link->retry_at = 0;
}

/* The next attempt goes to another address.  Returns false after the last one
   of the last host. */
static bool
link_advance(struct link *link)
{
	if (link->address != NULL)
		link->address = link->address->ai_next;
	if (link->address != NULL)
		return true;
	link_no_list(link);
	link->host = (link->host + 1) % link->n;
	return link->host != 0;
}

static void __attribute__((format(printf, 2, 3)))
link_fail(struct link *link, const char *format, ...)
{
	uint64_t now = link_clock(), pause = LINK_PAUSE_MS;
	bool was_up = link->state == LINK_UP, more = false;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(link->error, sizeof(link->error), format, arguments);
	va_end(arguments);
	link_hang_up(link);
	if (was_up && now - link->since >= LINK_STEADY_MS)
		link->failures = 0;
	else
		more = link_advance(link);
	link->retry_at = now;
	if (more && !was_up)
		return;
	pause <<= link->failures;
	if (link->failures < LINK_PAUSE_DOUBLES)
		link->failures++;
	link->retry_at += pause / 2 + link_random(pause / 2);
}

/* -------------------------------------------------------- connecting ------ */

static bool
link_resolve(struct link *link)
{
	const struct link_host *host = &link->hosts[link->host];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	if (link->address != NULL)
		return true;
	link_no_list(link);
	snprintf(link->peer, sizeof(link->peer), "%.80s port %.16s", host->name,
	    host->port);
	int found = getaddrinfo(host->name, host->port, &hints, &link->list);
	if (found != 0) {
		link->list = NULL;
		link_fail(link, "%s: %s", link->peer,
		    found == EAI_SYSTEM ? strerror(errno)
					: gai_strerror(found));
		return false;
	}
	link->address = link->list;
	return true;
}

static void
link_connect(struct link *link)
{
	const struct link_host *host = &link->hosts[link->host];
	const struct addrinfo *a;
	char address[64] = "?";
	int on = 1;

	if (!link_resolve(link))
		return;
	a = link->address;
	getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL,
	    0, NI_NUMERICHOST);
	snprintf(link->peer, sizeof(link->peer), "%.80s port %.16s", address,
	    host->port);
	link->fd = socket(a->ai_family,
	    a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	link->since = link_clock();
	link->silent_since = 0;
	link->ended = link->closed = false;
	if (link->fd < 0 || (connect(link->fd, a->ai_addr, a->ai_addrlen) < 0 &&
				errno != EINPROGRESS)) {
		link_fail(link, "%s: %s", link->peer, strerror(errno));
		return;
	}
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	link->state = LINK_CONNECTING;
	link->events = POLLOUT;
}

static void
link_connected(struct link *link)
{
	struct pollfd ready = { .fd = link->fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;

	if (poll(&ready, 1, 0) > 0) {
		getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error == 0) {
			link->state = LINK_UP;
			link->since = link_clock();
			if (link->transport == NULL)
				return;
			link->session = link->transport->open(link->transport,
			    link->fd, link->hosts[link->host].name);
			if (link->session == NULL)
				link_fail(
				    link, "%s: out of memory", link->peer);
			return;
		}
		link_fail(link, "%s: %s", link->peer, strerror(error));
	} else if (link_clock() - link->since >= LINK_CONNECT_MS) {
		link_fail(link, "%s: %s", link->peer, strerror(ETIMEDOUT));
	}
}

/* --------------------------------------------------------- in service ----- */

static ssize_t
link_read(struct link *link, char *bytes, size_t n)
{
	if (link->session != NULL)
		return link->transport->read(
		    link->session, bytes, n, &link->events);
	return recv(link->fd, bytes, n, 0);
}

size_t
link_write(struct link *link, const void *bytes, size_t n)
{
	ssize_t written =
	    link->session != NULL
		? link->transport->write(link->session, bytes, n, &link->events)
		: send(link->fd, bytes, n, MSG_NOSIGNAL);

	/* A loss shows in the next turn, where reading has the reason. */
	return written > 0 ? (size_t)written : 0;
}

/* Whether what was sent is sent again and again without an answer.  A reporter
   that does not read answers: so this is no TCP_USER_TIMEOUT, which would end
   that as well. */
static bool
link_silent(struct link *link, uint64_t now)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (info.tcpi_unacked == 0 || info.tcpi_retransmits == 0)
		link->silent_since = 0;
	else if (link->silent_since == 0)
		link->silent_since = now;
	return link->silent_since != 0 &&
	       now - link->silent_since >= LINK_SILENCE_MS;
}

static void
link_serve(struct link *link)
{
	char bytes[512];
	ssize_t n = 1;

	/* Bounded: someone may send without end. */
	for (int i = 0; i < 64 && n > 0; i++)
		n = link_read(link, bytes, sizeof(bytes));
	link->closed = n == 0;
	if (n == 0)
		link_fail(link, "%s: closed by the reporter", link->peer);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		link_fail(link, "%s: %s", link->peer,
		    link->session != NULL
			? link->transport->error(link->session)
			: strerror(errno));
	else if (link_silent(link, link_clock()))
		link_fail(link, "%s: no answer to data for %d seconds",
		    link->peer, LINK_SILENCE_MS / 1000);
}

bool
link_turn(struct link *link, bool writing)
{
	enum link_state before = link->state;
	bool failed = false;

	if (link->state == LINK_DOWN && link_clock() >= link->retry_at) {
		link_connect(link);
		failed = link->state == LINK_DOWN;
	}
	if (link->state == LINK_CONNECTING)
		link_connected(link);
	if (link->state == LINK_UP) {
		link->events = (short)(POLLIN | (writing ? POLLOUT : 0));
		link_serve(link);
	}
	return failed || (link->state == LINK_DOWN && before != LINK_DOWN) ||
	       (link->state == LINK_UP && before != LINK_UP);
}

size_t
link_unsent(const struct link *link)
{
	int unsent = 0;

	if (link->fd < 0 || ioctl(link->fd, SIOCOUTQ, &unsent) < 0)
		return 0;
	return (size_t)unsent;
}

void
link_end(struct link *link)
{
	if (link->ended)
		return;
	link->ended = true;
	if (link->session != NULL)
		link->transport->end(link->session);
	shutdown(link->fd, SHUT_WR);
}

bool
link_confirmed(const struct link *link)
{
	return link->ended && link->closed;
}

uint64_t
link_wait(const struct link *link, uint64_t now)
{
	uint64_t due = UINT64_MAX;

	if (link->state == LINK_DOWN)
		due = link->retry_at;
	else if (link->state == LINK_CONNECTING)
		due = link->since + LINK_CONNECT_MS;
	else if (link->silent_since != 0)
		due = link->silent_since + LINK_SILENCE_MS;
	return due > now ? due - now : 0;
}
