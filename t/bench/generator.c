/* SPDX-License-Identifier: MIT
 *
 * The load generator and the raw sink.  Own their sockets.  The generator
 * measures its own share, too: one that hardly waits for the other end is the
 * bottleneck itself.
 */
#include "config.h"

#include "t/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

/* Bytes on their way, sent and not yet taken, on all connections together:
   otherwise many connections would measure how much the kernel can hold. */
#define WINDOW (16 * 1024 * 1024)

/* From so many connections on, each has a buffer of a given size, not to fill
   the kernel's memory. */
#define MANY 100
#define MANY_BUFFER 65536

struct link {
	int fd;
	uint64_t at;     /* the next byte of the stream to send */
	uint64_t left;   /* bytes to send; UINT64_MAX: no end yet */
	uint64_t first;  /* the report it began with */
	uint64_t passes; /* times it came to the end of the stream */
};

void
agent_open(struct sender *sender, const struct endpoint *endpoint)
{
	static bool printed;

	if (!sender_open(
		sender, endpoint->host, endpoint->port, ENCODE_NATIVE, NULL))
		fail("cannot connect to %s: %s", endpoint->name, sender->error);
	if (endpoint == &site.reporter && !printed) {
		printed = true;
		fact("connected", json_true());
	}
}

void
generator_open(
    struct generator *g, const struct endpoint *endpoint, size_t connections)
{
	static struct sender sender; /* for its descriptor */
	int size = MANY_BUFFER, chunk = (int)parameter("chunk");

	*g = (struct generator){
		.count = connections,
		.name = endpoint->name,
		.chunk = chunk > 0 ? (size_t)chunk : GENERATOR_CHUNK,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.links = grown(NULL, connections * sizeof(*g->links)),
	};
	for (size_t i = 0; i < connections; i++) {
		struct epoll_event event = { .data.ptr = &g->links[i] };

		agent_open(&sender, endpoint);
		int fd = g->links[i].fd = sender_take(&sender);
		if (connections > MANY)
			setsockopt(
			    fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			fail("cannot watch a connection: %m");
	}
}

static void
link_watch(struct generator *g, struct link *link, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = link };

	if (epoll_ctl(g->epoll, EPOLL_CTL_MOD, link->fd, &event) < 0)
		fail("cannot watch a connection: %m");
	if (events != 0)
		g->busy++;
	else
		g->busy--;
}

static void
links_begin(struct generator *g, const struct stream *stream, bool endless)
{
	for (size_t i = 0; i < g->count; i++) {
		uint64_t first = stream->reports * i / g->count;
		uint64_t begin = stream->begins[first];
		uint64_t end =
		    stream->begins[stream->reports * (i + 1) / g->count];

		g->links[i] = (struct link){ .fd = g->links[i].fd,
			.first = first,
			.at = begin,
			.left = endless ? UINT64_MAX : end - begin };
		if (g->links[i].left > 0)
			link_watch(g, &g->links[i], EPOLLOUT);
	}
}

/* Let each end behind the report that it is in. */
static void
links_end(struct generator *g, const struct stream *stream)
{
	for (struct link *link = g->links; link < g->links + g->count; link++) {
		uint64_t report = stream_report_at(stream, link->at);

		link->left = stream->begins[report] - link->at;
		if (link->left == 0)
			link_watch(g, link, 0);
	}
}

static void
link_write(struct generator *g, struct link *link, const struct stream *stream)
{
	uint64_t n = stream->length - link->at;

	if (n > link->left)
		n = link->left;
	if (n > g->chunk)
		n = g->chunk;
	ssize_t written =
	    send(link->fd, stream->bytes + link->at, n, MSG_NOSIGNAL);
	if (written < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		fail("connection to %s lost: %m", g->name);
	}
	g->bytes_sent += (double)written;
	link->at += (uint64_t)written;
	if (link->at == stream->length) {
		link->at = 0;
		link->passes++;
	}
	if (link->left != UINT64_MAX)
		link->left -= (uint64_t)written;
	if (link->left == 0)
		link_watch(g, link, 0);
}

