/* SPDX-License-Identifier: MIT
 *
 * The instance: the master's own segment, which says that its name is taken.
 * Owns nothing.  Called by the master as it starts; what stands in the way is
 * logged and returned.
 */
#include "config.h"

#include "master/instance.h"
#include "shm/faultpoint.h"
#include "lib/log.h"
#include "status/status.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A worker that a killed master had just forked holds its lock for another
   moment. */
#define LOCK_MS 500
#define TAKE_TRIES 10

/* Another layout, or damage: out of the way, but never deleted. */
static enum shm_status
instance_replace(
    struct segment *segment, const char *instance, enum shm_status status)
{
	char aside[2 * SEGMENT_NAME_MAX];

	if (status == SHM_UNFINISHED) {
		segment_remove(segment->name);
	} else if (segment_set_aside(segment->name, aside, sizeof(aside)) ==
		   SHM_OK) {
		log_error("segment %s: %s: set aside as %s", segment->name,
		    shm_strerror(status, errno), aside);
	} else {
		log_error("segment %s: %s, and it cannot be set aside: %s",
		    segment->name, shm_strerror(status, errno),
		    strerror(errno));
	}
	return segment_create_master(segment, instance);
}

/* Make or adopt the master's own segment, and lock it. */
static enum shm_status
instance_try(struct segment *segment, const char *instance)
{
	enum shm_status status = segment_create_master(segment, instance);
	bool made = status == SHM_OK;

	if (status == SHM_EXISTS)
		status = segment_open_master(segment, instance, SEGMENT_WRITE);
	if (status == SHM_DAMAGED || status == SHM_VERSION ||
	    status == SHM_UNFINISHED)
		status = instance_replace(segment, instance, status);
	if (status == SHM_OK && !made)
		status = segment_share(segment);
	if (status != SHM_OK)
		return status;
	status = segment_lock(segment, LOCK_MS);
	if (status == SHM_SYSTEM && made) {
		int saved = errno;
		segment_remove(segment->name);
		errno = saved;
	}
	return status;
}

static void
instance_taken(const struct segment *segment, const char *instance)
{
	log_error("instance %s is running already, as process %d", instance,
	    (int)atomic_load(&segment_master(segment)->pid));
}

int
instance_look(const char *instance)
{
	struct segment segment;
	bool running;

	if (segment_open_master(&segment, instance, SEGMENT_READ) != SHM_OK)
		return 0;
	/* Another user may have written anyone's pid there. */
	running = segment.owner == geteuid() && status_running(&segment);
	if (running)
		instance_taken(&segment, instance);
	segment_close(&segment);
	return running ? -1 : 0;
}

int
instance_take(struct segment *segment, const char *instance)
{
	enum shm_status status = instance_try(segment, instance);

	/* Another master that ends removes it while we look. */
	for (int i = 0; i < TAKE_TRIES && status == SHM_MISSING; i++) {
		segment_close(segment);
		status = instance_try(segment, instance);
	}
	FAULT_POINT("master_opened");
	if (status == SHM_OK)
		return 0;
	if (status == SHM_BUSY)
		instance_taken(segment, instance);
	else
		log_error("segment %s: %s", segment->name,
		    shm_strerror(status, errno));
	segment_close(segment);
	return -1;
}
