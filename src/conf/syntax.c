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
#include <stdio.h>
#include <string.h>

#define IDENTIFIER_MAX 64 /* MySQL's longest name of a database or a table */

static bool
fail(char *reason, size_t size, const char *text)
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
	       fail(reason, size, "is not a valid instance name");
}

bool
syntax_listen(const char *word, char *reason, size_t size)
{
	struct listen_spec spec;
	const char *fault = listen_spec_parse(&spec, word);

	return fault == NULL || fail(reason, size, fault);
}

bool
syntax_host(const char *word, char *reason, size_t size)
{
	struct address address;
	const char *fault = address_parse(&address, word);

	if (fault == NULL && address.host[0] == '\0')
		fault = "is not a host to connect to";
	if (fault == NULL && address.port == 0)
		fault = "has port 0";
	return fault == NULL || fail(reason, size, fault);
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
	if (isdigit((unsigned char)*word) || *word == '-')
		return false;
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
	return is_account(word) ||
	       fail(reason, size, "is not a valid user name");
}

bool
syntax_group(const char *word, char *reason, size_t size)
{
	return is_account(word) ||
	       fail(reason, size, "is not a valid group name");
}

bool
syntax_path(const char *word, char *reason, size_t size)
{
	if (*word == '\0')
		return true;
	if (*word != '/')
		return fail(reason, size, "is not an absolute path");
	if (word[strlen(word) - 1] == '/')
		return fail(reason, size, "is the path of a directory");
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
			return fail(
			    reason, size, "contains an invalid character");
		if (++length > IDENTIFIER_MAX)
			return fail(reason, size,
			    "has a name of more than 64 characters");
	}
	return (*word == '\0' && length > 0) ||
	       fail(reason, size, "has a misplaced dot");
}
