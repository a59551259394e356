/* SPDX-License-Identifier: MIT
 *
 * The load generator.  Owns its sockets.  One thread; every failure is fatal.
 */
#include "config.h"

#include "bench/generator.h"

#include "bench/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define PATIENCE 60           /* seconds without any progress */
#define PAUSE 20e-6           /* seconds between two looks at the window */
#define DESCRIPTORS_BESIDE 64 /* for all that is no connection */

/* Many connections must not fill the memory of the kernel: from so many on
   each has a buffer of a given size. */
#define MANY 100
#define MANY_BUFFER 65536

struct link {
	int fd;
	uint64_t at;     /* the next byte of the stream to send */
	uint64_t left;   /* bytes to send; UINT64_MAX: until told */
	uint64_t first;  /* the report it began with */
	uint64_t passes; /* times it came to the end of the stream */
};

uint64_t
generator_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur - DESCRIPTORS_BESIDE;
}

/* ------------------------------------------------------------ connecting -- */

static struct addrinfo *
address_find(const char *name, const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int found = getaddrinfo(host, port, &hints, &list);

	if (found != 0)
		fail("%s: %s port %s: %s", name, host, port,
		    gai_strerror(found));
	return list;
}

static int
address_connect(const char *name, const char *host, const char *port,
    const struct addrinfo *list)
{
	int fd = -1;

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	fail("%s: no connection to %s port %s: %s", name, host, port,
	    strerror(errno));
}

int
link_connect(const char *name, const char *host, const char *port)
{
	struct addrinfo *list = address_find(name, host, port);
	int fd = address_connect(name, host, port, list), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	freeaddrinfo(list);
	return fd;
}

void
generator_open(struct generator *g, const char *name, const char *host,
    const char *port, size_t connections)
{
	struct addrinfo *list = address_find(name, host, port);
	int size = MANY_BUFFER, on = 1;

	*g = (struct generator){
		.count = connections, .name = name, .chunk = GENERATOR_CHUNK
	};
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->links = memory(connections, sizeof(*g->links));
	for (struct link *link = g->links; link < g->links + connections;
	     link++) {
		struct epoll_event event = { .data.ptr = link };

		link->fd = address_connect(name, host, port, list);
		/* A last small piece must not wait for an acknowledgement. */
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connections > MANY)
			setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &size,
			    sizeof(size));
		if (fcntl(link->fd, F_SETFL, O_NONBLOCK) < 0 ||
		    epoll_ctl(g->epoll, EPOLL_CTL_ADD, link->fd, &event) < 0)
			fail("connections: %s", strerror(errno));
	}
	freeaddrinfo(list);
}

/* --------------------------------------------------------------- sending -- */

static void
link_watch(struct generator *g, struct link *link, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = link };

	if (epoll_ctl(g->epoll, EPOLL_CTL_MOD, link->fd, &event) < 0)
		fail("epoll: %s", strerror(errno));
}

static void
links_begin(struct generator *g, const struct stream *stream, bool endless)
{
	g->busy = 0;
	for (size_t i = 0; i < g->count; i++) {
		struct link *link = &g->links[i];
		uint64_t first = stream->reports * i / g->count;
		uint64_t end = stream->reports * (i + 1) / g->count;

		link->first = first;
		link->at = stream->begins[first];
		link->passes = 0;
		link->left =
		    endless ? UINT64_MAX : stream->begins[end] - link->at;
		if (link->left > 0) {
			g->busy++;
			link_watch(g, link, EPOLLOUT);
		}
	}
}

static void
link_done(struct generator *g, struct link *link)
{
	link_watch(g, link, 0);
	g->busy--;
}

/* Let each end behind the report that it is in. */
static void
links_end(struct generator *g, const struct stream *stream)
{
	for (struct link *link = g->links; link < g->links + g->count; link++) {
		uint64_t report = stream_report_at(stream, link->at);

		link->left = stream->begins[report] - link->at;
		if (link->left == 0)
			link_done(g, link);
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
		fail("%s: connection lost: %s", g->name, strerror(errno));
	}
	g->given += (double)written;
	link->at += (uint64_t)written;
	if (link->at == stream->length) {
		link->at = 0;
		link->passes++;
	}
	if (link->left != UINT64_MAX)
		link->left -= (uint64_t)written;
	if (link->left == 0)
		link_done(g, link);
}

/* Wait until the other end has taken so much that the window is open. */
static void
window_wait(struct generator *g, double *waited)
{
	double min = g->given - GENERATOR_WINDOW;

	if (g->taken == NULL || min <= g->window)
		return;
	double began = clock_now();
	while ((g->window = g->taken(g->taken_arg)) < min) {
		if (clock_now() - began > PATIENCE)
			fail("%s takes nothing any more", g->name);
		clock_sleep(PAUSE);
	}
	*waited += clock_now() - began;
}

/* Wait until some can send; the time spent waiting is added to *waited. */
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

static void
links_count(
    const struct generator *g, const struct stream *stream, struct sent *sent)
{
	for (const struct link *link = g->links; link < g->links + g->count;
	     link++) {
		uint64_t reports = link->passes * stream->reports +
				   stream_report_at(stream, link->at) -
				   link->first;

		sent->records += reports * KEYSET_RESULTS;
		sent->bytes += link->passes * stream->length + link->at -
			       stream->begins[link->first];
	}
}

void
generator_send(struct generator *g, const struct stream *stream, double seconds,
    struct sent *sent)
{
	struct epoll_event events[EVENTS];
	bool endless = seconds > 0;

	*sent = (struct sent){ 0 };
	g->given = g->window = 0;
	links_begin(g, stream, endless);
	sent->began = clock_now();
	while (g->busy > 0) {
		int n = links_wait(g, events, &sent->waited);

		for (int i = 0; i < n; i++) {
			if (events[i].events & (EPOLLERR | EPOLLHUP))
				fail("%s has closed a connection", g->name);
			window_wait(g, &sent->waited);
			link_write(g, events[i].data.ptr, stream);
		}
		if (endless && clock_now() - sent->began >= seconds) {
			endless = false;
			links_end(g, stream);
		}
	}
	sent->ended = clock_now();
	links_count(g, stream, sent);
}

/* ---------------------------------------------------------------- ending -- */

void
generator_finish(struct generator *g)
{
	char byte;

	for (size_t i = 0; i < g->count; i++)
		shutdown(g->links[i].fd, SHUT_WR);
	for (size_t i = 0; i < g->count; i++) {
		fcntl(g->links[i].fd, F_SETFL, 0);
		if (recv(g->links[i].fd, &byte, 1, 0) != 0)
			fail("%s: a connection ended early", g->name);
	}
}

void
generator_close(struct generator *g)
{
	for (size_t i = 0; i < g->count; i++)
		close(g->links[i].fd);
	close(g->epoll);
	free(g->links);
	g->links = NULL;
	g->count = 0;
}
