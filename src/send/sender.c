/* SPDX-License-Identifier: MIT
 *
 * The sender.  Owns its socket and its buffer.  For the tools; one thread.
 * Failures are returned with a text; nothing is tried twice, since the caller
 * cannot know which reports the server has taken.
 */
#include "config.h"

#include "send/sender.h"

#include "lib/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void __attribute__((format(printf, 2, 3)))
sender_says(struct sender *sender, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sender->error, sizeof(sender->error), format, arguments);
	va_end(arguments);
}

/* Wait until fd shows one of events.  Returns false when the time is over. */
static bool
wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	uint64_t deadline = monotonic_ms() + (uint64_t)timeout_ms;
	int n;

	do {
		uint64_t now = monotonic_ms();
		n = poll(
		    &pollfd, 1, now < deadline ? (int)(deadline - now) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static int
socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

/* ------------------------------------------------------------ connecting -- */

/* Returns the connected socket, or -1 with errno. */
static int
connect_address(const struct addrinfo *address)
{
	int fd = socket(address->ai_family,
	    address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->ai_protocol);
	int error = 0, blocking = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		error = errno;
		if (error == EINPROGRESS)
			error = wait_for(fd, POLLOUT, SENDER_CONNECT_MS)
				    ? socket_error(fd)
				    : ETIMEDOUT;
	}
	if (error == 0 && ioctl(fd, FIONBIO, &blocking) < 0)
		error = errno;
	if (error != 0) {
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* getaddrinfo() takes a number modulo 65536: who mistypes would reach another
   program's port. */
static bool
is_over_range(const char *port)
{
	return strspn(port, "0123456789") == strlen(port) &&
	       strtoul(port, NULL, 10) > UINT16_MAX;
}

bool
sender_open(struct sender *sender, const char *host, const char *port,
    enum encode_dialect dialect)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;

	memset(sender, 0, sizeof(*sender));
	sender->fd = -1;
	sender->dialect = dialect;
	signal(SIGPIPE, SIG_IGN);
	if (is_over_range(port)) {
		sender_says(
		    sender, "%s port %s: the port is over 65535", host, port);
		return false;
	}
	int found = getaddrinfo(host, port, &hints, &list);
	if (found != 0) {
		sender_says(sender, "%s port %s: %s", host, port,
		    found == EAI_SYSTEM ? strerror(errno)
					: gai_strerror(found));
		return false;
	}
	for (const struct addrinfo *a = list; a != NULL && sender->fd < 0;
	     a = a->ai_next)
		sender->fd = connect_address(a);
	if (sender->fd < 0)
		sender_says(sender, "%s port %s: no connection: %s", host, port,
		    strerror(errno));
	freeaddrinfo(list);
	return sender->fd >= 0;
}

void
sender_close(struct sender *sender)
{
	if (sender->layer != NULL)
		sender->layer->close(sender->layer);
	sender->layer = NULL;
	if (sender->fd >= 0)
		close(sender->fd);
	sender->fd = -1;
}

/* Of a layer: NULL is right. */
static bool
sender_right(struct sender *sender, const char *why)
{
	if (why != NULL)
		sender_says(sender, "TLS: %s", why);
	return why == NULL;
}

bool
sender_secure(
    struct sender *sender, struct sender_layer *layer, const char *host)
{
	sender->layer = layer;
	return sender_right(
	    sender, layer->open(layer, sender->fd, host, SENDER_CONNECT_MS));
}

/* --------------------------------------------------------------- sending -- */

static bool
sender_lost(struct sender *sender, int error)
{
	if (error == 0 || error == EPIPE || error == ECONNRESET)
		sender_says(sender, "the server has closed the connection");
	else
		sender_says(
		    sender, "the connection failed: %s", strerror(error));
	return false;
}

static bool
sender_write(struct sender *sender)
{
	size_t sent = 0;

	if (sender->layer != NULL) {
		if (!sender_right(sender, sender->layer->write(sender->layer,
					      sender->buffer, sender->length)))
			return false;
		sent = sender->length;
	}
	while (sent < sender->length) {
		ssize_t n = send(sender->fd, sender->buffer + sent,
		    sender->length - sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sender_lost(sender, errno);
		sent += (size_t)n;
	}
	sender->length = 0;
	return true;
}

/* Move the report begun into the buffer. */
static bool
sender_encode(struct sender *sender)
{
	if (sender->held == 0)
		return true;
	if (sender->length + ENCODE_REPORT_MAX > SENDER_BUFFER &&
	    !sender_write(sender))
		return false;
	sender->length += encode_report(sender->dialect, sender->report,
	    sender->held, sender->buffer + sender->length);
	sender->reports++;
	sender->records += sender->held;
	sender->held = 0;
	return true;
}

bool
sender_add(struct sender *sender, const struct record *record)
{
	if (sender->held == ENCODE_RECORDS_MAX ||
	    (sender->held > 0 && !encode_same_report(sender->report, record))) {
		if (!sender_encode(sender))
			return false;
	}
	sender->report[sender->held++] = *record;
	return true;
}

bool
sender_flush(struct sender *sender)
{
	return sender_encode(sender) && sender_write(sender);
}

bool
sender_alive(struct sender *sender)
{
	char byte;
	ssize_t n;

	if (sender->layer != NULL)
		return sender_right(
		    sender, sender->layer->alive(sender->layer));
	do {
		n = recv(sender->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return sender_lost(sender, 0);
	if (n < 0 && errno != EAGAIN)
		return sender_lost(sender, errno);
	return true;
}

/* ------------------------------------------------------------------- end -- */

/*
 * The server has closed.  Whether it had read everything shows when the last
 * of it is acknowledged: what comes to a closed socket is answered by a reset.
 */
static enum sender_end
sender_await_all(struct sender *sender, uint64_t deadline)
{
	const struct timespec nap = { 0, 1000000L };
	int unsent = 1;

	for (;;) {
		int error = socket_error(sender->fd);
		if (error == 0 && ioctl(sender->fd, SIOCOUTQ, &unsent) < 0)
			error = errno;
		if (error == 0 && unsent == 0)
			return SENDER_DONE;
		if (error != 0 || monotonic_ms() >= deadline) {
			sender_lost(sender, error);
			return SENDER_FAILED;
		}
		nanosleep(&nap, NULL);
	}
}

/* We have said our last; see what the server does. */
static enum sender_end
sender_await_close(struct sender *sender)
{
	uint64_t deadline = monotonic_ms() + SENDER_FINISH_MS;
	uint64_t now;
	int unsent = 0;

	while ((now = monotonic_ms()) < deadline) {
		char bytes[256];

		if (!wait_for(sender->fd, POLLIN, (int)(deadline - now)))
			break;
		ssize_t n = recv(sender->fd, bytes, sizeof(bytes), 0);
		if (n == 0)
			return sender_await_all(sender, deadline);
		if (n < 0 && errno != EINTR) {
			sender_lost(sender, errno);
			return SENDER_FAILED;
		}
	}
	if (ioctl(sender->fd, SIOCOUTQ, &unsent) < 0 || unsent > 0) {
		sender_says(sender, "the server has not taken all in %d s",
		    SENDER_FINISH_MS / 1000);
		return SENDER_FAILED;
	}
	sender_says(sender,
	    "all is sent, but the server has not closed in %d s: it reads "
	    "late, or is no reporter",
	    SENDER_FINISH_MS / 1000);
	return SENDER_UNCLEAR;
}

static enum sender_end
sender_finish_layer(struct sender *sender)
{
	const char *why = NULL;
	enum sender_end end =
	    sender->layer->finish(sender->layer, SENDER_FINISH_MS, &why);

	sender_right(sender, why);
	return end;
}

enum sender_end
sender_finish(struct sender *sender)
{
	enum sender_end end = SENDER_FAILED;

	if (sender_flush(sender) && sender_alive(sender)) {
		if (sender->layer != NULL)
			end = sender_finish_layer(sender);
		else if (shutdown(sender->fd, SHUT_WR) < 0)
			sender_lost(sender, errno);
		else
			end = sender_await_close(sender);
	}
	sender_close(sender);
	return end;
}
