/* SPDX-License-Identifier: MIT
 *
 * Entries of `listen`.  Any process and thread may call it.
 */
#include "config.h"

#include "conf/listen_spec.h"
#include "lib/address.h"

#include <string.h>

#define BLANKS " \t"

/* Take the next word of *text, of *length bytes; *text moves past it. */
static const char *
word_next(const char **text, size_t *length)
{
	const char *word = *text + strspn(*text, BLANKS);

	*length = strcspn(word, BLANKS);
	*text = word + *length;
	return word;
}

static bool
word_is(const char *word, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(word, name, length) == 0;
}

static const char *
address_take(struct listen_spec *spec, const char *word, size_t length)
{
	struct address address;
	const char *fault;

	if (length >= sizeof(spec->address))
		return "is too long for an address";
	memcpy(spec->address, word, length);
	spec->address[length] = '\0';
	fault = address_parse(&address, spec->address);
	if (fault == NULL && address.port < 0)
		fault = "has no port";
	return fault;
}

static const char *
word_take(struct listen_spec *spec, const char *word, size_t length)
{
	bool proxy = word_is(word, length, "proxy");

	if (!proxy && !word_is(word, length, "tls"))
		return "has a keyword other than proxy and tls";
	if (proxy ? spec->proxy : spec->tls)
		return "has a keyword twice";
	if (proxy)
		spec->proxy = true;
	else
		spec->tls = true;
	return NULL;
}

const char *
listen_spec_parse(struct listen_spec *spec, const char *text)
{
	size_t length;
	const char *word = word_next(&text, &length);
	const char *fault;

	spec->proxy = spec->tls = false;
	fault = address_take(spec, word, length);
	while (fault == NULL && (word = word_next(&text, &length), length > 0))
		fault = word_take(spec, word, length);
	return fault;
}

const char *
listen_spec_words(const struct listen_spec *spec)
{
	if (spec->proxy)
		return spec->tls ? " proxy tls" : " proxy";
	return spec->tls ? " tls" : "";
}
