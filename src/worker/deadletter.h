/* SPDX-License-Identifier: MIT
 *
 * The dead-letter file: records that the database refused, one JSON object a
 * line, to be looked at and sent again with `reporterctl replay`.  Shared by
 * all workers: each line is one append.
 */
#pragma once

#include "shm/record.h"

struct deadletter {
	const char *path; /* "" is: none is written */
	uint64_t size;    /* maximum of the file, bytes */
};

/* deadletter_write - append one line.  number: the database's error number, 0:
   not an error of the database; message: why.
   Returns 0, or -1 with errno: EFBIG when the file is full.  Then the record is
   lost, and the caller counts it. */
int deadletter_write(const struct deadletter *file, const struct record *record,
    unsigned number, const char *message);
