/* SPDX-License-Identifier: MIT
 *
 * Numbers with units, as people write them: 90s, 64k.  Pure functions; any
 * process, any thread.
 */
#ifndef REPORTER_UNITS_H
#define REPORTER_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum units {
	UNITS_NONE,
	UNITS_TIME, /* ms, s, min, h; the number is of milliseconds */
	UNITS_SIZE  /* k, m, g of 1024; the number is of bytes */
};

/*
 * units_parse - read digits, then blanks, then a unit's name or nothing: that
 * is `bare`, or the unit of one when bare is NULL.  A number that is too large
 * becomes UINT64_MAX.
 * Returns whether the text is such a number.
 */
bool units_parse(
    enum units units, const char *text, const char *bare, uint64_t *number);

/* units_format - the number with its largest unit that leaves no rest, as in
   "5min". */
void units_format(enum units units, uint64_t number, char *text, size_t size);

#endif
