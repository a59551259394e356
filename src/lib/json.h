/* SPDX-License-Identifier: MIT
 *
 * Text from outside as JSON.  Any process, any thread.
 */
#pragma once

#include "lib/text.h"

#include <jansson.h>

#define JSON_TEXT_MAX 1024 /* bytes of a string, escaped */

/* json_text - a string that text_escape() finds nothing in but backslashes, or
   null for no text.  The caller owns it; NULL: out of memory. */
static inline json_t *
json_text(const char *text)
{
	char clean[JSON_TEXT_MAX];

	if (text == NULL || *text == '\0')
		return json_null();
	text_clean(clean, sizeof(clean), text);
	return json_string(clean);
}
