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
void complain(struct complaints *complaints, const char *where,
    const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* complain_lost - likewise, of a file or a secret that cannot be read.
   error: an errno, which %m in format stands for, or 0. */
void complain_lost(struct complaints *complaints, const char *where,
    const char *what, int error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
