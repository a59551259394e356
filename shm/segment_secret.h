/* SPDX-License-Identifier: MIT
 *
 * What segment.c needs of a segment's secrets: see the drawing in segment.h.
 */
#pragma once

#include "shm/segment.h"

/* segment_secret_fill - fill in random bytes.  Early at boot it waits until the
   kernel has them.  Returns 0 or -1. */
int segment_secret_fill(void *bytes, size_t size);

/* segment_secret_make, segment_secret_read - create the file with the secrets
   of a new SEGMENT (its name), and read that of one that was opened for
   writing.  Return SHM_OK or as segment_create_worker() and
   segment_open_worker(). */
enum shm_status segment_secret_make(
    const char *segment, const uint64_t secret[2]);
enum shm_status segment_secret_read(const char *segment, uint64_t secret[2]);

/* segment_leads_to - whether a name under /dev/shm still leads to the file of a
   descriptor, or, if that is below 0, to any: SHM_OK, SHM_MISSING or
   SHM_SYSTEM.  Opens nothing: a close would release the lock readers see. */
enum shm_status segment_leads_to(const char *name, int fd);
