/* SPDX-License-Identifier: MIT
 *
 * reporterctl status: the figures of an instance, for people or programs; and
 * check: one line and an exit status, as monitoring plugins have them.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "status/health.h"

#include <getopt.h>

int
ctl_status(const char *instance, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "prometheus", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	static struct status status;
	int option, format = 't';

	while ((option = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (option == '?' || (format != 't' && format != option))
			return ctl_usage(*argv);
		format = option;
	}
	if (optind < argc)
		return ctl_usage(*argv);
	enum shm_status found = ctl_collect(&status, instance);
	if (found != SHM_OK) {
		/* A scraper needs to see that it is down. */
		if (format == 'p' &&
		    (found == SHM_MISSING || found == SHM_UNFINISHED))
			status_prometheus(NULL, stdout);
		return ctl_unreadable(instance, found);
	}
	if (format == 'j')
		status_json(&status, stdout);
	else if (format == 'p')
		status_prometheus(&status, stdout);
	else
		status_text(&status, stdout);
	if (ctl_output() != CTL_OK)
		return CTL_ERROR;
	return status.running ? CTL_OK : CTL_NOT_RUNNING;
}

/* ---------------------------------------------------------------- check --- */

/* The exit statuses are those of enum health, not ours, and errors go to
   standard output, which is what monitoring programs read. */
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
	enum shm_status found = ctl_collect(&status, instance);
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
