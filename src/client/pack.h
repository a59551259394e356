/* SPDX-License-Identifier: MIT
 *
 * Reports of the native dialect, see reporter-protocol(7).  Shares no code with
 * what decodes them.
 */
#pragma once

#include "shm/record.h"

/* The most bytes of a report without results, and of one result. */
#define PACK_HEAD_MAX (1 + 1 + 5 + 5 + 5 + 9 + 5)
#define PACK_RESULT_MAX (1 + 5 + 3 + 5 + 5 + 1)

/* pack_report - one report of n records, whose modid, cmdid, caller and ts are
   those of the first.  n may be 0: a heartbeat, with those of records all the
   same.  Returns its length; out has room for that. */
size_t pack_report(const struct record *records, size_t n, uint8_t *out);
