/* SPDX-License-Identifier: MIT
 *
 * Paths.  Any process, any thread.
 */
#pragma once

#include <limits.h>
#include <stdint.h>
#include <stdbool.h>

/* file_open_standard - open /dev/null as each of descriptors 0, 1 and 2 that is
   closed: otherwise a file that is opened later gets its number, and all that
   is printed.  First call of main(). */
void file_open_standard(void);

/* file_is_endless - whether path exists and is neither a regular file nor a
   directory: opening a pipe waits for its writer, a device may not end. */
bool file_is_endless(const char *path);

/* file_is_behind - whether this process can read the file at `real`, but may
   not search a directory of `path`. */
bool file_is_behind(const char *path, const char *real);

/* file_directory - the directory that a file is in, or would be, behind
   symbolic links of the file.  path is absolute; directory: PATH_MAX bytes. */
void file_directory(const char *path, char *directory);

/* file_place - a number that identifies that directory; one that replaces it
   has another number.  0 if it is missing or path is not absolute. */
uint64_t file_place(const char *path);

/* file_absolute - the path prefixed with the working directory, if it is
   relative.  Symbolic links in it are not resolved: they may change later.
   Returns a string that the caller frees, or NULL. */
char *file_absolute(const char *path);
