/* SPDX-License-Identifier: MIT
 *
 * Ranges of values.  Owns nothing, and only parsing can fail.
 */
#include "config.h"

#include "range.h"

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
	struct range read = { .is_inverted = *text == '@', .most = INFINITY };
	const char *most = strchr(text, ':');
	char least[32] = "";

	*range = read;
	if (*text == '\0')
		return true;
	text += read.is_inverted;
	if (most != NULL) {
		snprintf(
		    least, sizeof(least), "%.*s", (int)(most - text), text);
		most++;
	} else {
		most = text;
	}
	if (strcmp(least, "~") == 0)
		read.least = -INFINITY;
	else if (*least != '\0' && !number_read(&read.least, least))
		return false;
	/* One of them must be there. */
	if ((*most != '\0' || *least == '\0') && !number_read(&read.most, most))
		return false;
	read.is_set = true;
	*range = read;
	return read.least <= read.most;
}

bool
range_alerts(const struct range *range, double value)
{
	if (!range->is_set || isnan(value))
		return false;
	bool is_outside = value < range->least || value > range->most;
	return is_outside != range->is_inverted;
}

const char *
range_text(const struct range *range, char *text, size_t size)
{
	char least[32] = "", most[32] = "";

	if (isinf(range->least))
		snprintf(least, sizeof(least), "~:");
	else if (range->least != 0 || isinf(range->most))
		snprintf(least, sizeof(least), "%.15g:", range->least);
	if (!isinf(range->most))
		snprintf(most, sizeof(most), "%.15g", range->most);
	snprintf(
	    text, size, "%s%s%s", range->is_inverted ? "@" : "", least, most);
	if (!range->is_set && size > 0)
		*text = '\0';
	return text;
}
