/* SPDX-License-Identifier: MIT
 *
 * Ranges of values as monitoring plugins have them, "[@][min:][max]": a value
 * outside of the range is a fault, with @ one inside.  Pure functions.
 */
#ifndef REPORTER_RANGE_H
#define REPORTER_RANGE_H

#include <stdbool.h>
#include <stddef.h>

/* All 0: no range, which no value is a fault of. */
struct range {
	bool is_set, is_inverted;
	double min, max; /* both belong to it; INFINITY: no limit */
};

/*
 * range_parse - read "10", "10:", "10:20", "~:10" or "@10:20"; min is 0 by
 * default, ~ is no limit; max has none after a colon.  "" is no range.  Returns
 * false for anything else.
 */
bool range_parse(struct range *range, const char *text);

/* range_alerts - whether a value is a fault.  NAN, a value that is not known,
   is none. */
bool range_alerts(const struct range *range, double value);

/* range_text - the range as range_parse() reads it.  Returns text. */
const char *range_text(const struct range *range, char *text, size_t size);

#endif
