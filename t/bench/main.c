/* SPDX-License-Identifier: MIT
 *
 * reporter-bench-engine PARAMETERS: measures what the JSON object names.
 */
#include "config.h"

#include "t/bench/bench.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* Print the open connections and max_connections of a running reporter. */
static void
describe(void)
{
	const struct settings *s = site.settings;

	fact("connections",
	    json_integer(watch.workers > 0
			     ? (json_int_t)watch_counts().connections
			     : 0));
	if (s != NULL)
		fact("max_connections",
		    json_integer((json_int_t)s->max_connections));
}

static const struct command {
	const char *name;
	void (*run)(void);
	bool database;
} commands[] = {
	{ "absorb", absorb_run, false },
	{ "memory", memory_run, false },
	{ "flush", flush_run, true },
	{ "fresh", fresh_run, true },
	{ "backlog", backlog_run, true },
	{ "play", play_run, true },
	{ "table_make", table_make, true },
	{ "table_drop", table_drop, true },
	{ "describe", describe, false },
	{ "tidy", base_tidy, true },
	{ NULL, NULL, false },
};

int
main(int argc, char **argv)
{
	const struct command *command = commands;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2 || !parameters_read(argv[1]) ||
	    parameter_text("command") == NULL)
		fail("this is run by reporter-bench");
	const char *name = parameter_text("command");
	while (command->name != NULL && strcmp(command->name, name) != 0)
		command++;
	if (command->name == NULL)
		fail("unknown command \"%s\"", name);
	site_open((uint64_t)parameter("room"));
	if (command->database)
		base_open();
	command->run();
	if (command->database)
		base_describe();
	site_close();
	return 0;
}
