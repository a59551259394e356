/* SPDX-License-Identifier: MIT
 *
 * Paths.
 */
#include "config.h"

#include "lib/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
file_is_endless(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}

char *
file_absolute(const char *path)
{
	char *directory, *absolute;

	if (*path == '/')
		return strdup(path);
	directory = get_current_dir_name();
	if (directory == NULL)
		return NULL;
	if (asprintf(&absolute, "%s/%s", directory, path) < 0)
		absolute = NULL;
	free(directory);
	return absolute;
}

bool
file_is_behind(const char *path, const char *real)
{
	return eaccess(path, R_OK) < 0 && errno == EACCES &&
	       eaccess(real, R_OK) == 0;
}
