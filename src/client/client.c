/* SPDX-License-Identifier: MIT
 *
 * The interface: threads, waiting, and fork().
 *
 * r->lock guards what the comment in client.h says is client.c's.  The network
 * side holds it between turns only, and never over a system call.
 */
#include "config.h"

#include "client/client.h"
#include "client/transport.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_MS 15000
#define INTERVAL_MAX_MS 86400000
/* Of the header's first version: its last member. */
#define OPTIONS_SIZE_MIN \
	(offsetof(struct reporter_options, transport) + \
	    sizeof(struct reporter_transport *))
#define KEYS_DEFAULT 10000
#define KEYS_MAX 10000000
#define THREAD_AGAIN_MS 1000

/* All clients, for fork().  Its lock is taken before theirs. */
static pthread_mutex_t clients_lock = PTHREAD_MUTEX_INITIALIZER;
static struct reporter *clients;
static pthread_once_t clients_once = PTHREAD_ONCE_INIT;

static void
fork_prepare(void)
{
	pthread_mutex_lock(&clients_lock);
	for (struct reporter *r = clients; r != NULL; r = r->next) {
		pthread_mutex_lock(&r->lock);
		pthread_mutex_lock(&r->keys.lock);
	}
}

static void
fork_parent(void)
{
	for (struct reporter *r = clients; r != NULL; r = r->next) {
		pthread_mutex_unlock(&r->keys.lock);
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&clients_lock);
}

/* Only what must not wait for the first call: most children call exec(). */
static void
fork_child(void)
{
	for (struct reporter *r = clients; r != NULL; r = r->next) {
		if (r->channel.fd >= 0)
			close(r->channel.fd);
		if (r->wake >= 0)
			close(r->wake);
		r->channel.fd = r->wake = -1;
		r->stale = true;
		r->running = false;
		SET(r->begun, false);
		SET(r->begin_at, 0);
	}
	fork_parent();
}

static void
fork_watch(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* --------------------------------------------------------- the thread ----- */

static void
client_free(struct reporter *r)
{
	channel_free(&r->channel);
	keys_close(&r->keys);
	if (r->wake >= 0)
		close(r->wake);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->order);
	free(r);
}

/* Have the network side look again. */
static void
client_wake(struct reporter *r)
{
	const uint64_t one = 1;

	if (r->wake >= 0 && write(r->wake, &one, sizeof(one)) < 0)
		return; /* it is awake */
}

/* One turn of a client that is closed by this time.  Returns false at the end.
   A connection that is lost before the reporter has confirmed that it read
   everything is made again. */
static bool
client_closing(struct reporter *r, uint64_t flush, uint64_t by, uint64_t *wait)
{
	uint64_t now = channel_clock();

	if (now >= by || channel_confirmed(&r->channel))
		return false;
	if (r->covered == flush && pass_done(r))
		channel_end(&r->channel);
	if (by - now < *wait)
		*wait = by - now;
	return true;
}

/* One turn.  Returns false at the end. */
static bool
client_turn(struct reporter *r, uint64_t *wait)
{
	pthread_mutex_lock(&r->lock);
	bool closing = r->closing;
	uint64_t by = r->close_by;
	uint64_t flush =
	    r->waiting > 0 || closing ? r->flush_wanted : r->flush_done;
	pthread_mutex_unlock(&r->lock);

	if (closing && by <= channel_clock())
		return false;
	*wait = pass_turn(r, flush);
	if (closing)
		return client_closing(r, flush, by, wait);
	if (r->covered != r->flush_done && pass_done(r)) {
		pthread_mutex_lock(&r->lock);
		r->flush_done = r->covered;
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->lock);
	}
	return true;
}

static void *
client_thread(void *arg)
{
	struct reporter *r = arg;
	uint64_t wait, wakes;

	while (client_turn(r, &wait)) {
		struct pollfd fds[] = {
			{ .fd = r->wake, .events = POLLIN },
			{ .fd = r->channel.fd, .events = r->channel.events },
		};

		if (poll(fds, 2, (int)wait) > 0 && fds[0].revents != 0 &&
		    read(r->wake, &wakes, sizeof(wakes)) < 0)
			continue; /* another wake is not lost by that */
	}
	pthread_mutex_lock(&r->lock);
	r->running = false;
	r->closed = true;
	bool abandoned = r->abandoned;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (abandoned)
		client_free(r);
	return NULL;
}

static int
thread_start(struct reporter *r)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;

	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake < 0)
		return errno;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, &attributes, client_thread, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error == 0)
		pthread_setname_np(thread, "reporter");
	else
		close(r->wake);
	if (error != 0)
		r->wake = -1;
	return error;
}

/* In the child of a fork: what belongs to the parent is dropped. */
static void
client_renew(struct reporter *r)
{
	r->stale = false;
	keys_clear(&r->keys);
	channel_forget(&r->channel);
	SET(r->reports, 0);
	SET(r->results, 0);
	SET(r->heartbeats, 0);
	SET(r->connections, 0);
	SET(r->failures, 0);
	r->dropped_told = 0;
	r->waiting = 0;
	/* Those who wait do so in the parent. */
	pthread_cond_init(&r->changed, NULL);
}

