/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/address.h"
#include "lib/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63

/* The labels of a host name: letters, digits, - and _, joined by dots. */
static const char *
name_check(const char *name)
{
	size_t label = 0;
	bool letters = false;

	for (; *name != '\0'; name++) {
		if (*name == '.') {
			if (label == 0)
				return "has an empty label";
			label = 0;
			letters = false;
			continue;
		}
		if (!isalnum((unsigned char)*name) && *name != '_' &&
		    (*name != '-' || label == 0))
			return "is not a valid address or host name";
		if (++label > LABEL_MAX)
			return "has a label of more than 63 characters";
		letters = letters || !isdigit((unsigned char)*name);
	}
	if (!letters && label > 0)
		return "is not a valid IPv4 address";
	return NULL;
}

static const char *
host_check(const char *host, bool brackets)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (brackets) {
		return inet_pton(AF_INET6, host, address) == 1
			   ? NULL
			   : "has an invalid IPv6 address in its brackets";
	}
	if (host[0] == '\0')
		return "has no address before the port";
	if (strcmp(host, "*") == 0 || inet_pton(AF_INET, host, address) == 1)
		return NULL;
	return name_check(host);
}

static const char *
port_parse(int *port, const char *text)
{
	int64_t number;

	if (*text == '\0')
		return "has no port after the colon";
	if (!text_number(text, 0, INT64_MAX, &number))
		return "has an invalid port";
	*port = (int)number;
	return number > UINT16_MAX ? "has a port above 65535" : NULL;
}

/* Find where the host ends; *after is the rest of the text. */
static const char *
host_split(const char *text, size_t *length, const char **after)
{
	if (*text == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL)
			return "has no closing bracket";
		*length = (size_t)(end - text) - 1;
		*after = end + 1;
		return NULL;
	}
	*length = strcspn(text, ":");
	*after = text + *length;
	if (**after == ':' && strchr(*after + 1, ':') != NULL)
		return "has several colons: put an IPv6 address in brackets";
	return NULL;
}

const char *
address_parse(struct address *address, const char *text)
{
	bool brackets = *text == '[';
	const char *fault, *after;
	size_t length;

	fault = host_split(text, &length, &after);
	if (fault != NULL)
		return fault;
	if (length >= sizeof(address->host))
		return "is too long for a host name";
	memcpy(address->host, text + (brackets ? 1 : 0), length);
	address->host[length] = '\0';
	fault = host_check(address->host, brackets);
	if (fault != NULL)
		return fault;
	if (strcmp(address->host, "*") == 0)
		address->host[0] = '\0';
	address->port = -1;
	if (*after == '\0')
		return NULL;
	if (*after != ':')
		return "has unexpected text after its bracket";
	return port_parse(&address->port, after + 1);
}

bool
address_same(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->sa_family != b->sa_family)
		return false;
	/* Flow and padding do not matter. */
	if (a->sa_family == AF_INET)
		return a4->sin_port == b4->sin_port &&
		       a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port &&
	       a6->sin6_scope_id == b6->sin6_scope_id &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) ==
		   0;
}

const char *
address_text(const struct sockaddr *address, char *text)
{
	char host[ADDRESS_TEXT - sizeof("[]:65535")], port[sizeof("65535")];
	socklen_t length = address->sa_family == AF_INET
			       ? sizeof(struct sockaddr_in)
			       : sizeof(struct sockaddr_in6);

	if (getnameinfo(address, length, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		strcpy(text, "unknown");
	else
		snprintf(text, ADDRESS_TEXT,
		    address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		    port);
	return text;
}

const char *
dotted(uint32_t address, char text[DOTTED_TEXT])
{
	struct in_addr in = { .s_addr = htonl(address) };

	return inet_ntop(AF_INET, &in, text, DOTTED_TEXT);
}

/* ---------------------------------------------------- entries of listen ----
 */

#define BLANKS " \t"

/* The member that a keyword sets, or NULL. */
static bool *
keyword_of(struct listen_spec *spec, const char *word, size_t length)
{
	if (length == strlen("proxy") && memcmp(word, "proxy", length) == 0)
		return &spec->proxy;
	if (length == strlen("tls") && memcmp(word, "tls", length) == 0)
		return &spec->tls;
	return NULL;
}

const char *
listen_spec_parse(struct listen_spec *spec, const char *text)
{
	const char *word = text + strspn(text, BLANKS), *fault;
	size_t length = strcspn(word, BLANKS);
	struct address address;

	spec->proxy = spec->tls = false;
	if (length >= sizeof(spec->address))
		return "is too long for an address";
	memcpy(spec->address, word, length);
	spec->address[length] = '\0';
	fault = address_parse(&address, spec->address);
	if (fault == NULL && address.port < 0)
		fault = "has no port";
	while (fault == NULL) {
		word += length;
		word += strspn(word, BLANKS);
		length = strcspn(word, BLANKS);
		if (length == 0)
			break;
		bool *keyword = keyword_of(spec, word, length);
		if (keyword == NULL)
			return "has a keyword other than proxy and tls";
		if (*keyword)
			return "has a keyword twice";
		*keyword = true;
	}
	return fault;
}

const char *
listen_spec_words(const struct listen_spec *spec)
{
	if (spec->proxy)
		return spec->tls ? " proxy tls" : " proxy";
	return spec->tls ? " tls" : "";
}
