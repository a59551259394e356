/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the figures of a reporter over HTTP, for scrapers and probes.
 * A process of its own: it reads shared memory, and neither the configuration
 * with its password nor the database.  Failures to start are logged and end it
 * with status 1.
 */
#include "config.h"

#include "privilege/account.h"
#include "privilege/background.h"
#include "web/confine.h"
#include "lib/log.h"
#include "shm/segment.h"
#include "web/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define ADDRESS "127.0.0.1:9316"

struct wish {
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

/* Returns -1 to go on, or an exit status. */
static int
options_read(struct wish *wish, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "fhi:l:u:V")) != -1) {
		switch (option) {
		case 'f':
			wish->foreground = true;
			break;
		case 'i':
			wish->instance = optarg;
			break;
		case 'l':
			wish->address = optarg;
			break;
		case 'u':
			wish->user = optarg;
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
	if (segment_instance_ok(wish->instance))
		return -1;
	fprintf(stderr,
	    "reporter-web: -i: found \"%s\", expected up to %d letters, "
	    "digits, - and _\n",
	    wish->instance, INSTANCE_MAX - 1);
	return 2;
}

static bool
confined(void)
{
	int result = confine();

	if (result < 0)
		log_error("cannot give up privileges: %s", strerror(errno));
	else if (result == 0)
		log_warn("this kernel has no Landlock: files are guarded by "
			 "their permissions alone");
	return result >= 0;
}

/* Answer until a signal says that it is enough. */
static int
serve(const struct wish *wish)
{
	sigset_t ends;
	int number = 0;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = server_listen(wish->address);
	if (fd < 0 || account_become(wish->user, ACCOUNT_NO_GROUP) < 0 ||
	    !confined())
		return 1;
	struct server *server = server_start(fd, wish->instance);
	if (server == NULL)
		return 1;
	if (!wish->foreground)
		background_ready();
	sigwait(&ends, &number);
	log_info("stopping");
	server_stop(server);
	return 0;
}

int
main(int argc, char **argv)
{
	struct wish wish = {
		.instance = "default", .address = ADDRESS, .user = ""
	};
	int status = options_read(&wish, argc, argv);

	if (status >= 0)
		return status;
	log_role("web");
	log_echo(!wish.foreground);
	if (!wish.foreground && background_enter() < 0) {
		log_error("cannot go to the background: %s", strerror(errno));
		return 1;
	}
	if (log_open(wish.foreground ? "stderr" : "syslog", LOG_LEVEL_INFO) <
	    0) {
		log_error("log: %s", strerror(errno));
		return 1;
	}
	if (!wish.foreground && chdir("/") < 0)
		log_warn("cannot change to /: %s", strerror(errno));
	return serve(&wish);
}
