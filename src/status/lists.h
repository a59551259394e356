/* SPDX-License-Identifier: MIT
 *
 * The keys and the connected agents of an instance as lists: text for people
 * and scripts, or JSON.  Read from its shared memory without a lock; one
 * process, one thread.  Failures to write are left in the stream.
 */
#pragma once

#include "shm/agents.h"
#include "status/look.h"
#include "status/names.h"

#include <stdio.h>

/* What is listed of keys, and how. */
struct keys_list {
	FILE *out;
	bool json;  /* an object for each, not a line for reporter-send(1) */
	bool array; /* these are elements of an array, and not lines */
	bool has_modid, has_cmdid; /* only keys of these */
	int32_t modid, cmdid;
	struct look_limits limits; /* of freshness, and the time of it: */
	uint64_t now_ms;           /* ms since 1970 */
	const struct names *names; /* NULL is allowed */
	int64_t max, count;        /* how many may be, and were listed */
	bool more;                 /* there is one beyond max */
};

/* keys_number - read a modid or cmdid; false: it is no 32-bit integer. */
bool keys_number(const char *text, int32_t *number);

/* keys_visit - list a key: visit() of a scan, with a struct keys_list.  Returns
   false when it is full, or out failed. */
bool keys_visit(void *list, const struct scan_key *key);

/* What agent_column() takes, for messages. */
#define AGENT_COLUMNS \
	"address, dialect, since, reports, records, clock_offset, throttled, " \
	"held, caller or rejected"

/* agent_column - the number of the column with this name, or -1. */
int agent_column(const char *name);

/* agents_print - write up to max of the connected agents as one JSON object or
   as a table.  column: to sort by, the greatest first, and then by address; the
   addresses themselves ascend.  *unlisted: connections that have no row.
   Returns SHM_OK; SHM_MISSING if the instance does not run; or why a segment
   cannot be read (SHM_SYSTEM: see errno). */
enum shm_status agents_print(const char *instance, int column, size_t max,
    bool json, FILE *out, uint64_t *unlisted);