/* Wait until the other end has taken so much that the window is open. */
static void
window_wait(struct generator *g, double *waited)
{
	struct wait wait = { "the other end to read", 60, 20e-6, 0, 0 };
	double min = g->bytes_sent - WINDOW, began;

	if (g->taken == NULL || min <= g->bytes_taken)
		return;
	began = clock_now();
	do
		g->bytes_taken =
		    (double)(g->taken() - g->taken_before) * g->taken_bytes;
	while (wait_more(&wait,
	    g->bytes_taken < min ? (uint64_t)(min - g->bytes_taken) + 1 : 0));
	*waited += clock_now() - began;
}

/* Wait until some can send; adds the time spent waiting. */
static int
links_wait(struct generator *g, struct epoll_event *events, double *waited)
{
	int n = epoll_wait(g->epoll, events, EVENTS, 0);

	if (n != 0)
		return n;
	double began = clock_now();
	n = epoll_wait(g->epoll, events, EVENTS, 1000);
	*waited += clock_now() - began;
	return n;
}

void
generator_send(struct generator *g, const struct stream *stream, double seconds,
    struct sent *sent)
{
	struct epoll_event events[EVENTS];
	bool endless = seconds > 0;

	*sent = (struct sent){ 0 };
	g->bytes_sent = g->bytes_taken = 0;
	links_begin(g, stream, endless);
	sent->began = clock_now();
	while (g->busy > 0) {
		int n = links_wait(g, events, &sent->waited);

		for (int i = 0; i < n; i++) {
			if (events[i].events & (EPOLLERR | EPOLLHUP))
				fail("%s closed a connection", g->name);
			window_wait(g, &sent->waited);
			link_write(g, events[i].data.ptr, stream);
		}
		if (endless && clock_now() - sent->began >= seconds) {
			endless = false;
			links_end(g, stream);
		}
	}
	sent->ended = clock_now();
	sent->bytes = (uint64_t)g->bytes_sent;
	for (struct link *link = g->links; link < g->links + g->count; link++)
		sent->records +=
		    KEYSET_RESULTS *
		    (link->passes * stream->reports +
			stream_report_at(stream, link->at) - link->first);
}

void
generator_finish(struct generator *g)
{
	char byte;

	for (size_t i = 0; i < g->count; i++)
		shutdown(g->links[i].fd, SHUT_WR);
	for (size_t i = 0; i < g->count; i++) {
		fcntl(g->links[i].fd, F_SETFL, 0);
		if (recv(g->links[i].fd, &byte, 1, 0) != 0)
			fail("%s closed a connection early", g->name);
	}
}

void
generator_close(struct generator *g)
{
	for (size_t i = 0; i < g->count; i++)
		close(g->links[i].fd);
	close(g->epoll);
	free(g->links);
}

/* -------------------------------------------------------------- raw sink -- */

#define SINK_BUFFER 65536 /* as the master reads: the default max_message */

struct endpoint sink_endpoint;
static _Atomic uint64_t *bytes_read; /* shared memory */
static pid_t sink_pid;

static void
sink_accept(int epoll, int listening)
{
	struct epoll_event event = { .events = EPOLLIN };

	while ((event.data.fd =
		       accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			close(event.data.fd);
}

static void __attribute__((noreturn)) sink_loop(int epoll, int listening)
{
	static char buffer[SINK_BUFFER];
	struct epoll_event events[EVENTS];

	for (;;) {
		int ready = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;

			if (fd == listening) {
				sink_accept(epoll, listening);
				continue;
			}
			ssize_t n = read(fd, buffer, sizeof(buffer));
			if (n > 0)
				*bytes_read += (uint64_t)n;
			else if (n == 0 || errno != EAGAIN)
				close(fd);
		}
	}
}

void
sink_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	static char port[8];
	pid_t engine = getpid();

	bytes_read = mmap(NULL, sizeof(*bytes_read), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bytes_read == MAP_FAILED ||
	    bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ||
	    (sink_pid = fork()) < 0)
		fail("cannot start the raw sink: %m");
	if (sink_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The engine may have ended before that call. */
		if (getppid() != engine)
			_exit(0);
		sink_loop(epoll, fd);
	}
	close(fd);
	close(epoll);
	snprintf(port, sizeof(port), "%u", (unsigned)ntohs(address.sin_port));
	sink_endpoint = (struct endpoint){ "the raw sink", "127.0.0.1", port };
}

uint64_t
sink_bytes(void)
{
	return atomic_load(bytes_read);
}

double
sink_cpu(void)
{
	return process_cpu(sink_pid);
}
