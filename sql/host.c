/* SPDX-License-Identifier: MIT
 *
 * The names of hosts.
 */
#include "config.h"

#include "sql/host.h"

#include "sql/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes ":PORT" or nothing. */
static bool
host_read_port(struct host *host, const char *text)
{
	unsigned long port;
	char *rest;

	if (*text == 0)
		return true;
	if (*text != ':' || text[1] < '0' || text[1] > '9')
		return false;
	port = strtoul(text + 1, &rest, 10);
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

bool
hosts_read(struct hosts *hosts, struct host *host)
{
	const char *word =
	    hosts_count(hosts) > 0 ? hosts->words[hosts->at] : "";
	const char *socket = hosts->socket;

	snprintf(hosts->name, sizeof(hosts->name), "%s", word);
	if (!host_read(host, word))
		return false;
	if (host->port == 0)
		host->port = hosts->port;
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
