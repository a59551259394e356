/* SPDX-License-Identifier: MIT
 *
 * Two processes: a runner, which measures, and a supervisor, which cleans up
 * after it whatever happens: a figure that cannot be had, a crash, Ctrl-C.
 */
#ifndef REPORTER_BENCH_SUPERVISE_H
#define REPORTER_BENCH_SUPERVISE_H

#include <stdbool.h>

/*
 * supervise - run `runner` in a child process, then `clean` in this one, which
 * is told the runner's exit status and whether a signal has ended it.
 * Nothing that the runner has started runs any more by then.
 * Returns the runner's exit status.
 */
int supervise(int (*runner)(void *arg),
    void (*clean)(void *arg, int status, bool interrupted), void *arg);

#endif
