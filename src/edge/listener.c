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
	/* The check of options has made sure of the port. */
	if (spec_cut(copy, &host, &port) < 0)
		return EAI_SERVICE;
	return getaddrinfo(host, port, &hints, found);
}

/* Kinds of words, the more specific first. */
enum spec_kind {
	SPEC_ADDRESS,
	SPEC_NAME,
	SPEC_ASTERISK,
	SPEC_KINDS
};

static enum spec_kind
spec_kind(const struct listen_spec *spec)
{
	struct addrinfo *found;

	if (spec->address[0] == '*')
		return SPEC_ASTERISK;
	if (spec_resolve(spec->address, AI_NUMERICHOST, &found) != 0)
		return SPEC_NAME;
	freeaddrinfo(found);
	return SPEC_ADDRESS;
}

/* -------------------------------------------------------- one listener ---- */

/* Its address; text has ADDRESS_TEXT bytes. */
static const char *
listener_name(const struct listener *l, char *text)
{
	return address_text((const struct sockaddr *)&l->address,
	    sizeof(l->address), text, ADDRESS_TEXT);
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

/* Whether a socket that was passed in serves IPv4 by an IPv6 address. */
static bool
serves_both(int fd, const struct sockaddr_in6 *address)
{
	int only = 1;
	socklen_t length = sizeof(only);

	return address->sin6_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&address->sin6_addr) &&
	       getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) == 0 &&
	       only == 0;
}

/* Whether an IPv6 listener serves this address, 0.0.0.0, as well. */
static bool
listener_covers(const struct listener *l, const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;

	return l->both && in->sin_family == AF_INET &&
	       in->sin_port == l->address.sin6_port &&
	       in->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* ------------------------------------------------------------ the next ---- */

/* The listener of an address, or NULL.  An asterisk is served by one that
   covers it, too. */
static struct listener *
listener_find(struct listeners *listeners, const struct sockaddr *address,
    enum spec_kind kind)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct listener *l = &listeners->listener[i];

		if (l->used &&
		    (address_same(
			 (const struct sockaddr *)&l->address, address) ||
			(kind == SPEC_ASTERISK && listener_covers(l, address))))
			return l;
	}
	return NULL;
}

static void
listener_claim(struct listener *l, const struct listen_spec *spec)
{
	l->claimed = true;
	l->next = *spec;
}

/* Claim the listeners that were opened for the same word.  Returns how many. */
static int
claim_by_word(struct listeners *listeners, const struct listen_spec *spec)
{
	int claimed = 0;

	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct listener *l = &listeners->listener[i];

		if (!l->used || l->claimed ||
		    strcmp(l->spec.address, spec->address) != 0)
			continue;
		listener_claim(l, spec);
		claimed++;
	}
	return claimed;
}

/* Listen on a socket, which is closed on failure.  Returns 0, or -1: logged. */
static int
listener_add(struct listeners *listeners, const struct listen_spec *spec,
    int fd, int epoll)
{
	struct listener *l = listeners->listener;
	struct epoll_event event = { .events = listeners->held ? 0 : EPOLLIN };
	socklen_t length = sizeof(l->address);
	char text[ADDRESS_TEXT];

	while (l < listeners->listener + SOCKETS_MAX && l->used)
		l++;
	if (l == listeners->listener + SOCKETS_MAX) {
		log_error("cannot listen on %s: more than %d addresses",
		    spec->address, SOCKETS_MAX);
		close(fd);
		return -1;
	}
	event.data.ptr = l;
	if (getsockname(fd, (struct sockaddr *)&l->address, &length) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		log_error(
		    "cannot listen on %s: %s", spec->address, strerror(errno));
		close(fd);
		return -1;
	}
	l->used = l->added = true;
	l->both = serves_both(fd, &l->address);
	l->fd = fd;
	l->spec = *spec;
	listener_claim(l, spec);
	log_info("listening on %s%s", listener_name(l, text),
	    listen_spec_words(spec));
	return 0;
}

/* Listen on those sockets of the list that were passed in.  Returns 0, or -1:
   logged. */
static int
list_take_passed(struct listeners *listeners, const struct listen_spec *spec,
    const struct addrinfo *list, int epoll)
{
	for (; list != NULL; list = list->ai_next) {
		int fd = activation_take(list->ai_addr);

		if (fd >= 0 && listener_add(listeners, spec, fd, epoll) < 0)
			return -1;
	}
	return 0;
}

/* Whether the address is served: by a listener that was there, and then is this
   word's, or by one of this or of a more specific word. */
static bool
claim_by_address(struct listeners *listeners, const struct listen_spec *spec,
    const struct sockaddr *address)
{
	enum spec_kind kind = spec_kind(spec);
	struct listener *l = listener_find(listeners, address, kind);

	if (l == NULL)
		return false;
	if (!l->claimed) {
		listener_claim(l, spec);
		return true;
	}
	return strcmp(l->next.address, spec->address) == 0 ||
	       spec_kind(&l->next) != kind;
}

