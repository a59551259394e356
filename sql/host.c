/* SPDX-License-Identifier: MIT
 *
 * The names of hosts.
 */
#include "sql/host.h"

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
