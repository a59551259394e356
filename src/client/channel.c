/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "client/channel.h"

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
channel_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
channel_random(uint64_t n)
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
host_parse(struct channel_host *host, char *text, const char *port)
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
channel_init(struct channel *channel, const char *hosts, const char *port,
    struct reporter_transport *transport)
{
	char *rest = NULL, *word;
	size_t length = strlen(hosts) + 1;

	memset(channel, 0, sizeof(*channel));
	channel->fd = -1;
	channel->transport = transport;
	channel->names = malloc(length + strlen(port) + 1);
	if (channel->names == NULL)
		return -1;
	memcpy(channel->names, hosts, length);
	port = strcpy(channel->names + length, port);
	for (word = strtok_r(channel->names, ", \t\n", &rest); word != NULL;
	     word = strtok_r(NULL, ", \t\n", &rest)) {
		if (channel->n == CHANNEL_HOSTS_MAX ||
		    !host_parse(&channel->hosts[channel->n++], word, port))
			break;
	}
	if (word == NULL && channel->n > 0)
		return 0;
	free(channel->names);
	channel->names = NULL;
	errno = EINVAL;
	return -1;
}

/* --------------------------------------------------------- the end of it -- */

static void
channel_hang_up(struct channel *channel)
{
	if (channel->session != NULL)
		channel->transport->free(channel->session);
	channel->session = NULL;
	int fd = channel->fd;

	/* Before its number is anybody's: the child of a fork closes it. */
	channel->fd = -1;
	atomic_signal_fence(memory_order_seq_cst);
	if (fd >= 0)
		close(fd);
	channel->events = 0;
	channel->state = CHANNEL_DOWN;
}

static void
channel_no_list(struct channel *channel)
{
	if (channel->list != NULL)
		freeaddrinfo(channel->list);
	channel->list = channel->address = NULL;
}

void
channel_free(struct channel *channel)
{
	channel_hang_up(channel);
	channel_no_list(channel);
	free(channel->names);
	channel->names = NULL;
}

void
channel_forget(struct channel *channel)
{
	/* What the parent's thread had in its hands is left alone. */
	channel->session = NULL;
	channel->list = channel->address = NULL;
	atomic_store_explicit(
	    &channel->resolving, CHANNEL_IDLE, memory_order_relaxed);
	channel_hang_up(channel);
	channel->failures = 0;
	channel->retry_at = 0;
}

/* The next attempt goes to another address.  Returns false after the last one
   of the last host. */
static bool
channel_advance(struct channel *channel)
{
	if (channel->address != NULL)
		channel->address = channel->address->ai_next;
	if (channel->address != NULL)
		return true;
	channel_no_list(channel);
	channel->host = (channel->host + 1) % channel->n;
	return channel->host != 0;
}

static void __attribute__((format(printf, 2, 3)))
channel_fail(struct channel *channel, const char *format, ...)
{
	uint64_t now = channel_clock(), pause = CHANNEL_PAUSE_MS;
	bool was_up = channel->state == CHANNEL_UP, more = false;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(channel->error, sizeof(channel->error), format, arguments);
	va_end(arguments);
	channel_hang_up(channel);
	if (was_up && now - channel->since >= CHANNEL_STEADY_MS)
		channel->failures = 0;
	else
		more = channel_advance(channel);
	channel->retry_at = now;
	if (more && !was_up)
		return;
	pause <<= channel->failures;
	if (channel->failures < CHANNEL_PAUSE_DOUBLES)
		channel->failures++;
	channel->retry_at += pause / 2 + channel_random(pause / 2);
}

/* -------------------------------------------------------- connecting ------ */

