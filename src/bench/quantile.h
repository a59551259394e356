/* SPDX-License-Identifier: MIT
 *
 * Medians, spreads and percentiles.  Pure functions.
 */
#ifndef REPORTER_BENCH_QUANTILE_H
#define REPORTER_BENCH_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>

struct spread {
	size_t n; /* 0: all else is NAN */
	double median, min, max;
};

/* values_sort - in rising order. */
void values_sort(double *values, size_t n);

/* spread_of - of n values in any order, which are put in order.  The median
   of an even number of values is the mean of the two in the middle. */
struct spread spread_of(double *values, size_t n);

/*
 * quantile_of - the nearest rank: the least of the sorted values that at least
 * the share q (over 0, to 1) of all does not exceed.  NAN when there is none.
 */
double quantile_of(const double *sorted, size_t n, double q);

/* quantile_backed - whether n values are enough for the share q: at least one
   lies beyond it. */
bool quantile_backed(size_t n, double q);

#endif
