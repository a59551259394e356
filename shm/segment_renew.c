/* SPDX-License-Identifier: MIT
 *
 * Segments whose names were removed while they are mapped: noticing that, and
 * creating them again with all that they hold.  Called by the master; every
 * failure is returned.
 */
#include "config.h"

#include "shm/segment.h"
#include "shm/faultpoint.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum shm_status
segment_named(const struct segment *segment)
{
	struct stat ours, named;
	enum shm_status status = SHM_SYSTEM;
	int fd = shm_open(segment->name, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	if (fstat(segment->fd, &ours) == 0 && fstat(fd, &named) == 0)
		status = ours.st_ino == named.st_ino ? SHM_OK : SHM_MISSING;
	KEEP_ERRNO(close(fd));
	return status;
}

enum shm_status
segment_named_worker(const struct worker_segment *segment)
{
	enum shm_status status = segment_named(&segment->map);
	char name[SEGMENT_NAME_MAX];

	if (status != SHM_OK)
		return status;
	segment_name_secret(name, segment->map.name);
	int fd = shm_open(name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	close(fd);
	return SHM_OK;
}

/* Copy a segment that nobody writes to meanwhile.  Readers that open the copy
   find it unfinished until all is there. */
static void
copy(struct segment *to, const struct segment *from)
{
	struct segment_header *header = to->base;
	const size_t words = offsetof(struct segment_header, ready);
	const size_t rest = sizeof(*header);

	memcpy((char *)to->base + rest, (const char *)from->base + rest,
	    to->size - rest);
	memcpy(header, from->base, words);
	FAULT_POINT("segment_copied");
	/* Release: licenses others to read all of it. */
	atomic_store_explicit(&header->ready, 1, memory_order_release);
}

enum shm_status
segment_renew(struct segment *segment)
{
	struct segment copied = *segment;
	enum shm_status status = segment_reserve(&copied);

	if (status != SHM_OK)
		return status;
	/* Before it is ready: who can read it finds it locked. */
	status = segment_lock(&copied, 0);
	if (status == SHM_OK) {
		copy(&copied, segment);
		/* It takes the old one's place: pointers stay valid. */
		if (mremap(copied.base, copied.size, copied.size,
			MREMAP_MAYMOVE | MREMAP_FIXED,
			segment->base) == segment->base) {
			close(segment->fd);
			segment->fd = copied.fd;
			return SHM_OK;
		}
		status = SHM_SYSTEM;
	}
	KEEP_ERRNO(segment_remove(copied.name));
	KEEP_ERRNO(segment_close(&copied));
	return status;
}

enum shm_status
segment_renew_worker(struct worker_segment *segment)
{
	enum shm_status status = segment_named(&segment->map);

	if (status == SHM_MISSING)
		status = segment_renew(&segment->map);
	/* After it: only then is the name ours. */
	return status == SHM_OK ? segment_make_secret(
				      segment->map.name, segment->table.secret)
				: status;
}