static bool
channel_resolve(struct channel *channel)
{
	const struct channel_host *host = &channel->hosts[channel->host];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	if (channel->address != NULL)
		return true;
	channel_no_list(channel);
	snprintf(channel->peer, sizeof(channel->peer), "%.80s port %.16s",
	    host->name, host->port);
	/* Release: the thread does not touch what is the caller's until the
	   exchange below, whose acquire keeps what follows behind it. */
	atomic_store_explicit(
	    &channel->resolving, CHANNEL_RESOLVING, memory_order_release);
	int found = getaddrinfo(host->name, host->port, &hints, &channel->list);
	if (atomic_exchange_explicit(&channel->resolving, CHANNEL_IDLE,
		memory_order_acq_rel) == CHANNEL_ABANDONED) {
		channel->list = found == 0 ? channel->list : NULL;
		channel->retry_at = UINT64_MAX;
		return false;
	}
	if (found != 0) {
		channel->list = NULL;
		channel_fail(channel, "%s: %s", channel->peer,
		    found == EAI_SYSTEM ? strerror(errno)
					: gai_strerror(found));
		return false;
	}
	channel->address = channel->list;
	return true;
}

static void
channel_connect(struct channel *channel)
{
	const struct channel_host *host = &channel->hosts[channel->host];
	const struct addrinfo *a;
	char address[64] = "?";
	int on = 1;

	if (!channel_resolve(channel))
		return;
	a = channel->address;
	getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL,
	    0, NI_NUMERICHOST);
	snprintf(channel->peer, sizeof(channel->peer), "%.80s port %.16s",
	    address, host->port);
	channel->fd = socket(a->ai_family,
	    a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	channel->since = channel_clock();
	channel->silent_since = 0;
	channel->ended = channel->closed = false;
	if (channel->fd < 0 ||
	    (connect(channel->fd, a->ai_addr, a->ai_addrlen) < 0 &&
		errno != EINPROGRESS)) {
		channel_fail(channel, "%s: %s", channel->peer, strerror(errno));
		return;
	}
	setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	channel->state = CHANNEL_CONNECTING;
	channel->events = POLLOUT;
}

/* TCP is connected.  Returns 1 if the channel is up, 0 if the transport has to
   agree with the other side first, -1 after a failure. */
static int
channel_begin(struct channel *channel)
{
	struct reporter_transport *transport = channel->transport;
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error == 0 && transport == NULL)
		return 1;
	if (error == 0)
		channel->session = transport->open(
		    transport, channel->fd, channel->hosts[channel->host].name);
	if (channel->session != NULL)
		return 0;
	channel_fail(channel, "%s: %s", channel->peer,
	    strerror(error != 0 ? error : ENOMEM));
	return -1;
}

static void
channel_connected(struct channel *channel)
{
	struct pollfd ready = { .fd = channel->fd, .events = POLLOUT };
	int up = 0;

	if (channel->session == NULL && poll(&ready, 1, 0) > 0)
		up = channel_begin(channel);
	if (up == 0 && channel->session != NULL) {
		up = channel->transport->agree(
		    channel->session, &channel->events);
		if (up < 0)
			channel_fail(channel, "%s: %s", channel->peer,
			    channel->transport->error(channel->session));
	}
	if (up > 0) {
		channel->state = CHANNEL_UP;
		channel->since = channel_clock();
	} else if (up == 0 &&
		   channel_clock() - channel->since >= CHANNEL_CONNECT_MS) {
		channel_fail(
		    channel, "%s: %s", channel->peer, strerror(ETIMEDOUT));
	}
}

/* --------------------------------------------------------- in service ----- */

size_t
channel_write(struct channel *channel, const void *bytes, size_t n)
{
	ssize_t written = channel->transport != NULL
			      ? channel->transport->write(channel->session,
				    bytes, n, &channel->events)
			      : send(channel->fd, bytes, n, MSG_NOSIGNAL);

	/* A loss shows in the next turn, where reading has the reason. */
	return written > 0 ? (size_t)written : 0;
}

/* Whether what was sent is sent again and again without an answer.  A reporter
   that does not read answers: so this is no TCP_USER_TIMEOUT, which would end
   that as well. */
static bool
channel_silent(struct channel *channel, uint64_t now)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	getsockopt(channel->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	/* Probes count those of a closed window without an answer. */
	if ((info.tcpi_unacked == 0 || info.tcpi_retransmits == 0) &&
	    info.tcpi_probes < 2)
		channel->silent_since = 0;
	else if (channel->silent_since == 0)
		channel->silent_since = now;
	return channel->silent_since != 0 &&
	       now - channel->silent_since >= CHANNEL_SILENCE_MS;
}

