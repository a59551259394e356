/* SPDX-License-Identifier: MIT
 *
 * Ranges of values.
 */
#include "config.h"

#include "status/range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read a number that is the whole text.  None that a monitoring program could
   not read back: no exponents. */
static bool
number_read(double *number, const char *text)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && *end == '\0' &&
	       strspn(text, "-.0123456789") == strlen(text);
}

bool
range_parse(struct range *range, const char *text)
{
	struct range read = { .is_inverted = *text == '@', .max = INFINITY };
	const char *max = strchr(text, ':');
	char min[32] = "";

	*range = read;
	if (*text == '\0')
		return true;
	text += read.is_inverted;
	if (max != NULL) {
		snprintf(min, sizeof(min), "%.*s", (int)(max - text), text);
		max++;
	} else {
		max = text;
	}
	if (strcmp(min, "~") == 0)
		read.min = -INFINITY;
	else if (*min != '\0' && !number_read(&read.min, min))
		return false;
	/* One of them must be there. */
	if ((*max != '\0' || *min == '\0') && !number_read(&read.max, max))
		return false;
	read.is_set = true;
	*range = read;
	return read.min <= read.max;
}

bool
range_alerts(const struct range *range, double value)
{
	if (!range->is_set || isnan(value))
		return false;
	bool is_outside = value < range->min || value > range->max;
	return is_outside != range->is_inverted;
}

const char *
range_text(const struct range *range, char *text, size_t size)
{
	char min[32] = "", max[32] = "";

	if (isinf(range->min))
		snprintf(min, sizeof(min), "~:");
	else if (range->min != 0 || isinf(range->max))
		snprintf(min, sizeof(min), "%.15g:", range->min);
	if (!isinf(range->max))
		snprintf(max, sizeof(max), "%.15g", range->max);
	snprintf(text, size, "%s%s%s", range->is_inverted ? "@" : "", min, max);
	if (!range->is_set && size > 0)
		*text = '\0';
	return text;
}
