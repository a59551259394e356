/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "conf/listen_spec.h"
#include "lib/address.h"

#include <string.h>

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
