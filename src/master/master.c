/* SPDX-License-Identifier: MIT
 *
 * The master: start and loop.  A failure to start is logged and returned;
 * afterwards only a signal or a handover ends it.
 */
#include "config.h"

#include "master/master.h"
#include "conf/reload.h"
#include "edge/tls.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "master/instance.h"
#include "master/notify.h"
#include "master/retire.h"
#include "master/sample.h"
#include "master/state.h"
#include "privilege/daemon.h"
#include "privilege/privilege.h"
#include "privilege/sandbox.h"
#include "shm/faultpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EVENTS 256 /* of one turn of the loop */
#define SECOND_MS 1000

/* ---------------------------------------------------------------- start -- */

/* Have the generation that is written to, and all that are older. */
static int
master_open_rings(struct master *m)
{
	struct generation *generation = &m->generation;

	children_init(&m->children, m->shared, m->settings, m->path);
	m->children.readers = m->readers;
	lost_guard(&m->children);
	retire_recover(m->shared, m->settings->instance);
	if (removed_begin(m) < 0 ||
	    generation_adopt(generation, &m->children, m->settings) < 0 ||
	    (generation->workers == 0 &&
		generation_create(generation, generation->number + 1,
		    &m->children, m->settings) < 0))
		return -1;
	children_retire(&m->children, generation->number);
	FAULT_POINT("master_adopted");
	instance_recount(&m->children);
	FAULT_POINT("master_counted");
	sample_begin(&m->children, monotonic_ms());
	instance_publish(&m->children);
	return 0;
}

static int
master_open_signals(struct master *m)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.ptr = &m->signals };
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1,
		SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&set, numbers[i]);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->signals < 0 || m->epoll < 0 ||
	    epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->signals, &event) < 0) {
		log_error("cannot start: %m");
		return -1;
	}
	return 0;
}

static void
warn_of_landlock(void)
{
	int version = landlock_version();

	if (version == 0)
		log_warn("Landlock is not available: a worker can write to "
			 "every file that its user can");
	else if (version < LANDLOCK_TRUNCATE)
		log_warn("Landlock has version %d, which does not restrict "
			 "truncation: only the filter of system calls does",
		    version);
}

/* Keep no more privileges than the loop needs. */
static int
master_give_up_privileges(struct master *m)
{
	char *real = realpath(m->path, NULL);

	if (account_group(m->settings->group, &m->readers) < 0 ||
	    privilege_bound() < 0 ||
	    account_become(m->settings->user, m->readers) < 0 ||
	    privilege_drop() < 0 || privilege_hide() < 0) {
		free(real);
		return -1;
	}
	m->path = reload_path(m->path, real);
	if (reload_rehearse(m->path, m->settings) < 0)
		return -1;
	if (geteuid() == 0)
		log_warn("running as root: without capabilities, but able to "
			 "write root's files; set reporter.user");
	if (m->settings->sandbox)
		warn_of_landlock();
	return m->settings->sandbox ? sandbox_enter(SANDBOX_MASTER) : 0;
}

/* Listen, on sockets that were passed in where there are such. */
static int
master_listen(struct master *m)
{
	struct ark ark = { .count = 0 };
	const struct ark_conn *none;
	const char *fault = NULL;
	const uint8_t *bytes;

	m->listeners.epoll = m->epoll;
	listeners_activate(&m->listeners, &ark);
	if (ark.count > 0)
		fault = ark_open(&m->arrived, &ark, m->settings->instance);
	if (fault != NULL)
		log_warn("cannot take connections over: ark: %s; agents must "
			 "reconnect",
		    fault);
	for (uint32_t i = 0; i < m->arrived.header.listeners; i++)
		listeners_pass(
		    &m->listeners, ark_next(&m->arrived, &none, &bytes), true);
	if (listeners_add(&m->listeners, &m->settings->listen) < 0)
		return -1;
	listeners_commit(&m->listeners);
	return 0;
}

/* Take the master's segment.  What fails here master_give_up() removes. */
static int
master_take_instance(struct master *m)
{
	if (instance_take(&m->segment, m->settings->instance) < 0)
		return -1;
	m->shared = segment_master(&m->segment);
	if (segment_share(&m->segment, m->readers) == SHM_OK)
		return 0;
	log_error(
	    "cannot share segment %s with reporter.group: %m", m->segment.name);
	return -1;
}

/* Create the segment of connected agents; master_give_up() removes it, too. */
static int
master_list_agents(struct master *m)
{
	uint64_t max = m->settings->max_connections;
	enum shm_status status =
	    agents_create(&m->agents, m->settings->instance,
		(uint32_t)(max < AGENTS_MAX ? max : AGENTS_MAX), m->readers);

	if (status == SHM_OK)
		return 0;
	log_error("cannot create segment %s: %s", m->agents.map.name,
	    shm_strerror(status, errno));
	return -1;
}

