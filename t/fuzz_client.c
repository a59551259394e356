/* SPDX-License-Identifier: MIT
 *
 * What comes back to a client of libreporter.  The input is what happens: each
 * byte has an action in its low three bits and how much of it in the others,
 * see act(); the bytes that the server sends follow theirs.  Shows that nothing
 * that comes back ends the client or changes what it sends: each connection has
 * reports from its first byte on, and the last one, which is read to its end,
 * only whole ones.
 */
#include "config.h"

#include "client/reporter.h"
#include "fuzz.h"
#include "intake/native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	KEYS = 32,
	STREAM_MAX = 1 << 20
};

/* The connection's other end; -1: none. */
static int server = -1;
static bool refuses;
static size_t takes; /* bytes of each write; 0: none */
static time_t later;
static uint8_t stream[STREAM_MAX];
static size_t length;
static uint64_t connections;
static struct report report;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
ssize_t __real_send(int fd, const void *bytes, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

/* What was read of the last connection must be reports, of which the last one
   may be cut. */
static void
check_stream(bool whole)
{
	enum decode found = DECODE_REPORT;
	size_t at = 0;

	report.now = 1;
	report.horizon = UINT64_MAX;
	report.max_message = MESSAGE_MAX;
	while (at < length && found == DECODE_REPORT) {
		found = native_decode(stream + at, length - at, &report);
		FUZZ_CHECK(found == DECODE_REPORT || found == DECODE_SHORT);
		at += found == DECODE_REPORT ? report.used : 0;
	}
	FUZZ_CHECK(!whole || at == length);
	length = 0;
}

static void
server_close(void)
{
	if (server >= 0)
		close(server);
	server = -1;
}

/* Returns whether there was something. */
static bool
server_read(void)
{
	ssize_t n = server < 0 ? 0
			       : recv(server, stream + length,
				     sizeof(stream) - length, MSG_DONTWAIT);

	length += n > 0 ? (size_t)n : 0;
	return n > 0;
}

int
__wrap_socket(int domain, int type, int protocol)
{
	int pair[2];

	(void)domain, (void)protocol;
	FUZZ_CHECK(socketpair(AF_UNIX, type, 0, pair) == 0);
	server_close();
	check_stream(false);
	server = pair[1];
	return pair[0];
}

int
__wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	(void)fd, (void)address, (void)size;
	connections += !refuses;
	errno = ECONNREFUSED;
	return refuses ? -1 : 0;
}

ssize_t
__wrap_send(int fd, const void *bytes, size_t n, int flags)
{
	if (takes > 0)
		return __real_send(fd, bytes, n < takes ? n : takes, flags);
	errno = EAGAIN;
	return -1;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = __real_clock_gettime(clock, now);

	now->tv_sec += later;
	return result;
}

/* One action.  Returns how many of the bytes after it were used. */
static size_t
act(struct reporter *r, uint8_t byte, const uint8_t *data, size_t size)
{
	size_t amount = byte >> 3, n = 0;

	switch (byte & 7) {
	case 0: /* the server sends what follows */
		n = amount < size ? amount : size;
		if (server >= 0 &&
		    sendto(server, data, n, MSG_DONTWAIT | MSG_NOSIGNAL, NULL,
			0) < 0)
			return n; /* nobody reads */
		break;
	case 1: /* it reads, and from now on takes so much at once */
		server_read();
		takes = amount < 31 ? amount : SIZE_MAX;
		break;
	case 2: /* it closes, and may refuse the next connection */
		server_close();
		refuses = amount & 1;
		break;
	case 3: /* its end: 1 of what it sends, 2 of both */
		if (server >= 0)
			shutdown(server, amount & 1 ? SHUT_WR : SHUT_RDWR);
		break;
	case 4: /* calls */
		reporter_add(r, 1, (int32_t)amount, 1, 80, 1, amount & 1);
		break;
	case 5:
		reporter_overload(r, 1, (int32_t)amount, 1, 80, size & 1);
		break;
	case 6: /* time passes */
		later += (time_t)(amount * amount);
		break;
	default: /* a flood, and no time for a flush */
		for (size_t i = 0; server >= 0 && i < amount; i++)
			if (sendto(server, stream, sizeof(stream) / 32,
				MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0)
				break;
		reporter_flush(r, 0);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reporter_stats stats = { .size = sizeof(stats) };
	struct reporter *r = reporter_open(&(const struct reporter_options){
	    .size = sizeof(struct reporter_options),
	    .interval_ms = 1000,
	    .keys_max = KEYS,
	    .flags = REPORTER_NO_THREAD,
	});

	FUZZ_CHECK(r != NULL);
	refuses = false;
	takes = SIZE_MAX;
	later = 0;
	connections = 0;
	for (size_t at = 0; at < size;) {
		uint8_t byte = data[at++];

		at += act(r, byte, data + at, size - at);
		FUZZ_CHECK(reporter_turn(r) >= 0);
	}
	/* It is connected again, and sends what is left. */
	refuses = false;
	takes = SIZE_MAX;
	server_close();
	reporter_turn(r);
	reporter_add(r, 1, 0, 1, 80, 1, 0);
	later += 100;
	for (int i = 0; i < 9 || server_read(); i++)
		reporter_turn(r);
	FUZZ_CHECK(length > 0);
	check_stream(true);
	reporter_stats(r, &stats);
	FUZZ_CHECK(stats.keys <= KEYS && stats.connected == 1);
	FUZZ_CHECK(stats.connections == connections && stats.dropped == 0);
	reporter_close(r, 0);
	server_close();
	return 0;
}
