/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/figures.h"

#include <inttypes.h>
#include <stdio.h>

const char *
figures_count(char *text, size_t size, uint64_t n, int width)
{
	static const char units[] = "kMGTPE";
	double scaled = (double)n;
	int unit = -1;

	if (snprintf(text, size, "%" PRIu64, n) <= width)
		return text;
	do {
		scaled /= 1000;
		unit++;
	} while (units[unit + 1] != '\0' &&
		 snprintf(text, size, "%.1f%c", scaled, units[unit]) > width);
	snprintf(text, size, "%.1f%c", scaled, units[unit]);
	return text;
}

const char *
figures_rate(char *text, size_t size, double rate, int width)
{
	if (rate < 999.95)
		snprintf(text, size, "%.1f", rate);
	else
		figures_count(text, size,
		    rate < 1.8e19 ? (uint64_t)(rate + 0.5) : UINT64_MAX, width);
	return text;
}

const char *
figures_age(char *text, size_t size, uint64_t seconds)
{
	if (seconds < 120)
		snprintf(text, size, "%us", (unsigned)seconds);
	else if (seconds < 7200)
		snprintf(text, size, "%um", (unsigned)(seconds / 60));
	else if (seconds < 172800)
		snprintf(text, size, "%uh", (unsigned)(seconds / 3600));
	else if (seconds / 86400 < 10000)
		snprintf(text, size, "%ud", (unsigned)(seconds / 86400));
	else
		snprintf(text, size, "long");
	return text;
}
