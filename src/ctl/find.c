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

/* Whether a line of /proc/PID/NAME has this text.  -1: it may not be read. */
static int
has_line(const char *pid, const char *name, const char *text)
{
	char path[64], *line = NULL;
	size_t size = 0;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT ? 0 : -1;
	while (found == 0 && getline(&line, &size, file) >= 0)
		found = strstr(line, text) != NULL;
	free(line);
	fclose(file);
	return found;
}

pid_t
ctl_find(const char *instance)
{
	char segment[SEGMENT_NAME_MAX], name[SEGMENT_NAME_MAX + 32];
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	segment_name_master(segment, instance);
	snprintf(name, sizeof(name), SHM_DIR "%s (deleted)\n", segment);
	while (found <= 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 ||
		    has_line(entry->d_name, "comm", "reporter master\n") <= 0)
			continue;
		int mapped = has_line(entry->d_name, "maps", name);
		if (mapped != 0)
			found = mapped * pid;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

enum shm_status
ctl_open(struct segment *segment, const char *instance, pid_t *hidden)
{
	const struct timespec nap = { 0, 10 * 1000000L };
	enum shm_status found =
	    segment_open_master(segment, instance, SEGMENT_READ);
	pid_t pid = found == SHM_MISSING ? ctl_find(instance) : 0;

	if (hidden != NULL)
		*hidden = pid < 0 ? -pid : 0;
	if (found != SHM_MISSING || (hidden == NULL && pid < 0))
		return found;
	/* Without one it is there again, or was when it was looked for. */
	int ms = pid != 0 ? REMOVED_MS : 0;
	do {
		if (pid != 0)
			nanosleep(&nap, NULL);
		found = segment_open_master(segment, instance, SEGMENT_READ);
	} while ((found == SHM_MISSING || found == SHM_UNFINISHED) &&
		 (ms -= 10) > 0);
	return found;
}

enum shm_status
ctl_collect(struct status *status, const char *instance)
{
	enum shm_status found = status_collect(status, instance);
	struct segment segment;

	if (found != SHM_MISSING)
		return found;
	found = ctl_open(&segment, instance, NULL);
	if (found != SHM_OK)
		return found;
	segment_close(&segment);
	return status_collect(status, instance);
}
