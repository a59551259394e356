/* SPDX-License-Identifier: MIT
 *
 * reporterctl reload, stop and reopen: signal the master, and wait until it has
 * done so.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "lib/clock.h"
#include "status/status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RELOAD_TIMEOUT 10 /* seconds */
#define STOP_TIMEOUT 90
#define TIMEOUT_MAX 86400

static struct status status;

/* A master that is signaled and waited for. */
struct watch {
	int signal_number;
	bool (*done)(const struct watch *watch);
	int timeout; /* seconds */
	const char *instance;
	struct segment segment;
	const struct master_shared *master;
	pid_t pid;
	uint64_t reloads; /* that have ended when ours has */
	uint64_t reopens; /* as of struct input_counters, when ours has ended */
};

/* Read "-t SECONDS", no more arguments.  Returns false if they are invalid. */
static bool
watch_options(struct watch *watch, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:")) != -1) {
		long n;

		if (option != 't' ||
		    !ctl_number("-t", optarg, 1, TIMEOUT_MAX, &n))
			return false;
		watch->timeout = (int)n;
	}
	return optind == argc;
}

/* Reloads that have ended, successful or not. */
static uint64_t
reloads_ended(const struct watch *watch)
{
	const struct input_counters *input = &watch->master->input;

	return counter_get(&input->reloads) +
	       counter_get(&input->reload_errors);
}

/* The one after the one that is under way, if any: that may have read the
   configuration before it was changed. */
static uint64_t
reloads_awaited(const struct watch *watch)
{
	uint64_t begun = counter_get(&watch->master->input.reloads_begun);
	uint64_t ended = reloads_ended(watch);

	return (begun > ended ? begun : ended) + 1;
}

/* Root becomes the segment's owner: whatever pid the owner wrote there, no
   process of another user gets a signal from us. */
static int
become_owner(const struct watch *watch)
{
	uid_t owner = watch->segment.owner;

	if (geteuid() != 0 || owner == 0 || setuid(owner) == 0)
		return CTL_OK;
	fprintf(stderr, "cannot become user %u, whose instance %s is: %s\n",
	    (unsigned)owner, watch->instance, strerror(errno));
	return CTL_ERROR;
}

/* Map the master's segment; it must be running. */
static int
watch_open(struct watch *watch, const char *instance)
{
	watch->instance = instance;
	enum shm_status found =
	    segment_open_master(&watch->segment, instance, SEGMENT_READ);

	if (found != SHM_OK)
		return ctl_unreadable(instance, found);
	watch->master = segment_master(&watch->segment);
	/* Acquire: released by the master at its start. */
	watch->pid =
	    atomic_load_explicit(&watch->master->pid, memory_order_acquire);
	watch->reloads = reloads_awaited(watch);
	/* The one after the one under way, when it is odd. */
	watch->reopens = counter_get(&watch->master->input.reopens);
	watch->reopens += 2 + watch->reopens % 2;
	/* One that is starting has no pid yet, and to kill() 0 and less are
	   process groups. */
	if (watch->pid > 0 && status_running(&watch->segment))
		return become_owner(watch);
	segment_close(&watch->segment);
	fprintf(stderr, "no reporter of instance %s is running\n", instance);
	return CTL_NOT_RUNNING;
}

/* Send the signal and wait until done() or the timeout. */
static int
watch_signal(const struct watch *watch)
{
	const struct timespec nap = { 0, 10 * 1000000L };
	uint64_t deadline = monotonic_ms() + (uint64_t)watch->timeout * 1000;

	if (kill(watch->pid, watch->signal_number) < 0) {
		fprintf(stderr, "pid %d: %s%s\n", (int)watch->pid,
		    strerror(errno),
		    errno == EPERM ? "; requires root or its user, who must "
				     "own the segment as well"
				   : "");
		return CTL_ERROR;
	}
	while (!watch->done(watch)) {
		if (monotonic_ms() > deadline) {
			fprintf(stderr,
			    "timed out after %d s waiting for instance %s "
			    "(pid %d)\n",
			    watch->timeout, watch->instance, (int)watch->pid);
			return CTL_ERROR;
		}
		nanosleep(&nap, NULL);
	}
	return CTL_OK;
}

