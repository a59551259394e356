/* SPDX-License-Identifier: MIT
 *
 * Text from outside: escaping it for the log, cleaning the lines of a file,
 * numbers, figures, secrets.  Any process, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* text_escape - copy text into `into` (size bytes, 1 or more, its 0 included),
   with control characters, those that change the direction of text, backslashes
   and invalid UTF-8 as \n, \\ or \x1b, truncated at a whole character.
   Returns the length of what was written, without its 0. */
size_t text_escape(char *into, size_t size, const char *text);

/* text_clean - likewise, but backslashes, tabs and line ends stay: a text that
   is clean does not change. */
size_t text_clean(char *into, size_t size, const char *text);

/* text_guard - a stream into this one, line by line, which makes all that is
   written to it clean: stdout and stderr of a program that prints text from
   outside.  Without memory it is STREAM
   itself. */
FILE *text_guard(FILE *stream);

/* text_trim - remove blanks and line ends from both ends, in place.  Returns
   the beginning of the rest. */
char *text_trim(char *text);

/* text_cut_comment - cut off a comment: a # or ; at the beginning or after a
   blank.  Returns whether there was one. */
bool text_cut_comment(char *text);

/* text_number - read a number from min to max: decimal digits only, after a
   minus if min is below 0.  Returns whether the text is one.  *number: set if
   the text is any number, INT64_MAX for all that are larger. */
bool text_number(const char *text, int64_t min, int64_t max, int64_t *number);

/* figures_count - a count in at most `width` columns, 5 or more: exact if it
   fits, else as "12.3M".  Returns text. */
const char *figures_count(char *text, size_t size, uint64_t n, int width);

/* figures_rate - a rate in at most `width` columns, 5 or more; one digit
   behind the point below 1000.  Returns text. */
const char *figures_rate(char *text, size_t size, double rate, int width);

/* figures_age - a span of time in at most five columns, as in "90m".  Returns
   text. */
const char *figures_age(char *text, size_t size, uint64_t seconds);

/* wipe_text - wipe and free a text; NULL is allowed. */
void wipe_text(char *text);

/* wipe_getline - as getline(3), but a buffer that is too small is wiped before
   it is freed.  The caller wipes the last one, *size bytes at *line. */
ssize_t wipe_getline(char **line, size_t *size, FILE *file);