/* Whether an address cannot be had because this machine lacks it, as those of
   IPv6 where IPv6 is off. */
static bool
is_lacking(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
	       error == EINVAL;
}

/* Listen on the addresses of the list that this machine has: at least one.
   Returns 0, or -1: logged. */
static int
list_listen(struct listeners *listeners, const struct listen_spec *spec,
    const struct addrinfo *list, int epoll)
{
	int served = 0, error = 0;

	for (; list != NULL; list = list->ai_next) {
		if (claim_by_address(listeners, spec, list->ai_addr)) {
			served++;
			continue;
		}
		int fd = socket_listen(list);
		if (fd >= 0) {
			if (listener_add(listeners, spec, fd, epoll) < 0)
				return -1;
			served++;
		} else {
			error = errno;
			if (!is_lacking(error))
				break;
		}
	}
	if (error == 0 || (is_lacking(error) && served > 0))
		return 0;
	log_error("cannot listen on %s: %s%s", spec->address, strerror(error),
	    error == EACCES ? ": a port below 1024 takes a start as root; a "
			      "reload has no privileges left"
			    : "");
	return -1;
}

/* Have a listener for each address that a word stands for.  flags: as of
   spec_resolve().  Returns 0, or -1: logged. */
static int
spec_listen(struct listeners *listeners, const struct listen_spec *spec,
    int flags, int epoll)
{
	struct addrinfo *found = NULL;
	int result, error = spec_resolve(spec->address, flags, &found);

	if (error != 0) {
		log_error("cannot listen on %s: %s", spec->address,
		    gai_strerror(error));
		return -1;
	}
	result = list_take_passed(listeners, spec, found, epoll);
	if (result == 0)
		result = list_listen(listeners, spec, found, epoll);
	freeaddrinfo(found);
	return result;
}

/* A name that was resolved is not resolved again, and a port that the kernel
   chose stays.  Returns 0, or -1: logged. */
static int
spec_add(struct listeners *listeners, const struct listen_spec *spec,
    enum spec_kind kind, int epoll)
{
	const char *port = strrchr(spec->address, ':') + 1;
	bool chosen = strtoul(port, NULL, 10) == 0;

	if ((kind == SPEC_NAME || chosen) && claim_by_word(listeners, spec) > 0)
		return 0;
	return spec_listen(
	    listeners, spec, kind == SPEC_NAME ? 0 : AI_NUMERICHOST, epoll);
}

/* A listener that no word has claimed may be one of a name that had others: for
   those alone names are resolved again. */
static void
claim_rest(struct listeners *listeners, const struct words_list *specs)
{
	bool rest = false;

	for (int i = 0; i < SOCKETS_MAX; i++)
		rest |= listeners->listener[i].used &&
			!listeners->listener[i].claimed;
	for (size_t i = 0; i < specs->count && rest; i++) {
		struct addrinfo *found, *ai;
		struct listen_spec spec;

		listen_spec_parse(&spec, specs->words[i]);
		if (spec_kind(&spec) != SPEC_NAME ||
		    spec_resolve(spec.address, 0, &found) != 0)
			continue;
		for (ai = found; ai != NULL; ai = ai->ai_next)
			claim_by_address(listeners, &spec, ai->ai_addr);
		freeaddrinfo(found);
	}
}

int
listeners_add(
    struct listeners *listeners, const struct words_list *specs, int epoll)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		listeners->listener[i].added = false;
		listeners->listener[i].claimed = false;
	}
	/* Once for each kind, so that the more specific ones come first. */
	for (size_t i = 0; i < SPEC_KINDS * specs->count; i++) {
		enum spec_kind kind = (enum spec_kind)(i / specs->count);
		struct listen_spec spec;

		listen_spec_parse(&spec, specs->words[i % specs->count]);
		if (spec_kind(&spec) == kind &&
		    spec_add(listeners, &spec, kind, epoll) < 0) {
			listeners_undo(listeners, epoll);
			return -1;
		}
	}
	claim_rest(listeners, specs);
	return 0;
}

void
listeners_undo(struct listeners *listeners, int epoll)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct listener *l = &listeners->listener[i];

		if (l->used && l->added)
			listener_remove(l, epoll);
	}
}

void
listeners_commit(struct listeners *listeners, int epoll)
{
	char text[ADDRESS_TEXT];

	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct listener *l = &listeners->listener[i];

		if (!l->used)
			continue;
		if (l->claimed) {
			l->spec = l->next;
		} else {
			log_info("no longer listening on %s",
			    listener_name(l, text));
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
