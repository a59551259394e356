/* SPDX-License-Identifier: MIT
 *
 * reporter - main program: command line, check and dump of the configuration,
 * the way into the background, then the master (master.c).
 */
#include "config.h"

#include "check/inspect.h"
#include "conf/reload.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/long_options.h"
#include "lib/text.h"
#include "master/master.h"
#include "privilege/privilege.h"
#include "privilege/daemon.h"
#include "shm/faultpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_FILE SYSCONFDIR "/reporter/reporter.conf"

struct arguments {
	const char *config;
	bool foreground, dump, take_over;
	int check; /* -t once or twice */
};

static void
usage(FILE *out)
{
	fprintf(out, "usage: reporter [-dfhrV] [-t [-t]] [-c FILE]\n"
		     "  -f       stay in the foreground\n"
		     "  -r       take over from the running instance\n"
		     "  -t       check the configuration and exit\n"
		     "  -t -t    check the database as well\n"
		     "  -d       print the effective configuration and exit\n"
		     "  -c FILE  read this configuration, not " CONFIG_FILE "\n"
		     "  -V       print the version and exit\n"
		     "  -h       print this and exit\n");
}

static void
arguments_read(struct arguments *a, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(
		    argc, argv, "frtdVhc:", long_options, NULL)) != -1) {
		switch (option) {
		case 'f':
			a->foreground = true;
			break;
		case 'r':
			a->take_over = true;
			break;
		case 't':
			a->check++;
			break;
		case 'd':
			a->dump = true;
			break;
		case 'c':
			a->config = optarg;
			break;
		case 'V':
			printf("reporter %s\n", PACKAGE_VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "reporter: %s: unexpected argument\n",
		    argv[optind]);
		usage(stderr);
		exit(2);
	}
}

/* The start is over: log lines no longer go to standard error. */
static void
started(void)
{
	log_echo(false);
	background_ready();
}

/* As the user that opens it again after a rotation. */
static int
open_log(const struct settings *settings)
{
	int status;

	if (account_borrow(settings->user) < 0)
		return -1;
	status = reload_log(settings);
	return account_return() < 0 ? -1 : status;
}

/* Become the process that the master will be.  Returns 0, or -1: logged. */
static int
prepare(const struct arguments *a, const struct settings *settings)
{
	/* No file that we create is readable for everybody. */
	umask(027);
	if (!a->foreground && background_enter() < 0) {
		fprintf(stderr, "reporter: cannot enter the background: %s\n",
		    strerror(errno));
		return -1;
	}
	log_role("master");
	log_echo(true);
	if (open_log(settings) < 0)
		return -1;
	if (!a->foreground && chdir("/") < 0)
		log_warn("cannot change to /: %m");
	return 0;
}

/* Returns the exit status. */
static int
check(const struct arguments *a, const struct settings *settings,
    const char *path)
{
	struct complaints complaints = { .out = stderr };

	/* The running process must not end for one that cannot start. */
	if (a->check > 0 || a->take_over)
		inspect_machine(settings, path, false, &complaints);
	else
		inspect_user(settings, false, &complaints);
	/* This process has nothing else to do. */
	if (a->check > 1 &&
	    account_become(settings->user, ACCOUNT_NO_GROUP) < 0)
		complaints.count++;
	else if (a->check > 1)
		inspect_database(settings, path, &complaints, stdout);
	if (complaints.count > 0)
		return 1;
	if (a->check > 0)
		printf("%s: configuration OK\n", a->config);
	return 0;
}

/* Whether all that was printed could be written; if not, prints why. */
static bool
output_written(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fprintf(stderr, "reporter: standard output: %s\n", strerror(errno));
	return false;
}

/* Do what the arguments request.  Returns the exit status. */
static int
run(const struct arguments *a, const char *path)
{
	struct settings *settings = settings_load(path, stderr);
	int status = 0;

	if (settings == NULL)
		return 1;
	if (a->dump)
		settings_dump(settings, stdout);
	if (a->check > 0 || !a->dump)
		status = check(a, settings, path);
	if (a->dump || a->check > 0 || status != 0) {
		settings_free(settings);
		return output_written() ? status : 1;
	}
	status = 1;
	if (prepare(a, settings) == 0) {
		status = master_run(settings, path, a->take_over, started);
		pidfile_remove();
	} else {
		settings_free(settings);
	}
	return status;
}

/* By default these would terminate reporter: until its loop reads them from a
   signalfd, or, for SIGXFSZ, when a file reaches the limit on its size, which
   then is an error of write().  SIGTERM and SIGINT stay unblocked and end the
   start. */
static void
block_signals(void)
{
	sigset_t set;

	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int
main(int argc, char **argv)
{
	struct arguments a = { .config = CONFIG_FILE };

	stdout = text_guard(stdout);
	stderr = text_guard(stderr);
	block_signals();
	FAULT_POINT("main_begun");
	file_open_standard();
	title_init(argc, argv);
	arguments_read(&a, argc, argv);
	char *absolute = file_absolute(a.config);
	int status = run(&a, absolute != NULL ? absolute : a.config);
	free(absolute);
	return status;
}