/* Start what the first call needs: also the first one of a child. */
static void
client_begin(struct reporter *r)
{
	bool first = false;
	int error = 0;

	pthread_mutex_lock(&r->lock);
	if (r->stale)
		client_renew(r);
	uint64_t now = channel_clock();
	if (!GET(r->begun) && !r->running && now >= GET(r->begin_at)) {
		first = GET(r->begin_at) == 0;
		pass_reset(r);
		r->next_pass = now + channel_random(r->interval_ms);
		r->next_urgent = 0;
		if ((r->flags & REPORTER_NO_THREAD) == 0)
			error = thread_start(r);
		r->running = error == 0 && (r->flags & REPORTER_NO_THREAD) == 0;
		/* Release: who does not come here sees an empty table too. */
		atomic_store_explicit(
		    &r->begin_at, now + THREAD_AGAIN_MS, memory_order_release);
		/* Release: who sees it sees an empty table. */
		atomic_store_explicit(&r->begun,
		    r->running || (r->flags & REPORTER_NO_THREAD) != 0,
		    memory_order_release);
	}
	pthread_mutex_unlock(&r->lock);
	if (error != 0 && first)
		client_log(r, REPORTER_ERROR,
		    "cannot start the thread: %s; retrying once per second",
		    strerror(error));
}

static void
client_ready(struct reporter *r)
{
	if (!atomic_load_explicit(&r->begun, memory_order_acquire) &&
	    channel_clock() >=
		atomic_load_explicit(&r->begin_at, memory_order_acquire))
		client_begin(r);
}

/* ------------------------------------------------------------ opening ----- */

/* Returns false if an option is out of range. */
static bool
options_take(struct reporter *r, const struct reporter_options *options)
{
	r->caller = options->caller;
	r->interval_ms = options->interval_ms != 0 ? options->interval_ms
						   : INTERVAL_DEFAULT_MS;
	r->flags = options->flags;
	r->log = options->log;
	r->log_arg = options->log_arg;
	return r->interval_ms <= INTERVAL_MAX_MS &&
	       options->keys_max <= KEYS_MAX &&
	       (options->flags & ~REPORTER_NO_THREAD) == 0;
}

struct reporter *
reporter_open(const struct reporter_options *given)
{
	struct reporter_options o = { 0 };
	struct reporter *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	bool valid =
	    options_copy(&o, sizeof(o), OPTIONS_SIZE_MIN, given, given->size);
	uint32_t max = o.keys_max != 0 ? o.keys_max : KEYS_DEFAULT;
	valid &= options_take(r, &o);
	r->order = valid ? calloc(max, sizeof(*r->order)) : NULL;
	errno = valid ? ENOMEM : EINVAL;
	if (r->order == NULL ||
	    channel_init(&r->channel, o.hosts != NULL ? o.hosts : "127.0.0.1",
		o.port != NULL ? o.port : CHANNEL_PORT, o.transport) < 0) {
		free(r->order);
		free(r);
		return NULL;
	}
	if (keys_open(&r->keys, max) < 0) {
		channel_free(&r->channel);
		free(r->order);
		free(r);
		return NULL;
	}
	r->wake = -1;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	pthread_once(&clients_once, fork_watch);
	pthread_mutex_lock(&clients_lock);
	r->next = clients;
	clients = r;
	pthread_mutex_unlock(&clients_lock);
	return r;
}

/* ----------------------------------------------------------- counting ----- */

int
reporter_add(struct reporter *r, int32_t modid, int32_t cmdid, uint32_t ip,
    uint16_t port, uint32_t succ, uint32_t err)
{
	const struct key key = { modid, cmdid, ip, port };

	client_ready(r);
	if (keys_add(&r->keys, &key, succ, err))
		return 0;
	errno = ENOSPC;
	return -1;
}

int
reporter_call(struct reporter *r, int32_t modid, int32_t cmdid, uint32_t ip,
    uint16_t port, int ok)
{
	return reporter_add(r, modid, cmdid, ip, port, ok != 0, ok == 0);
}

int
reporter_overload(struct reporter *r, int32_t modid, int32_t cmdid, uint32_t ip,
    uint16_t port, int overloaded)
{
	const struct key key = { modid, cmdid, ip, port };

	client_ready(r);
	int urgent = keys_overload(&r->keys, &key, overloaded != 0);
	if (urgent < 0) {
		errno = ENOSPC;
		return -1;
	}
	/* Release: who takes this sees the key. */
	if (urgent > 0 &&
	    !atomic_exchange_explicit(&r->urgent, true, memory_order_acq_rel))
		client_wake(r);
	return 0;
}

