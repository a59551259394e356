/* SPDX-License-Identifier: MIT
 *
 * Finding a master whose segment was removed: the kernel still knows who has it
 * mapped.
 */
#include "config.h"

#include "ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REMOVED_MS 3000 /* for a master to create its segment again */

/* Open /proc/PID/NAME. */
static FILE *
process_open(const char *pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	return fopen(path, "re");
}

static bool
is_master(const char *pid)
{
	FILE *file = process_open(pid, "comm");
	char comm[32] = "";

	if (file == NULL)
		return false;
	bool read = fgets(comm, sizeof(comm), file) != NULL;
	fclose(file);
	return read && strcmp(comm, "reporter master\n") == 0;
}

/* Whether it has a mapping of this name.  *hidden: that may not be read. */
static bool
has_mapped(const char *pid, const char *name, bool *hidden)
{
	FILE *file = process_open(pid, "maps");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	*hidden = file == NULL && errno != ENOENT;
	if (file == NULL)
		return false;
	while (!found && getline(&line, &size, file) >= 0)
		found = strstr(line, name) != NULL;
	free(line);
	fclose(file);
	return found;
}

pid_t
ctl_find(const char *instance, bool *hidden)
{
	char segment[SEGMENT_NAME_MAX], name[SEGMENT_NAME_MAX + 32];
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	*hidden = false;
	if (dir == NULL)
		return 0;
	segment_name_master(segment, instance);
	snprintf(name, sizeof(name), SHM_DIR "%s (deleted)\n", segment);
	while ((entry = readdir(dir)) != NULL) {
		bool unreadable = false;
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || !is_master(entry->d_name))
			continue;
		if (has_mapped(entry->d_name, name, &unreadable)) {
			found = pid;
			*hidden = false;
			break;
		}
		if (unreadable) {
			found = pid;
			*hidden = true;
		}
	}
	closedir(dir);
	return found;
}

enum shm_status
ctl_await(struct segment *segment, const char *instance)
{
	const struct timespec nap = { 0, 10 * 1000000L };
	enum shm_status found = SHM_MISSING;

	for (int ms = 0; ms < REMOVED_MS &&
			 (found == SHM_MISSING || found == SHM_UNFINISHED);
	     ms += 10) {
		nanosleep(&nap, NULL);
		found = segment_open_master(segment, instance, SEGMENT_READ);
	}
	return found;
}

enum shm_status
ctl_collect(struct status *status, const char *instance)
{
	enum shm_status found = status_collect(status, instance);
	struct segment segment;
	bool hidden;

	if (found != SHM_MISSING)
		return found;
	if (ctl_find(instance, &hidden) != 0) {
		found = hidden ? found : ctl_await(&segment, instance);
		if (found != SHM_OK)
			return found;
		segment_close(&segment);
	}
	/* It is there again, or was when the master was looked for. */
	return status_collect(status, instance);
}
