/* SPDX-License-Identifier: MIT
 *
 * reporterctl check: one line and an exit status, as monitoring plugins have
 * them.  The exit statuses are those of enum health, not reporterctl's own,
 * and errors go to standard output, which is what monitoring programs read.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "status/health.h"

#include <unistd.h>

static int
show(enum health health, const char *text)
{
	printf("REPORTER %s - %s\n", health_name(health), text);
	return ctl_output() == CTL_OK ? (int)health : HEALTH_UNKNOWN;
}

int
ctl_check(const char *instance, int argc, char **argv)
{
	static struct status status;
	struct health_limits limits;
	char text[HEALTH_TEXT_MAX], reason[256];
	int option;

	health_defaults(&limits);
	while ((option = getopt(argc, argv, "w:c:")) != -1) {
		if (option == '?') {
			ctl_usage(*argv);
			return HEALTH_UNKNOWN;
		}
		if (!health_parse(
			option == 'w' ? limits.warning : limits.critical,
			optarg, reason, sizeof(reason))) {
			snprintf(text, sizeof(text), "-%c: %s", option, reason);
			return show(HEALTH_UNKNOWN, text);
		}
	}
	if (optind < argc) {
		ctl_usage(*argv);
		return HEALTH_UNKNOWN;
	}
	enum shm_status found = status_collect(&status, instance);
	if (found != SHM_OK) {
		bool absent = found == SHM_MISSING || found == SHM_UNFINISHED;

		snprintf(text, sizeof(text), "instance %s: %s", instance,
		    status_reason(found));
		return show(absent ? HEALTH_CRITICAL : HEALTH_UNKNOWN, text);
	}
	status_find_stalled(&status, instance);
	enum health health = health_judge(&status, &limits, text, sizeof(text));
	return show(health, text);
}
