/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: addresses.  A listening address is tried with a
 * port that the kernel chooses, so that a running instance does not interfere,
 * and nobody can connect.
 */
#include "config.h"

#include "check/inspect.h"

#include "edge/bind.h"
#include "sql/host.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Why the address cannot be listened on, or NULL. */
static const char *
bind_fault(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *fault = NULL;

	/* The port has the same place in an IPv6 address. */
	((struct sockaddr_in *)(void *)ai->ai_addr)->sin_port = 0;
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		fault = strerror(errno);
	if (fd >= 0)
		close(fd);
	return fault;
}

/* Why none of the addresses that a word of `listen` stands for can be listened
   on, or NULL: one is enough, as for the master. */
static const char *
listen_fault(const char *word)
{
	struct listen_spec spec;
	struct addrinfo *found;

	listen_spec_parse(&spec, word);
	int error = spec_resolve(spec.address, 0, &found);
	if (error != 0)
		return gai_strerror(error);
	const char *fault = bind_fault(found);
	for (struct addrinfo *ai = found->ai_next; ai != NULL && fault != NULL;
	     ai = ai->ai_next)
		fault = bind_fault(ai);
	freeaddrinfo(found);
	return fault;
}

static void
inspect_listen(const struct settings *settings, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->listen.count; i++) {
		const char *word = settings->listen.words[i];
		const char *fault = listen_fault(word);

		if (fault != NULL)
			settings_complain(complaints, settings, "reporter",
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
			settings_complain(complaints, settings, "mysql", "host",
			    "%s has no address: %s; expected a name in "
			    "/etc/hosts or the DNS",
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
