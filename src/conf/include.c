/* SPDX-License-Identifier: MIT
 *
 * Finding included files.  Any process and thread may call it.
 */
#include "config.h"

#include "conf/include.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
full_path(const char *base, const char *pattern)
{
	size_t length = strlen(pattern);
	const char *slash;
	char *path;

	if (length >= 2 && pattern[0] == '"' && pattern[length - 1] == '"') {
		pattern++;
		length -= 2;
	}
	slash = *pattern == '/' ? NULL : strrchr(base, '/');
	if (asprintf(&path, "%.*s%.*s",
		slash == NULL ? 0 : (int)(slash + 1 - base), base, (int)length,
		pattern) < 0)
		return NULL;
	return path;
}

/* A directory that cannot be read may have files that match; one that does not
   exist has none. */
static int
is_fault(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

int
include_find(const char *base, const char *pattern, glob_t *found,
    char reason[INCLUDE_REASON_MAX])
{
	char *path = full_path(base, pattern);
	int status = GLOB_NOSPACE;

	*found = (glob_t){ .gl_pathc = 0 };
	if (path != NULL)
		status = glob(path, 0, is_fault, found);
	if (status == GLOB_NOMATCH && strpbrk(pattern, "*?[") != NULL)
		status = 0;
	if (status != 0) {
		errno = status == GLOB_NOSPACE   ? ENOMEM
			: status == GLOB_NOMATCH ? ENOENT
						 : EACCES;
		snprintf(reason, INCLUDE_REASON_MAX, "cannot find %.400s: %s",
		    path == NULL ? pattern : path, strerror(errno));
		globfree(found);
	}
	free(path);
	return status == 0 ? 0 : -1;
}
