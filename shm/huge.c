/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "shm/huge.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* What one page full of page table entries, of 8 bytes, maps. */
static size_t
huge_size(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return page / 8 * page;
}

void *
huge_map(int fd, size_t size, int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), huge = huge_size();

	if (size < huge)
		return mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	/* So many addresses that there is a multiple of huge among them. */
	size = (size + page - 1) / page * page;
	char *room = mmap(NULL, size + huge, PROT_NONE, MAP_SHARED, fd, 0);
	if (room == MAP_FAILED)
		return MAP_FAILED;
	size_t before = -(uintptr_t)room % huge;
	if (before > 0)
		munmap(room, before);
	room += before;
	munmap(room + size, huge - before);
	void *base =
	    mmap(room, size, protection, MAP_SHARED | MAP_FIXED, fd, 0);
	if (base == MAP_FAILED)
		KEEP_ERRNO(munmap(room, size));
	return base;
}

size_t
huge_fill(int fd, void *base, size_t size)
{
	size_t huge = huge_size(), at = 0;

	/* The kernel makes one huge page of at least one page.  That is four
	   times as fast as to reserve all of them. */
	while (size - at >= huge && fallocate(fd, 0, (off_t)at, 1) == 0 &&
	       madvise((char *)base + at, huge, MADV_COLLAPSE) == 0)
		at += huge;
	return at;
}
