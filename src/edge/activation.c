/* SPDX-License-Identifier: MIT
 *
 * Listening sockets passed in by a service manager.  Owns them until they are
 * taken.  Called by the master at its start; what cannot be used is logged and
 * closed, and reporter opens its own sockets then.
 */
#include "config.h"

#include "activation.h"
#include "address.h"
#include "listen_spec.h"
#include "log.h"

#ifdef HAVE_SYSTEMD

#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct passed {
	int fd; /* -1: taken */
	struct sockaddr_storage address;
	socklen_t length;
};

static struct passed passed[LISTENERS_MAX];
static int passed_count;

static void
activation_add(int fd)
{
	struct passed *p = &passed[passed_count];

	if (passed_count == LISTENERS_MAX) {
		log_warn("the service manager passed in more than %d sockets: "
			 "descriptor %d is closed",
		    LISTENERS_MAX, fd);
		close(fd);
		return;
	}
	p->fd = fd;
	p->length = sizeof(p->address);
	if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0 ||
	    getsockname(fd, (struct sockaddr *)&p->address, &p->length) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
		log_warn("the service manager passed in descriptor %d, which "
			 "does not listen for TCP: closed",
		    fd);
		close(fd);
		return;
	}
	passed_count++;
}

void
activation_open(void)
{
	/* The variables are forgotten: they are for this process alone. */
	int n = sd_listen_fds(1);

	for (int i = 0; i < n; i++)
		activation_add(SD_LISTEN_FDS_START + i);
}

/* Whether both are one address and port; other members (flow, padding) do not
   matter. */
static bool
address_same(const void *a, const void *b)
{
	const struct sockaddr_in *a4 = a, *b4 = b;
	const struct sockaddr_in6 *a6 = a, *b6 = b;

	if (a4->sin_family != b4->sin_family)
		return false;
	if (a4->sin_family == AF_INET)
		return a4->sin_port == b4->sin_port &&
		       a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port &&
	       a6->sin6_scope_id == b6->sin6_scope_id &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) ==
		   0;
}

int
activation_take(const struct sockaddr *address)
{
	for (int i = 0; i < passed_count; i++) {
		int fd = passed[i].fd;

		if (fd < 0 || !address_same(&passed[i].address, address))
			continue;
		passed[i].fd = -1;
		return fd;
	}
	return -1;
}

void
activation_close(void)
{
	char text[ADDRESS_TEXT];

	for (int i = 0; i < passed_count; i++) {
		if (passed[i].fd < 0)
			continue;
		log_warn("the service manager passed in a socket for %s, which "
			 "reporter.listen does not name: closed",
		    address_text((struct sockaddr *)&passed[i].address,
			passed[i].length, text, sizeof(text)));
		close(passed[i].fd);
	}
	passed_count = 0;
}

#else

void
activation_open(void)
{
}

int
activation_take(const struct sockaddr *address)
{
	(void)address;
	return -1;
}

void
activation_close(void)
{
}

#endif
