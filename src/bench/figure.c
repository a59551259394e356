/* SPDX-License-Identifier: MIT
 *
 * Numbers of the command line, medians, percentiles, and figures as people
 * read them.  Pure functions.
 */
#include "config.h"

#include "bench/bench.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 0.999 has no exact binary form: 0.999 * 1000 may be a little more than 999,
   and its rank is 999 all the same. */
#define NEARLY 1e-9

/* One number at *text, which is moved behind it.  0: there is none. */
static uint64_t
number_read(const char **text, uint64_t max)
{
	uint64_t number = 0, unit = 1;

	for (; isdigit((unsigned char)**text); ++*text) {
		number = number * 10 + (uint64_t)(**text - '0');
		if (number > max)
			return 0;
	}
	if (**text == 'k')
		unit = 1000;
	else if (**text == 'M')
		unit = 1000000;
	*text += unit != 1;
	return number <= max / unit ? number * unit : 0;
}

bool
list_read(struct list *list, const char *text, uint64_t max)
{
	list->n = 0;
	do {
		if (list->n == LIST_MAX)
			return false;
		uint64_t number = number_read(&text, max);
		if (number == 0)
			return false;
		list->value[list->n++] = number;
	} while (*text++ == ',');
	return text[-1] == '\0';
}

struct list
list_or(const struct list *given, struct list own)
{
	return given->n > 0 ? *given : own;
}

uint64_t
number_or(const struct list *given, uint64_t own)
{
	return given->n > 0 ? given->value[0] : own;
}

static int
value_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void
values_sort(double *values, size_t n)
{
	if (n > 1)
		qsort(values, n, sizeof(*values), value_compare);
}

struct spread
spread_of(double *values, size_t n)
{
	if (n == 0)
		return (struct spread){ 0, NAN, NAN, NAN };
	values_sort(values, n);
	return (struct spread){ n, (values[(n - 1) / 2] + values[n / 2]) / 2,
		values[0], values[n - 1] };
}

double
quantile_of(const double *sorted, size_t n, double q)
{
	if (n == 0)
		return NAN;
	size_t rank = (size_t)ceil((double)n * q - NEARLY);
	if (rank < 1)
		rank = 1;
	return sorted[rank > n ? n - 1 : rank - 1];
}

bool
quantile_backed(size_t n, double q)
{
	return (double)n * (1 - q) >= 1 - NEARLY;
}

/* Three digits, but not fewer than the whole part has. */
static int
decimals(double value)
{
	double size = fabs(value);

	if (size >= 99.95)
		return 0;
	if (size >= 9.995)
		return 1;
	return size >= 0.9995 || size <= 0 ? 2 : 3;
}

void
figure_text(char *text, size_t size, double value, const char *unit)
{
	static const char *const prefixes[] = { "", " k", " M", " G", " T" };
	size_t prefix = 0, length = strlen(unit);

	if (isnan(value)) {
		snprintf(text, size, "-");
		return;
	}
	if (strcmp(unit, "ratio") == 0) {
		snprintf(text, size, "%.3f", value);
		return;
	}
	/* A rate; what would be shown as 1000 is 1 of the next prefix. */
	if (length >= 2 && strcmp(unit + length - 2, "/s") == 0)
		for (; fabs(value) >= 999.5 && prefix < 4; prefix++)
			value /= 1000;
	snprintf(
	    text, size, "%.*f%s", decimals(value), value, prefixes[prefix]);
}
