/* SPDX-License-Identifier: MIT
 *
 * The protocol of sd_notify(3): datagrams to the socket that NOTIFY_SOCKET
 * names.  One that is lost does no harm.
 */
#include "config.h"

#include "master/notify.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_MS 1000 /* a manager that reads nothing must not stop the loop */
#define STORE_MS 5000

/* Returns a socket connected to the manager, or -1 with errno. */
static int
manager_connect(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = path == NULL ? 0 : strlen(path);
	int fd;

	if (length < 2 || length > sizeof(to.sun_path)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to.sun_path, path, length);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)(const void *)&to,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				      length)) == 0)
		return fd;
	KEEP_ERRNO(close(fd));
	return -1;
}

/* Send a note, with descriptors.  Returns 0, or -1 with errno. */
static int
note_send(const char *note, const int *fds, int count)
{
	struct pollfd manager = { .fd = manager_connect(), .events = POLLOUT };
	int status;

	if (manager.fd < 0)
		return -1;
	poll(&manager, 1, SEND_MS);
	status = ark_send(manager.fd, note, strlen(note), fds, count);
	KEEP_ERRNO(close(manager.fd));
	return status;
}

/* Wait until the manager has read all notes: then it closes the descriptor of
   the last one.  Returns 0, or -1 with errno. */
static int
barrier(void)
{
	int ends[2], n = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	struct pollfd closed = { .fd = ends[0] };
	int status = note_send("BARRIER=1", &ends[1], 1);
	KEEP_ERRNO(close(ends[1]));
	if (status == 0)
		n = poll(&closed, 1, STORE_MS);
	if (n == 0)
		errno = ETIMEDOUT;
	KEEP_ERRNO(close(ends[0]));
	return n > 0 ? 0 : -1;
}

void
notify(const char *note)
{
	note_send(note, NULL, 0);
}

bool
notify_can_store(void)
{
	/* Others than systemd may be notified, and have no store. */
	return getenv("NOTIFY_SOCKET") != NULL &&
	       getenv("INVOCATION_ID") != NULL;
}

int
notify_store(const struct ark *ark)
{
	/* FDPOLL=0: the queues are to be kept when they hang up. */
	if (note_send("FDSTORE=1\nFDNAME=" ARK_NAME "\nFDPOLL=0", ark->part,
		ark->count) == 0 &&
	    barrier() == 0)
		return 0;
	log_warn("the service manager did not take the connections over: %m; "
		 "agents must reconnect");
	return -1;
}

void
notify_reloading(void)
{
	char note[64];

	/* systemd pairs this with the READY=1 that follows it by the time. */
	snprintf(note, sizeof(note), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    monotonic_us());
	notify(note);
}

int
notify_alive(uint64_t now_ms)
{
	static bool known;
	static uint64_t period, due_ms; /* 0: no watchdog of this process */
	const char *pid = getenv("WATCHDOG_PID"), *us = getenv("WATCHDOG_USEC");

	if (!known && us != NULL && (pid == NULL || atoi(pid) == getpid()))
		period = (strtoull(us, NULL, 10) + 1999) / 2000;
	known = true;
	if (period == 0)
		return INT_MAX;
	/* Early, in a turn of the loop that there is anyway. */
	if (now_ms + period / 30 >= due_ms) {
		notify("WATCHDOG=1");
		due_ms = now_ms + period;
	}
	return due_ms - now_ms < INT_MAX ? (int)(due_ms - now_ms) : INT_MAX;
}