void
reporter_stats(struct reporter *r, struct reporter_stats *stats)
{
	struct reporter_stats s = { .size = stats->size };

	client_ready(r);
	memset(stats, 0, s.size);
	s.connected = GET(r->connected);
	s.keys = GET(r->keys.live);
	s.dropped = GET(r->keys.dropped);
	s.reports = GET(r->reports);
	s.results = GET(r->results);
	s.heartbeats = GET(r->heartbeats);
	s.connections = GET(r->connections);
	s.failures = GET(r->failures);
	memcpy(stats, &s, s.size < sizeof(s) ? s.size : sizeof(s));
}

/* ------------------------------------------------------------ waiting ----- */

/* One turn of a client without a thread, and wait for what comes next. */
static void
turn_and_poll(struct reporter *r, uint64_t deadline)
{
	uint64_t wait, now;

	if (!client_turn(r, &wait)) {
		r->closed = true;
		return;
	}
	now = channel_clock();
	uint64_t left = deadline > now ? deadline - now : 0;
	struct pollfd fd = { .fd = r->channel.fd, .events = r->channel.events };
	poll(&fd, 1, (int)(wait < left ? wait : left));
}

/* Under the lock.  Wait for a change; returns false after the deadline. */
static bool
client_wait(struct reporter *r, uint64_t deadline)
{
	const struct timespec until = { .tv_sec = (time_t)(deadline / 1000),
		.tv_nsec = (long)(deadline % 1000) * 1000000 };

	if (r->running)
		return pthread_cond_clockwait(&r->changed, &r->lock,
			   CLOCK_MONOTONIC, &until) != ETIMEDOUT;
	pthread_mutex_unlock(&r->lock);
	turn_and_poll(r, deadline);
	pthread_mutex_lock(&r->lock);
	return channel_clock() < deadline;
}

int
reporter_flush(struct reporter *r, uint32_t timeout_ms)
{
	uint64_t deadline = channel_clock() + timeout_ms;
	bool more = true;
	int cancel;

	client_ready(r);
	/* A thread that was canceled would keep the lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&r->lock);
	/* The thread could not be started; others may start it meanwhile. */
	more = r->running || (r->flags & REPORTER_NO_THREAD) != 0;
	uint64_t mine = ++r->flush_wanted;
	r->waiting++;
	client_wake(r);
	while (more && r->flush_done < mine)
		more = client_wait(r, deadline);
	r->waiting--;
	bool done = r->flush_done >= mine;
	pthread_mutex_unlock(&r->lock);
	pthread_setcancelstate(cancel, NULL);
	if (!done)
		errno = ETIMEDOUT;
	return done ? 0 : -1;
}

static void
clients_remove(struct reporter *r)
{
	struct reporter **link = &clients;

	pthread_mutex_lock(&clients_lock);
	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	pthread_mutex_unlock(&clients_lock);
}

int
reporter_close(struct reporter *r, uint32_t timeout_ms)
{
	uint64_t deadline = channel_clock() + timeout_ms;
	bool more = true;
	int cancel;

	if (r == NULL)
		return 0;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&r->lock);
	if (r->stale)
		client_renew(r);
	r->closing = true;
	r->close_by = deadline;
	r->flush_wanted++;
	client_wake(r);
	/* Where nothing was counted nothing is to be sent; where the thread
	   could not be started it is not needed any more. */
	bool work = GET(r->begun) || GET(r->keys.used) > 0;
	while (more && work && !r->closed)
		more = client_wait(r, deadline);
	/* Not before: the child of a fork closes its descriptors. */
	pthread_mutex_unlock(&r->lock);
	clients_remove(r);
	pthread_mutex_lock(&r->lock);
	/* The thread ends soon, unless it waits for a name to be resolved: then
	   it only frees the client, without a log or the transport, which are
	   the caller's again. */
	bool abandoned = false;
	while (r->running && !abandoned) {
		int resolving = CHANNEL_RESOLVING;

		/* Acquire: what the thread did before it began to wait.
		   Release: what it finds of the caller's after it. */
		abandoned = atomic_compare_exchange_strong_explicit(
		    &r->channel.resolving, &resolving, CHANNEL_ABANDONED,
		    memory_order_acq_rel, memory_order_relaxed);
		if (!abandoned)
			client_wait(r, channel_clock() + 5);
	}
	r->abandoned = abandoned;
	bool done = !abandoned && (!work || channel_confirmed(&r->channel));
	pthread_mutex_unlock(&r->lock);
	if (!abandoned)
		client_free(r);
	pthread_setcancelstate(cancel, NULL);
	if (!done)
		errno = ETIMEDOUT;
	return done ? 0 : -1;
}

/* --------------------------------------------- programs with a loop ------- */

int
reporter_fd(struct reporter *r)
{
	return r->channel.fd;
}

short
reporter_events(struct reporter *r)
{
	return r->channel.events;
}

int
reporter_turn(struct reporter *r)
{
	uint64_t wait;

	client_ready(r);
	client_turn(r, &wait);
	return (int)wait;
}
