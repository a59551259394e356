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

/* The addresses of a word; flags: AI_NUMERICHOST, or 0 to resolve names.
   Returns 0 or an error of getaddrinfo(). */
static int
spec_resolve(const char *spec, int flags, struct addrinfo **found)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | flags,
		.ai_socktype = SOCK_STREAM,
	};
	char copy[NI_MAXHOST + NI_MAXSERV];
	char *host, *port;

	snprintf(copy, sizeof(copy), "%s", spec);
	if (spec_cut(copy, &host, &port) < 0)
		return EAI_SERVICE;
	return getaddrinfo(host, port, &hints, found);
}

/* Whether an address is on the list before this entry. */
static bool
list_has(const struct addrinfo *list, const struct addrinfo *until,
    const struct sockaddr *address)
{
	for (; list != until; list = list->ai_next) {
		if (address_same(list->ai_addr, address))
			return true;
	}
	return false;
}

static void
listener_announce(const struct listener *l)
{
	char text[ADDRESS_TEXT];

	log_info("listening on %s%s",
	    address_text((const struct sockaddr *)&l->address,
		sizeof(l->address), text, sizeof(text)),
	    listen_spec_words(&l->spec));
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

/* A free entry, or NULL. */
static struct listener *
listener_free(struct listeners *listeners)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		if (!listeners->listener[i].used)
			return &listeners->listener[i];
	}
	return NULL;
}

/* Whether a socket was opened for this word. */
static bool
listeners_have_spec(const struct listeners *listeners, const char *spec)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		const struct listener *l = &listeners->listener[i];

		if (l->used && strcmp(l->spec.address, spec) == 0)
			return true;
	}
	return false;
}

/* Whether the address is listened on, for whichever word. */
static bool
listeners_have(
    const struct listeners *listeners, const struct sockaddr *address)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		const struct listener *l = &listeners->listener[i];

		if (l->used &&
		    address_same((const struct sockaddr *)&l->address, address))
			return true;
	}
	return false;
}

/* Listen on a socket, which is closed on failure.  Returns 0, or -1: logged. */
static int
listener_add(struct listeners *listeners, const struct listen_spec *spec,
    int fd, int epoll)
{
	struct listener *l = listener_free(listeners);
	struct epoll_event event = { .events = listeners->held ? 0 : EPOLLIN,
		.data.ptr = l };
	socklen_t length = sizeof(l->address);

	if (l == NULL) {
		log_error("cannot listen on %s: more than %d addresses",
		    spec->address, SOCKETS_MAX);
		close(fd);
		return -1;
	}
	if (getsockname(fd, (struct sockaddr *)&l->address, &length) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		log_error(
		    "cannot listen on %s: %s", spec->address, strerror(errno));
		close(fd);
		return -1;
	}
	l->used = l->added = true;
	l->spec = *spec;
	l->fd = fd;
	listener_announce(l);
	return 0;
}

/* Take those sockets of the list that were passed in: one may serve IPv4 and
   IPv6, so nothing is left to bind then.  Returns how many, or -1: logged. */
static int
list_take_passed(struct listeners *listeners, const struct listen_spec *spec,
    const struct addrinfo *list, int epoll)
{
	int taken = 0;

	for (; list != NULL; list = list->ai_next) {
		int fd = activation_take(list->ai_addr);

		if (fd < 0)
			continue;
		if (listener_add(listeners, spec, fd, epoll) < 0)
			return -1;
		taken++;
	}
	return taken;
}

static void
cannot_bind(const struct listen_spec *spec)
{
	log_error("cannot listen on %s: %s%s", spec->address, strerror(errno),
	    errno == EACCES ? ": a port below 1024 takes a start as root; a "
			      "reload has no privileges left"
			    : "");
}

/*
 * Bind what is on the list.  An address that is listened on for another word is
 * passed over, and so is one that this machine does not have, as an IPv6 one
 * where IPv6 is off; but one of them there must be.  Returns 0, or -1: logged.
 */
