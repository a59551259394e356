/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/activation.h"
#include "lib/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define SD_LISTEN_FDS_START 3
#define sd_listen_fds_with_names(unset, names) (*(names) = NULL, 0)
#define sd_is_socket_inet(fd, family, type, listening, port) 0
#endif

void
activation_open(struct listeners *listeners, struct ark *ark, int epoll)
{
	char **names = NULL;
	/* The variables are forgotten: they are for this process alone. */
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (strcmp(names[i], ARK_NAME) == 0 && ark->count < ARK_PARTS) {
			ark->part[ark->count++] = fd;
		} else if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) >
			   0) {
			listeners_pass(listeners, fd, false, epoll);
		} else {
			log_warn("the service manager passed in descriptor %d, "
				 "which is not a listening TCP socket: closed",
			    fd);
			close(fd);
		}
		free(names[i]);
	}
	free(names);
}
