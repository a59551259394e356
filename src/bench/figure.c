/* SPDX-License-Identifier: MIT
 *
 * Figures as people read them.  Owns nothing; any thread; cannot fail.
 */
#include "config.h"

#include "bench/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Three digits, but not fewer than the whole part has. */
static int
decimals(double value)
{
	double size = fabs(value);

	if (size >= 99.95)
		return 0;
	if (size >= 9.995)
		return 1;
	return size >= 0.9995 || value == 0 ? 2 : 3;
}

static bool
is_rate(const char *unit)
{
	size_t length = strlen(unit);

	return length >= 2 && strcmp(unit + length - 2, "/s") == 0;
}

void
figure_text(char *text, size_t size, double value, const char *unit)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T" };
	size_t prefix = 0;

	if (isnan(value)) {
		snprintf(text, size, "-");
		return;
	}
	if (strcmp(unit, "ratio") == 0) {
		snprintf(text, size, "%.3f", value);
		return;
	}
	if (is_rate(unit)) {
		/* What would be shown as 1000 is 1 of the next prefix. */
		while (fabs(value) >= 999.5 && prefix < 4) {
			value /= 1000;
			prefix++;
		}
	}
	snprintf(text, size, "%.*f%s%s", decimals(value), value,
	    prefix > 0 ? " " : "", prefixes[prefix]);
}
