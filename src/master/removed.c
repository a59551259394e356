/* SPDX-License-Identifier: MIT
 *
 * Segments that somebody removes from /dev/shm while they are in use, as a
 * log-out with RemoveIPC= does.  Nobody could find them by name: no tool, and
 * no next master, so what waits in them would be lost.  They are created again
 * with all they hold.
 */
#include "config.h"

#include "lib/log.h"
#include "master/state.h"

#include <errno.h>

#define RETRY_MS 60000

/* Workers have the words of the master's segment mapped, read-only. */
static enum shm_status
view_open(struct master *m)
{
	struct segment view;
	enum shm_status status = segment_view(&view, &m->segment);

	if (status != SHM_OK)
		return status;
	segment_close(&m->children.view);
	m->children.view = view;
	return SHM_OK;
}

/* Whether status is SHM_OK; if not, that is logged. */
static bool
succeeded(const struct segment *segment, enum shm_status status)
{
	if (status != SHM_OK)
		log_error("cannot create segment %s again: %s", segment->name,
		    shm_strerror(status, errno));
	return status == SHM_OK;
}

/* Also after an attempt that failed halfway. */
static bool
renew_master(struct master *m)
{
	enum shm_status status = segment_named(&m->segment);

	if (status == SHM_MISSING)
		status = segment_renew(&m->segment, NULL);
	if (status == SHM_OK)
		status = segment_share(&m->segment, m->readers);
	if (status == SHM_OK)
		status = view_open(m);
	/* Those that run have the old one. */
	if (status == SHM_OK)
		children_configure(&m->children, m->settings, true);
	/* To close a view of the same file has released it. */
	segment_show_holder(&m->segment);
	return succeeded(&m->segment, status);
}

static bool
renew_agents(struct master *m)
{
	return succeeded(&m->agents.map, agents_renew(&m->agents, m->readers));
}

int
removed_begin(struct master *m)
{
	m->children.view.fd = -1;
	enum shm_status status = view_open(m);

	if (status == SHM_OK)
		return 0;
	log_error("cannot open segment %s: %s", m->segment.name,
	    shm_strerror(status, errno));
	return -1;
}

void
removed_look(struct master *m, uint64_t now_ms)
{
	bool master, agents, done;
	int found;

	found = children_look(&m->children, now_ms);
	master =
	    now_ms >= m->renew_ms && segment_named(&m->segment) == SHM_MISSING;
	agents = now_ms >= m->renew_ms &&
		 segment_named(&m->agents.map) == SHM_MISSING;
	found += master + agents;
	if (found > 0)
		log_warn("segments removed from /dev/shm while in use: %d; "
			 "creating them again with all records",
		    found);
	if (now_ms < m->renew_ms)
		return;
	m->renew_half |= master;
	m->renew_half = m->renew_half && !renew_master(m);
	done = !agents || renew_agents(m);
	if (m->renew_half || !done)
		m->renew_ms = now_ms + RETRY_MS;
}