static int
list_bind(struct listeners *listeners, const struct listen_spec *spec,
    const struct addrinfo *list, int epoll)
{
	int bound = 0, missing = 0;

	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		int fd;

		if (list_has(list, ai, ai->ai_addr))
			continue;
		if (listeners_have(listeners, ai->ai_addr)) {
			bound++;
			continue;
		}
		fd = socket_listen(ai);
		if (fd >= 0) {
			if (listener_add(listeners, spec, fd, epoll) < 0)
				return -1;
			bound++;
		} else if (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) {
			missing = errno;
		} else {
			cannot_bind(spec);
			return -1;
		}
	}
	if (bound > 0)
		return 0;
	errno = missing;
	cannot_bind(spec);
	return -1;
}

/* Listen on all that a word stands for.  Returns 0, or -1: logged. */
static int
listeners_add_spec(
    struct listeners *listeners, const struct listen_spec *spec, int epoll)
{
	struct addrinfo *found = NULL;
	int result, error = spec_resolve(spec->address, 0, &found);

	if (error != 0) {
		log_error("cannot listen on %s: %s", spec->address,
		    gai_strerror(error));
		return -1;
	}
	result = list_take_passed(listeners, spec, found, epoll);
	if (result == 0)
		result = list_bind(listeners, spec, found, epoll);
	freeaddrinfo(found);
	return result < 0 ? -1 : 0;
}

static bool
is_asterisk(const struct listen_spec *spec)
{
	return spec->address[0] == '*';
}

int
listeners_add(
    struct listeners *listeners, const struct words_list *specs, int epoll)
{
	int result = 0;

	for (int i = 0; i < SOCKETS_MAX; i++)
		listeners->listener[i].added = false;
	/* An asterisk gets what no other word names. */
	for (size_t i = 0; i < 2 * specs->count && result == 0; i++) {
		bool asterisks = i >= specs->count;
		struct listen_spec spec;

		listen_spec_parse(&spec, specs->words[i % specs->count]);
		if (is_asterisk(&spec) == asterisks &&
		    !listeners_have_spec(listeners, spec.address))
			result = listeners_add_spec(listeners, &spec, epoll);
	}
	for (int i = 0; i < SOCKETS_MAX && result < 0; i++) {
		struct listener *l = &listeners->listener[i];

		if (l->used && l->added)
			listener_remove(l, epoll);
	}
	return result;
}

/* How well a word fits a listener: by its address, as the word that it was
   opened for, by an asterisk; or not at all, 0. */
static int
spec_fit(const struct listen_spec *spec, const struct listener *l)
{
	struct addrinfo *found = NULL;
	bool covers;

	if (spec_resolve(spec->address, AI_NUMERICHOST, &found) != 0)
		found = NULL;
	covers = found != NULL &&
		 list_has(found, NULL, (const struct sockaddr *)&l->address);
	if (found != NULL)
		freeaddrinfo(found);
	if (covers && !is_asterisk(spec))
		return 3;
	if (strcmp(spec->address, l->spec.address) == 0)
		return 2;
	return covers ? 1 : 0;
}

void
listeners_keep(
    struct listeners *listeners, const struct words_list *specs, int epoll)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct listener *l = &listeners->listener[i];
		struct listen_spec spec, best;
		int fits = 0;

		for (size_t k = 0; l->used && k < specs->count; k++) {
			listen_spec_parse(&spec, specs->words[k]);
			int fit = spec_fit(&spec, l);
			if (fit > fits) {
				fits = fit;
				best = spec;
			}
		}
		if (fits > 0) {
			l->spec = best;
		} else if (l->used) {
			log_info("no longer listening on %s", l->spec.address);
			listener_remove(l, epoll);
		}
	}
}

void
listeners_watch(struct listeners *listeners, int epoll, bool on)
{
	if (listeners->held == !on)
		return;
	listeners->held = !on;
	for (int i = 0; i < SOCKETS_MAX; i++) {
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
	for (int i = 0; i < SOCKETS_MAX; i++)
		if (listeners->listener[i].used)
			listener_close(&listeners->listener[i]);
}

struct listener *
listener_of(struct listeners *listeners, const void *pointer)
{
	const struct listener *l = pointer;

	if (l < listeners->listener || l >= listeners->listener + SOCKETS_MAX)
		return NULL;
	return &listeners->listener[l - listeners->listener];
}
