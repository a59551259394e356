/* SPDX-License-Identifier: MIT
 *
 * Errors of a configuration, all in one form: "WHERE: WHAT: reason", one a
 * line.  Any process; one thread for each struct complaints.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Where errors go, and how many there were. */
struct complaints {
	FILE *out;
	unsigned count;
	bool shortage; /* of memory or descriptors: the file may be valid */
	bool lost;     /* a whole file or a secret could not be read */
};

/* complain - write "WHERE: WHAT: reason"; what may be NULL. */
#define complain(complaints, ...) \
	complain_line(complaints, false, 0, __VA_ARGS__)

/* complain_lost - likewise, of a file or a secret that cannot be read.
   error: an errno, which %m in the format stands for, or 0. */
#define complain_lost(complaints, where, what, error, ...) \
	complain_line(complaints, true, error, where, what, __VA_ARGS__)
void complain_line(struct complaints *complaints, bool lost, int error,
    const char *where, const char *what, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
