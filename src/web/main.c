/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the page that shows overload, and the figures of a reporter for
 * scrapers and probes, over HTTP.
 * A process of its own: it reads shared memory, and neither the configuration
 * with its password nor the database.  A failure to start is logged; the exit
 * status is 1.
 */
#include "config.h"

#include "privilege/privilege.h"
#include "privilege/daemon.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/long_options.h"
#include "lib/text.h"
#include "web/sampler.h"
#include "web/server.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ADDRESS "127.0.0.1:9316"
#define LINKS_MAX 8 /* that lead to each other */
#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_ACCESS \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

struct web_options {
	struct server_settings server;
	struct sampler_settings sampler;
	const char *address, *user;
	bool foreground;
};

static int
usage(FILE *out)
{
	fputs("usage: reporter-web [-fhV] [-D DIRECTORY] [-F SECONDS] "
	      "[-H NAME] [-i INSTANCE]\n"
	      "                    [-l ADDRESS:PORT] [-n FILE] [-S SECONDS] "
	      "[-u USER]\n",
	    out);
	return out == stdout ? 0 : 2;
}

/* The working directory becomes / later. */
static const char *
absolute(const char *path)
{
	const char *kept = file_absolute(path);

	return kept != NULL ? kept : path;
}

static bool
options_valid(const struct web_options *options)
{
	if (segment_instance_ok(options->server.instance))
		return look_limits_ok(&options->sampler.limits);
	fprintf(stderr,
	    "reporter-web: -i: found \"%s\", expected up to %d letters, "
	    "digits, - and _\n",
	    options->server.instance, INSTANCE_MAX - 1);
	return false;
}

/* Returns -1 to continue, or an exit status. */
static int
options_read(struct web_options *options, int argc, char **argv)
{
	struct server_settings *server = &options->server;
	bool invalid = false;
	int option;

	while ((option = getopt_long(argc, argv, "D:fF:hH:i:l:n:S:u:V",
		    long_options, NULL)) != -1) {
		switch (option) {
		case 'D':
			server->directory = absolute(optarg);
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'F':
		case 'S':
			invalid |= !look_limit(
			    &options->sampler.limits, option, optarg);
			break;
		case 'h':
			return usage(stdout);
		case 'H':
			if (server->hosts < SERVER_HOSTS_MAX) {
				server->host[server->hosts++] = optarg;
				break;
			}
			fprintf(stderr,
			    "reporter-web: -H: more than %d names\n",
			    SERVER_HOSTS_MAX);
			return 2;
		case 'i':
			server->instance = optarg;
			break;
		case 'l':
			options->address = optarg;
			break;
		case 'n':
			options->sampler.names = absolute(optarg);
			options->sampler.names_optional = false;
			break;
		case 'u':
			options->user = optarg;
			break;
		case 'V':
			puts("reporter-web " PACKAGE_VERSION);
			return 0;
		default:
			return usage(stderr);
		}
	}
	if (optind < argc)
		return usage(stderr);
	return invalid || !options_valid(options) ? 2 : -1;
}

/* Allow reading the directory of a file, so that the file can be replaced, or
   come later; if it is a symbolic link, also that of the file that it leads
   to, which may be one, too.  A failure shows when the file is read. */
static void
allow_beside(int rules, const char *file)
{
	char path[PATH_MAX], target[PATH_MAX], parent[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s", file);

	for (int links = 0; links < LINKS_MAX && length < PATH_MAX; links++) {
		memcpy(parent, path, sizeof(parent));
		const char *directory = dirname(parent);
		ssize_t n = readlink(path, target, sizeof(target));

		landlock_allow(rules, directory, READ_ACCESS);
		if (n < 0)
			return;
		length =
		    *target == '/'
			? snprintf(path, sizeof(path), "%.*s", (int)n, target)
			: snprintf(path, sizeof(path), "%s/%.*s", directory,
			      (int)n, target);
	}
}

/* From now on this thread, and those that it starts, cannot gain privileges.
   Where the kernel has Landlock, they can open only files below /dev/shm,
   /proc/self and the directories of the options, for reading, and /dev/null.
   Returns 0, or -1: logged. */
static int
confine(const struct web_options *options)
{
	const char *names = options->sampler.names;
	const char *directory = options->server.directory;
	int rules = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		rules = landlock_begin(LANDLOCK_ALL);
		if (rules < 0 && landlock_missing(errno)) {
			log_warn("no Landlock in this kernel: only permissions "
				 "protect files");
			return 0;
		}
	}
	if (rules >= 0)
		allow_beside(rules, names);
	/* /dev/null is for going to the background, /proc/self for metrics. */
	if (rules >= 0 && landlock_allow(rules, "/dev/shm", READ_ACCESS) == 0 &&
	    (landlock_allow(rules, "/proc/self", READ_ACCESS) == 0 ||
		errno == ENOENT) &&
	    landlock_allow(rules, "/dev/null", FILE_ACCESS) == 0 &&
	    (directory == NULL ||
		landlock_allow(rules, directory, READ_ACCESS) == 0) &&
	    landlock_enforce(rules) == 0)
		return 0;
	log_error("cannot give up privileges: %m");
	return -1;
}

/* SIGBUS: the owner of a segment has truncated it while we read it.  That is
   where this interrupts, and not while the log is written. */
static void __attribute__((noreturn)) truncated(int number)
{
	(void)number;
	log_error("a segment was truncated while it was read; exiting");
	_exit(1);
}

/* Serve until SIGTERM or SIGINT. */
static int
serve(struct web_options *options)
{
	sigset_t ends;
	int number = 0;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGBUS, truncated);
	/* Large answers go back to the system. */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	int fd = server_listen(options->address);
	if (fd < 0 || account_become(options->user, ACCOUNT_NO_GROUP) < 0 ||
	    confine(options) < 0)
		return 1;
	options->sampler.instance = options->server.instance;
	options->server.sampler = sampler_start(&options->sampler);
	if (options->server.sampler == NULL)
		return 1;
	struct server *server = server_start(fd, &options->server);
	if (server == NULL)
		return 1;
	if (!options->foreground)
		background_ready();
	sigwait(&ends, &number);
	log_info("stopping");
	server_stop(server);
	sampler_stop(options->server.sampler);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct web_options options = {
		.server = { .instance = "default" },
		.sampler = { .limits = { LOOK_FRESH_S, LOOK_SILENT_S },
		    .names = NAMES_FILE,
		    .names_optional = true },
		.address = ADDRESS,
		.user = "",
	};

	file_open_standard();
	stderr = text_guard(stderr);
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
