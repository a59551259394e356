/* SPDX-License-Identifier: MIT
 *
 * The names of hosts, which one is next, and the way back to an earlier one:
 * that is asked every few seconds, without blocking, so that the flush need not
 * wait.  All workers use the same times, so that they return together.
 */
#include "config.h"

#include "sql/host.h"

#include "sql/client.h"
#include "sql/deadline.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes ":PORT" or nothing. */
static bool
host_read_port(struct host *host, const char *text)
{
	char *rest;

	if (*text == 0)
		return true;
	if (*text != ':' || text[1] < '0' || text[1] > '9')
		return false;
	unsigned long port = strtoul(text + 1, &rest, 10);
	host->port = (unsigned)port;
	host->tcp = true;
	return *rest == 0 && port > 0 && port <= 65535;
}

bool
host_read(struct host *host, const char *word)
{
	const char *end, *port;

	memset(host, 0, sizeof(*host));
	if (*word == 0)
		return true;
	if (*word == '[') {
		end = strchr(++word, ']');
		if (end == NULL)
			return false;
		port = end + 1;
	} else {
		end = strchr(word, ':');
		if (end == NULL || strchr(end + 1, ':') != NULL)
			end = word + strlen(word);
		port = end;
	}
	if (end == word || end - word >= HOST_MAX)
		return false;
	memcpy(host->name, word, (size_t)(end - word));
	return host_read_port(host, port);
}

bool
host_is_local(const struct host *host)
{
	return !host->tcp &&
	       (*host->name == 0 || strcmp(host->name, "localhost") == 0);
}

static size_t
hosts_count(const struct hosts *hosts)
{
	size_t n = 0;

	while (hosts->words != NULL && hosts->words[n] != NULL)
		n++;
	return n;
}

/* Parses the host at a place of the list. */
static bool
hosts_parse(const struct hosts *hosts, size_t at, struct host *host)
{
	if (!host_read(host, at < hosts_count(hosts) ? hosts->words[at] : ""))
		return false;
	if (host->port == 0)
		host->port = hosts->port;
	return true;
}

bool
hosts_read(struct hosts *hosts, struct host *host)
{
	const char *socket = hosts->socket;

	snprintf(hosts->name, sizeof(hosts->name), "%s",
	    hosts_count(hosts) > 0 ? hosts->words[hosts->at] : "");
	if (!hosts_parse(hosts, hosts->at, host))
		return false;
	if (host_is_local(host))
		snprintf(hosts->name, sizeof(hosts->name), "%s",
		    socket != NULL && *socket != 0 ? socket : "localhost");
	else
		snprintf(hosts->name, sizeof(hosts->name),
		    strchr(host->name, ':') != NULL ? "[%s]:%u" : "%s:%u",
		    host->name, host->port != 0 ? host->port : MYSQL_PORT);
	return true;
}

void
hosts_next(struct hosts *hosts)
{
	size_t n = hosts_count(hosts);

	hosts->at = n > 0 ? (hosts->at + 1) % n : 0;
}

bool
hosts_leave_read_only(const struct hosts *hosts)
{
	size_t n = hosts_count(hosts);

	return n > 1 && hosts->failed < n;
}

/* ---------------------------------------------------- the way back ------- */

#define ASK_MS 3000      /* between two questions, doubled by each failure */
#define ASK_MAX_MS 60000 /* from ASK_DOUBLED failures in a row on */
#define ASK_DOUBLED 5
#define WELL_MS 10000  /* how long a host must be well, doubled by a relapse */
#define STAY_MS 300000 /* a failure sooner after the return is a relapse */
#define RELAPSES_MAX 6

bool
hosts_note(struct hosts *hosts, bool well, bool answers)
{
	struct way_back *back = &hosts->back[hosts->asked];
	uint64_t now = clock_ms();

	back->answers = answers;
	if (!well) {
		back->next_ms = now + (back->failures < ASK_DOUBLED
					      ? ASK_MS << back->failures
					      : ASK_MAX_MS);
		back->failures++;
		back->address++;
		back->well_ms = 0;
		return false;
	}
	back->next_ms = now + ASK_MS;
	back->failures = 0;
	if (back->well_ms == 0)
		back->well_ms = now;
	if (now - back->well_ms < (uint64_t)WELL_MS << back->relapses)
		return false;
	back->well_ms = 0;
	back->returned_ms = now;
	hosts->at = hosts->asked;
	hosts->failed = 0;
	return true;
}

void
hosts_left(struct hosts *hosts)
{
	struct way_back *back;

	if (hosts->at >= HOSTS_BACK)
		return;
	back = &hosts->back[hosts->at];
	back->answers = false;
	if (back->returned_ms == 0)
		return;
	if (clock_ms() - back->returned_ms >= STAY_MS)
		back->relapses = 0;
	else if (back->relapses < RELAPSES_MAX)
		back->relapses++;
	back->returned_ms = 0;
}

/* Returns a socket that is connecting to one of the host's addresses, after a
   failure to the next one; or -1. */
static int
host_dial(const struct host *host, unsigned address)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *at;
	char port[16];
	unsigned n = 0;

	snprintf(port, sizeof(port), "%u",
	    host->port != 0 ? host->port : MYSQL_PORT);
	if (getaddrinfo(host->name, port, &hints, &list) != 0)
		return -1;
	for (at = list; at != NULL; at = at->ai_next)
		n++;
	at = list;
	for (n = address % n; n > 0; n--)
		at = at->ai_next;
	int fd = socket(
	    at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* If this fails, so does reading from it. */
	if (fd > 0)
		connect(fd, at->ai_addr, at->ai_addrlen);
	freeaddrinfo(list);
	return fd;
}

/* A server sends its greeting unasked.  So a host that is down, or accepts
   connections and is silent, takes no time.  But a server counts a greeting
   that is not answered as an error of this machine, and blocks it after many:
   where the last login was answered, this is left out. */
bool
hosts_ask(struct hosts *hosts, unsigned limit_ms)
{
	struct pollfd answer = { .fd = hosts->fd, .events = POLLIN };
	uint64_t now = clock_ms();
	struct host host;
	size_t at = 0;
	bool greets;
	char byte;

	if (hosts->fd > 0) {
		if (poll(&answer, 1, 0) == 0 &&
		    now - hosts->asked_ms < limit_ms)
			return false;
		greets = recv(hosts->fd, &byte, 1, 0) == 1;
		close(hosts->fd);
		hosts->fd = 0;
		/* The connection in use may be to an earlier one by now. */
		if (hosts->asked >= hosts->at)
			return false;
		if (!greets)
			hosts_note(hosts, false, false);
		return greets;
	}
	while (
	    at < hosts->at && at < HOSTS_BACK && now < hosts->back[at].next_ms)
		at++;
	if (at >= hosts->at || at >= HOSTS_BACK)
		return false;
	hosts->asked = at;
	hosts->asked_ms = now;
	if (hosts_parse(hosts, at, &host)) {
		if (host_is_local(&host) || hosts->back[at].answers)
			return true;
		hosts->fd = host_dial(&host, hosts->back[at].address);
	}
	if (hosts->fd <= 0)
		hosts_note(hosts, false, false);
	return false;
}
