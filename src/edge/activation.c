/* SPDX-License-Identifier: MIT
 *
 * The protocol of sd_listen_fds(3): descriptors from 3 on, which LISTEN_FDS
 * counts and LISTEN_FDNAMES names.
 */
#include "config.h"

#include "edge/activation.h"
#include "edge/bind.h"
#include "lib/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 3

/* How many descriptors were passed in to this process. */
static int
passed_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	return pid == NULL || n == NULL || atoi(pid) != getpid() ? 0 : atoi(n);
}

void
activation_open(struct listeners *listeners, struct ark *ark, int epoll)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int n = passed_count();

	names = names == NULL ? "" : names;
	for (int i = 0; i < n; i++) {
		int fd = FIRST + i;
		size_t length = strcspn(names, ":");
		bool named = length == strlen(ARK_NAME) &&
			     strncmp(names, ARK_NAME, length) == 0;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			break;
		if (named && ark->count < ARK_PARTS) {
			ark->part[ark->count++] = fd;
		} else if (socket_is_tcp(fd, true)) {
			listeners_pass(listeners, fd, false, epoll);
		} else {
			log_warn("the service manager passed in descriptor %d, "
				 "which is not a listening TCP socket: closed",
			    fd);
			close(fd);
		}
		names += length + (names[length] == ':');
	}
	/* They are for this process alone. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}
