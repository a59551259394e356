/* SPDX-License-Identifier: MIT
 *
 * reporterctl: looks at a running reporter and tells it what to do.  A process
 * of its own, one thread.  It reads shared memory and sends signals; every
 * failure is told on standard error and in the exit status.
 */
#include "config.h"

#include "replay.h"
#include "sender.h"
#include "status.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RELOAD_TIMEOUT 10 /* seconds */
#define STOP_TIMEOUT 90
#define TIMEOUT_MAX 86400

enum ctl_exit {
	CTL_OK = 0,
	CTL_ERROR = 1,
	CTL_USAGE = 2,
	CTL_NOT_RUNNING = 3
};

/* A command: what it is called, what it does.  run: gets the arguments from
   the command's name on, returns the exit status. */
struct command {
	const char *name;
	int (*run)(const char *instance, int argc, char **argv);
	const char *arguments, *help;
};

static int run_status(const char *, int, char **);
static int run_reload(const char *, int, char **);
static int run_stop(const char *, int, char **);
static int run_reopen(const char *, int, char **);
static int run_replay(const char *, int, char **);

static const struct command commands[] = {
	{ "status", run_status, "[--json]", "show what it does" },
	{ "reload", run_reload, "[-t SECONDS]",
	    "have it read its configuration again" },
	{ "stop", run_stop, "[-t SECONDS]", "end it in order" },
	{ "reopen", run_reopen, "", "have it open its log file anew" },
	{ "replay", run_replay, "[-H HOST] [-p PORT] FILE",
	    "send the records of a dead-letter file again" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void
usage(FILE *out)
{
	fputs("usage: reporterctl [-hV] [-i INSTANCE] COMMAND ...\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-7s %-25s %s\n", commands[i].name,
		    commands[i].arguments, commands[i].help);
}

static int
usage_of(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			fprintf(stderr,
			    "usage: reporterctl [-i INSTANCE] %s %s\n", name,
			    commands[i].arguments);
	return CTL_USAGE;
}

/* Why the master's segment cannot be read, and what to do about it. */
static int
say_unreadable(const char *instance, enum shm_status found)
{
	char names[1][SEGMENT_NAME_MAX];
	int saved = errno, left;

	switch (found) {
	case SHM_MISSING:
	case SHM_UNFINISHED:
		fprintf(stderr, "no reporter of instance %s is running\n",
		    instance);
		left = segment_list(instance, names, 1);
		if (left > 0)
			fprintf(stderr,
			    "%d segments of its workers are left; the next "
			    "start takes them over\n",
			    left);
		return CTL_NOT_RUNNING;
	case SHM_VERSION:
		fprintf(stderr,
		    "instance %s: the segment has the layout of another "
		    "version; use the reporterctl that came with the reporter "
		    "which made it\n",
		    instance);
		return CTL_ERROR;
	case SHM_DAMAGED:
		fprintf(stderr,
		    "instance %s: the segment /dev/shm/reporter.%s is damaged; "
		    "stop that reporter, move the file away and start it "
		    "again\n",
		    instance, instance);
		return CTL_ERROR;
	default:
		fprintf(stderr, "instance %s: %s%s\n", instance,
		    strerror(saved),
		    saved == EACCES ? "; be root, the user it runs as, or "
				      "in the group that reporter.group names"
				    : "");
		return CTL_ERROR;
	}
}

/* ---------------------------------------------------------------- status -- */

static int
run_status(const char *instance, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static struct status status;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (option != 'j')
			return usage_of(*argv);
		json = true;
	}
	if (optind < argc)
		return usage_of(*argv);
	enum shm_status found = status_collect(&status, instance);
	if (found != SHM_OK)
		return say_unreadable(instance, found);
	if (json)
		status_json(&status, stdout);
	else
		status_text(&status, stdout);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		perror("reporterctl: standard output");
		return CTL_ERROR;
	}
	return status.running ? CTL_OK : CTL_NOT_RUNNING;
}

/* --------------------------------------------------------- reload, stop --- */

/* A master that is waited for. */
struct watch {
	const char *instance;
	struct segment segment;
	const struct master_shared *master;
	pid_t pid;
	uint64_t reloads, reload_errors; /* before the signal */
	int timeout;                     /* seconds */
};

/* Read "-t SECONDS", no more arguments.  Returns false when that is wrong. */
static bool
watch_options(struct watch *watch, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:")) != -1) {
		char *end;

		if (option != 't')
			return false;
		errno = 0;
		long n = strtol(optarg, &end, 10);
		if (errno != 0 || end == optarg || *end != '\0' || n < 1 ||
		    n > TIMEOUT_MAX) {
			fprintf(stderr,
			    "reporterctl: -t: found \"%s\", expected a number "
			    "from 1 to %d\n",
			    optarg, TIMEOUT_MAX);
			return false;
		}
		watch->timeout = (int)n;
	}
	return optind == argc;
}

