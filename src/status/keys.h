/* SPDX-License-Identifier: MIT
 *
 * Keys as text: for people and scripts, or for programs.  Any process.
 */
#pragma once

#include "status/scan.h"

#include <stdio.h>

struct keys_filter {
	bool has_modid, has_cmdid;
	int32_t modid, cmdid;
};

/* keys_match - whether a record's service is among them. */
bool keys_match(const struct keys_filter *filter, const struct record *record);

/* keys_number - read a modid or cmdid.  Returns false if it is not a 32-bit
   integer. */
bool keys_number(const char *text, int32_t *number);

/* keys_line - a key as reporter-send(1) reads it, and the state behind it. */
void keys_line(const struct scan_key *key, FILE *out);

/* keys_json - a key as one JSON object, without a line's end. */
void keys_json(const struct scan_key *key, FILE *out);
