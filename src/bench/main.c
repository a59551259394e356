/* SPDX-License-Identifier: MIT
 *
 * reporter-bench: the benchmarks by name, and the order of things.  Two
 * processes of its own, see supervise.h.  Failures are told on standard error
 * and in the exit status.
 */
#include "config.h"

#include "bench/bench.h"

#include "bench/fail.h"
#include "bench/goal.h"
#include "bench/options.h"
#include "bench/results.h"
#include "bench/site.h"
#include "bench/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a benchmark cannot do without, unless it has servers of its own. */
enum need {
	NOTHING,
	CONF,
	CONF_AND_INSTANCE,
	SELF
};

static const struct command {
	const char *name;
	void (*run)(struct bench *bench);
	bool in_all;
	enum need need;
} commands[] = {
	{ "absorb", absorb_run, true, NOTHING },
	{ "flush", flush_run, true, CONF_AND_INSTANCE },
	{ "cost", cost_run, false, CONF_AND_INSTANCE },
	{ "fresh", fresh_run, true, CONF },
	{ "flat", flat_run, true, NOTHING },
	{ "backlog", backlog_run, true, SELF },
	{ "targets", targets_run, false, SELF },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* What the runner is given. */
struct work {
	const struct options *options;
	struct self *self;   /* NULL without --self */
	char **names;        /* of the benchmarks, NULL-terminated */
	struct trace *trace; /* shared */
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

/* What this one lacks, in words; NULL: nothing. */
static const char *
command_lacks(const struct command *command, const struct options *o)
{
	bool instance =
	    o->instance != NULL || (o->conf != NULL && o->host == NULL);

	if (o->self || command->need == NOTHING)
		return NULL;
	if (command->need == SELF)
		return "--self";
	if (o->conf == NULL)
		return "--self, or the reporter's configuration (-c)";
	if (command->need == CONF_AND_INSTANCE && !instance)
		return "--self, or a reporter on this machine (-i)";
	return NULL;
}

/* One of all. */
static void
command_run_if(struct bench *bench, const struct command *command)
{
	const char *lacks = command_lacks(command, bench->options);

	if (lacks == NULL) {
		command->run(bench);
		return;
	}
	results_begin(bench->results, command->name, "left out");
	results_note(bench->results, "needs %s", lacks);
	results_end(bench->results);
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
				command_run_if(bench, &commands[i]);
	}
}

static bool
goals_missed(const struct bench *bench)
{
	/* One that was not measured is not met. */
	for (int i = 0; bench->judged && i < GOALS; i++)
		if (!goal_met(&goal_table[i], bench->goal[i]))
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
	site_open(&site, work->options, work->self, work->trace);
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

/* After the runner, where the reporter goes on running. */
static void
work_tidy(void *arg, int status, bool interrupted)
{
	const struct work *work = arg;

	(void)status;
	(void)interrupted;
	if (work->trace->wrote)
		site_tidy(work->options, work->trace);
}

static void
work_share(struct work *work)
{
	void *shared = mmap(NULL, sizeof(*work->trace), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		fail("no shared memory: %s", strerror(errno));
	work->trace = shared;
}

/* A descriptor of ours in the place of one that was closed would get what is
   printed. */
static void
streams_check(void)
{
	int fd = open("/dev/null", O_RDONLY);

	/* The lowest that is free, each time. */
	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDONLY);
	if (fd < 0)
		exit(BENCH_BROKEN);
	close(fd);
}

static void
names_check(char **names, const struct options *options)
{
	if (*names == NULL) {
		options_usage(stderr);
		exit(BENCH_USAGE);
	}
	for (; *names != NULL; names++) {
		const struct command *command = command_find(*names);
		const char *lacks =
		    command != NULL ? command_lacks(command, options) : NULL;

		if (lacks != NULL) {
			notice("%s needs %s", *names, lacks);
			exit(BENCH_USAGE);
		}
		if (strcmp(*names, "all") == 0 || command != NULL)
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

	streams_check();
	work.names = options_read(&options, argc, argv);
	names_check(work.names, &options);
	work_share(&work);
	if (!options.self)
		return supervise(work_run, work_tidy, &work);
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
