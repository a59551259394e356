/* SPDX-License-Identifier: MIT
 *
 * The end of reporter-bench when a figure cannot be had, and the clock that
 * everything is measured with.
 */
#ifndef REPORTER_BENCH_FAIL_H
#define REPORTER_BENCH_FAIL_H

/* Exit statuses. */
enum bench_exit {
	BENCH_DONE = 0,
	BENCH_MISSED = 1, /* with --strict: a target was missed */
	BENCH_USAGE = 2,
	BENCH_BROKEN = 3 /* a figure could not be had, or was wrong */
};

/* fail - say why on standard error and end with BENCH_BROKEN.  What --self
   has started is cleaned up by the process above: see self.h. */
void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* fail_tell - have fail() tell this as well, after it has been said. */
void fail_tell(void (*tell)(void *arg, const char *text), void *arg);

/* notice - say something on standard error, in place of the line that shows
   what is going on. */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* clock_now - CLOCK_MONOTONIC in seconds. */
double clock_now(void);

/* clock_sleep - sleep so many seconds; a signal may end it early. */
void clock_sleep(double seconds);

/* memory - as calloc(), but without memory it fails. */
void *memory(unsigned long n, unsigned long size);

#endif
