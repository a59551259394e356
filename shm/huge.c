/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "shm/huge.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/* Huge pages to make at once: each time, the kernel waits for all processors.
 */
#define STEP 16

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
	char *room = mmap(
	    NULL, size + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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

/* Make huge pages of a part that has none.  One page is enough for the kernel
   to make one: that is four times as fast as to reserve all pages. */
static int
huge_make(int fd, char *base, size_t at, size_t size)
{
	for (size_t i = 0; i < size; i += huge_size())
		if (fallocate(fd, 0, (off_t)(at + i), 1) < 0)
			return -1;
	return madvise(base + at, size, MADV_COLLAPSE);
}

size_t
huge_fill(int fd, void *base, size_t size)
{
	size_t end = size - size % huge_size(), step = STEP * huge_size();
	size_t at = 0;

	while (at < end) {
		if (step > end - at)
			step = end - at;
		if (huge_make(fd, base, at, step) < 0)
			break;
		at += step;
	}
	return at;
}
