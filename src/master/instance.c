/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "master/instance.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "shm/faultpoint.h"
#include "shm/keep_errno.h"
#include "status/status.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* A worker just forked by a killed master holds its lock for a moment. */
#define LOCK_MS 500
#define TAKE_TRIES 10

void
instance_discard(const char *name, enum shm_status status)
{
	const char *reason = shm_strerror(status, errno);
	char aside[2 * SEGMENT_NAME_MAX];

	if (status == SHM_UNFINISHED) {
		log_warn("segment %s: %s: removed", name, reason);
		segment_remove(name);
	} else if (segment_set_aside(name, aside, sizeof(aside)) == SHM_OK) {
		log_error("segment %s: %s: set aside as %s; inspect or remove "
			  "it",
		    name, reason, aside);
	} else {
		log_error("segment %s: %s, and it cannot be set aside: %m",
		    name, reason);
	}
}

static enum shm_status
instance_lock(struct segment *segment)
{
	enum shm_status status = segment_lock(segment, LOCK_MS);

	/* Its holder before may have removed it as its last act. */
	return status == SHM_OK ? segment_named(segment) : status;
}

static enum shm_status
instance_create(struct segment *segment, const char *instance)
{
	enum shm_status status = segment_create_master(segment, instance);

	if (status == SHM_OK)
		status = instance_lock(segment);
	if (status == SHM_SYSTEM && segment->base != NULL)
		KEEP_ERRNO(segment_remove(segment->name));
	return status;
}

static enum shm_status
instance_adopt(struct segment *segment, const char *instance)
{
	enum shm_status status =
	    segment_open_master(segment, instance, SEGMENT_WRITE);

	if (status == SHM_OK)
		status = instance_lock(segment);
	return status == SHM_OK ? segment_renew_master(segment) : status;
}

/* Create or adopt the master's own segment, and lock it. */
static enum shm_status
instance_try(struct segment *segment, const char *instance)
{
	enum shm_status status = instance_create(segment, instance);

	if (status == SHM_EXISTS)
		status = instance_adopt(segment, instance);
	if ((status == SHM_DAMAGED || status == SHM_VERSION ||
		status == SHM_UNFINISHED) &&
	    segment_holder(segment->name) == 0) {
		segment_close(segment);
		instance_discard(segment->name, status);
		status = instance_create(segment, instance);
	}
	return status;
}

/* Acquire: instance_publish() of that master releases its pid. */
static void
instance_taken(const struct segment *segment, const char *instance)
{
	log_error("instance %s is running already, as process %d", instance,
	    (int)counter_acquire(&segment_master(segment)->pid));
}

int
instance_inspect(const char *instance)
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

	/* Another master that ends removes it meanwhile. */
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
		log_error("cannot open segment %s: %s", segment->name,
		    shm_strerror(status, errno));
	segment_close(segment);
	return -1;
}

void
instance_recount(const struct children *children)
{
	struct input_counters *input = &children->shared->input;
	uint64_t received = counter_get(&input->dropped) +
			    counter_get(&input->retired.stored) +
			    counter_get(&input->retired.dead_letter) +
			    counter_get(&input->retired.superseded) -
			    counter_get(&input->retired.replayed);

	received += counter_sum(input->rejected, REJECT_REASONS);
	CHILDREN_EACH(child, children)
		received += counter_get(&child->segment.ring.producer->head);
	counter_set(&input->received, received);
}

void
instance_publish(const struct children *children)
{
	struct master_shared *shared = children->shared;

	snprintf(
	    shared->software, sizeof(shared->software), "%s", PACKAGE_VERSION);
	counter_set(&shared->started, monotonic_ms());
	/* A reload during which the master before was killed does not end. */
	counter_set(&shared->input.reloads_begun, 0);
	counter_set(&shared->generation, children->newest);
	counter_release(&shared->oldest_generation, children_oldest(children));
	/* What runs is what the file has now. */
	counter_set(&shared->reload_failed, 0);
	/* Release: a reader that sees the pid (status.c, instance_taken())
	   sees all of the above. */
	counter_release(&shared->pid, getpid());
}