/* Let the next master ask for the connections. */
static void
master_await_next(struct master *m)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.ptr = &m->handover };

	if (!notify_can_store() &&
	    handover_listen(&m->handover, m->settings) == 0)
		epoll_ctl(
		    m->epoll, EPOLL_CTL_ADD, m->handover.listening, &event);
}

/* From here on no other process has the instance.  When taking over, all that
   may fail should be done before. */
static int
master_begin(struct master *m)
{
	bool takes_over = m->handover.peer >= 0;

	if (takes_over && handover_confirm(&m->handover) < 0)
		return -1;
	/* The agents are worth more than the file. */
	if (pidfile_write(m->settings->pid_file) < 0 && !takes_over)
		return -1;
	FAULT_POINT("master_pid_file");
	if (account_borrow(m->settings->user) < 0)
		return -1;
	int result = instance_inspect(m->settings->instance);
	return account_return() < 0 ? -1 : result;
}

static int
master_start(struct master *m, bool take_over)
{
	const struct settings *s = m->settings;

	if (!notify_can_store())
		handover_prepare(s);
	if (take_over && handover_ask(&m->handover, s, &m->arrived) < 0)
		return -1;
	take_over = m->handover.peer >= 0;
	if ((!take_over && master_begin(m) < 0) || master_open_signals(m) < 0 ||
	    fdlimit_ensure(s->max_connections) < 0 || master_listen(m) < 0 ||
	    tls_load_logged(s, &m->tls) < 0 ||
	    (take_over && master_begin(m) < 0) ||
	    master_give_up_privileges(m) < 0 || master_take_instance(m) < 0)
		return -1;
	master_await_next(m);
	if (master_list_agents(m) < 0)
		return -1;
	m->server = server_new(m->epoll, &m->shared->input, &m->agents);
	if (m->server == NULL) {
		log_error("cannot start: %m");
		return -1;
	}
	tls_warn_of_key(s);
	server_configure(m->server, s, m->tls);
	if (master_open_rings(m) < 0)
		return -1;
	change_route(m);
	FAULT_POINT("ark_listening");
	carry_in(m->server, &m->arrived);
	ark_close(&m->arrived);
	FAULT_POINT("ark_carried");
	log_info("reporter %s: instance %s, %u worker%s, generation %" PRIu64
		 "%s",
	    PACKAGE_VERSION, s->instance, m->generation.workers,
	    m->generation.workers == 1 ? "" : "s", m->generation.number,
	    !sandbox_built() ? ", built without a sandbox"
	    : s->sandbox     ? ""
			     : ", sandbox off");
	return 0;
}

/* A failed start leaves nothing of its own, and all of an earlier run. */
static void
master_give_up(struct master *m)
{
	char name[1][SEGMENT_NAME_MAX];

	if (m->segment.base == NULL)
		return;
	title_set("ended"); /* see shutdown_end() */
	if (segment_list(m->settings->instance, geteuid(), name, 1) == 0)
		segment_remove(m->segment.name);
	agents_remove(&m->agents);
	segment_close(&m->segment);
}

/* ----------------------------------------------------------------- loop -- */

static void
master_reload(struct master *m)
{
	struct input_counters *input = &m->shared->input;
	char text[RELOAD_TEXT_MAX] = "";
	FILE *copy;
	bool failed;

	notify_reloading();
	counter_set(
	    &input->reloads_begun, counter_get(&input->reloads) +
				       counter_get(&input->reload_errors) + 1);
	/* What it has no room for is in the log. */
	copy = fmemopen(text, sizeof(text), "w");
	log_copy(copy);
	failed = change_reload(m) < 0;
	log_copy(NULL);
	if (copy != NULL)
		fclose(copy);
	memcpy(m->shared->reload_text, text, sizeof(text));
	m->shared->reload_text[RELOAD_TEXT_MAX - 1] = '\0';
	if (failed)
		log_error("reload failed; keeping the current configuration");
	else
		log_info("configuration reloaded, generation %" PRIu64,
		    m->generation.number);
	/* Release: `reporterctl reload` waits for one of the counters, then
	   reads the result and the log. */
	counter_set(&m->shared->reload_failed, failed);
	atomic_thread_fence(memory_order_release);
	counter_add(failed ? &input->reload_errors : &input->reloads, 1);
	notify("READY=1");
}

/* Workers follow, and note it in their segments: `reporterctl reopen` waits for
   that. */