/* Read the options, open, signal and wait.  The segment stays mapped if that
   was possible. */
static int
watch_run(struct watch *watch, const char *instance, int argc, char **argv)
{
	watch->segment.fd = -1; /* for segment_close() */
	if (!watch_options(watch, argc, argv))
		return ctl_usage(*argv);
	int result = watch_open(watch, instance);
	return result == CTL_OK ? watch_signal(watch) : result;
}

static bool
has_ended(const struct watch *watch)
{
	return !status_running(&watch->segment);
}

int
ctl_stop(const char *instance, int argc, char **argv)
{
	struct watch watch = { SIGTERM, has_ended, .timeout = STOP_TIMEOUT };
	int result = watch_run(&watch, instance, argc, argv);

	segment_close(&watch.segment);
	if (result == CTL_OK && status_collect(&status, instance) == SHM_OK &&
	    !status.running)
		status_left(&status, stdout);
	return result == CTL_NOT_RUNNING ? CTL_OK : result;
}

static bool
has_reloaded(const struct watch *watch)
{
	return reloads_ended(watch) >= watch->reloads ||
	       !status_running(&watch->segment);
}

int
ctl_reload(const char *instance, int argc, char **argv)
{
	struct watch watch = { SIGHUP, has_reloaded,
		.timeout = RELOAD_TIMEOUT };
	int result = watch_run(&watch, instance, argc, argv);

	if (result == CTL_OK && reloads_ended(&watch) < watch.reloads) {
		fprintf(stderr, "instance %s exited instead\n", instance);
		result = CTL_ERROR;
	}
	/* Acquire: pairs with the fence of the master, which sets the result
	   before it counts the reload. */
	atomic_thread_fence(memory_order_acquire);
	if (result == CTL_OK &&
	    atomic_load_explicit(
		&watch.master->reload_failed, memory_order_relaxed) != 0) {
		fputs("reload failed; keeping the current configuration; see "
		      "the log\n",
		    stderr);
		result = CTL_ERROR;
	}
	segment_close(&watch.segment);
	return result;
}

/* Whether the master and all workers that run have tried to open the log, or
   the master could not. */
static bool
has_reopened(const struct watch *watch)
{
	const struct input_counters *input = &watch->master->input;

	if (!status_running(&watch->segment))
		return true;
	/* Acquire: released by the master when the outcome is set. */
	if (counter_acquire(&input->reopens) < watch->reopens)
		return false;
	if (counter_get(&input->reopen_error) != 0 ||
	    status_collect(&status, watch->instance) != SHM_OK)
		return true;
	for (const struct status_worker *w = status.workers;
	     w < status_end(&status); w++)
		if (w->running && w->reopens < watch->reopens)
			return false;
	return true;
}

static int
reopen_failed(const char *who, uint64_t error)
{
	fprintf(stderr,
	    "%s cannot open the log: %s; still writing to the former file\n",
	    who, strerror((int)error));
	return CTL_ERROR;
}

/* Log rotation calls this whether anything runs or not. */
int
ctl_reopen(const char *instance, int argc, char **argv)
{
	struct watch watch = { SIGUSR1, has_reopened,
		.timeout = RELOAD_TIMEOUT };
	int result = watch_run(&watch, instance, argc, argv);
	uint64_t error = 0;
	char who[32];

	if (result == CTL_OK)
		error = counter_get(&watch.master->input.reopen_error);
	if (error != 0)
		result = reopen_failed("master", error);
	for (const struct status_worker *w = status.workers;
	     result == CTL_OK && w < status_end(&status); w++) {
		if (!w->running || w->reopen_error == 0)
			continue;
		snprintf(who, sizeof(who), "worker %u", w->slot);
		result = reopen_failed(who, w->reopen_error);
	}
	segment_close(&watch.segment);
	return result == CTL_NOT_RUNNING ? CTL_OK : result;
}
