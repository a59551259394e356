/* SPDX-License-Identifier: MIT
 *
 * reporter-bench: its options, its benchmarks, and what all of its files use
 * to fail, to wait and to read the clock.  Two processes, see process.h; one
 * thread each, but for the pacer's.
 */
#ifndef REPORTER_BENCH_H
#define REPORTER_BENCH_H

#include "send/encode.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum bench_exit {
	BENCH_DONE = 0,
	BENCH_USAGE = 2,
	BENCH_FAILED = 3 /* a figure could not be measured, or is invalid */
};

/* ------------------------------------------------------------- options --- */

#define LIST_MAX 8

/* Numbers of an option such as --keys 10000,100k. */
struct list {
	size_t n; /* 0: not given */
	uint64_t value[LIST_MAX];
};

/* The command line.  Written by options_read() alone. */
extern struct options {
	bool self, json;
	const char *conf, *host, *port, *instance; /* NULL: not given */
	const char *server;                        /* the daemon's program */
	const char *dialect_name;
	enum encode_dialect dialect; /* valid with a dialect_name */
	struct list rounds, samples, chunk, interval; /* one number each */
	struct list keys, connections, workers, rate;
	double seconds, away; /* 0: not given */
} options;

/* options_read - take the options.  Returns the words behind them, NULL at
   their end.  -h, -V and errors end the program; usage prints the short
   help. */
char **options_read(int argc, char **argv, void (*usage)(FILE *out));

/* list_read - numbers from 1 to max, separated by commas, each optionally
   followed by k or M.  Returns whether the text is such a list. */
bool list_read(struct list *list, const char *text, uint64_t max);

/* list_or, number_or - the list or its first number; own when not given. */
struct list list_or(const struct list *given, struct list own);
uint64_t number_or(const struct list *given, uint64_t own);

/* ---------------------------------------------------------- benchmarks --- */

/* A figure that is invalid or cannot be measured ends the program: fail(). */
void absorb_run(void);
void flat_run(void);
void flush_run(void);
void cost_run(void);
void fresh_run(void);
void backlog_run(void);

/* ------------------------------------------------------------- general --- */

/* FORMAT - vsnprintf() of the arguments of a function whose last named one is
   `format`. */
#define FORMAT(text, format) \
	do { \
		va_list arguments; \
		va_start(arguments, format); \
		vsnprintf(text, sizeof(text), format, arguments); \
		va_end(arguments); \
	} while (0)

/* fail - print the reason on standard error and exit with BENCH_FAILED.  The
   supervisor cleans up. */
void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* fail_hook - have fail() call this function after it has printed. */
void fail_hook(void (*hook)(const char *text));

/* notice - print a line on standard error, in place of the progress line. */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* progress - show what is going on, if standard error is a terminal, until
   progress_clear(). */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_clear(void);

/* clock_now - CLOCK_MONOTONIC in seconds; clock_sleep - sleep, unless a signal
   ends it early. */
double clock_now(void);
void clock_sleep(double seconds);

/* Waiting for something.  The rest of the struct is 0 at first. */
struct wait {
	const char *what; /* NULL: running out of patience is no failure */
	double patience;  /* seconds without progress */
	double pause;     /* seconds between two checks */
	double since;
	uint64_t min;
};

/*
 * wait_more - one turn of a wait; left: how much is still to come.  Returns
 * false when nothing is, or patience has run out without a `what`; otherwise
 * true after the pause.  A new minimum of left is progress.
 */
bool wait_more(struct wait *wait, uint64_t left);

/* memory, grown - calloc(), realloc(); a lack of memory is fatal. */
void *memory(size_t n, size_t size);
void *grown(void *p, size_t bytes);

#endif
