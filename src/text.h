/* SPDX-License-Identifier: MIT
 *
 * Making text harmless that came from outside, before it is logged or shown.
 * Pure functions; any process, any thread.
 */
#ifndef REPORTER_TEXT_H
#define REPORTER_TEXT_H

#include <stddef.h>

/*
 * text_escape - copy text into `into` (size bytes, 1 or more, its 0 included),
 * with control characters, backslashes and bytes that are no UTF-8 as \n, \\
 * or \x1b.  What does not fit is left out, at a whole character.
 * Returns the length of what was written, without its 0.
 */
size_t text_escape(char *into, size_t size, const char *text);

#endif
