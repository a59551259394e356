/* SPDX-License-Identifier: MIT
 *
 * Paths, before they are opened.
 */
#ifndef REPORTER_FILE_H
#define REPORTER_FILE_H

#include <stdbool.h>

/*
 * file_is_endless - whether path is there and neither a regular file nor a
 * folder: to open a pipe would wait for its writer, a device may have no end.
 * A pure look; what is not there is told by who opens it.
 */
bool file_is_endless(const char *path);

/*
 * file_absolute - the path that leads to the same file after a change of the
 * working directory.  Symbolic links in it stay: they may lead elsewhere later.
 * Returns a string to be freed, or NULL with errno.
 */
char *file_absolute(const char *path);

/* file_is_behind - whether this process can read the file at `real`, but not by
   `path`: a directory on that way is closed to it. */
bool file_is_behind(const char *path, const char *real);

#endif
