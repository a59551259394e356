/* SPDX-License-Identifier: MIT
 *
 * Keys as text: for people and scripts, or for programs.  Any process; failures
 * are left in the stream.
 */
#pragma once

#include "status/look.h"
#include "status/names.h"

#include <stdio.h>

struct keys_filter {
	bool has_modid, has_cmdid;
	int32_t modid, cmdid;
};

/* keys_match - whether a record's service is among them. */
bool keys_match(const struct keys_filter *filter, const struct record *record);

/* keys_number - read a modid or cmdid; false: it is no 32-bit integer. */
bool keys_number(const char *text, int32_t *number);

/* What a key is shown with: its age at now_ms (ms since 1970) by these limits,
   and its service's name; names may be NULL. */
struct keys_view {
	struct look_limits limits;
	uint64_t now_ms;
	const struct names *names;
};

/* keys_line - a key as reporter-send(1) reads it, and what else there is. */
void keys_line(
    const struct scan_key *key, const struct keys_view *view, FILE *out);

/* keys_json - a key as one JSON object, without a line's end. */
void keys_json(
    const struct scan_key *key, const struct keys_view *view, FILE *out);
