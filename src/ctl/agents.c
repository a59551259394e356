/* SPDX-License-Identifier: MIT
 *
 * reporterctl agents: the agents that are connected.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "status/agent_list.h"

#include <getopt.h>
#include <inttypes.h>

int
ctl_agents(const char *instance, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	long max = AGENTS_MAX;
	int option, column = agent_column("address");
	bool json = false;
	uint64_t unlisted;

	while ((option = getopt_long(argc, argv, "jn:s:", longs, NULL)) != -1) {
		json |= option == 'j';
		if (option == 's' && (column = agent_column(optarg)) < 0)
			fprintf(stderr,
			    "reporterctl: -s: found \"%s\", "
			    "expected " AGENT_COLUMNS "\n",
			    optarg);
		if (option == '?' || column < 0 ||
		    (option == 'n' &&
			!ctl_number("-n", optarg, 1, AGENTS_MAX, &max)))
			return ctl_usage(*argv);
	}
	if (optind < argc)
		return ctl_usage(*argv);
	enum shm_status found = agents_print(
	    instance, column, (size_t)max, json, stdout, &unlisted);
	if (found != SHM_OK)
		return ctl_unreadable(instance, found);
	if (unlisted > 0)
		fprintf(stderr,
		    "reporterctl: %" PRIu64 " more connected, not listed\n",
		    unlisted);
	return ctl_output();
}
