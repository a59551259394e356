/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that are open; 0: unknown. */
static uint64_t
files_open(void)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (directory == NULL)
		return 0;
	while (readdir(directory) != NULL)
		n++;
	closedir(directory);
	return n - 3; /* ".", "..", and the directory's own */
}

static uint64_t
microseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

void
process_note(struct process_counters *process, uint64_t connections)
{
	static uint64_t others; /* descriptors besides connections */
	FILE *file = fopen("/proc/self/statm", "re");
	struct rusage usage;
	struct rlimit limit;
	uint64_t pages;

	if (file != NULL && fscanf(file, "%*u %" SCNu64, &pages) == 1)
		counter_set(
		    &process->memory, pages * (uint64_t)sysconf(_SC_PAGESIZE));
	if (file != NULL)
		fclose(file);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		counter_set(&process->cpu_us, microseconds(usage.ru_utime) +
						  microseconds(usage.ru_stime));
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		counter_set(&process->files_max, (uint64_t)limit.rlim_cur);
	if (connections <= PROCESS_COUNT_MAX) {
		uint64_t all = files_open();

		if (all > connections)
			others = all - connections;
	}
	counter_set(&process->files, connections + others);
}
