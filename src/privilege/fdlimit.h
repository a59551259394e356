/* SPDX-License-Identifier: MIT
 *
 * The limit on open files, as max_connections requires it.
 */
#pragma once

#include <stdint.h>

#define FDLIMIT_REFUSED 1024 /* open files for refused agents that are held */
#define FDLIMIT_GONE 1024    /* for throttled agents that are gone */

/* fdlimit_raise - raise the limit to *required, which is what this number of
   connections needs, and by FDLIMIT_REFUSED + FDLIMIT_GONE beyond it where that
   is permitted.  Returns 0, or -1 with errno when the limit stays below
   *required. */
int fdlimit_raise(uint64_t connections, uint64_t *required);

/* fdlimit_ensure - fdlimit_raise() that logs its failure. */
int fdlimit_ensure(uint64_t connections);

/* fdlimit_spare - how many open files the limit allows beyond what this number
   of connections needs; 0 if it cannot be read. */
uint64_t fdlimit_spare(uint64_t connections);