/* Map the master's segment and see that it runs. */
static int
watch_open(struct watch *watch, const char *instance)
{
	watch->instance = instance;
	enum shm_status found =
	    segment_open_master(&watch->segment, instance, SEGMENT_READ);

	if (found != SHM_OK)
		return say_unreadable(instance, found);
	watch->master = segment_master(&watch->segment);
	watch->pid =
	    atomic_load_explicit(&watch->master->pid, memory_order_relaxed);
	watch->reloads = counter_get(&watch->master->input.reloads);
	watch->reload_errors = counter_get(&watch->master->input.reload_errors);
	if (status_running(&watch->segment))
		return CTL_OK;
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
		    errno == EPERM ? "; be root or the user it runs as" : "");
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

static int
run_stop(const char *instance, int argc, char **argv)
{
	struct watch watch = { .timeout = STOP_TIMEOUT };

	if (!watch_options(&watch, argc, argv))
		return usage_of(*argv);
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
	const struct input_counters *input = &watch->master->input;

	return counter_get(&input->reloads) != watch->reloads ||
	       counter_get(&input->reload_errors) != watch->reload_errors ||
	       !status_running(&watch->segment);
}

static int
run_reload(const char *instance, int argc, char **argv)
{
	struct watch watch = { .timeout = RELOAD_TIMEOUT };

	if (!watch_options(&watch, argc, argv))
		return usage_of(*argv);
	int result = watch_open(&watch, instance);
	if (result != CTL_OK)
		return result;
	result = watch_signal(&watch, SIGHUP, has_reloaded);
	const struct input_counters *input = &watch.master->input;
	if (result == CTL_OK &&
	    counter_get(&input->reload_errors) != watch.reload_errors) {
		fputs("the new configuration was refused, the one before is in "
		      "force; the log says why\n",
		    stderr);
		result = CTL_ERROR;
	} else if (result == CTL_OK &&
		   counter_get(&input->reloads) == watch.reloads) {
		fprintf(stderr, "instance %s ended instead\n", instance);
		result = CTL_ERROR;
	}
	segment_close(&watch.segment);
	return result;
}

/* Rotation calls this also where nothing runs: that is no error. */
static int
run_reopen(const char *instance, int argc, char **argv)
{
	struct watch watch = { .instance = instance };

	if (argc > 1)
		return usage_of(*argv);
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

/* ---------------------------------------------------------------- replay -- */

static int
run_replay(const char *instance, int argc, char **argv)
{
	const char *host = SENDER_HOST, *port = SENDER_PORT;
	uint64_t records;
	int option;

	(void)instance;
	while ((option = getopt(argc, argv, "H:p:")) != -1) {
		if (option == 'H')
			host = optarg;
		else if (option == 'p')
			port = optarg;
		else
			return usage_of(*argv);
	}
	if (optind != argc - 1)
		return usage_of(*argv);
	enum replay_end end =
	    replay_file(argv[optind], host, port, &records, stderr);
	if (end == REPLAY_LOST)
		return CTL_ERROR;
	printf("%" PRIu64 " records sent\n", records);
	return end == REPLAY_SENT ? CTL_OK : CTL_ERROR;
}

/* ------------------------------------------------------------------ main -- */

static int
run_command(const char *instance, int argc, char **argv)
{
	if (argc == 0) {
		usage(stderr);
		return CTL_USAGE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].name) == 0) {
			optind = 0; /* begin anew, with the command's options */
			return commands[i].run(instance, argc, argv);
		}
	}
	fprintf(stderr, "reporterctl: there is no command \"%s\"\n", argv[0]);
	usage(stderr);
	return CTL_USAGE;
}

int
main(int argc, char **argv)
{
	const char *instance = "default";
	int option;

	while ((option = getopt(argc, argv, "+i:Vh")) != -1) {
		switch (option) {
		case 'i':
			if (segment_instance_ok(optarg)) {
				instance = optarg;
				break;
			}
			fprintf(stderr,
			    "reporterctl: -i: found \"%s\", expected up to %d "
			    "letters, digits, - and _\n",
			    optarg, INSTANCE_MAX - 1);
			return CTL_USAGE;
		case 'V':
			puts("reporterctl " PACKAGE_VERSION);
			return CTL_OK;
		case 'h':
			usage(stdout);
			return CTL_OK;
		default:
			usage(stderr);
			return CTL_USAGE;
		}
	}
	return run_command(instance, argc - optind, argv + optind);
}
