/* SPDX-License-Identifier: MIT
 *
 * An instance of a test's own in shared memory.
 */
#pragma once

#include "shm/segment.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* instance_spec - the smallest segment of the only worker of INSTANCE, which
   must outlive it. */
static inline struct segment_spec
instance_spec(const char *instance)
{
	return (struct segment_spec){
		.instance = instance,
		.generation = 1,
		.workers = 1,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = TABLE_KEYS_MIN,
	};
}

/* instance_remove - remove all segments of INSTANCE, the master's too. */
static inline void
instance_remove(const char *instance)
{
	char names[16][SEGMENT_NAME_MAX], name[SEGMENT_NAME_MAX];
	int n = segment_list(instance, SEGMENT_ANYBODY, names, 16);

	for (int i = 0; i < n && i < 16; i++)
		segment_remove(names[i]);
	snprintf(name, sizeof(name), "/reporter.%s", instance);
	segment_remove(name);
}

/* instance_remove_aside - remove what was set aside of INSTANCE.  Returns how
   many segments that were. */
static inline int
instance_remove_aside(const char *instance)
{
	DIR *directory = opendir("/dev/shm");
	struct dirent *entry;
	int count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[sizeof("/dev/shm/") + NAME_MAX];

		if (strstr(entry->d_name, instance) == NULL ||
		    strncmp(entry->d_name, "reporter.", 9) == 0)
			continue;
		snprintf(path, sizeof(path), "/dev/shm/%s", entry->d_name);
		/* The secrets follow their segment. */
		count += unlink(path) == 0 &&
			 strstr(entry->d_name, ".secret") == NULL;
	}
	if (directory != NULL)
		closedir(directory);
	return count;
}
