/* SPDX-License-Identifier: MIT
 *
 * Processes and the machine, as /proc and the clocks show them.  Owns
 * nothing; any thread.  A process that is gone is fatal.
 */
#include "config.h"

#include "bench/process.h"

#include "bench/fail.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

double
process_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
		fail("process %d is gone", (int)pid);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The text behind "NAME:" in a file of such lines.  Returns whether there is
   one; without its line end. */
static int
file_field(const char *path, const char *name, char *text, size_t size)
{
	char line[256];
	FILE *file = fopen(path, "re");
	size_t length = strlen(name);
	int found = 0;

	if (file == NULL)
		return 0;
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		char *colon = strchr(line, ':');

		if (strncmp(line, name, length) != 0 || colon == NULL)
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(text, size, "%s", colon);
		found = 1;
	}
	fclose(file);
	return found;
}

uint64_t
process_private(pid_t pid)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!file_field(path, "RssAnon", text, sizeof(text)))
		fail("%s does not tell RssAnon", path);
	return strtoull(text, NULL, 10) * 1024;
}

void
machine_read(struct machine *machine)
{
	struct utsname name;
	struct rlimit limit;
	cpu_set_t set;

	memset(machine, 0, sizeof(*machine));
	machine->cpus = sched_getaffinity(0, sizeof(set), &set) == 0
			    ? CPU_COUNT(&set)
			    : sysconf(_SC_NPROCESSORS_ONLN);
	machine->memory =
	    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	file_field("/proc/cpuinfo", "model name", machine->model,
	    sizeof(machine->model));
	if (uname(&name) == 0)
		snprintf(machine->kernel, sizeof(machine->kernel),
		    "%.20s %.55s", name.sysname, name.release);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		machine->files = limit.rlim_max;
	if (getloadavg(&machine->load, 1) != 1)
		machine->load = 0;
}
