/* SPDX-License-Identifier: MIT
 *
 * Memory that may have held a secret.  Any process, any thread.
 */
#ifndef REPORTER_WIPE_H
#define REPORTER_WIPE_H

#include <stdio.h>
#include <sys/types.h>

/* wipe_text - wipe and free a text; NULL is allowed. */
void wipe_text(char *text);

/*
 * wipe_getline - as getline(3), but a buffer that is too small is wiped before
 * it is freed.  The caller wipes the last one, *size bytes at *line.
 */
ssize_t wipe_getline(char **line, size_t *size, FILE *file);

#endif
