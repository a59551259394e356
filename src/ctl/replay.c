/* SPDX-License-Identifier: MIT
 *
 * reporterctl replay: resends the records of a dead-letter file.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "send/replay.h"
#include "send/sender.h"
#include "status/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

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
