/* SPDX-License-Identifier: MIT
 *
 * Words of `listen`.  Owns nothing; any process and thread may call it.  What
 * is wrong is returned as a text.
 */
#include "config.h"

#include "conf/listen_spec.h"
#include "lib/address.h"

#include <string.h>

#define BLANKS " \t"

/* Take the next word of *text, of *length bytes; *text moves behind it. */
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
	const char *wrong;

	if (length >= sizeof(spec->address))
		return "is longer than an address can be";
	memcpy(spec->address, word, length);
	spec->address[length] = '\0';
	wrong = address_parse(&address, spec->address);
	if (wrong == NULL && address.port < 0)
		wrong = "has no port";
	return wrong;
}

static const char *
word_take(struct listen_spec *spec, const char *word, size_t length)
{
	bool proxy = word_is(word, length, "proxy");

	if (!proxy && !word_is(word, length, "tls"))
		return "has a word that is neither proxy nor tls";
	if (proxy ? spec->proxy : spec->tls)
		return "has a word twice";
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
	const char *wrong;

	spec->proxy = spec->tls = false;
	wrong = address_take(spec, word, length);
	while (wrong == NULL && (word = word_next(&text, &length), length > 0))
		wrong = word_take(spec, word, length);
	return wrong;
}

const char *
listen_spec_words(const struct listen_spec *spec)
{
	if (spec->proxy)
		return spec->tls ? " proxy tls" : " proxy";
	return spec->tls ? " tls" : "";
}
