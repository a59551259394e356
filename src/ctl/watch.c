/* SPDX-License-Identifier: MIT
 *
 * reporterctl reload, stop and reopen: a signal to the master, and the wait
 * until it has done what it was asked for.
 */
#include "config.h"

#include "ctl/ctl.h"
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

/* A master that is waited for. */
struct watch {
	const char *instance;
	struct segment segment;
	const struct master_shared *master;
	pid_t pid;
	uint64_t reloads; /* at an end when the one that we ask for is */
	int timeout;      /* seconds */
};

/* Read "-t SECONDS", no more arguments.  Returns false when that is wrong. */
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

/* How many reloads have come to their end, this way or that. */
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

/* Root is the segment's owner from here on: whatever that one wrote there as
   the master's pid, no process of anybody else gets a signal from us. */
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

/* Map the master's segment and see that it runs. */
static int
watch_open(struct watch *watch, const char *instance)
{
	watch->instance = instance;
	enum shm_status found =
	    segment_open_master(&watch->segment, instance, SEGMENT_READ);

	if (found != SHM_OK)
		return ctl_unreadable(instance, found);
	watch->master = segment_master(&watch->segment);
	watch->pid =
	    atomic_load_explicit(&watch->master->pid, memory_order_relaxed);
	watch->reloads = reloads_awaited(watch);
	/* One that just starts had no pid a moment ago, and 0 and less are
	   whole groups of processes to kill(). */
	if (watch->pid > 0 && status_running(&watch->segment))
		return become_owner(watch);
	segment_close(&watch->segment);
	fprintf(stderr, "no reporter of instance %s is running\n", instance);
	return CTL_NOT_RUNNING;
}

/* Send a signal and wait until `done` or the time is over. */
static int
watch_signal(
    struct watch *watch, int signal_number, bool (*done)(const struct watch *))
{
	const struct timespec nap = { 0, 10 * 1000000L };
	struct timespec now;
	time_t deadline;

	if (kill(watch->pid, signal_number) < 0) {
		fprintf(stderr, "pid %d: %s%s\n", (int)watch->pid,
		    strerror(errno),
		    errno == EPERM ? "; be root or the user it runs as, whose "
				     "the segment has to be as well"
				   : "");
		return CTL_ERROR;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	deadline = now.tv_sec + watch->timeout;
	while (!done(watch)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > deadline) {
			fprintf(stderr,
			    "instance %s (pid %d) has not answered within %d "
			    "s\n",
			    watch->instance, (int)watch->pid, watch->timeout);
			return CTL_ERROR;
		}
		nanosleep(&nap, NULL);
	}
	return CTL_OK;
}

static bool
has_ended(const struct watch *watch)
{
	return !status_running(&watch->segment);
}

int
ctl_stop(const char *instance, int argc, char **argv)
{
	struct watch watch = { .timeout = STOP_TIMEOUT };

	if (!watch_options(&watch, argc, argv))
		return ctl_usage(*argv);
	int result = watch_open(&watch, instance);
	if (result != CTL_OK)
		/* Being stopped is what was asked for. */
		return result == CTL_NOT_RUNNING ? CTL_OK : result;
	result = watch_signal(&watch, SIGTERM, has_ended);
	segment_close(&watch.segment);
	return result;
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
	struct watch watch = { .timeout = RELOAD_TIMEOUT };

	if (!watch_options(&watch, argc, argv))
		return ctl_usage(*argv);
	int result = watch_open(&watch, instance);
	if (result != CTL_OK)
		return result;
	result = watch_signal(&watch, SIGHUP, has_reloaded);
	if (result == CTL_OK && reloads_ended(&watch) < watch.reloads) {
		fprintf(stderr, "instance %s ended instead\n", instance);
		result = CTL_ERROR;
	}
	/* Acquire: the outcome is that of a reload that was counted. */
	atomic_thread_fence(memory_order_acquire);
	if (result == CTL_OK &&
	    atomic_load_explicit(
		&watch.master->reload_failed, memory_order_relaxed) != 0) {
		fputs("the new configuration was refused, the one before is in "
		      "force; the log says why\n",
		    stderr);
		result = CTL_ERROR;
	}
	segment_close(&watch.segment);
	return result;
}

/* Rotation calls this also where nothing runs: that is no error. */
int
ctl_reopen(const char *instance, int argc, char **argv)
{
	struct watch watch = { .instance = instance };

	if (argc > 1)
		return ctl_usage(*argv);
	int result = watch_open(&watch, instance);
	if (result != CTL_OK)
		return result == CTL_NOT_RUNNING ? CTL_OK : result;
	if (kill(watch.pid, SIGUSR1) < 0) {
		fprintf(
		    stderr, "pid %d: %s\n", (int)watch.pid, strerror(errno));
		result = CTL_ERROR;
	}
	segment_close(&watch.segment);
	return result;
}