/* The end of what the server sends.  After our own end it has read everything
   if all is acknowledged, and there was no error: data that reaches a closed
   socket is answered by a reset. */
static void
channel_closed(struct channel *channel)
{
	channel->events = 0;
	channel->closed = channel->ended;
	if (!channel->ended || channel_unsent(channel) == 0)
		channel_fail(channel, "%s: " CHANNEL_CLOSED, channel->peer);
}

static void
channel_serve(struct channel *channel)
{
	const struct reporter_transport *transport = channel->transport;
	uint64_t now = channel_clock();
	char bytes[4096];
	ssize_t n = 1;

	/* Bounded, and then again after a pause: someone may send without end.
	   But one read in each turn, which finds a reset. */
	for (int i = now < channel->read_at ? 63 : 0; i < 64 && n > 0; i++)
		n = transport != NULL
			? transport->read(channel->session, bytes,
			      sizeof(bytes), &channel->events)
			: recv(channel->fd, bytes, sizeof(bytes), 0);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		channel->closed = false;
		channel_fail(channel, "%s: %s", channel->peer,
		    transport != NULL ? transport->error(channel->session)
		    : errno == ECONNRESET || errno == EPIPE ? CHANNEL_CLOSED
							    : strerror(errno));
	} else if (n == 0) {
		channel_closed(channel);
	} else if (channel_silent(channel, now)) {
		channel_fail(channel, "%s: no answer to data for %d seconds",
		    channel->peer, CHANNEL_SILENCE_MS / 1000);
	} else if (n > 0) {
		if (now >= channel->read_at)
			channel->read_at = now + CHANNEL_READ_MS;
		channel->events &= (short)~POLLIN;
	}
}

bool
channel_turn(struct channel *channel, bool writing)
{
	enum channel_state before = channel->state;
	bool tried = false;

	if (channel->state == CHANNEL_DOWN &&
	    channel_clock() >= channel->retry_at) {
		channel_connect(channel);
		tried = channel->retry_at != UINT64_MAX;
	}
	if (channel->state == CHANNEL_CONNECTING)
		channel_connected(channel);
	if (channel->state == CHANNEL_UP) {
		channel->events = (short)(POLLIN | (writing ? POLLOUT : 0));
		channel_serve(channel);
	}
	return (channel->state == CHANNEL_DOWN &&
		   (tried || before != CHANNEL_DOWN)) ||
	       (channel->state == CHANNEL_UP && before != CHANNEL_UP);
}

size_t
channel_unsent(const struct channel *channel)
{
	int unsent = 0;

	if (channel->fd < 0 || ioctl(channel->fd, SIOCOUTQ, &unsent) < 0)
		return 0;
	return (size_t)unsent;
}

void
channel_end(struct channel *channel)
{
	if (channel->ended)
		return;
	channel->ended = true;
	if (channel->session != NULL)
		channel->transport->end(channel->session);
	shutdown(channel->fd, SHUT_WR);
}

bool
channel_confirmed(const struct channel *channel)
{
	return channel->ended && channel->closed;
}

uint64_t
channel_wait(const struct channel *channel, uint64_t now)
{
	uint64_t due = UINT64_MAX;

	if (channel->state == CHANNEL_DOWN)
		due = channel->retry_at;
	else if (channel->state == CHANNEL_CONNECTING)
		due = channel->since + CHANNEL_CONNECT_MS;
	else if (channel->closed) /* nothing tells of the last byte */
		due = now + 1;
	else if (channel->silent_since != 0)
		due = channel->silent_since + CHANNEL_SILENCE_MS;
	if (channel->state == CHANNEL_UP && !channel->closed &&
	    (channel->events & POLLIN) == 0 && channel->read_at < due)
		due = channel->read_at;
	return due > now ? due - now : 0;
}
