/* SPDX-License-Identifier: MIT
 *
 * Shutdown: the modes of the loop that follow on the service, each with a time
 * that it may take.
 */
#include "config.h"

#include "lib/log.h"
#include "master/notify.h"
#include "master/state.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>

#define SETTLE_MS 1        /* between two turns of server_drain() */
#define STOP_GRACE_MS 5000 /* for a statement under way, after the timeout */

static bool
mode_over(const struct master *m, uint64_t now_ms)
{
	switch (m->mode) {
	case MASTER_SERVING:
		return m->stop;
	case MASTER_SETTLING:
		return m->unread == 0 || now_ms >= m->mode_over_ms;
	case MASTER_FINISHING:
	case MASTER_STOPPING:
	case MASTER_KILLING:
		return now_ms >= m->mode_over_ms ||
		       !children_running(&m->children);
	case MASTER_ENDED:
		break;
	}
	return false;
}

/* Throttled connections had their time: what was read of them is in rings. */
static void
settled(struct master *m)
{
	if (m->unread > 0)
		log_warn("throttled connections closed: %" PRIu64
			 "; their unread reports are lost",
		    m->unread);
	server_close(m->server);
	m->server = NULL;
}

/* Go over to the next mode. */
static void
mode_advance(struct master *m, uint64_t now_ms)
{
	uint64_t timeout = m->settings->shutdown_timeout;

	if (m->mode >= MASTER_FINISHING && !children_running(&m->children))
		m->mode = MASTER_KILLING;
	switch (m->mode++) {
	case MASTER_SERVING:
		notify("STOPPING=1");
		log_info("stopping");
		listeners_close(&m->listeners);
		m->ended_ms = now_ms;
		m->mode_over_ms = now_ms + timeout / 2;
		m->unread = server_drain(m->server);
		break;
	case MASTER_SETTLING:
		settled(m);
		children_end(&m->children, CHILD_FINISH);
		m->mode_over_ms = m->ended_ms + timeout;
		break;
	case MASTER_FINISHING:
		children_end(&m->children, CHILD_STOP);
		m->mode_over_ms = now_ms + STOP_GRACE_MS;
		break;
	case MASTER_STOPPING:
		children_signal(&m->children, SIGKILL);
		m->mode_over_ms = UINT64_MAX;
		break;
	case MASTER_KILLING:
	case MASTER_ENDED:
		break;
	}
}

void
shutdown_turn(struct master *m, uint64_t now_ms)
{
	if (m->mode == MASTER_SETTLING)
		m->unread = server_drain(m->server);
	while (mode_over(m, now_ms))
		mode_advance(m, now_ms);
}

int
shutdown_wait(const struct master *m, uint64_t now_ms)
{
	uint64_t left = m->mode_over_ms > now_ms ? m->mode_over_ms - now_ms : 0;

	if (m->mode == MASTER_SETTLING && left > SETTLE_MS)
		return SETTLE_MS;
	return left < INT_MAX ? (int)left : INT_MAX;
}

void
shutdown_end(struct master *m)
{
	uint64_t left = children_close(&m->children);

	/* Release: see instance_publish(). */
	atomic_store_explicit(&m->shared->pid, 0, memory_order_release);
	if (left > 0) {
		log_warn("stopped; records left in shared memory for the next "
			 "start: %" PRIu64,
		    left);
	} else {
		log_info("stopped; all records stored");
		segment_remove(m->segment.name);
	}
	/* Before the next master may take the instance, and make its own. */
	agents_remove(&m->agents);
	segment_close(&m->segment);
}
