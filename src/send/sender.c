/* SPDX-License-Identifier: MIT
 *
 * The sender.  Nothing is sent twice, since it cannot know which reports the
 * server has taken.
 */
#include "config.h"

#include "send/sender.h"

#include "lib/clock.h"
#include "lib/text.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

bool
sender_fail(struct sender *sender, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sender->error, sizeof(sender->error), format, arguments);
	va_end(arguments);
	return false;
}

bool
sender_wait(int fd, short events, uint64_t deadline)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int n;

	do {
		uint64_t now = monotonic_ms();
		uint64_t left = now < deadline ? deadline - now : 0;
		n = poll(&pollfd, 1, left > INT_MAX ? -1 : (int)left);
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

/* -------------------------------------------------------- without TLS ----- */

/* error: an errno, or 0 at the end of the connection.  Returns false. */
static bool
sender_lost(struct sender *sender, int error)
{
	if (error == 0 || error == EPIPE || error == ECONNRESET)
		return sender_fail(sender, SENDER_CLOSED);
	return sender_fail(
	    sender, "the connection failed: %s", strerror(error));
}

static bool
plain_write(struct sender *sender)
{
	size_t sent = 0;

	while (sent < sender->length) {
		ssize_t n = send(sender->fd, sender->buffer + sent,
		    sender->length - sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return sender_lost(sender, errno);
		sent += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool
plain_alive(struct sender *sender)
{
	char byte;
	ssize_t n;

	do {
		n = recv(sender->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return true;
	return sender_lost(sender, n == 0 ? 0 : errno);
}

/* The server has closed.  Whether it had read everything shows when the last
   byte is acknowledged: data that reaches a closed socket is answered by a
   reset. */
static enum sender_end
await_acknowledged(struct sender *sender, uint64_t deadline)
{
	const struct timespec nap = { 0, 1000000L };
	int unsent = 1, error;

	for (;;) {
		error = socket_error(sender->fd);
		if (error == 0 && ioctl(sender->fd, SIOCOUTQ, &unsent) < 0)
			error = errno;
		if (error == 0 && unsent == 0)
			return SENDER_DONE;
		if (error != 0 || monotonic_ms() >= deadline)
			break;
		nanosleep(&nap, NULL);
	}
	sender_lost(sender, error);
	return SENDER_FAILED;
}

static enum sender_end
plain_finish(struct sender *sender, uint64_t deadline)
{
	ssize_t n = shutdown(sender->fd, SHUT_WR);
	int unsent = 0;

	while (n >= 0 && monotonic_ms() < deadline &&
	       sender_wait(sender->fd, POLLIN, deadline)) {
		char bytes[256];

		n = recv(sender->fd, bytes, sizeof(bytes), 0);
		if (n == 0)
			return await_acknowledged(sender, deadline);
		if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0) {
		sender_lost(sender, errno);
	} else if (ioctl(sender->fd, SIOCOUTQ, &unsent) < 0 || unsent > 0) {
		sender_fail(sender, "timed out sending to the server");
	} else {
		sender_fail(sender, SENDER_NOT_CLOSED);
		return SENDER_UNCLEAR;
	}
	return SENDER_FAILED;
}

static struct sender_layer plain = {
	.write = plain_write,
	.alive = plain_alive,
	.finish = plain_finish,
};

/* ------------------------------------------------------------ connecting -- */

/* Returns the connected socket, or -1 with errno. */
static int
connect_address(const struct addrinfo *address)
{
	/* connect() heeds the time limit of sending, and ends by EINPROGRESS
	   then; sending itself has none. */
	const struct timeval limit = { SENDER_CONNECT_MS / 1000, 0 };
	const struct timeval none = { 0, 0 };
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC,
	    address->ai_protocol);

	if (fd < 0 ||
	    (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ==
		    0 &&
		connect(fd, address->ai_addr, address->ai_addrlen) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) ==
		    0))
		return fd;
	int error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = error;
	return -1;
}

bool
sender_open(struct sender *sender, const char *host, const char *port,
    enum encode_dialect dialect)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int64_t number;

	memset(sender, 0, sizeof(*sender));
	sender->fd = -1;
	sender->layer = &plain;
	sender->dialect = dialect;
	signal(SIGPIPE, SIG_IGN);
	/* getaddrinfo() takes a number modulo 65536: a typing error would reach
	   another program's port. */
	if (text_number(port, UINT16_MAX + 1, INT64_MAX, &number))
		return sender_fail(
		    sender, "%s port %s: the port is over 65535", host, port);
	int found = getaddrinfo(host, port, &hints, &list);
	if (found != 0)
		return sender_fail(sender, "%s port %s: %s", host, port,
		    found == EAI_SYSTEM ? strerror(errno)
					: gai_strerror(found));
	for (const struct addrinfo *a = list; a != NULL && sender->fd < 0;
	     a = a->ai_next)
		sender->fd = connect_address(a);
	if (sender->fd < 0)
		sender_fail(
		    sender, "%s port %s: cannot connect: %m", host, port);
	freeaddrinfo(list);
	return sender->fd >= 0;
}

void
sender_close(struct sender *sender)
{
	if (sender->layer->close != NULL)
		sender->layer->close(sender);
	sender->layer = &plain;
	if (sender->fd >= 0)
		close(sender->fd);
	sender->fd = -1;
}

bool
sender_secure(
    struct sender *sender, struct sender_layer *layer, const char *host)
{
	sender->layer = layer;
	return layer->open(sender, host, monotonic_ms() + SENDER_CONNECT_MS);
}

/* --------------------------------------------------------------- sending -- */

static bool
sender_write(struct sender *sender)
{
	if (!sender->layer->write(sender))
		return false;
	sender->length = 0;
	return true;
}

/* Encode the report begun into the buffer. */
static bool
sender_encode(struct sender *sender)
{
	if (sender->grouped == 0)
		return true;
	if (sender->length + ENCODE_REPORT_MAX > SENDER_BUFFER &&
	    !sender_write(sender))
		return false;
	sender->length += encode_report(sender->dialect, sender->report,
	    sender->grouped, sender->buffer + sender->length);
	sender->reports++;
	sender->records += sender->grouped;
	sender->grouped = 0;
	return true;
}

bool
sender_add(struct sender *sender, const struct record *record)
{
	bool full = sender->grouped == ENCODE_RECORDS_MAX ||
		    (sender->grouped > 0 &&
			!encode_same_report(sender->report, record));

	if (full && !sender_encode(sender))
		return false;
	sender->report[sender->grouped++] = *record;
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
	return sender->layer->alive(sender);
}

enum sender_end
sender_finish(struct sender *sender)
{
	enum sender_end end = SENDER_FAILED;

	if (sender_flush(sender) && sender_alive(sender))
		end = sender->layer->finish(
		    sender, monotonic_ms() + SENDER_FINISH_MS);
	sender_close(sender);
	return end;
}
