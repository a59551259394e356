/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/process.h"
#include "lib/log.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT_MAX 1000 /* 0.7 ms */
#define NO_FILES 3     /* ".", "..", and the descriptor of the directory */
#define GROUPS "/sys/fs/cgroup"
#define UNKNOWN UINT64_MAX

uint64_t
memory_number(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(name);
	uint64_t number = UNKNOWN;
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, length) == 0 &&
		    sscanf(line + length, "%" SCNu64, &number) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return number;
}

/* The same of a file of a control group. */
static uint64_t
group_number(const char *group, const char *file, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), GROUPS "%s/%s", group, file) >=
	    (int)sizeof(path))
		return UNKNOWN;
	return memory_number(path, name);
}

static uint64_t
group_left(const char *group)
{
	uint64_t max = group_number(group, "memory.max", "");
	uint64_t used = group_number(group, "memory.current", "");
	uint64_t files = group_number(group, "memory.stat", "file ");
	uint64_t shared = group_number(group, "memory.stat", "shmem ");

	if (max == UNKNOWN || used == UNKNOWN)
		return UNKNOWN;
	/* Pages of files are given up when memory is wanted; shared memory is
	   counted among them, but is not. */
	if (files != UNKNOWN && shared <= files && files - shared <= used)
		used -= files - shared;
	return used < max ? max - used : 0;
}

/* The control group of this process, as a path below GROUPS; "" is the one at
   the top. */
static void
group_own(char *group, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	*group = '\0';
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0 && line[4] != '\0')
			snprintf(group, size, "%s", line + 3);
	}
	if (file != NULL)
		fclose(file);
}

uint64_t
memory_available(void)
{
	uint64_t min = memory_number("/proc/meminfo", "MemAvailable:");
	char group[PATH_MAX];

	if (min != UNKNOWN)
		min *= 1024;
	group_own(group, sizeof(group));
	for (;;) {
		uint64_t left = group_left(group);
		char *last = strrchr(group, '/');

		if (left < min)
			min = left;
		if (last == NULL)
			return min;
		*last = '\0';
	}
}

void
memory_limit(uint64_t bytes)
{
	uint64_t kib = memory_number("/proc/self/status", "VmData:");
	struct rlimit limit;

	/* A terabyte is the shadow of a sanitizer. */
	if (kib >> 30 != 0 || getrlimit(RLIMIT_DATA, &limit) != 0)
		return;
	if (limit.rlim_cur > kib * 1024 + bytes)
		limit.rlim_cur = kib * 1024 + bytes;
	setrlimit(RLIMIT_DATA, &limit);
}

void
process_note(struct process_counters *process, uint64_t connections)
{
	uint64_t kilobytes = memory_number("/proc/self/status", "VmRSS:");
	DIR *directory = opendir("/proc/self/fd");
	uint64_t files = directory == NULL ? NO_FILES : 0;
	struct rusage usage = { .ru_maxrss = 0 };
	struct rlimit limit = { .rlim_cur = 0 };

	while (directory != NULL && files < COUNT_MAX &&
	       readdir(directory) != NULL)
		files++;
	if (directory != NULL)
		closedir(directory);
	counter_set(&process->files,
	    files < COUNT_MAX ? files - NO_FILES : connections);
	getrlimit(RLIMIT_NOFILE, &limit);
	counter_set(&process->files_max, limit.rlim_cur);
	counter_set(&process->log_lost, log_lost_lines());
	counter_set(
	    &process->memory, kilobytes == UINT64_MAX ? 0 : kilobytes * 1024);
	getrusage(RUSAGE_SELF, &usage);
	counter_set(&process->cpu_us,
	    (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		    1000000 +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
}

void
process_close_others(const int *keep, int n)
{
	unsigned from = STDERR_FILENO + 1, next;

	do {
		next = UINT_MAX;
		for (int i = 0; i < n; i++)
			if (keep[i] >= (int)from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from)
			close_range(from, next - (next != UINT_MAX), 0);
		from = next + 1;
	} while (next != UINT_MAX);
}
