/* SPDX-License-Identifier: MIT
 *
 * Memory that may have held a secret.  Pure functions of their arguments; any
 * process, any thread.
 */
#ifndef REPORTER_WIPE_H
#define REPORTER_WIPE_H

#include <stdio.h>
#include <sys/types.h>

/* wipe_text - free a text, and leave nothing of it in memory; NULL is
   allowed. */
void wipe_text(char *text);

/*
 * wipe_getline - as getline(3), but for what getline leaves behind: a buffer
 * that turns out to be too small is wiped before it is freed.  The last one is
 * the caller's to wipe: *size bytes at *line.
 */
ssize_t wipe_getline(char **line, size_t *size, FILE *file);

#endif
