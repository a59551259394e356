/* SPDX-License-Identifier: MIT
 *
 * What was measured: figures with their spread, printed for people as they
 * come, or gathered into one JSON object for programs.
 */
#ifndef REPORTER_BENCH_REPORT_H
#define REPORTER_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define FIGURES_MAX 12

/* A figure that a benchmark measures.  Benchmarks have a table of them. */
struct figure {
	const char *name, *unit; /* NULL: the end of the table */
	/* 0: the median and the spread of the rounds; otherwise one value, the
	   quantile q of the values put to the figure `of`. */
	double q;
	size_t of;
};

/* One case of a benchmark. */
struct result;

/* report_open - begin, and print the machine.  Standard output as JSON is
   written by fail() as well, with what was measured so far. */
void report_open(void);

/* report_fact - something about the surroundings, as in "database". */
void report_fact(const char *name, const char *text);

/* report_close - print the JSON object.  Output that cannot be written is
   fatal. */
void report_close(void);

/* result_new - begin a case.  figures: its table; format: the case in
   words. */
struct result *result_new(const char *bench, const struct figure *figures,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* result_number, result_word - a parameter of the case, for programs. */
void result_number(struct result *result, const char *name, double value);
void result_word(struct result *result, const char *name, const char *word);

/* result_put - a value of a figure, an index of the table; NAN: not
   measured.  result NULL: a warm-up, nothing is kept. */
void result_put(struct result *result, size_t figure, double value);

/* result_median - the median of the values so far; NAN when there is none. */
double result_median(const struct result *result, size_t figure);

/* result_note - a sentence about the case. */
void result_note(struct result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* result_end - print the figures that have values, and free the result. */
void result_end(struct result *result);

/* ------------------------------------------------------- pure functions -- */

struct spread {
	size_t n; /* 0: all else is NAN */
	double median, min, max;
};

/* values_sort - in ascending order. */
void values_sort(double *values, size_t n);

/* spread_of - of n values, which are sorted.  The median of an even number of
   values is the mean of the two in the middle. */
struct spread spread_of(double *values, size_t n);

/* quantile_of - by nearest rank: the smallest of the sorted values that at
   least the share q (over 0, to 1) does not exceed.  NAN when n is 0. */
double quantile_of(const double *sorted, size_t n, double q);

/* quantile_backed - whether at least one of n values lies beyond q. */
bool quantile_backed(size_t n, double q);

/* figure_text - a figure for people, without its unit: rates (units that end
   in "/s") have a prefix as in "6.59 M", "ratio" has three decimals, all others
   as many as make three digits.  NAN is "-". */
void figure_text(char *text, size_t size, double value, const char *unit);

#endif
