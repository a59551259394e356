/* SPDX-License-Identifier: MIT
 *
 * reporter-bench: the benchmarks by name, and the order of things.
 */
#include "config.h"

#include "bench/bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a benchmark requires of a reporter that is not our own. */
enum need {
	NOTHING,
	CONF,
	CONF_AND_INSTANCE,
	SELF
};

static const struct command {
	const char *name, *help;
	void (*run)(void);
	bool in_all;
	enum need need;
} commands[] = {
	{ "absorb", "records/s from the socket to the pending table",
	    absorb_run, true, NOTHING },
	{ "flush", "rows/s from the pending table to the database", flush_run,
	    true, CONF_AND_INSTANCE },
	{ "cost", "flush of 300,000 keys with one worker", cost_run, false,
	    CONF_AND_INSTANCE },
	{ "fresh", "time from sending a report until its row is visible",
	    fresh_run, true, CONF },
	{ "flat", "absorb with few and many connections and keys; memory",
	    flat_run, true, NOTHING },
	{ "backlog", "time to catch up after an outage of the database",
	    backlog_run, true, SELF },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static char **names; /* of the benchmarks to run, NULL-terminated */

static void
usage(FILE *out)
{
	fputs("usage: reporter-bench --self [options] BENCHMARK ...\n"
	      "       reporter-bench [-c FILE] [-H HOST] [-p PORT] "
	      "[-i INSTANCE] [options]\n"
	      "                      BENCHMARK ...\n"
	      "benchmarks:\n",
	    out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs(
	    "  all      All of the above\n"
	    "options: --json --rounds N --seconds S --samples N --keys N,...\n"
	    "         --connections N,... --workers N,... --rate N,... "
	    "--dialect NAME\n"
	    "         --chunk BYTES --interval MS --away S --server FILE\n",
	    out);
}

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* What is missing to run this one; NULL: nothing. */
static const char *
command_lacks(const struct command *command)
{
	const struct options *o = &options;

	if (o->self || command->need == NOTHING)
		return NULL;
	if (command->need == SELF)
		return "--self";
	if (o->conf == NULL)
		return "--self, or the reporter's configuration (-c)";
	if (command->need == CONF_AND_INSTANCE && o->instance == NULL &&
	    o->host != NULL)
		return "--self, or a reporter on this machine (-i)";
	return NULL;
}

static void
command_run(const struct command *command)
{
	const char *lacks = command_lacks(command);

	if (lacks == NULL) {
		command->run();
		return;
	}
	struct result *result = result_new(command->name, NULL, "left out");
	result_note(result, "requires %s", lacks);
	result_end(result);
}

/* The runner. */
static int
run(void)
{
	report_open();
	generator_limit();
	site_open();
	for (char **name = names; *name != NULL; name++) {
		const struct command *command = command_find(*name);

		if (command != NULL)
			command_run(command);
		for (size_t i = 0; command == NULL && i < COMMANDS; i++)
			if (commands[i].in_all)
				command_run(&commands[i]);
	}
	base_describe();
	site_close();
	report_close();
	return BENCH_DONE;
}

static void
names_check(void)
{
	if (*names == NULL) {
		usage(stderr);
		exit(BENCH_USAGE);
	}
	for (char **name = names; *name != NULL; name++) {
		const struct command *command = command_find(*name);
		const char *lacks = command ? command_lacks(command) : NULL;

		if (command == NULL && strcmp(*name, "all") != 0)
			notice("unknown benchmark \"%s\"", *name);
		else if (lacks != NULL)
			notice("%s requires %s", *name, lacks);
		else
			continue;
		exit(BENCH_USAGE);
	}
}

int
main(int argc, char **argv)
{
	const struct options *o = &options;
	int fd;

	/* A descriptor of ours in the place of a closed stream would get what
	   is printed. */
	while ((fd = open("/dev/null", O_RDONLY)) <= STDERR_FILENO)
		if (fd < 0)
			return BENCH_FAILED;
	close(fd);
	names = options_read(argc, argv, usage);
	names_check();
	if (o->self && (o->conf || o->host || o->port || o->instance)) {
		notice("--self cannot be combined with -c, -H, -p or -i");
		return BENCH_USAGE;
	}
	if (own_inside())
		return run();
	if (o->self)
		own_enter(argv);
	site_share();
	return supervise(run, site_tidy);
}
