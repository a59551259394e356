/* SPDX-License-Identifier: MIT
 *
 * Check: what the bytes of an agent hold, as a reporter decodes them, and where
 * they are invalid.  For reporter-send; one thread.
 */
#pragma once

#include <stdbool.h>

/* check_files - decode each file ("-" is standard input) from its beginning, as
   the stream of one connection, and print to stdout what it holds.  json: one
   object a line.  Returns whether all of them were read, hold a message, and
   have no fault. */
bool check_files(char *const *files, int n, bool json);
