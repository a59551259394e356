/* SPDX-License-Identifier: MIT
 *
 * reporterctl reload, stop and reopen: signal the master, and wait until it has
 * done so.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "lib/clock.h"
#include "lib/text.h"
#include "status/status.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
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
	pid_t pid; /* as we see it */
	int pidfd;
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

/* Map the master's segment.  Returns the exit status. */
static int
watch_map(struct watch *watch)
{
	pid_t hidden;
	enum shm_status found =
	    ctl_open(&watch->segment, watch->instance, &hidden);

	if (found == SHM_OK)
		return CTL_OK;
	if (hidden == 0 || found != SHM_MISSING)
		return ctl_unreadable(watch->instance, found);
	fprintf(stderr,
	    "instance %s has no segment; only root can see whether process %d "
	    "is its master\n",
	    watch->instance, (int)hidden);
	return CTL_ERROR;
}

static int
not_running(struct watch *watch)
{
	segment_close(&watch->segment);
	fprintf(
	    stderr, "no reporter of instance %s is running\n", watch->instance);
	return CTL_NOT_RUNNING;
}

/* Open the process that holds the segment.  The pid in the segment may be that
   of another process by now, or in another namespace; that of the lock is the
   kernel's. */
static int
watch_process(struct watch *watch)
{
	const char *name = watch->segment.name;

	watch->pid = segment_holder(name);
	if (watch->pid < 0) {
		fprintf(stderr,
		    "instance %s runs in another PID namespace: signal it "
		    "there\n",
		    watch->instance);
		return CTL_ERROR;
	}
	if (watch->pid > 0)
		watch->pidfd = (int)syscall(SYS_pidfd_open, watch->pid, 0);
	/* If it still holds it, the pid was not used again in between. */
	if (watch->pid <= 0 || segment_holder(name) != watch->pid ||
	    watch->pidfd < 0)
		return not_running(watch);
	/* Root becomes the segment's owner, and so cannot signal a process of
	   another user, whichever holds the segment. */
	uid_t owner = watch->segment.owner;
	if (geteuid() != 0 || owner == 0 || setuid(owner) == 0)
		return CTL_OK;
	fprintf(stderr, "cannot become user %u, whose instance %s is: %s\n",
	    (unsigned)owner, watch->instance, strerror(errno));
	return CTL_ERROR;
}

/* Send the signal, wait until done().  Returns CTL_BUSY after the timeout. */
static int
watch_signal(const struct watch *watch)
{
	const struct timespec nap = { 0, 10 * 1000000L };
	uint64_t deadline = monotonic_ms() + (uint64_t)watch->timeout * 1000;

	if (syscall(SYS_pidfd_send_signal, watch->pidfd, watch->signal_number,
		NULL, 0) < 0) {
		fprintf(stderr, "pid %d: %s%s\n", (int)watch->pid,
		    strerror(errno),
		    errno == EPERM ? "; requires root or its user, who must "
				     "own the segment as well"
				   : "");
		return CTL_ERROR;
	}
	while (!watch->done(watch)) {
		if (monotonic_ms() > deadline)
			return CTL_BUSY;
		nanosleep(&nap, NULL);
	}
	return CTL_OK;
}

static int
watch_late(const struct watch *watch)
{
	fprintf(stderr,
	    "timed out after %d s waiting for instance %s (pid %d)\n",
	    watch->timeout, watch->instance, (int)watch->pid);
	return CTL_ERROR;
}

/* Read the options, open, signal and wait.  The segment stays mapped. */
static int
watch_run(struct watch *watch, const char *instance, int argc, char **argv)
{
	watch->instance = instance;
	watch->segment.fd = -1; /* for segment_close() */
	if (!watch_options(watch, argc, argv))
		return ctl_usage(*argv);
	int result = watch_map(watch);
	if (result != CTL_OK)
		return result;
	watch->master = segment_master(&watch->segment);
	const struct input_counters *input = &watch->master->input;
	/* The one after the one that is under way, if any: that may have read
	   the configuration before it was changed. */
	uint64_t begun = counter_get(&input->reloads_begun);
	uint64_t ended = reloads_ended(watch);
	watch->reloads = (begun > ended ? begun : ended) + 1;
	/* Odd: one is under way; await the one after it. */
	watch->reopens = counter_get(&input->reopens);
	watch->reopens += 2 + watch->reopens % 2;
	result = status_running(&watch->segment) ? watch_process(watch)
						 : not_running(watch);
	return result == CTL_OK ? watch_signal(watch) : result;
}

