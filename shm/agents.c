/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "shm/agents.h"
#include "shm/keep_errno.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIES 1000 /* to read a row; a killed master may leave one odd */

static void
agents_attach(struct agents *agents)
{
	agents->shared = agents->map.base;
	agents->rows = (struct agent_row *)((char *)agents->map.base +
					    SEGMENT_AGENTS_ROWS);
	agents->free = agents->used = 0;
}

/* Let the readers and nobody else have it: no child of fork(2). */
static enum shm_status
agents_share(const struct agents *agents, gid_t readers)
{
	enum shm_status status = segment_share(&agents->map, readers);

	if (status == SHM_OK &&
	    madvise(agents->map.base, agents->map.size, MADV_DONTFORK) < 0)
		status = SHM_SYSTEM;
	return status;
}

enum shm_status
agents_create(
    struct agents *agents, const char *instance, uint32_t rows, gid_t readers)
{
	enum shm_status status =
	    segment_create_agents(&agents->map, instance, rows);

	if (status != SHM_OK)
		return status;
	agents_attach(agents);
	status = agents_share(agents, readers);
	if (status != SHM_OK)
		KEEP_ERRNO(agents_remove(agents));
	return status;
}

enum shm_status
agents_renew(struct agents *agents, gid_t readers)
{
	enum shm_status status = segment_renew(&agents->map, NULL);

	return status == SHM_OK ? agents_share(agents, readers) : status;
}

void
agents_remove(struct agents *agents)
{
	if (agents->map.base == NULL)
		return;
	segment_remove(agents->map.name);
	segment_close(&agents->map);
}

static struct agent_row *
row_of(struct agent *shown)
{
	return (struct agent_row *)((char *)shown -
				    offsetof(struct agent_row, agent));
}

void
agents_change(struct agent *shown, const struct agent *agent)
{
	struct agent_row *row = row_of(shown);

	version_begin(&row->version);
	words_copy(&row->agent, agent, sizeof(*agent));
	version_end(&row->version);
}

struct agent *
agents_take(struct agents *agents, const struct agent *agent)
{
	struct agent_row *row;

	/* One who can write to the segment may have changed the link. */
	if (agents->free > 0 && agents->free <= agents->map.header.table_keys) {
		row = &agents->rows[agents->free - 1];
		agents->free = row->agent.since;
	} else if (agents->used < agents->map.header.table_keys) {
		row = &agents->rows[agents->used++];
	} else {
		counter_add(&agents->shared->unlisted, 1);
		return NULL;
	}
	agents_change(&row->agent, agent);
	return &row->agent;
}

void
agents_free(struct agents *agents, struct agent *shown)
{
	/* A row without a peer is free, and links to the next one. */
	struct agent none = { .since = agents->free };

	if (shown == NULL) {
		counter_add(&agents->shared->unlisted, UINT64_MAX);
		return;
	}
	agents_change(shown, &none);
	agents->free = (uint64_t)(row_of(shown) - agents->rows) + 1;
}

enum shm_status
agents_open(struct agents *agents, const char *instance, uid_t owner)
{
	enum shm_status status = segment_open_instance(
	    &agents->map, SEGMENT_AGENTS, instance, SEGMENT_READ, owner);

	if (status == SHM_OK)
		agents_attach(agents);
	return status;
}

bool
agents_read(const struct agents *agents, uint64_t i, struct agent *agent)
{
	const struct agent_row *row = &agents->rows[i];

	for (int try = 0; try < TRIES; try++) {
		uint64_t version = counter_acquire(&row->version);

		words_copy(agent, &row->agent, sizeof(*agent));
		if (version_kept(&row->version, version))
			return agent->peer[0] != 0;
	}
	return false;
}

const char *
dialect_name(uint64_t dialect)
{
	static const char *const names[] = { "unknown", "native", "lars",
		"elb" };

	return NAME_OF(names, dialect);
}
