/* SPDX-License-Identifier: MIT
 *
 * The encoder: records into one report of any of the three dialects, see
 * reporter-protocol(7).  For the tools that send; the daemon does not use it.
 * Any thread; no function fails.
 */
#pragma once

#include "shm/record.h"

#include <stddef.h>

enum encode_dialect {
	ENCODE_NATIVE,
	ENCODE_ELB,
	ENCODE_LARS
};

/* Records of one report, and bytes that any such report fits into: small
   enough for a server with a low max_message. */
#define ENCODE_RECORDS_MAX 128
#define ENCODE_REPORT_MAX 4096

/* encode_dialect - look up "native", "elb" or "lars".  Returns false for any
   other name. */
bool encode_dialect(const char *name, enum encode_dialect *dialect);

/* encode_ts_max - the latest time that the dialect can carry, in seconds since
   1970. */
uint64_t encode_ts_max(enum encode_dialect dialect);

/* encode_same_report - whether both records can be in one report: modid, cmdid,
   caller and ts are equal. */
bool encode_same_report(const struct record *a, const struct record *b);

/* encode_report - encode n records, 1 to ENCODE_RECORDS_MAX, that can be in one
   report; their ts is at most encode_ts_max().  out: ENCODE_REPORT_MAX bytes.
   Returns the length of the report in bytes, frame header included. */
size_t encode_report(enum encode_dialect dialect, const struct record *records,
    size_t n, uint8_t *out);
