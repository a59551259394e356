/* SPDX-License-Identifier: MIT
 *
 * reporterctl status: the figures of an instance, for people or programs.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "status/status.h"

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
	enum shm_status found = status_collect(&status, instance);
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