static void
master_reopen(struct master *m)
{
	struct input_counters *input = &m->shared->input;
	uint64_t begun = counter_get(&input->reopens) | 1;

	counter_set(&input->reopens, begun);
	counter_set(&input->reopen_error,
	    reload_log(m->settings) < 0 ? (uint64_t)errno : 0);
	/* Release: whoever sees it ended sees the outcome. */
	counter_release(&input->reopens, begun + 1);
	CHILDREN_EACH(child, &m->children)
		if (child->pid != 0)
			ring_wake(&child->segment.ring);
}

static void
master_read_signals(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == sizeof(info)) {
		uint32_t number = info.ssi_signo;

		m->stop |= number == SIGTERM || number == SIGINT;
		m->reap |= number == SIGCHLD;
		m->reload |= number == SIGHUP;
		m->reopen |= number == SIGUSR1;
	}
}

static void
master_dispatch(struct master *m, const struct epoll_event *event)
{
	struct listener *listener;

	if (event->data.ptr == &m->handover)
		m->asked = true;
	else if (event->data.ptr == &m->signals)
		master_read_signals(m);
	else if ((listener = listener_of(&m->listeners, event->data.ptr)) !=
		 NULL)
		accept_agents(m->server, listener->fd, &listener->spec);
	else
		server_process(m->server, event->data.ptr, event->events);
}

/* Wait for events; dispatch them, those of connections not in a shutdown. */
static void
master_wait(struct master *m, int wait_ms)
{
	struct pollfd signals = { .fd = m->signals, .events = POLLIN };
	struct epoll_event events[EVENTS];

	if (m->mode != MASTER_SERVING) {
		poll(&signals, 1, wait_ms);
		master_read_signals(m);
		return;
	}
	int n = epoll_wait(m->epoll, events, EVENTS, wait_ms);
	for (int i = 0; i < n; i++)
		master_dispatch(m, &events[i]);
}

/* Whether to do what is done once a second: at fixed points of time, so that
   turns that come late do not add up; restarted when whole seconds were missed.
 */
static bool
master_second(struct master *m, uint64_t now_ms)
{
	if (now_ms < m->second_ms)
		return false;
	m->second_ms = now_ms - m->second_ms < SECOND_MS
			   ? m->second_ms + SECOND_MS
			   : now_ms + SECOND_MS;
	return true;
}

/* What is due at now_ms.  Returns the milliseconds until the next call. */
static int
master_tick(struct master *m, uint64_t now_ms, bool second)
{
	bool serving = m->mode == MASTER_SERVING;
	int waits[4], n = 0;

	if (second && serving)
		removed_look(m, now_ms);
	if (second)
		CHILDREN_EACH(child, &m->children)
			lost_note(child);
	int wait = children_tick(&m->children, now_ms);
	if (second)
		sample_take(&m->children, now_ms);
	waits[n++] = (int)(m->second_ms - now_ms);
	waits[n++] = notify_alive(now_ms);
	if (m->server != NULL)
		waits[n++] = server_tick(m->server, now_ms);
	if (serving)
		listeners_watch(
		    &m->listeners, accept_is_open(m->server, now_ms));
	else
		waits[n++] = shutdown_wait(m, now_ms);
	while (n-- > 0)
		if (waits[n] < wait)
			wait = waits[n];
	return wait;
}

static void
master_loop(struct master *m)
{
	int wait = 0;

	while (m->mode != MASTER_ENDED) {
		master_wait(m, wait);

		uint64_t now = monotonic_ms();
		bool second = master_second(m, now);
		if (m->reap)
			children_reap(&m->children, now);
		if (m->reload && m->mode == MASTER_SERVING)
			master_reload(m);
		if ((second || m->reopen) && m->mode == MASTER_SERVING &&
		    change_watch(m))
			m->reopen = true;
		if (m->reopen)
			master_reopen(m);
		if (m->asked && m->mode == MASTER_SERVING && !m->stop)
			shutdown_hand_over(m);
		m->reap = m->reload = m->reopen = m->asked = false;
		counter_release(&m->shared->oldest_generation,
		    children_oldest(&m->children));
		shutdown_turn(m, now);
		wait = master_tick(m, now, second);
	}
}

int
master_run(struct settings *settings, const char *path, bool take_over,
    void (*ready)(void))
{
	static struct master master; /* too large for a stack */
	struct master *m = &master;
	int status = 1;

	m->settings = settings;
	m->path = path;
	m->handover = (struct handover){ .listening = -1, .peer = -1 };
	log_role("master");
	title_set("master");
	if (master_start(m, take_over) == 0) {
		/* What is stored there is ours now. */
		notify("FDSTOREREMOVE=1\nFDNAME=" ARK_NAME);
		FAULT_POINT("ark_forgotten");
		ready();
		notify("READY=1");
		master_loop(m);
		shutdown_end(m);
		status = 0;
	} else {
		shutdown_put_back(m);
		master_give_up(m);
	}
	tls_free(m->tls);
	settings_free(m->settings);
	return status;
}
