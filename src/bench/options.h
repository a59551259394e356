/* SPDX-License-Identifier: MIT
 *
 * The command line of reporter-bench.
 */
#ifndef REPORTER_BENCH_OPTIONS_H
#define REPORTER_BENCH_OPTIONS_H

#include "bench/bench.h"

#include <stdio.h>

/* options_read - take the options.  Returns the words behind them, NULL at
   their end.  -h and -V, and whatever is wrong, end the program. */
char **options_read(struct options *o, int argc, char **argv);

/* options_usage - the short help. */
void options_usage(FILE *out);

#endif
