/* SPDX-License-Identifier: MIT
 *
 * A reporter and a database of our own: all work is done by the script
 * reporter-bench-self, in which this program runs once more.
 */
#include "config.h"

#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORY "REPORTER_BENCH_DIRECTORY"
#define SCRIPT "REPORTER_BENCH_SCRIPT"

bool
own_inside(void)
{
	return options.self && getenv(DIRECTORY) != NULL;
}

void
own_enter(char **argv)
{
	static char self[4096], beside[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int directory = n > 0 ? (int)(strrchr(self, '/') - self) : 0;
	const char *script = beside;

	/* As built, then as installed. */
	snprintf(beside, sizeof(beside), "%.*s/reporter", directory, self);
	if (options.server == NULL && access(beside, X_OK) == 0)
		setenv("REPORTER_BENCH_SERVER", beside, 1);
	if (options.server != NULL)
		setenv("REPORTER_BENCH_SERVER", options.server, 1);
	snprintf(beside, sizeof(beside), "%.*s/bench/reporter-bench-self",
	    directory, self);
	if (access(script, X_OK) < 0)
		script = PKGLIBEXECDIR "/reporter-bench-self";
	setenv(SCRIPT, script, 1);

	size_t count = 0;
	while (argv[count] != NULL)
		count++;
	const char **words = memory(count + 3, sizeof(*words));
	words[0] = script;
	words[1] = "run";
	words[2] = self;
	memcpy(words + 3, argv + 1, count * sizeof(*words));
	execv(script, (char **)(uintptr_t)words);
	fail("cannot execute %s: %m", script);
}

const char *
own_start(const struct setup *setup)
{
	static char conf[128];

	if (shell("exec \"$" SCRIPT "\" reporter %" PRIu64 " %" PRIu64
		  " %" PRIu64 " %" PRIu64 " %d",
		setup->workers, setup->keys > 65536 ? setup->keys : 65536,
		setup->connections, setup->interval_ms, setup->database) < 0)
		fail("cannot start a reporter of our own");
	snprintf(conf, sizeof(conf), "%s/reporter.conf", getenv(DIRECTORY));
	return conf;
}

pid_t
own_database(void)
{
	char path[128], text[16] = "";

	if (!own_inside())
		return 0;
	snprintf(path, sizeof(path), "%s/database.pid", getenv(DIRECTORY));
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		*text = '\0';
	fclose(file);
	return atoi(text);
}
