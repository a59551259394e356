/* SPDX-License-Identifier: MIT
 *
 * The master: start, loop, end.  Owns the listening sockets, the connections,
 * its own segment and the children.  A failure to start is logged and
 * returned; afterwards nothing but a signal ends it.
 */
#include "config.h"

#include "master/master.h"
#include "lib/clock.h"
#include "privilege/account.h"
#include "edge/accept.h"
#include "edge/activation.h"
#include "master/child.h"
#include "edge/server.h"
#include "shm/faultpoint.h"
#include "master/generation.h"
#include "master/instance.h"
#include "privilege/landlock.h"
#include "edge/listener.h"
#include "lib/log.h"
#include "master/notify.h"
#include "privilege/privilege.h"
#include "conf/reload.h"
#include "master/retire.h"
#include "privilege/sandbox.h"
#include "master/sample.h"
#include "lib/title.h"
#include "edge/tls_load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256 /* of one turn of the loop */

struct master {
	struct settings *settings;
	const char *path;
	int epoll, signals;
	struct segment segment;
	struct master_shared *shared;
	struct listeners listeners;
	struct children children;
	struct generation generation;
	struct server *server;
	struct tls *tls;                 /* NULL: no listener has it */
	bool stop, reap, reload, reopen; /* asked for by signals */
};

/* ------------------------------------------------------------- segments --- */

/*
 * The counters go on where an earlier master was killed.  What it had put into
 * rings counts as received, whatever it still managed to count itself.
 */
static void
master_count_adopted(struct master *m)
{
	struct input_counters *input = &m->shared->input;
	uint64_t received = counter_get(&input->dropped) +
			    counter_get(&input->retired_stored) +
			    counter_get(&input->retired_dead_letter) +
			    counter_get(&input->retired_superseded) -
			    counter_get(&input->retired_replayed);

	for (int i = 0; i < REJECT_REASONS; i++)
		received += counter_get(&input->rejected[i]);
	for (int i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &m->children.child[i];

		if (child->segment.map.base != NULL)
			received +=
			    counter_get(&child->segment.ring.producer->head);
	}
	counter_set(&input->received, received);
}

static void
master_publish(struct master *m)
{
	snprintf(m->shared->software, sizeof(m->shared->software), "%s",
	    PACKAGE_VERSION);
	counter_set(&m->shared->started, (uint64_t)time(NULL));
	/* One of before that was killed at it is never going to end. */
	counter_set(&m->shared->input.reloads_begun, 0);
	counter_set(&m->shared->generation, m->generation.number);
	counter_set(
	    &m->shared->oldest_generation, children_oldest(&m->children));
	/* What runs is what the file says now. */
	atomic_store_explicit(
	    &m->shared->reload_failed, 0, memory_order_relaxed);
	sample_begin(&m->children, monotonic_ms());
	/* Release: who sees our pid sees what stands before. */
	atomic_store_explicit(&m->shared->pid, getpid(), memory_order_release);
}

/* Lead all routes to the rings of the newest generation. */
static void
master_route(struct master *m)
{
	struct ring *rings[WORKERS_MAX];

	generation_rings(&m->generation, rings);
	server_route(m->server, rings, m->generation.workers);
}

static int
master_open_rings(struct master *m)
{
	children_init(&m->children, m->shared, m->settings, m->path);
	retire_recover(m->shared, m->settings->instance);
	if (generation_adopt(&m->generation, &m->children, m->settings) < 0)
		return -1;
	if (m->generation.workers == 0 &&
	    generation_create(&m->generation, m->generation.number + 1,
		&m->children, m->settings) < 0)
		return -1;
	FAULT_POINT("master_adopted");
	master_count_adopted(m);
	FAULT_POINT("master_counted");
	master_publish(m);
	return 0;
}

/* ---------------------------------------------------------------- start --- */

static int
master_open_signals(struct master *m)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.ptr = &m->signals };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->signals < 0 || m->epoll < 0 ||
	    epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->signals, &event) < 0) {
		log_error("cannot start: %s", strerror(errno));
		return -1;
	}
	return 0;
}

/* Be no more than it takes from here on. */
static int
master_give_up_privileges(struct master *m)
{
	char *real = realpath(m->path, NULL);
	gid_t group;

	if (account_group(m->settings->group, &group) < 0 ||
	    privilege_bound() < 0 ||
	    account_become(m->settings->user, group) < 0 ||
	    privilege_drop() < 0) {
		free(real);
		return -1;
	}
	m->path = reload_path(m->path, real);
	if (reload_rehearse(m->path, m->settings) < 0)
		return -1;
	if (geteuid() == 0)
		log_warn("running as root: without capabilities, but root's "
			 "files can be written to; name a user in "
			 "reporter.user");
	if (m->settings->sandbox == SANDBOX_ON && !landlock_there())
		log_warn("no Landlock here: a worker can write to every file "
			 "that its user can");
	segment_share_with(group);
	return m->settings->sandbox == SANDBOX_ON
		   ? sandbox_enter(SANDBOX_MASTER)
		   : 0;
}

