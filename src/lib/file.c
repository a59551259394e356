/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
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
