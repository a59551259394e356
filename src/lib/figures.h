/* SPDX-License-Identifier: MIT
 *
 * Figures for people, in few columns.  Pure functions; any process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* figures_count - a count in at most `width` columns, 5 or more: exact if it
   fits, else as "12.3M".  Returns text. */
const char *figures_count(char *text, size_t size, uint64_t n, int width);

/* figures_rate - a rate in at most `width` columns, 5 or more; one digit
   behind the point below 1000.  Returns text. */
const char *figures_rate(char *text, size_t size, double rate, int width);

/* figures_age - a span of time in at most five columns, as in "90m".  Returns
   text. */
const char *figures_age(char *text, size_t size, uint64_t seconds);
