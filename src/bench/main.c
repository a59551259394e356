/* SPDX-License-Identifier: MIT
 *
 * reporter-bench: the benchmarks by name, and the order of things.  A process
 * of its own; with --self two, see self.h.  Failures are told on standard error
 * and in the exit status.
 */
#include "config.h"

#include "bench.h"

#include "fail.h"
#include "goal.h"
#include "options.h"
#include "results.h"
#include "site.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
	const char *name;
	void (*run)(struct bench *bench);
	bool in_all;
} commands[] = {
	{ "absorb", absorb_run, true },
	{ "flush", flush_run, true },
	{ "cost", cost_run, false },
	{ "fresh", fresh_run, true },
	{ "flat", flat_run, true },
	{ "backlog", backlog_run, true },
	{ "targets", targets_run, false },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* What the runner is given. */
struct work {
	const struct options *options;
	struct self *self; /* NULL without --self */
	char **names;      /* of the benchmarks, NULL-terminated */
};

/* -------------------------------------------------------------- running --- */

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void
commands_run(struct bench *bench, char **names)
{
	for (; *names != NULL; names++) {
		const struct command *command = command_find(*names);

		if (command != NULL) {
			command->run(bench);
			continue;
		}
		for (size_t i = 0; i < COMMANDS; i++)
			if (commands[i].in_all)
				commands[i].run(bench);
	}
}

static bool
goals_missed(const struct bench *bench)
{
	for (int i = 0; i < GOALS; i++)
		if (!isnan(bench->goal[i]) &&
		    !goal_met(&goal_table[i], bench->goal[i]))
			return true;
	return false;
}

static int
work_run(void *arg)
{
	const struct work *work = arg;
	struct bench bench = { .options = work->options };
	struct machine machine;
	static struct site site;

	machine_read(&machine);
	generator_limit();
	for (size_t i = 0; i < sizeof(bench.goal) / sizeof(bench.goal[0]); i++)
		bench.goal[i] = NAN;
	bench.results = results_open(work->options->json, &machine);
	bench.site = &site;
	site_open(&site, work->options, work->self);
	commands_run(&bench, work->names);
	if (site.base.mysql != NULL) {
		char text[160];

		base_server(&site.base, text, sizeof(text));
		results_fact(bench.results, "database", text);
	}
	site_close(&site);
	if (!results_close(bench.results))
		fail("the results could not be written");
	return work->options->strict && goals_missed(&bench) ? BENCH_MISSED
							     : BENCH_DONE;
}

static void
names_check(char **names)
{
	if (*names == NULL) {
		options_usage(stderr);
		exit(BENCH_USAGE);
	}
	for (; *names != NULL; names++) {
		if (strcmp(*names, "all") == 0 || command_find(*names) != NULL)
			continue;
		fprintf(stderr,
		    "reporter-bench: there is no benchmark "
		    "\"%s\"\n",
		    *names);
		options_usage(stderr);
		exit(BENCH_USAGE);
	}
}

int
main(int argc, char **argv)
{
	struct options options = { .self = false };
	struct self self = { 0 };
	struct work work = { .options = &options };

	work.names = options_read(&options, argc, argv);
	names_check(work.names);
	if (!options.self)
		return work_run(&work);
	if (options.conf != NULL || options.host != NULL ||
	    options.port != NULL || options.instance != NULL) {
		fprintf(stderr, "reporter-bench: --self goes with none of -c, "
				"-H, -p and -i\n");
		return BENCH_USAGE;
	}
	self.program = options.server;
	work.self = &self;
	return self_supervise(&self, work_run, &work);
}
