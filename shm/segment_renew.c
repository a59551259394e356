/* SPDX-License-Identifier: MIT
 *
 * Segments whose names were removed while they are mapped: noticing that, and
 * creating them again with all that they hold.  Called by the master; every
 * failure is returned.
 */
#include "config.h"

#include "shm/segment_secret.h"
#include "shm/faultpoint.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum shm_status
segment_named(const struct segment *segment)
{
	enum shm_status status = segment_leads_to(segment->name, segment->fd);
	char name[SEGMENT_NAME_MAX];

	if (status != SHM_OK || segment->header.kind == SEGMENT_AGENTS)
		return status;
	segment_name_secret(name, segment->name);
	return segment_leads_to(name, segment->lock);
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
	header->huge_mib = to->header.huge_mib;
	FAULT_POINT("segment_copied");
	/* Release: whoever sees it ready sees all of it. */
	counter_release(&header->ready, 1);
}

/* Create what has no name any more, locked if the segment was.  Who can read it
   finds it locked, since it is not ready yet. */
static enum shm_status
renew_files(struct segment *renewed, const struct segment *segment,
    const uint64_t *secret)
{
	static const uint64_t unused[2];
	enum shm_status status = segment_leads_to(segment->name, segment->fd);

	if (status == SHM_MISSING)
		status = segment_reserve(renewed);
	renewed->lock = -1;
	/* After it: only then is the name ours. */
	if (status == SHM_OK && segment->header.kind != SEGMENT_AGENTS)
		status = segment_secret_make(
		    segment->name, secret == NULL ? unused : secret);
	if (status == SHM_OK && segment->lock >= 0)
		status = segment_lock(renewed, 0);
	return status;
}

enum shm_status
segment_renew(struct segment *segment, const uint64_t *secret)
{
	struct segment renewed = *segment;
	enum shm_status status = renew_files(&renewed, segment, secret);
	bool copied = renewed.fd != segment->fd;

	if (status == SHM_OK && copied) {
		copy(&renewed, segment);
		/* It takes the old one's place: pointers stay valid. */
		if (mremap(renewed.base, renewed.size, renewed.size,
			MREMAP_MAYMOVE | MREMAP_FIXED,
			segment->base) != segment->base)
			status = SHM_SYSTEM;
	}
	if (status == SHM_OK) {
		if (copied)
			close(segment->fd);
		if (segment->lock >= 0)
			close(segment->lock);
		segment->fd = renewed.fd;
		segment->lock = renewed.lock;
		segment->header.huge_mib = renewed.header.huge_mib;
	} else if (copied && renewed.fd >= 0) {
		KEEP_ERRNO(segment_remove(renewed.name));
		KEEP_ERRNO(segment_close(&renewed));
	}
	return status;
}
