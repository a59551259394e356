/* SPDX-License-Identifier: MIT
 *
 * Listeners: which word of `listen` has which socket, at the start and at each
 * reload.  Owns the sockets; failures are logged and returned.
 */
#include "config.h"

#include "edge/listener.h"
#include "edge/bind.h"
#include "lib/address.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* -------------------------------------------------------- one listener ---- */

#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */

/* Each one that is used. */
#define LISTENERS_EACH(l, listeners) \
	for (struct listener *l = (listeners)->listener; \
	     l < (listeners)->listener + SOCKETS_MAX; l++) \
		if (l->used)

/* Kinds of words, the more specific first. */
enum spec_kind {
	SPEC_ADDRESS,
	SPEC_NAME,
	SPEC_ASTERISK,
	SPEC_KINDS
};

/* By the address alone; nothing is resolved. */
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

/* A worker that was forked just now may hold the socket for another moment:
   closing it would not be enough for epoll to forget it. */
static void
listener_remove(const struct listeners *listeners, struct listener *l)
{
	epoll_ctl(listeners->epoll, EPOLL_CTL_DEL, l->fd, NULL);
	close(l->fd);
	l->used = false;
}

/* operation: of epoll_ctl(). */
static int
listener_watch(
    const struct listeners *listeners, struct listener *l, int operation)
{
	struct epoll_event event = {
		.events = listeners->unwatched ? 0 : EPOLLIN, .data.ptr = l
	};

	return epoll_ctl(listeners->epoll, operation, l->fd, &event);
}

/* Whether a listener of IPv6 serves this address, 0.0.0.0, as well, as [::]
   that was passed in may. */
static bool
listener_covers(const struct listener *l, const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *own = &l->address.in6;
	int only = 1;
	socklen_t length = sizeof(only);

	return in->sin_family == AF_INET && own->sin6_family == AF_INET6 &&
	       in->sin_addr.s_addr == htonl(INADDR_ANY) &&
	       IN6_IS_ADDR_UNSPECIFIED(&own->sin6_addr) &&
	       in->sin_port == own->sin6_port &&
	       getsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) ==
		   0 &&
	       only == 0;
}

/* -------------------------------------------------------- a new list ------ */

/* The listener of an address, or NULL.  An asterisk is served by one that
   covers it, too. */
static struct listener *
listener_find(struct listeners *listeners, const struct sockaddr *address,
    enum spec_kind kind)
{
	LISTENERS_EACH(l, listeners)
		if (address_same(&l->address.any, address) ||
		    (kind == SPEC_ASTERISK && listener_covers(l, address)))
			return l;
	return NULL;
}

static void
listener_claim(struct listener *l, const struct listen_spec *spec)
{
	char text[ADDRESS_TEXT];

	l->claimed = true;
	l->next = *spec;
	if (!l->unnamed)
		return;
	l->unnamed = false;
	l->spec = *spec;
	log_info("listening on %s%s", address_text(&l->address.any, text),
	    listen_spec_words(spec));
}

/* A more specific word has the listener of this name's address: should that
   word go, the name gets it. */
static void
listener_share(struct listener *l, const struct listen_spec *name)
{
	memcpy(l->next_name, name->address, sizeof(l->next_name));
}

/* Claim the listeners that the same word had.  Returns how many there are. */
static int
claim_by_word(struct listeners *listeners, const struct listen_spec *spec)
{
	int found = 0;

	LISTENERS_EACH(l, listeners) {
		if (strcmp(l->spec.address, spec->address) != 0 &&
		    strcmp(l->name, spec->address) != 0)
			continue;
		if (!l->claimed)
			listener_claim(l, spec);
		else
			listener_share(l, spec);
		found++;
	}
	return found;
}

/* Add a listening socket, which is closed on failure; name: for the log.
   Returns its listener, or NULL: logged. */
static struct listener *
listener_open(struct listeners *listeners, int fd, const char *name)
{
	struct listener *l = listeners->listener;
	socklen_t length = sizeof(l->address);

	while (l < listeners->listener + SOCKETS_MAX && l->used)
		l++;
	if (l == listeners->listener + SOCKETS_MAX) {
		log_error("cannot listen on %s: more than %d addresses", name,
		    SOCKETS_MAX);
		close(fd);
		return NULL;
	}
	*l = (struct listener){ .unnamed = true, .fd = fd };
	if (getsockname(fd, &l->address.any, &length) < 0 ||
	    listener_watch(listeners, l, EPOLL_CTL_ADD) < 0) {
		log_error("cannot listen on %s: %m", name);
		close(fd);
		return NULL;
	}
	socket_keepalive(fd);
	l->used = true;
	return l;
}

void
listeners_pass(struct listeners *listeners, int fd, bool carried)
{
	struct listener *l =
	    listener_open(listeners, fd, "a socket that was passed in");

	if (l == NULL)
		return;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	l->carried = carried;
}

/* Close carried sockets of this address's port that no word has: it is to be
   bound, and 127.0.0.1:7 would keep *:7 from that.  Returns whether there were
   any. */
static bool
carried_release(struct listeners *listeners, const struct sockaddr *address)
{
	bool released = false;
	char text[ADDRESS_TEXT];

	LISTENERS_EACH(l, listeners) {
		/* The port has the same place in both families. */
		if (!l->unnamed || !l->carried ||
		    l->address.in6.sin6_port !=
			((const struct sockaddr_in6 *)(const void *)address)
			    ->sin6_port)
			continue;
		log_info("no longer listening on %s",
		    address_text(&l->address.any, text));
		listener_remove(listeners, l);
		released = true;
	}
	return released;
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
	if (strcmp(l->next.address, spec->address) == 0)
		return true;
	if (kind == SPEC_NAME)
		listener_share(l, spec);
	/* One socket cannot serve IPv4 by other rules than IPv6. */
	if (listener_covers(l, address))
		return l->next.proxy == spec->proxy && l->next.tls == spec->tls;
	return spec_kind(&l->next) != kind;
}

