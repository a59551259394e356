/* SPDX-License-Identifier: MIT
 *
 * Confinement: no_new_privs, and Landlock's rules for files.  Called once,
 * before there are threads.
 */
#include "config.h"

#include "web/confine.h"
#include "lib/file.h"
#include "privilege/landlock.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_ACCESS \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

int
confine(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	int rules = landlock_begin(LANDLOCK_ALL);
	if (rules < 0)
		return landlock_missing(errno) ? 0 : -1;
	/* /dev/null is for going to the background. */
	if (landlock_allow(rules, "/dev/shm", READ_ACCESS) == 0 &&
	    landlock_allow(rules, "/dev/null", FILE_ACCESS) == 0 &&
	    landlock_enforce(rules) == 0)
		return 1;
	close_keep_errno(rules);
	return -1;
}
