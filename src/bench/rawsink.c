/* SPDX-License-Identifier: MIT
 *
 * The raw sink.  Owns its process and the count of bytes that it shares.
 */
#include "config.h"

#include "bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 256
#define BUFFER 65536 /* as the master reads: max_message at its default */
#define BACKLOG 4096

struct rawsink rawsink;
static _Atomic uint64_t *bytes_read; /* shared memory */

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
				*bytes_read += (uint64_t)n;
			else if (n == 0 || errno != EAGAIN)
				close(fd);
		}
	}
}

void
rawsink_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	static char port[8];

	bytes_read = mmap(NULL, sizeof(*bytes_read), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bytes_read == MAP_FAILED ||
	    bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ||
	    (rawsink.pid = child_fork()) < 0)
		fail("cannot start the raw sink: %m");
	if (rawsink.pid == 0)
		sink_loop(epoll, fd);
	close(fd);
	close(epoll);
	snprintf(port, sizeof(port), "%u", (unsigned)ntohs(address.sin_port));
	rawsink.endpoint =
	    (struct endpoint){ "the raw sink", "127.0.0.1", port };
}

uint64_t
rawsink_bytes(void)
{
	return atomic_load(bytes_read);
}

void
rawsink_stop(void)
{
	kill(rawsink.pid, SIGKILL);
	waitpid(rawsink.pid, NULL, 0);
}
