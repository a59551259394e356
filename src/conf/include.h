/* SPDX-License-Identifier: MIT
 *
 * The files that a line `include` of the configuration names.
 */
#ifndef REPORTER_INCLUDE_H
#define REPORTER_INCLUDE_H

#include <glob.h>

#define INCLUDE_REASON_MAX 512

/*
 * include_find - the files that match pattern, which may stand in double
 * quotes and is relative to the directory of the file `base`.  A pattern with
 * *, ? or [ may match none.
 * Returns 0, then the caller frees *found by globfree(); or -1 with errno, and
 * the error in reason.
 */
int include_find(const char *base, const char *pattern, glob_t *found,
    char reason[INCLUDE_REASON_MAX]);

#endif
