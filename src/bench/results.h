/* SPDX-License-Identifier: MIT
 *
 * Results: figures with their spread, written as they come for people, or
 * gathered into one JSON object for programs; and the line that shows what is
 * going on meanwhile.
 */
#ifndef REPORTER_BENCH_RESULTS_H
#define REPORTER_BENCH_RESULTS_H

#include "bench/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct results;

/* results_open - begin.  json: gather for one object on standard output, which
   is written as well when fail() is called, with what was found so far. */
struct results *results_open(bool json, const struct machine *machine);

/* results_fact - something about the surroundings, as in "database". */
void results_fact(struct results *results, const char *name, const char *text);

/* results_begin, results_end - around the figures of one case of a benchmark.
   format: the case in words. */
void results_begin(struct results *results, const char *bench,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
void results_end(struct results *results);

/* results_parameter, results_word - a number or a word that describes the
   case, for programs. */
void results_parameter(struct results *results, const char *name, double value);
void results_word(struct results *results, const char *name, const char *word);

/*
 * results_series - a figure that was measured in several rounds: its median
 * and its spread.  Puts the values in order.  unit: see figure_text().
 * Returns the median, NAN when n is 0.
 */
double results_series(struct results *results, const char *name,
    const char *unit, double *values, size_t n);

/* results_value - a figure that was measured once; NAN is "not enough". */
void results_value(
    struct results *results, const char *name, const char *unit, double value);

/* results_note - a sentence about the case. */
void results_note(struct results *results, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* results_goal - a target: what it asks for, and what was found. */
struct goal_line {
	const char *number, *text, *unit;
	bool at_most; /* else: at least */
	double bound, found;
	bool met;
};
void results_goal(struct results *results, const struct goal_line *line);

/* results_close - the end: writes the JSON object.  Returns whether all could
   be written. */
bool results_close(struct results *results);

/* progress - show on a terminal what is going on; elsewhere nothing. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * figure_text - a figure for people, without its unit: rates (units that end
 * in "/s") have a prefix as in "6.59 M", "ratio" has three decimals, all others
 * as many as make three digits.  NAN is "-".
 */
void figure_text(char *text, size_t size, double value, const char *unit);

#endif