static const char *
sandbox_words(const struct master *m)
{
	if (!sandbox_built())
		return ", built without a sandbox";
	return m->settings->sandbox == SANDBOX_ON ? "" : ", sandbox off";
}

/* Listen, on sockets that were passed in where there are such. */
static int
master_listen(struct master *m)
{
	activation_open();
	int result =
	    listeners_add(&m->listeners, &m->settings->listen, m->epoll);
	activation_close();
	return result;
}

static int
master_take_instance(struct master *m)
{
	if (instance_take(&m->segment, m->settings->instance) < 0)
		return -1;
	m->shared = segment_master(&m->segment);
	return 0;
}

static int
master_look(const struct settings *settings)
{
	if (account_borrow(settings->user) < 0)
		return -1;
	int result = instance_look(settings->instance);
	account_return();
	return result;
}

static int
master_start(struct master *m)
{
	if (master_look(m->settings) < 0 || master_open_signals(m) < 0 ||
	    account_descriptors(m->settings->max_connections) < 0 ||
	    master_listen(m) < 0 || !tls_load_logged(m->settings, &m->tls) ||
	    master_give_up_privileges(m) < 0 || master_take_instance(m) < 0)
		return -1;
	m->server = server_new(m->epoll, &m->shared->input);
	if (m->server == NULL || server_prepare(m->server, m->settings) < 0) {
		log_error("cannot start: %s", strerror(errno));
		return -1;
	}
	tls_warn_of_key(m->settings);
	server_secure(m->server, m->tls);
	server_configure(m->server, m->settings);
	if (master_open_rings(m) < 0)
		return -1;
	master_route(m);
	log_info("reporter %s: instance %s, %u workers, generation %llu%s",
	    PACKAGE_VERSION, m->settings->instance, m->generation.workers,
	    (unsigned long long)m->generation.number, sandbox_words(m));
	return 0;
}

/* A start that failed leaves nothing that it made.  What an earlier run left
   stays, with its counters. */
static void
master_give_up(struct master *m)
{
	char name[1][SEGMENT_NAME_MAX];

	if (m->segment.base == NULL)
		return;
	if (segment_list_of(m->settings->instance, geteuid(), name, 1) == 0)
		segment_remove(m->segment.name);
	segment_close(&m->segment);
}

/* --------------------------------------------------------------- reload --- */

/* Make a new generation of segments; the one of before empties itself. */
static int
master_regenerate(struct master *m, const struct settings *settings)
{
	struct generation next;

	if (generation_create(
		&next, m->generation.number + 1, &m->children, settings) < 0)
		return -1;
	FAULT_POINT("master_regenerated");
	generation_retire(&m->generation);
	FAULT_POINT("master_retired");
	m->generation = next;
	counter_set(&m->shared->generation, next.number);
	return 0;
}

static int
master_open_log(const struct settings *settings)
{
	if (log_open(
		settings->log_target, (enum log_level)settings->log_level) == 0)
		return 0;
	log_error("log %s: %s", settings->log_target, strerror(errno));
	return -1;
}

/* Have all that may be refused, or leave everything as it was. */
static int
master_obtain(struct master *m, const struct settings *next,
    const struct reload_plan *plan)
{
	if (server_prepare(m->server, next) < 0) {
		log_error("cannot reload: %s", strerror(errno));
		return -1;
	}
	if (account_descriptors(next->max_connections) < 0 ||
	    listeners_add(&m->listeners, &next->listen, m->epoll) < 0)
		return -1;
	if (master_open_log(next) == 0) {
		if (!plan->queue || master_regenerate(m, next) == 0)
			return 0;
		master_open_log(m->settings);
	}
	listeners_undo(&m->listeners, m->epoll);
	return -1;
}

static int
master_apply(struct master *m, struct settings *next)
{
	struct reload_plan plan = reload_compare(m->settings, next);
	struct tls *tls;

	if (!tls_load_logged(next, &tls))
		return -1;
	if (master_obtain(m, next, &plan) < 0) {
		tls_free(tls);
		return -1;
	}
	listeners_commit(&m->listeners, m->epoll);
	m->children.settings = next;
	if (plan.workers)
		children_restart(&m->children, next);
	else
		children_retry(&m->children);
	server_secure(m->server, tls);
	tls_free(m->tls);
	m->tls = tls;
	server_configure(m->server, next);
	if (plan.queue)
		master_route(m);
	else
		server_retry(m->server);
	return 0;
}

/* Tell how a reload went.  The counters come last: who waits for it sees by
   them which one it was, and looks then at what was logged. */
