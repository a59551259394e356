/* SPDX-License-Identifier: MIT
 *
 * The form of texts.  Owns nothing; any process and thread may call it.  What
 * is wrong is returned as a text.
 */
#include "config.h"

#include "conf/syntax.h"

#include "lib/address.h"
#include "conf/listen_spec.h"
#include "lib/prefix.h"
#include "shm/segment.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define IDENTIFIER_MAX 64 /* MySQL's longest name of a database or a table */

static bool
wrong(char *reason, size_t size, const char *text)
{
	snprintf(reason, size, "%s", text);
	return false;
}

bool
syntax_any(const char *word, char *reason, size_t size)
{
	(void)word;
	(void)reason;
	(void)size;
	return true;
}

bool
syntax_instance(const char *word, char *reason, size_t size)
{
	return segment_instance_ok(word) ||
	       wrong(reason, size, "is no name of an instance");
}

bool
syntax_listen(const char *word, char *reason, size_t size)
{
	struct listen_spec spec;
	const char *fault = listen_spec_parse(&spec, word);

	return fault == NULL || wrong(reason, size, fault);
}

bool
syntax_host(const char *word, char *reason, size_t size)
{
	struct address address;
	const char *fault = address_parse(&address, word);

	if (fault == NULL && address.host[0] == '\0')
		fault = "is no host to connect to";
	if (fault == NULL && address.port == 0)
		fault = "has port 0";
	return fault == NULL || wrong(reason, size, fault);
}

bool
syntax_allow(const char *word, char *reason, size_t size)
{
	struct prefix prefix;

	return prefix_parse(&prefix, word, reason, size);
}

/* Whether the system could have a user or group of this name. */
static bool
is_account(const char *word)
{
	for (; *word != '\0'; word++) {
		if (!isalnum((unsigned char)*word) &&
		    strchr("_-.$", *word) == NULL)
			return false;
	}
	return true;
}

bool
syntax_user(const char *word, char *reason, size_t size)
{
	if (isdigit((unsigned char)*word) || *word == '-')
		return wrong(reason, size, "does not begin as a user's name");
	return is_account(word) || wrong(reason, size, "is no user's name");
}

bool
syntax_group(const char *word, char *reason, size_t size)
{
	if (isdigit((unsigned char)*word) || *word == '-')
		return wrong(reason, size, "does not begin as a group's name");
	return is_account(word) || wrong(reason, size, "is no group's name");
}

bool
syntax_path(const char *word, char *reason, size_t size)
{
	if (*word == '\0')
		return true;
	if (*word != '/')
		return wrong(reason, size, "does not begin with /");
	if (word[strlen(word) - 1] == '/')
		return wrong(reason, size, "is the path of a folder");
	return true;
}

bool
syntax_log_target(const char *word, char *reason, size_t size)
{
	if (strcmp(word, "syslog") == 0 || strcmp(word, "stderr") == 0)
		return true;
	return syntax_path(word, reason, size);
}

bool
syntax_table(const char *word, char *reason, size_t size)
{
	size_t length = 0;
	int dots = 0;

	for (; *word != '\0'; word++) {
		if (*word == '.') {
			if (length == 0 || ++dots > 1)
				break;
			length = 0;
			continue;
		}
		if (!isalnum((unsigned char)*word) && *word != '_' &&
		    *word != '$')
			return wrong(reason, size, "has another character");
		if (++length > IDENTIFIER_MAX)
			return wrong(reason, size, "has too long a name");
	}
	return (*word == '\0' && length > 0) ||
	       wrong(reason, size, "has a dot in the wrong place");
}
