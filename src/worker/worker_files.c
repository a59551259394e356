/* SPDX-License-Identifier: MIT
 *
 * Which files a worker may change, by Landlock.
 *
 * Where the log and the dead-letter file are is fixed for a worker's life: a
 * reload that changes them starts the workers again.
 */
#include "config.h"

#include "worker/worker_files.h"

#include "privilege/privilege.h"
#include "lib/file.h"
#include "lib/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE LANDLOCK_ACCESS_FS_WRITE_FILE
#define MAKE LANDLOCK_ACCESS_FS_MAKE_REG

/* A regular file may be created again in its directory, after a rotation.  If
   the directory is missing, opening the file fails, and that is logged then. */
static void
allow_file(int rules, const char *path)
{
	char directory[PATH_MAX];
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		landlock_allow(rules, path, WRITE);
	} else if (*path == '/') {
		file_directory(path, directory);
		landlock_allow(rules, directory, WRITE | MAKE);
	}
}

static bool confined;
static uint64_t letters; /* the directory of the dead-letter file */

bool
worker_files_moved(const char *dead_letter_file)
{
	uint64_t now = file_place(dead_letter_file);

	return confined && letters != now && now != 0;
}

static int
confine(const struct worker_start *start, int rules)
{
	if (landlock_allow(rules, "/dev/null", WRITE) < 0)
		return -1;
	allow_file(rules, start->settings->log_target);
	allow_file(rules, start->settings->dead_letter_file);
	return landlock_enforce(rules);
}

int
worker_files_confine(const struct worker_start *start)
{
	int rules = landlock_begin(LANDLOCK_CHANGES);

	if (rules < 0 && landlock_missing(errno))
		return 0;
	letters = file_place(start->settings->dead_letter_file);
	confined = rules >= 0 && confine(start, rules) == 0;
	if (confined)
		return 1;
	log_error("cannot restrict file access: %m; to start without, set "
		  "reporter.sandbox = off");
	if (rules >= 0)
		close(rules);
	return -1;
}
