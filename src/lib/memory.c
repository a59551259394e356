/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

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