/* Whether this machine lacks an address, as those of IPv6 where IPv6 is off. */
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
    const struct addrinfo *list)
{
	int served = 0, error = 0;
	struct listener *l;

	for (; list != NULL; list = list->ai_next) {
		if (claim_by_address(listeners, spec, list->ai_addr)) {
			served++;
			continue;
		}
		int fd = socket_listen(list, true);
		if (fd < 0 && errno == EADDRINUSE &&
		    carried_release(listeners, list->ai_addr))
			fd = socket_listen(list, true);
		if (fd < 0) {
			error = errno;
			if (!is_lacking(error))
				break;
			continue;
		}
		l = listener_open(listeners, fd, spec->address);
		if (l == NULL)
			return -1;
		l->added = true;
		listener_claim(l, spec);
		served++;
	}
	if (error == 0 || (is_lacking(error) && served > 0))
		return 0;
	log_error("cannot listen on %s: %s%s", spec->address, strerror(error),
	    error == EACCES ? "; a port below 1024 requires root, and a "
			      "reload has no privileges left"
			    : "");
	return -1;
}

/* Whether the word keeps the listeners that it had: a name is not resolved
   again, and a port that the kernel chose stays. */
static bool
spec_keeps(struct listeners *listeners, const struct listen_spec *spec,
    enum spec_kind kind)
{
	const char *port = strrchr(spec->address, ':') + 1;

	return (kind == SPEC_NAME || strtoul(port, NULL, 10) == 0) &&
	       claim_by_word(listeners, spec) > 0;
}

/* Open listeners for the words of a kind.  Returns 0, or -1: logged. */
static int
kind_add(struct listeners *listeners, const struct words_list *specs,
    enum spec_kind kind)
{
	bool kept[LISTENERS_MAX];
	struct listen_spec spec;
	struct addrinfo *found;
	int error;

	/* Existing ones first, so that no new name takes them. */
	for (size_t i = 0; i < specs->count; i++) {
		listen_spec_parse(&spec, specs->words[i]);
		kept[i] = spec_kind(&spec) != kind ||
			  spec_keeps(listeners, &spec, kind);
	}
	for (size_t i = 0; i < specs->count; i++) {
		if (kept[i])
			continue;
		listen_spec_parse(&spec, specs->words[i]);
		error = spec_resolve(spec.address,
		    kind == SPEC_NAME ? 0 : AI_NUMERICHOST, &found);
		if (error != 0) {
			log_error("cannot listen on %s: %s", spec.address,
			    gai_strerror(error));
			return -1;
		}
		error = list_listen(listeners, &spec, found);
		freeaddrinfo(found);
		if (error < 0)
			return -1;
	}
	return 0;
}

int
listeners_add(struct listeners *listeners, const struct words_list *specs)
{
	LISTENERS_EACH(l, listeners) {
		l->added = l->claimed = false;
		l->next_name[0] = '\0';
	}
	/* The more specific kinds first. */
	for (int kind = 0; kind < SPEC_KINDS; kind++) {
		if (kind_add(listeners, specs, (enum spec_kind)kind) == 0)
			continue;
		listeners_undo(listeners);
		return -1;
	}
	return 0;
}

void
listeners_undo(struct listeners *listeners)
{
	LISTENERS_EACH(l, listeners)
		if (l->added)
			listener_remove(listeners, l);
}

void
listeners_commit(struct listeners *listeners)
{
	char text[ADDRESS_TEXT];

	LISTENERS_EACH(l, listeners) {
		if (l->claimed) {
			l->spec = l->next;
			memcpy(l->name, l->next_name, sizeof(l->name));
			continue;
		}
		address_text(&l->address.any, text);
		if (l->unnamed && !l->carried)
			log_warn(
			    "the service manager passed in a socket for "
			    "%s, which is not in reporter.listen: not read",
			    text);
		else
			log_info("no longer listening on %s", text);
		listener_remove(listeners, l);
	}
}

void
listeners_watch(struct listeners *listeners, bool on)
{
	if (listeners->unwatched == !on)
		return;
	listeners->unwatched = !on;
	LISTENERS_EACH(l, listeners)
		listener_watch(listeners, l, EPOLL_CTL_MOD);
}

void
listeners_close(struct listeners *listeners)
{
	LISTENERS_EACH(l, listeners)
		listener_remove(listeners, l);
}

struct listener *
listener_of(struct listeners *listeners, const void *pointer)
{
	const struct listener *l = pointer;

	if (l < listeners->listener || l >= listeners->listener + SOCKETS_MAX)
		return NULL;
	return &listeners->listener[l - listeners->listener];
}

/* ---------------------------------------------------------- activation ---- */

void
listeners_activate(struct listeners *listeners, struct ark *ark)
{
	const char *names = getenv("LISTEN_FDNAMES"),
		   *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	bool ours = pid != NULL && count != NULL && atoi(pid) == getpid();
	int n = ours ? atoi(count) : 0;

	names = names == NULL ? "" : names;
	for (int i = 0; i < n; i++) {
		int fd = LISTEN_FDS_START + i;
		size_t length = strcspn(names, ":");
		bool named = length == strlen(ARK_NAME) &&
			     strncmp(names, ARK_NAME, length) == 0;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			break;
		if (named && ark->count < ARK_PARTS) {
			ark->part[ark->count++] = fd;
		} else if (socket_is_tcp(fd, true)) {
			listeners_pass(listeners, fd, false);
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
