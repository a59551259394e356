/* SPDX-License-Identifier: MIT
 *
 * The raw sink.  Owns its process, its sockets and the shared count of bytes.
 * Started by the main thread; every failure is fatal.
 */
#include "config.h"

#include "bench/rawsink.h"

#include "bench/fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 256
#define BUFFER 65536 /* as the master reads: max_message at its default */
#define BACKLOG 4096
#define PATIENCE 60 /* seconds */

/* ----------------------------------------------------------- the process -- */

static void
sink_accept(int epoll, int listening)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	while ((event.data.fd = accept4(listening, (struct sockaddr *)&peer,
		    &size, SOCK_NONBLOCK)) >= 0)
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			close(event.data.fd);
}

static void __attribute__((noreturn))
sink_loop(int epoll, int listening, struct rawsink_shared *shared)
{
	static char buffer[BUFFER];
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
				shared->bytes += (uint64_t)n;
			else if (n == 0 || errno != EAGAIN)
				close(fd);
		}
	}
}

/* ------------------------------------------------------------ our side ---- */

static int
sink_listen(struct rawsink *sink)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		fail("the raw sink cannot listen: %s", strerror(errno));
	snprintf(sink->port, sizeof(sink->port), "%u",
	    (unsigned)ntohs(address.sin_port));
	return fd;
}

void
rawsink_start(struct rawsink *sink)
{
	int listening = sink_listen(sink);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listening };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	pid_t parent = getpid();

	sink->shared = mmap(NULL, sizeof(*sink->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sink->shared == MAP_FAILED ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event) < 0)
		fail("the raw sink cannot start: %s", strerror(errno));
	sink->pid = fork();
	if (sink->pid < 0)
		fail("the raw sink cannot start: %s", strerror(errno));
	if (sink->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(BENCH_BROKEN);
		sink_loop(epoll, listening, sink->shared);
	}
	close(listening);
	close(epoll);
}

uint64_t
rawsink_bytes(const struct rawsink *sink)
{
	return atomic_load(&sink->shared->bytes);
}

void
rawsink_wait(const struct rawsink *sink, uint64_t bytes)
{
	double deadline = clock_now() + PATIENCE;

	while (rawsink_bytes(sink) < bytes) {
		if (clock_now() > deadline)
			fail("the raw sink has not read everything");
		clock_sleep(50e-6);
	}
}

void
rawsink_stop(struct rawsink *sink)
{
	kill(sink->pid, SIGKILL);
	waitpid(sink->pid, NULL, 0);
	munmap(sink->shared, sizeof(*sink->shared));
}
