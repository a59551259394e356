/* SPDX-License-Identifier: MIT
 *
 * What is wrong with a configuration, said in one form: "WHERE: WHAT: reason",
 * one a line.  Used by whatever reads or checks one; any process, one thread
 * for each struct complaints.
 */
#ifndef REPORTER_COMPLAIN_H
#define REPORTER_COMPLAIN_H

#include <stdbool.h>
#include <stdio.h>

/* Where errors go, and how many there were. */
struct complaints {
	FILE *out;
	unsigned count;
	bool shortage; /* of memory or descriptors: not the file's fault */
	bool lost;     /* a whole file or a secret, not only what was wrong */
};

/* complain - write "WHERE: WHAT: reason"; what may be NULL. */
void complain(struct complaints *complaints, const char *where,
    const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
