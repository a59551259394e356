/* SPDX-License-Identifier: MIT
 *
 * What a path leads to, before it is opened.
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

#endif
