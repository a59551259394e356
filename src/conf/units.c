/* SPDX-License-Identifier: MIT
 *
 * Numbers with units.  Any process and thread may call it.
 */
#include "config.h"

#include "conf/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* The smallest first. */
static const struct unit times[] = { { "ms", 1 }, { "s", 1000 },
	{ "min", 60000 }, { "h", 3600000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "k", 1024 },
	{ "m", 1024 * 1024 }, { "g", 1024 * 1024 * 1024 }, { NULL, 0 } };
static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *
table_of(enum units units)
{
	return units == UNITS_TIME ? times : units == UNITS_SIZE ? sizes : none;
}

void
units_format(enum units units, uint64_t number, char *text, size_t size)
{
	const struct unit *unit = table_of(units), *best = unit;

	for (; number != 0 && unit->name != NULL; unit++) {
		if (number % unit->factor == 0)
			best = unit;
	}
	snprintf(text, size, "%" PRIu64 "%s", number / best->factor,
	    number == 0 ? "" : best->name);
}

bool
units_parse(
    enum units units, const char *text, const char *bare, uint64_t *number)
{
	const struct unit *unit = table_of(units);
	const char *name;

	*number = 0;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(
			*number, (uint64_t)(*text - '0'), number))
			*number = UINT64_MAX;
	}
	while (*text == ' ' || *text == '\t')
		text++;
	name = *text == '\0' && bare != NULL ? bare : text;
	while (unit->name != NULL && strcasecmp(unit->name, name) != 0)
		unit++;
	if (unit->name == NULL)
		return false;
	if (__builtin_mul_overflow(*number, unit->factor, number))
		*number = UINT64_MAX;
	return true;
}
