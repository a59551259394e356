/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
file_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

bool
file_is_endless(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}

bool
file_is_behind(const char *path, const char *real)
{
	return eaccess(path, R_OK) < 0 && errno == EACCES &&
	       eaccess(real, R_OK) == 0;
}

void
file_directory(const char *path, char *directory)
{
	char *real = realpath(path, NULL), *slash;

	snprintf(directory, PATH_MAX, "%s", real != NULL ? real : path);
	slash = strrchr(directory, '/');
	slash[slash == directory] = '\0';
	free(real);
}

uint64_t
file_place(const char *path)
{
	char directory[PATH_MAX];
	struct stat st;

	if (*path != '/')
		return 0;
	file_directory(path, directory);
	if (stat(directory, &st) < 0)
		return 0;
	/* Only inode numbers above 2^40 could make two of them equal. */
	return (uint64_t)st.st_dev << 40 ^ (uint64_t)st.st_ino;
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