/* Where it is not an error that nothing runs. */
static int
watch_end(struct watch *watch, int result)
{
	segment_close(&watch->segment);
	return result == CTL_NOT_RUNNING ? CTL_OK
	       : result == CTL_BUSY      ? watch_late(watch)
					 : result;
}

static bool
has_ended(const struct watch *watch)
{
	struct pollfd process = { .fd = watch->pidfd, .events = POLLIN };

	return poll(&process, 1, 0) > 0;
}

int
ctl_stop(const char *instance, int argc, char **argv)
{
	struct watch watch = { SIGTERM, has_ended, .timeout = STOP_TIMEOUT };
	int result = watch_run(&watch, instance, argc, argv);

	if (result == CTL_OK && status_collect(&status, instance) == SHM_OK &&
	    !status.running)
		status_left(&status, stdout);
	return watch_end(&watch, result);
}

/* ---------------------------------------------------------------- reload -- */

/* How many workers do not use the current configuration yet.  print: name
   them.  *failed: how many of these will not use it. */
static unsigned
workers_busy(const struct watch *watch, bool print, unsigned *failed)
{
	unsigned busy = 0;

	*failed = 0;
	for (int i = 0; i < CHILDREN_MAX; i++) {
		const struct child_entry *entry = &watch->master->children[i];
		/* Acquire: released when the words beside it are set. */
		uint32_t state =
		    atomic_load_explicit(&entry->state, memory_order_acquire);

		if (state == CHILD_NONE || state == CHILD_RUNNING)
			continue;
		busy++;
		*failed += state == CHILD_FAILED;
		if (print)
			fprintf(stderr,
			    "worker %u of generation %" PRIu64 " does not use "
			    "the new configuration yet: %s\n",
			    atomic_load_explicit(
				&entry->slot, memory_order_relaxed),
			    counter_get(&entry->generation),
			    child_state_name((enum child_state)state));
	}
	return busy;
}

/* Acquire: pairs with the master's fence between result and count. */
static bool
was_refused(const struct watch *watch)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(
		   &watch->master->reload_failed, memory_order_relaxed) != 0;
}

static bool
has_reloaded(const struct watch *watch)
{
	unsigned failed;

	if (has_ended(watch))
		return true;
	return reloads_ended(watch) >= watch->reloads &&
	       (was_refused(watch) ||
		   workers_busy(watch, false, &failed) == failed);
}

/* The signal was sent.  Print what came of it. */
static int
show_reload(const struct watch *watch)
{
	char text[RELOAD_TEXT_MAX], line[RELOAD_TEXT_MAX], *rest = text;
	unsigned failed;

	if (reloads_ended(watch) < watch->reloads) {
		if (status_running(&watch->segment))
			return watch_late(watch);
		fprintf(
		    stderr, "instance %s exited instead\n", watch->instance);
		return CTL_ERROR;
	}
	bool refused = was_refused(watch);
	/* What the reload has logged as errors and warnings. */
	snprintf(text, sizeof(text), "%.*s", RELOAD_TEXT_MAX - 1,
	    watch->master->reload_text);
	for (char *next; (next = strsep(&rest, "\n")) != NULL;) {
		text_escape(line, sizeof(line), next);
		if (*line != '\0')
			fprintf(stderr, "%s\n", line);
	}
	if (refused) {
		fputs("reload failed; keeping the current configuration\n",
		    stderr);
		return CTL_ERROR;
	}
	return workers_busy(watch, true, &failed) == 0 ? CTL_OK : CTL_BUSY;
}

int
ctl_reload(const char *instance, int argc, char **argv)
{
	struct watch watch = { SIGHUP, has_reloaded,
		.timeout = RELOAD_TIMEOUT };
	int result = watch_run(&watch, instance, argc, argv);

	if (result == CTL_OK || result == CTL_BUSY)
		result = show_reload(&watch);
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
	STATUS_WORKERS(w, &status)
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
	STATUS_WORKERS(w, &status) {
		if (result != CTL_OK || !w->running || w->reopen_error == 0)
			continue;
		snprintf(who, sizeof(who), "worker %u", w->slot);
		result = reopen_failed(who, w->reopen_error);
	}
	return watch_end(&watch, result);
}
