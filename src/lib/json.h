/* SPDX-License-Identifier: MIT
 *
 * Text from outside as JSON.  Any process, any thread.
 */
#pragma once

#include "lib/text.h"

#include <jansson.h>
#include <stdio.h>

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

/* json_write - write such a string; null also without memory.  A failure of the
   stream is left in the stream. */
static inline void
json_write(const char *text, FILE *out)
{
	json_t *string = json_text(text);

	if (string == NULL || json_dumpf(string, out, JSON_ENCODE_ANY) < 0)
		fputs("null", out);
	json_decref(string);
}
