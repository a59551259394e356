/* SPDX-License-Identifier: MIT
 *
 * Listening sockets passed in by a service manager or inherited in an ark.
 * Owns them until they are taken.  What cannot be used is logged and closed,
 * and reporter opens its own sockets then.
 */
#include "config.h"

#include "edge/activation.h"
#include "lib/address.h"
#include "lib/log.h"

#include <fcntl.h>
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

struct passed {
	int fd; /* -1: taken */
	bool inherited;
	struct sockaddr_storage address;
};

static struct passed passed[SOCKETS_MAX];
static int passed_count;

void
activation_add(int fd, bool inherited)
{
	struct passed *p = &passed[passed_count];
	socklen_t length = sizeof(p->address);

	if (passed_count == SOCKETS_MAX) {
		log_warn("the service manager passed in more than %d sockets: "
			 "descriptor %d is closed",
		    SOCKETS_MAX, fd);
		close(fd);
		return;
	}
	p->fd = fd;
	p->inherited = inherited;
	if ((!inherited &&
		sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0) ||
	    getsockname(fd, (struct sockaddr *)&p->address, &length) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
		log_warn("the service manager passed in descriptor %d, which "
			 "is not a listening TCP socket: closed",
		    fd);
		close(fd);
		return;
	}
	passed_count++;
}

void
activation_open(struct ark *ark)
{
	char **names = NULL;
	/* The variables are forgotten: they are for this process alone. */
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (strcmp(names[i], ARK_NAME) == 0 && ark->count < ARK_PARTS)
			ark->part[ark->count++] = fd;
		else
			activation_add(fd, false);
		free(names[i]);
	}
	free(names);
}

int
activation_take(const struct sockaddr *address)
{
	for (int i = 0; i < passed_count; i++) {
		int fd = passed[i].fd;

		if (fd < 0 ||
		    !address_same(
			(struct sockaddr *)&passed[i].address, address))
			continue;
		passed[i].fd = -1;
		return fd;
	}
	return -1;
}

static void
passed_close(struct passed *p)
{
	char text[ADDRESS_TEXT];

	address_text((struct sockaddr *)&p->address, text);
	if (p->inherited)
		log_info("no longer listening on %s", text);
	else
		log_warn("the service manager passed in a socket for %s, which "
			 "is not in reporter.listen: closed",
		    text);
	close(p->fd);
	p->fd = -1;
}

bool
activation_release(const struct sockaddr *address)
{
	bool released = false;

	for (int i = 0; i < passed_count; i++) {
		struct passed *p = &passed[i];

		/* The port is at the same place in both families. */
		if (p->fd < 0 || !p->inherited ||
		    ((struct sockaddr_in *)&p->address)->sin_port !=
			((const struct sockaddr_in *)address)->sin_port)
			continue;
		passed_close(p);
		released = true;
	}
	return released;
}

void
activation_close(void)
{
	for (int i = 0; i < passed_count; i++)
		if (passed[i].fd >= 0)
			passed_close(&passed[i]);
	passed_count = 0;
}
