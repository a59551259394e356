/* SPDX-License-Identifier: MIT
 *
 * reporterctl check: one line and an exit status, as monitoring plugins have
 * them.  The exit statuses are those of enum health, not reporterctl's own,
 * and what is wrong is told on standard output, where such programs are read.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "status/health.h"

#include <errno.h>
#include <unistd.h>

static int
say(enum health health, const char *text)
{
	printf("REPORTER %s - %s\n", health_name(health), text);
	return ctl_output() == CTL_OK ? (int)health : HEALTH_UNKNOWN;
}

/* There is no status to judge. */
static int
say_absent(const char *instance, enum shm_status found)
{
	char text[256];
	int saved = errno;

	if (found == SHM_MISSING || found == SHM_UNFINISHED) {
		snprintf(
		    text, sizeof(text), "instance %s is not running", instance);
		return say(HEALTH_CRITICAL, text);
	}
	snprintf(text, sizeof(text), "instance %s cannot be read: %s", instance,
	    shm_strerror(found, saved));
	return say(HEALTH_UNKNOWN, text);
}

int
ctl_check(const char *instance, int argc, char **argv)
{
	static struct status status;
	struct health_limits limits = health_defaults;
	char text[HEALTH_TEXT_MAX], reason[256];
	int option;

	while ((option = getopt(argc, argv, "w:c:")) != -1) {
		if (option == '?') {
			ctl_usage(*argv);
			return HEALTH_UNKNOWN;
		}
		if (!health_parse(
			option == 'w' ? limits.warning : limits.critical,
			optarg, reason, sizeof(reason))) {
			snprintf(text, sizeof(text), "-%c: %s", option, reason);
			return say(HEALTH_UNKNOWN, text);
		}
	}
	if (optind < argc) {
		ctl_usage(*argv);
		return HEALTH_UNKNOWN;
	}
	enum shm_status found = status_collect(&status, instance);
	if (found != SHM_OK)
		return say_absent(instance, found);
	status_still(&status, instance);
	enum health health = health_judge(&status, &limits, text, sizeof(text));
	return say(health, text);
}
