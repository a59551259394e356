/* SPDX-License-Identifier: MIT
 *
 * Listening sockets: names to addresses, bind, listen.  Owns the sockets.
 * Called by the master's loop; failures are logged and returned.
 */
#include "config.h"

#include "listener.h"
#include "activation.h"
#include "address.h"
#include "log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BACKLOG 4096 /* many agents may connect at once after a restart */

/* Cut "HOST:PORT", "[HOST]:PORT" or "*:PORT" in two, in place. */
static int
spec_cut(char *spec, char **host, char **port)
{
	char *colon = strrchr(spec, ':');

	if (colon == NULL)
		return -1;
	*colon = '\0';
	*port = colon + 1;
	*host = spec;
	if (*spec == '[' && colon > spec + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = spec + 1;
	}
	if (strcmp(*host, "*") == 0 || **host == '\0')
		*host = NULL;
	return 0;
}

static int
socket_listen(const struct addrinfo *ai)
{
	int on = 1;
	int fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);

	if (fd < 0)
		return -1;
	/* A restart must not wait for connections of before to time out. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
listener_announce(const struct listener *listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	const char *where = listener->spec.address;
	char text[ADDRESS_TEXT];

	if (getsockname(listener->fd, (struct sockaddr *)&address, &length) ==
	    0)
		where = address_text(
		    (struct sockaddr *)&address, length, text, sizeof(text));
	log_info(
	    "listening on %s%s", where, listen_spec_words(&listener->spec));
}

/* Open the socket of an address; logs why it cannot. */
static int
listener_open(const char *spec)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char copy[NI_MAXHOST + NI_MAXSERV];
	char *host, *port;
	int fd = -1;

	snprintf(copy, sizeof(copy), "%s", spec);
	if (spec_cut(copy, &host, &port) < 0) {
		log_error("cannot listen on %s: no :PORT", spec);
		return -1;
	}
	int error = getaddrinfo(host, port, &hints, &found);
	if (error != 0) {
		log_error("cannot listen on %s: %s", spec, gai_strerror(error));
		return -1;
	}
	/* One that was passed in goes before one of our own. */
	for (struct addrinfo *ai = found; ai != NULL && fd < 0;
	     ai = ai->ai_next)
		fd = activation_take(ai->ai_addr);
	for (struct addrinfo *ai = found; ai != NULL && fd < 0;
	     ai = ai->ai_next)
		fd = socket_listen(ai);
	if (fd < 0)
		log_error("cannot listen on %s: %s%s", spec, strerror(errno),
		    errno == EACCES ? ": a port below 1024 takes a start as "
				      "root; a reload has no privileges left"
				    : "");
	freeaddrinfo(found);
	return fd;
}

static void
listener_close(struct listener *listener)
{
	close(listener->fd);
	listener->used = false;
}

/* A worker that was forked just now may hold the socket for another moment:
   closing it would not be enough for epoll to forget it. */
static void
listener_remove(struct listener *listener, int epoll)
{
	epoll_ctl(epoll, EPOLL_CTL_DEL, listener->fd, NULL);
	listener_close(listener);
}

/* The listener of this address, or NULL; NULL: a free entry. */
static struct listener *
listener_find(struct listeners *listeners, const char *address)
{
	for (int i = 0; i < LISTENERS_MAX; i++) {
		struct listener *l = &listeners->listener[i];

		if (address == NULL
			? !l->used
			: l->used && strcmp(l->spec.address, address) == 0)
			return l;
	}
	return NULL;
}

/* Listen on one more address.  Returns it, or NULL. */
static struct listener *
listener_add(
    struct listeners *listeners, const struct listen_spec *spec, int epoll)
{
	struct listener *l = listener_find(listeners, NULL);
	struct epoll_event event = { .events = listeners->held ? 0 : EPOLLIN,
		.data.ptr = l };

	if (l == NULL) {
		log_error("cannot listen on %s: more than %d addresses",
		    spec->address, LISTENERS_MAX);
		return NULL;
	}
	l->fd = listener_open(spec->address);
	if (l->fd < 0)
		return NULL;
	l->used = true;
	l->spec = *spec;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, l->fd, &event) < 0) {
		log_error(
		    "cannot listen on %s: %s", spec->address, strerror(errno));
		listener_close(l);
		return NULL;
	}
	listener_announce(l);
	return l;
}

static bool
specs_have(const struct words_list *specs, const char *address)
{
	struct listen_spec spec;

	for (size_t i = 0; i < specs->count; i++) {
		listen_spec_parse(&spec, specs->words[i]);
		if (strcmp(spec.address, address) == 0)
			return true;
	}
	return false;
}

int
listeners_add(
    struct listeners *listeners, const struct words_list *specs, int epoll)
{
	struct listener *added[LISTENERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < specs->count; i++) {
		struct listen_spec spec;

		listen_spec_parse(&spec, specs->words[i]);
		if (listener_find(listeners, spec.address) != NULL)
			continue;
		struct listener *l = listener_add(listeners, &spec, epoll);
		if (l == NULL) {
			while (n > 0)
				listener_remove(added[--n], epoll);
			return -1;
		}
		added[n++] = l;
	}
	return 0;
}

void
listeners_keep(
    struct listeners *listeners, const struct words_list *specs, int epoll)
{
	for (size_t i = 0; i < specs->count; i++) {
		struct listen_spec spec;
		struct listener *l;

		listen_spec_parse(&spec, specs->words[i]);
		l = listener_find(listeners, spec.address);
		if (l != NULL)
			l->spec = spec;
	}
	for (int i = 0; i < LISTENERS_MAX; i++) {
		struct listener *l = &listeners->listener[i];

		if (!l->used || specs_have(specs, l->spec.address))
			continue;
		log_info("no longer listening on %s", l->spec.address);
		listener_remove(l, epoll);
	}
}

void
listeners_watch(struct listeners *listeners, int epoll, bool on)
{
	if (listeners->held == !on)
		return;
	listeners->held = !on;
	for (int i = 0; i < LISTENERS_MAX; i++) {
		struct listener *l = &listeners->listener[i];
		struct epoll_event event = { .events = on ? EPOLLIN : 0,
			.data.ptr = l };

		if (l->used)
			epoll_ctl(epoll, EPOLL_CTL_MOD, l->fd, &event);
	}
}

void
listeners_close(struct listeners *listeners)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
		if (listeners->listener[i].used)
			listener_close(&listeners->listener[i]);
}

struct listener *
listener_of(struct listeners *listeners, const void *pointer)
{
	const struct listener *l = pointer;

	if (l < listeners->listener || l >= listeners->listener + LISTENERS_MAX)
		return NULL;
	return &listeners->listener[l - listeners->listener];
}
