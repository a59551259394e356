/* SPDX-License-Identifier: MIT
 *
 * The sink.  Owns its socket, its thread and what it read.  For tests: every
 * failure fails the test.
 */
#include "config.h"

#include "sink.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <msgpack.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 3000

static void
sink_read(struct sink *sink, int fd)
{
	size_t size = 0;
	ssize_t n;

	for (;;) {
		if (size - sink->length < 65536) {
			size += 1 << 20;
			sink->bytes = realloc(sink->bytes, size);
			if (sink->bytes == NULL)
				abort();
		}
		n = read(fd, sink->bytes + sink->length, size - sink->length);
		if (n <= 0)
			return;
		sink->length += (size_t)n;
	}
}

static void *
sink_serve(void *arg)
{
	struct sink *sink = arg;
	int fd = accept(sink->fd, NULL, NULL);
	struct pollfd pollfd = { .fd = fd };

	if (fd < 0)
		return NULL;
	switch (sink->mood) {
	case SINK_READS:
		sink_read(sink, fd);
		break;
	case SINK_CLOSES:
		break;
	case SINK_CLOSES_ON_DATA:
		pollfd.events = POLLIN;
		poll(&pollfd, 1, WAIT_MS);
		break;
	case SINK_CLOSES_ON_END:
		pollfd.events = POLLRDHUP;
		poll(&pollfd, 1, WAIT_MS);
		break;
	}
	close(fd);
	return NULL;
}

void
sink_start(struct sink *sink, enum sink_mood mood)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);

	memset(sink, 0, sizeof(*sink));
	sink->mood = mood;
	sink->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(sink->fd, 0);
	ck_assert_int_eq(
	    bind(sink->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(sink->fd, 1), 0);
	ck_assert_int_eq(
	    getsockname(sink->fd, (struct sockaddr *)&address, &size), 0);
	snprintf(sink->port, sizeof(sink->port), "%u", ntohs(address.sin_port));
	ck_assert_int_eq(
	    pthread_create(&sink->thread, NULL, sink_serve, sink), 0);
}

void
sink_join(struct sink *sink)
{
	ck_assert_int_eq(pthread_join(sink->thread, NULL), 0);
	close(sink->fd);
}

void
sink_free(struct sink *sink)
{
	free(sink->bytes);
	sink->bytes = NULL;
}

/* Fails the test, without the cost of an assertion for what is right. */
static void
need(bool good, const char *what)
{
	if (!good)
		ck_abort_msg("what was sent is no report: %s", what);
}

static uint64_t
unsigned_of(const msgpack_object *o)
{
	need(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER, "no number");
	return o->via.u64;
}

static const msgpack_object *
elements_of(const msgpack_object *o, uint32_t n)
{
	need(o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size == n,
	    "invalid array");
	return o->via.array.ptr;
}

/* One report's results. */
static size_t
decode_report(const msgpack_object *report, struct record *records, size_t max)
{
	const msgpack_object *f = elements_of(report, 6);
	size_t n = f[5].via.array.size;

	need(f[5].type == MSGPACK_OBJECT_ARRAY && n <= max, "invalid results");
	need(unsigned_of(&f[0]) == 1, "another message");
	for (size_t i = 0; i < n; i++) {
		const msgpack_object *g =
		    elements_of(&f[5].via.array.ptr[i], 5);

		records[i] = (struct record){
			.modid = (int32_t)f[1].via.i64,
			.cmdid = (int32_t)f[2].via.i64,
			.caller = (uint32_t)unsigned_of(&f[3]),
			.ip = (uint32_t)unsigned_of(&g[0]),
			.port = (uint16_t)unsigned_of(&g[1]),
			.succ = (uint32_t)unsigned_of(&g[2]),
			.err = (uint32_t)unsigned_of(&g[3]),
			.overload = g[4].via.boolean,
		};
		record_set_ts(&records[i], unsigned_of(&f[4]));
	}
	return n;
}

size_t
sink_decode(const struct sink *sink, struct record *records, size_t max,
    size_t *reports)
{
	msgpack_unpacked unpacked;
	size_t at = 0, n = 0;

	*reports = 0;
	msgpack_unpacked_init(&unpacked);
	while (at < sink->length) {
		ck_assert_int_eq(msgpack_unpack_next(
				     &unpacked, sink->bytes, sink->length, &at),
		    MSGPACK_UNPACK_SUCCESS);
		n += decode_report(&unpacked.data, records + n, max - n);
		(*reports)++;
	}
	msgpack_unpacked_destroy(&unpacked);
	return n;
}
