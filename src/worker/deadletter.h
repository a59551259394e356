/* SPDX-License-Identifier: MIT
 *
 * The dead-letter file: records that the database refused, one JSON object a
 * line, to be looked at and sent again with `reporterctl replay`.  Shared by
 * all workers: each line is one append.
 */
#pragma once

#include "conf/settings.h"
#include "shm/record.h"

/* deadletter_write - append one line to the file of the settings.  number: the
   database's error number, 0: not an error of the database; message: why.
   Returns 0, or -1 with errno: EFBIG when the file is full, ENOENT when there
   is none.  Then the record is lost, and the caller counts it. */
int deadletter_write(const struct settings *settings,
    const struct record *record, unsigned number, const char *message);
