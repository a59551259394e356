/* SPDX-License-Identifier: MIT
 *
 * reporterctl: shows and controls a running reporter.  A process of its own,
 * one thread.  It maps shared memory read-only and sends signals; failures are
 * printed to standard error and set the exit status.  Each command is in a file
 * of its own; here is the command line, and what they share.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "lib/file.h"
#include "lib/long_options.h"
#include "lib/text.h"
#include "status/health.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct look_limits ctl_limits = { LOOK_FRESH_S, LOOK_SILENT_S };
static const char *names_file; /* NULL: the default, if it exists */
static bool checks;            /* the command is `check` */

int (*ctl_screen_end)(void);

struct command {
	const char *name;
	int (*run)(const char *instance, int argc, char **argv);
	const char *arguments, *help;
};

static const struct command commands[] = {
	{ "status", ctl_status, "[--json | --prometheus]", "show its figures" },
	{ "top", ctl_top, "[-b] [-d SECONDS] ...", "watch its services" },
	{ "keys", ctl_keys, "[--json] [MODID [CMDID]]", "list its keys" },
	{ "agents", ctl_agents, "[--json] [-s COLUMN] ...", "list its agents" },
	{ "check", ctl_check, "[-w LIMITS] [-c LIMITS]",
	    "check it, as a monitoring plugin" },
	{ "reload", ctl_reload, "[-t SECONDS]", "reload its configuration" },
	{ "stop", ctl_stop, "[-t SECONDS]", "stop it gracefully" },
	{ "reopen", ctl_reopen, "[-t SECONDS]", "reopen its log file" },
	{ "replay", ctl_replay, "[-H HOST] [-p PORT] FILE",
	    "resend the records of a dead-letter file" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void
usage(FILE *out)
{
	fputs("usage: reporterctl [-hV] [-F SECONDS] [-i INSTANCE] "
	      "[-n FILE] [-S SECONDS]\n"
	      "                   COMMAND ...\n",
	    out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-7s %-25s %s\n", commands[i].name,
		    commands[i].arguments, commands[i].help);
}

int
ctl_usage(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			fprintf(stderr,
			    "usage: reporterctl [-i INSTANCE] %s %s\n", name,
			    commands[i].arguments);
	return CTL_USAGE;
}

int
ctl_unreadable(const char *instance, enum shm_status found)
{
	char names[1][SEGMENT_NAME_MAX];
	int saved = errno, left;
	pid_t pid;

	switch (found) {
	case SHM_MISSING:
	case SHM_UNFINISHED:
		pid = ctl_find(instance);
		if (pid > 0) {
			fprintf(stderr,
			    "the segment of instance %s was removed, and "
			    "process %d has not created it again; if it does "
			    "not within seconds, stop it with kill(1)\n",
			    instance, (int)pid);
			return CTL_ERROR;
		}
		fprintf(stderr, "no reporter of instance %s is running\n",
		    instance);
		left = segment_list(instance, SEGMENT_ANYBODY, names, 1);
		if (left > 0)
			fprintf(stderr,
			    "%d segment%s of its workers left; the next start "
			    "takes over the records\n",
			    left, status_s((uint64_t)left));
		return CTL_NOT_RUNNING;
	case SHM_VERSION:
		fprintf(stderr,
		    "instance %s: the segment has the layout of another "
		    "version; use the reporterctl of that version\n",
		    instance);
		return CTL_ERROR;
	case SHM_DAMAGED:
		fprintf(stderr,
		    "instance %s: the segment /dev/shm/reporter.%s is damaged; "
		    "stop that reporter, move the file away and restart\n",
		    instance, instance);
		return CTL_ERROR;
	case SHM_SYSTEM:
	case SHM_FOREIGN:
	case SHM_BUSY:
	case SHM_EXISTS:
	case SHM_NO_SPACE:
	case SHM_OK:
		break;
	}
	fprintf(stderr, "instance %s: %s%s\n", instance,
	    shm_strerror(found, saved),
	    found == SHM_SYSTEM && saved == EACCES
		? "; requires root, its user or a member "
		  "of the group that reporter.group names"
		: "");
	return CTL_ERROR;
}

bool
ctl_number(
    const char *option, const char *text, long min, long max, long *number)
{
	int64_t n;

	if (text_number(text, min, max, &n)) {
		*number = n;
		return true;
	}
	fprintf(stderr,
	    "reporterctl: %s: found \"%s\", expected a number from %ld to "
	    "%ld\n",
	    option, text, min, max);
	return false;
}

int
ctl_output(void)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return CTL_OK;
	perror("reporterctl: standard output");
	return CTL_ERROR;
}

static void
complain(const char *text)
{
	fprintf(stderr, "reporterctl: %s\n", text);
}

static void
complain_not(const char *text)
{
	(void)text;
}

struct names *
ctl_names(struct names *before, bool quiet)
{
	return names_read(names_file != NULL ? names_file : NAMES_FILE,
	    names_file == NULL, before, quiet ? complain_not : complain);
}

/* SIGBUS: the owner of a segment has truncated it while we read it.  That is
   where this interrupts, and in no function of the library. */
static void __attribute__((noreturn)) truncated(int number)
{
	(void)number;
	if (ctl_screen_end != NULL)
		ctl_screen_end();
	fprintf(checks ? stdout : stderr,
	    "%s a segment was truncated while it was read\n",
	    checks ? "REPORTER UNKNOWN -" : "reporterctl:");
	fflush(stdout);
	_exit(checks ? (int)HEALTH_UNKNOWN : (int)CTL_ERROR);
}

static int
run_command(const char *instance, int argc, char **argv)
{
	if (argc == 0) {
		usage(stderr);
		return CTL_USAGE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].name) == 0) {
			optind = 0; /* restart, with the command's options */
			checks = commands[i].run == ctl_check;
			signal(SIGBUS, truncated);
			return commands[i].run(instance, argc, argv);
		}
	}
	fprintf(stderr, "reporterctl: unknown command \"%s\"\n", argv[0]);
	usage(stderr);
	return CTL_USAGE;
}

int
main(int argc, char **argv)
{
	const char *instance = "default";
	bool invalid = false;
	int option;

	file_open_standard();
	stderr = text_guard(stderr);
	while ((option = getopt_long(
		    argc, argv, "+F:i:n:S:Vh", long_options, NULL)) != -1) {
		switch (option) {
		case 'F':
		case 'S':
			invalid |= !look_limit(&ctl_limits, option, optarg);
			break;
		case 'n':
			names_file = optarg;
			break;
		case 'i':
			instance = optarg;
			if (segment_instance_ok(instance))
				break;
			fprintf(stderr,
			    "reporterctl: -i: found \"%s\", expected up to %d "
			    "letters, digits, - and _\n",
			    optarg, INSTANCE_MAX - 1);
			invalid = true;
			break;
		case 'V':
			puts("reporterctl " PACKAGE_VERSION);
			return CTL_OK;
		case 'h':
			usage(stdout);
			return CTL_OK;
		default:
			invalid = true;
		}
	}
	if (invalid || !look_limits_ok(&ctl_limits)) {
		usage(stderr);
		/* Monitoring plugins have exit statuses of their own. */
		return argv[optind] != NULL &&
			       strcmp(argv[optind], "check") == 0
			   ? (int)HEALTH_UNKNOWN
			   : (int)CTL_USAGE;
	}
	return run_command(instance, argc - optind, argv + optind);
}
