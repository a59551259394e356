/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: addresses.  Owns nothing.  A listening address is
 * tried with a port that the kernel chooses, so that a running instance is not
 * in the way, and nobody can connect.
 */
#include "config.h"

#include "check/inspect.h"

#include "lib/address.h"
#include "lib/file.h"
#include "sql/host.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether the address is one of this machine; else with errno. */
static bool
can_bind(const struct addrinfo *ai)
{
	struct sockaddr_storage address;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool bound;

	if (fd < 0)
		return false;
	memcpy(&address, ai->ai_addr, ai->ai_addrlen);
	if (ai->ai_family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = 0;
	else
		((struct sockaddr_in *)&address)->sin_port = 0;
	bound = bind(fd, (struct sockaddr *)&address, ai->ai_addrlen) == 0;
	close_keep_errno(fd);
	return bound;
}

/* What is wrong with a listening address, or NULL. */
static const char *
listen_fault(const char *host)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	const char *fault = NULL;
	int error =
	    getaddrinfo(*host == '\0' ? NULL : host, "0", &hints, &found);

	if (error != 0)
		return gai_strerror(error);
	/* One of them is enough, as for the master. */
	for (struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next) {
		fault = can_bind(ai) ? NULL : strerror(errno);
		if (fault == NULL)
			break;
	}
	freeaddrinfo(found);
	return fault;
}

static void
inspect_listen(const struct settings *settings, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->listen.count; i++) {
		const char *word = settings->listen.words[i], *fault;
		struct address address;
		char text[ADDRESS_HOST_MAX + 16];

		/* What else a word says stands behind a blank. */
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(word, " \t"),
		    word);
		fault = address_parse(&address, text);
		if (fault == NULL)
			fault = listen_fault(address.host);
		if (fault != NULL)
			inspect_option(complaints, settings, "reporter",
			    "listen",
			    "cannot listen on %s: %s; expected an address of "
			    "this machine",
			    word, fault);
	}
}

static void
inspect_hosts(const struct settings *settings, struct complaints *complaints)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	for (size_t i = 0; i < settings->host.count; i++) {
		const char *word = settings->host.words[i];
		struct addrinfo *found;
		struct host host;
		int error;

		if (!host_read(&host, word) || host_is_local(&host))
			continue;
		error = getaddrinfo(host.name, NULL, &hints, &found);
		if (error == 0)
			freeaddrinfo(found);
		else
			inspect_option(complaints, settings, "mysql", "host",
			    "%s has no address: %s; expected a host that "
			    "/etc/hosts or the DNS knows",
			    host.name, gai_strerror(error));
	}
}

void
inspect_addresses(
    const struct settings *settings, struct complaints *complaints)
{
	inspect_listen(settings, complaints);
	inspect_hosts(settings, complaints);
}
