/* SPDX-License-Identifier: MIT
 *
 * The encoder: records into one report of any of the three dialects, see
 * reporter-protocol(7).  For the tools that send; the daemon does not use it.
 * Pure functions over memory of the caller; none of them can fail.
 */
#ifndef REPORTER_ENCODE_H
#define REPORTER_ENCODE_H

#include "shm/record.h"

#include <stddef.h>

enum encode_dialect {
	ENCODE_NATIVE,
	ENCODE_ELB,
	ENCODE_LARS
};

/* Records of one report, and bytes that are room for any such report.  Kept
   small, so that a server with a low max_message takes it as well. */
#define ENCODE_RECORDS_MAX 128
#define ENCODE_REPORT_MAX 4096

/* encode_dialect - the dialect of this name ("native", "elb", "lars").  Returns
   false when there is none. */
bool encode_dialect(const char *name, enum encode_dialect *dialect);

/* encode_ts_max - the greatest time that the dialect can carry in a record,
   seconds since 1970. */
uint64_t encode_ts_max(enum encode_dialect dialect);

/* encode_same_report - whether both records can stand in one report: their
   modid, cmdid, caller and ts are the same. */
bool encode_same_report(const struct record *a, const struct record *b);

/*
 * encode_report - encode n records, 1 to ENCODE_RECORDS_MAX, that can stand in
 * one report.  out: ENCODE_REPORT_MAX bytes, the caller's.  The records' ts is
 * at most encode_ts_max().
 * Returns how many bytes of out are the report, frame header included.
 */
size_t encode_report(enum encode_dialect dialect, const struct record *records,
    size_t n, uint8_t *out);

#endif