static void
master_reloaded(struct master_shared *shared, bool failed)
{
	atomic_store_explicit(
	    &shared->reload_failed, failed, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	counter_add(
	    failed ? &shared->input.reload_errors : &shared->input.reloads, 1);
}

static void
master_reload(struct master *m)
{
	struct input_counters *input = &m->shared->input;
	struct settings *next;

	notify_reloading();
	counter_set(
	    &input->reloads_begun, counter_get(&input->reloads) +
				       counter_get(&input->reload_errors) + 1);
	next = reload_load(m->path, m->settings);
	if (next != NULL && master_apply(m, next) == 0) {
		reload_tell(m->settings, next);
		settings_free(m->settings);
		m->settings = next;
		log_info("configuration reloaded, generation %llu",
		    (unsigned long long)m->generation.number);
	} else {
		settings_free(next);
		next = NULL;
		log_error("configuration not reloaded: that of before stays "
			  "in force");
	}
	master_reloaded(m->shared, next == NULL);
	notify_ready();
}

static void
master_reopen_log(struct master *m)
{
	master_open_log(m->settings);
	children_signal(&m->children, SIGUSR1);
}

/* ----------------------------------------------------------------- loop --- */

static void
master_read_signals(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			m->stop = true;
			break;
		case SIGCHLD:
			m->reap = true;
			break;
		case SIGHUP:
			m->reload = true;
			break;
		case SIGUSR1:
			m->reopen = true;
			break;
		}
	}
}

static void
master_dispatch(struct master *m, const struct epoll_event *event)
{
	struct listener *listener;

	if (event->data.ptr == &m->signals)
		master_read_signals(m);
	else if ((listener = listener_of(&m->listeners, event->data.ptr)) !=
		 NULL)
		accept_agents(m->server, listener->fd, &listener->spec);
	else
		conn_process(m->server, event->data.ptr, event->events);
}

static int
sooner(int a, int b)
{
	return a < b ? a : b;
}

static void
master_loop(struct master *m)
{
	struct epoll_event events[EVENTS];
	int wait = 0;

	while (!m->stop) {
		int n = epoll_wait(m->epoll, events, EVENTS, wait);
		uint64_t now = monotonic_ms();

		for (int i = 0; i < n; i++)
			master_dispatch(m, &events[i]);
		if (m->reap)
			children_reap(&m->children, now);
		if (m->reload)
			master_reload(m);
		if (m->reopen)
			master_reopen_log(m);
		m->reap = m->reload = m->reopen = false;
		counter_set(&m->shared->oldest_generation,
		    children_oldest(&m->children));
		wait = children_tick(&m->children, now);
		wait = sooner(wait, server_tick(m->server, now));
		wait = sooner(wait, sample_tick(&m->children, now));
		wait = sooner(wait, notify_alive(now));
		listeners_watch(
		    &m->listeners, m->epoll, accept_is_open(m->server, now));
	}
}

/* ------------------------------------------------------------------ end --- */

/* Give connections that wait for room a while, so that what was read of them
   gets into the rings. */
static void
master_settle(struct master *m, uint64_t timeout_ms)
{
	const struct timespec nap = { 0, 2 * 1000000L };
	uint64_t deadline = monotonic_ms() + timeout_ms;

	while (server_throttled(m->server) > 0 && monotonic_ms() < deadline) {
		children_reap(&m->children, monotonic_ms());
		children_tick(&m->children, monotonic_ms());
		server_tick(m->server, monotonic_ms());
		nanosleep(&nap, NULL);
	}
	if (server_throttled(m->server) > 0)
		log_warn("%llu connections closed while they waited for room",
		    (unsigned long long)server_throttled(m->server));
}

static int
master_end(struct master *m)
{
	uint64_t timeout = m->settings->shutdown_timeout;
	uint64_t begun = monotonic_ms(), left;

	notify_stopping();
	log_info("stopping");
	listeners_close(&m->listeners);
	master_settle(m, timeout / 2);
	server_close(m->server);
	uint64_t spent = monotonic_ms() - begun;
	left =
	    children_stop(&m->children, spent < timeout ? timeout - spent : 0);
	atomic_store_explicit(&m->shared->pid, 0, memory_order_release);
	if (left > 0)
		log_warn("stopped; %llu records stay in shared memory for the "
			 "next start",
		    (unsigned long long)left);
	else
		log_info("stopped; all records stand in the database");
	if (left == 0)
		segment_remove(m->segment.name);
	segment_close(&m->segment);
	return 0;
}

int
master_run(struct settings *settings, const char *path, void (*ready)(void))
{
	static struct master master; /* too large for a stack */
	struct master *m = &master;
	int status = 1;

	m->settings = settings;
	m->path = path;
	log_role("master");
	title_set("master");
	if (master_start(m) == 0) {
		ready();
		notify_ready();
		master_loop(m);
		status = master_end(m);
	} else {
		master_give_up(m);
	}
	tls_free(m->tls);
	settings_free(m->settings);
	return status;
}
