/* SPDX-License-Identifier: MIT
 *
 * Huge pages for segments.  In a table of millions of keys every record is on
 * a page of its own, and translating its address takes as long as all else.
 * Unless /dev/shm is mounted with huge=, the kernel makes huge pages there only
 * for MADV_COLLAPSE (Linux 6.1).  Any process and thread.
 */
#pragma once

#include <stddef.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* huge_map - map a file as mmap(NULL, size, protection, MAP_SHARED, fd, 0)
   does, aligned so that the kernel can map its huge pages.  size: bytes.
   Returns the address for munmap(), or MAP_FAILED with errno. */
void *huge_map(int fd, size_t size, int protection);

/* huge_fill - reserve huge pages for a file of /dev/shm that has no pages yet,
   from its beginning on, while there are any.
   base, size: where huge_map() has mapped it for writing, bytes.
   Returns how many bytes have huge pages; the caller reserves the rest. */
size_t huge_fill(int fd, void *base, size_t size);
