/* SPDX-License-Identifier: MIT
 *
 * reporterctl keys and agents: a row for each key in the pending tables, for
 * each agent that is connected; and replay of the records of a file.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "lib/clock.h"
#include "send/replay.h"
#include "send/sender.h"
#include "status/lists.h"

#include <getopt.h>
#include <inttypes.h>

static const struct option longs[] = {
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};

/* [MODID [CMDID]] */
static bool
filter_read(struct keys_list *list, int argc, char **argv)
{
	list->has_modid = argc > 0;
	list->has_cmdid = argc > 1;
	for (int i = 0; i < argc && i < 2; i++) {
		if (keys_number(argv[i], i == 0 ? &list->modid : &list->cmdid))
			continue;
		fprintf(stderr,
		    "reporterctl: %s: found \"%s\", expected a 32-bit "
		    "integer\n",
		    i == 0 ? "MODID" : "CMDID", argv[i]);
		return false;
	}
	return argc <= 2;
}

/* The next option's letter, or -1.  A modid below 0 is none. */
static int
next_option(int argc, char **argv)
{
	int at = optind == 0 ? 1 : optind;
	int32_t number;

	if (at < argc && keys_number(argv[at], &number)) {
		optind = at;
		return -1;
	}
	return getopt_long(argc, argv, "+j", longs, NULL);
}

int
ctl_keys(const char *instance, int argc, char **argv)
{
	static struct scan scan;
	struct keys_list list = { .out = stdout,
		.limits = ctl_limits,
		.now_ms = realtime_ms(),
		.max = INT64_MAX };
	int option;

	while ((option = next_option(argc, argv)) != -1) {
		if (option != 'j')
			return ctl_usage(*argv);
		list.json = true;
	}
	if (!filter_read(&list, argc - optind, argv + optind))
		return ctl_usage(*argv);
	enum shm_status found = scan_open(&scan, instance);
	if (found != SHM_OK)
		return ctl_unreadable(instance, found);
	struct names *names = ctl_names(NULL, false);
	list.names = names;
	scan_walk(&scan, keys_visit, &list);
	names_free(names);
	unsigned unread = scan.unread;
	scan_close(&scan);
	if (ctl_output() != CTL_OK)
		return CTL_ERROR;
	if (unread > 0) {
		fprintf(stderr,
		    "reporterctl: cannot read %u segment%s, whose keys are "
		    "missing; see reporterctl status\n",
		    unread, status_s(unread));
		return CTL_ERROR;
	}
	return CTL_OK;
}

int
ctl_agents(const char *instance, int argc, char **argv)
{
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

int
ctl_replay(const char *instance, int argc, char **argv)
{
	const char *host = SENDER_HOST, *port = SENDER_PORT;
	uint64_t records;
	int option;

	(void)instance;
	while ((option = getopt(argc, argv, "H:p:")) != -1)
		if (option == 'H')
			host = optarg;
		else if (option == 'p')
			port = optarg;
		else
			return ctl_usage(*argv);
	if (optind != argc - 1)
		return ctl_usage(*argv);
	enum replay_end end =
	    replay_file(argv[optind], host, port, &records, stderr);
	if (end == REPLAY_LOST)
		return CTL_ERROR;
	printf("%" PRIu64 " record%s sent\n", records, status_s(records));
	int written = ctl_output();
	return end == REPLAY_SENT ? written : CTL_ERROR;
}
