/* SPDX-License-Identifier: MIT
 *
 * Shutdown: the modes of the loop that follow on the service, each with a time
 * that it may take.
 */
#include "config.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "master/notify.h"
#include "master/state.h"
#include "privilege/daemon.h"
#include "shm/faultpoint.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>

#define SETTLE_MS 1        /* between two turns of server_drain() */
#define STOP_GRACE_MS 5000 /* for a statement under way, after the timeout */
#define ADOPTED_MS 1000    /* to store what the next master could adopt */

/* Put the listening sockets and the connections into an ark.  Returns 0, or -1:
   logged.  In any case ark_give_up() ends it. */
static int
pack(const struct master *m, struct ark_writer *w)
{
	const struct settings *s = m->settings;
	int rc = ark_begin(w, s->instance, s->max_connection_age);

	for (int i = 0; i < SOCKETS_MAX && rc == 0; i++)
		if (m->listeners.listener[i].used)
			rc =
			    ark_put(w, m->listeners.listener[i].fd, NULL, NULL);
	if (rc == 0 && m->server != NULL)
		rc = carry_out(m->server, w);
	if (rc == 0)
		rc = ark_put_rest(w, &m->arrived);
	if (rc == 0)
		rc = ark_end(w);
	if (rc == 0) {
		FAULT_POINT("ark_packed");
		return 0;
	}
	log_warn("cannot carry connections over: %m");
	return -1;
}

void
shutdown_hand_over(struct master *m)
{
	uint64_t end_ms = m->settings->shutdown_timeout + STOP_GRACE_MS;
	struct ark_writer w;

	if (!handover_accept(&m->handover))
		return;
	m->stop = pack(m, &w) == 0 &&
		  handover_give(&m->handover, &w.ark, end_ms) == 0;
	if (m->stop) {
		carry_close(m->server, w.header.connections);
		FAULT_POINT("ark_given");
	} else {
		handover_cancel(&m->handover);
	}
	ark_give_up(&w);
}

/* Have the service manager keep the connections for the next process. */
static void
store(struct master *m)
{
	struct ark_writer w;

	if (pack(m, &w) == 0 && notify_store(&w.ark) == 0) {
		FAULT_POINT("ark_stored");
		log_info("left with the service manager: %" PRIu64
			 " connection%s",
		    w.header.connections, w.header.connections == 1 ? "" : "s");
		if (m->server != NULL)
			carry_close(m->server, w.header.connections);
		m->unread = 0;
	}
	ark_give_up(&w);
}

void
shutdown_put_back(struct master *m)
{
	if (m->arrived.fds == NULL || !notify_can_store())
		return;
	notify("FDSTOREREMOVE=1\nFDNAME=" ARK_NAME);
	store(m);
}

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
	if (m->keep)
		store(m);
	if (m->unread > 0)
		log_warn("throttled connections closed: %" PRIu64
			 "; their unread reports are lost",
		    m->unread);
	listeners_close(&m->listeners);
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
		m->keep = m->handover.peer < 0 && notify_can_store();
		handover_close(&m->handover);
		if (!m->keep)
			listeners_close(&m->listeners);
		m->ended_ms = now_ms;
		m->mode_over_ms = now_ms + timeout / 2;
		m->unread = server_drain(m->server, m->keep);
		break;
	case MASTER_SETTLING:
		settled(m);
		children_end(&m->children, CHILD_FINISH);
		m->mode_over_ms = m->ended_ms + timeout;
		/* Meanwhile nobody reads what the agents send. */
		if (m->handover.adopts && m->mode_over_ms > now_ms + ADOPTED_MS)
			m->mode_over_ms = now_ms + ADOPTED_MS;
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
		m->unread = server_drain(m->server, m->keep);
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
	/* Removed since: the next start could not find the records. */
	removed_look(m, monotonic_ms());
	uint64_t left = children_close(&m->children);

	/* reporterctl must not take it for a master without its segment. */
	title_set("ended");

	/* Release: see instance_publish(). */
	counter_release(&m->shared->pid, 0);
	if (m->children.lost > 0)
		log_error("stopped; records lost: %" PRIu64, m->children.lost);
	if (left > 0) {
		log_warn("stopped; records left in shared memory for the next "
			 "start: %" PRIu64,
		    left);
	} else {
		if (m->children.lost == 0)
			log_info("stopped; all records stored");
		segment_remove(m->segment.name);
	}
	/* Before the next master may take the instance, and make its own. */
	agents_remove(&m->agents);
	segment_close(&m->segment);
}
