/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the figures of a reporter over HTTP, for scrapers and probes.
 * A process of its own: it reads shared memory, and neither the configuration
 * with its password nor the database.  A failure to start is logged; the exit
 * status is 1.
 */
#include "config.h"

#include "privilege/privilege.h"
#include "privilege/daemon.h"
#include "privilege/landlock.h"
#include "lib/log.h"
#include "shm/segment.h"
#include "web/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ADDRESS "127.0.0.1:9316"
#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_ACCESS \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

struct web_options {
	const char *instance, *address, *user;
	bool foreground;
};

static int
usage(FILE *out)
{
	fputs("usage: reporter-web [-fhV] [-i INSTANCE] [-l ADDRESS:PORT] "
	      "[-u USER]\n",
	    out);
	return out == stdout ? 0 : 2;
}

/* Returns -1 to continue, or an exit status. */
static int
options_read(struct web_options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "fhi:l:u:V")) != -1) {
		switch (option) {
		case 'f':
			options->foreground = true;
			break;
		case 'i':
			options->instance = optarg;
			break;
		case 'l':
			options->address = optarg;
			break;
		case 'u':
			options->user = optarg;
			break;
		case 'h':
			return usage(stdout);
		case 'V':
			puts("reporter-web " PACKAGE_VERSION);
			return 0;
		default:
			return usage(stderr);
		}
	}
	if (optind < argc)
		return usage(stderr);
	if (segment_instance_ok(options->instance))
		return -1;
	fprintf(stderr,
	    "reporter-web: -i: found \"%s\", expected up to %d letters, "
	    "digits, - and _\n",
	    options->instance, INSTANCE_MAX - 1);
	return 2;
}

/* From now on this thread, and those that it starts, gain no privileges and,
   where the kernel can do that, open nothing but files below /dev/shm for
   reading, and /dev/null.  Returns 0, or -1: logged. */
static int
confine(void)
{
	int rules = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		rules = landlock_begin(LANDLOCK_ALL);
		if (rules < 0 && landlock_missing(errno)) {
			log_warn("no Landlock in this kernel: only permissions "
				 "protect files");
			return 0;
		}
	}
	/* /dev/null is for going to the background, /proc/self for metrics. */
	if (rules >= 0 && landlock_allow(rules, "/dev/shm", READ_ACCESS) == 0 &&
	    landlock_allow(rules, "/proc/self", READ_ACCESS) == 0 &&
	    landlock_allow(rules, "/dev/null", FILE_ACCESS) == 0 &&
	    landlock_enforce(rules) == 0)
		return 0;
	log_error("cannot give up privileges: %m");
	return -1;
}

/* Serve until SIGTERM or SIGINT. */
static int
serve(const struct web_options *options)
{
	sigset_t ends;
	int number = 0;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = server_listen(options->address);
	if (fd < 0 || account_become(options->user, ACCOUNT_NO_GROUP) < 0 ||
	    confine() < 0)
		return 1;
	struct server *server = server_start(fd, options->instance);
	if (server == NULL)
		return 1;
	if (!options->foreground)
		background_ready();
	sigwait(&ends, &number);
	log_info("stopping");
	server_stop(server);
	return 0;
}

int
main(int argc, char **argv)
{
	struct web_options options = {
		.instance = "default", .address = ADDRESS, .user = ""
	};
	int status = options_read(&options, argc, argv);

	if (status >= 0)
		return status;
	log_role("web");
	log_echo(!options.foreground);
	if (!options.foreground && background_enter() < 0) {
		log_error("cannot go to the background: %m");
		return 1;
	}
	if (log_open(options.foreground ? "stderr" : "syslog", LOG_LEVEL_INFO) <
	    0) {
		log_error("cannot open the log: %m");
		return 1;
	}
	if (!options.foreground && chdir("/") < 0)
		log_warn("cannot change to /: %m");
	return serve(&options);
}
