/* SPDX-License-Identifier: MIT
 *
 * The form of texts.  Any process and thread may call it.
 */
#include "config.h"

#include "conf/syntax.h"

#include "lib/address.h"
#include "conf/listen_spec.h"
#include "lib/prefix.h"
#include "shm/segment.h"

#include <ctype.h>
#include <string.h>

#define IDENTIFIER_MAX 64 /* MySQL's longest name of a database or a table */

const char *
syntax_any(const char *word)
{
	(void)word;
	return NULL;
}

const char *
syntax_instance(const char *word)
{
	return segment_instance_ok(word) ? NULL
					 : "is not a valid instance name";
}

const char *
syntax_listen(const char *word)
{
	struct listen_spec spec;

	return listen_spec_parse(&spec, word);
}

const char *
syntax_host(const char *word)
{
	struct address address;
	const char *fault = address_parse(&address, word);

	if (fault == NULL && address.host[0] == '\0')
		return "is not a host to connect to";
	if (fault == NULL && address.port == 0)
		return "has port 0";
	return fault;
}

const char *
syntax_allow(const char *word)
{
	struct prefix prefix;

	return prefix_parse(&prefix, word);
}

/* Whether the system could have a user or group of this name. */
static bool
is_account(const char *word)
{
	if (isdigit((unsigned char)*word) || *word == '-')
		return false;
	for (; *word != '\0'; word++) {
		if (!isalnum((unsigned char)*word) &&
		    strchr("_-.$", *word) == NULL)
			return false;
	}
	return true;
}

const char *
syntax_user(const char *word)
{
	return is_account(word) ? NULL : "is not a valid user name";
}

const char *
syntax_group(const char *word)
{
	return is_account(word) ? NULL : "is not a valid group name";
}

const char *
syntax_path(const char *word)
{
	if (*word == '\0')
		return NULL;
	if (*word != '/')
		return "is not an absolute path";
	return word[strlen(word) - 1] == '/' ? "is the path of a directory"
					     : NULL;
}

const char *
syntax_log_target(const char *word)
{
	if (strcmp(word, "syslog") == 0 || strcmp(word, "stderr") == 0)
		return NULL;
	return syntax_path(word);
}

const char *
syntax_table(const char *word)
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
			return "contains an invalid character";
		if (++length > IDENTIFIER_MAX)
			return "has a name of more than 64 characters";
	}
	return *word == '\0' && length > 0 ? NULL : "has a misplaced dot";
}
