/* SPDX-License-Identifier: MIT
 *
 * Medians, spreads and percentiles.  Owns nothing; any thread; cannot fail.
 */
#include "config.h"

#include "bench/quantile.h"

#include <math.h>
#include <stdlib.h>

/* A share such as 0.999 is no binary fraction: 0.999 * 1000 may be a little
   more than 999, and its rank is 999 all the same. */
#define NEARLY 1e-9

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
	struct spread spread = { n, NAN, NAN, NAN };

	if (n == 0)
		return spread;
	values_sort(values, n);
	spread.min = values[0];
	spread.max = values[n - 1];
	spread.median = (values[(n - 1) / 2] + values[n / 2]) / 2;
	return spread;
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
