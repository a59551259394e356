/* SPDX-License-Identifier: MIT
 *
 * Failing, the clock and memory.  Owns nothing; any thread.  Failure is fatal.
 */
#include "config.h"

#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void
fail(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("reporter-bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(BENCH_BROKEN);
}

double
clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
clock_sleep(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

void *
memory(unsigned long n, unsigned long size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		fail("no memory for %lu times %lu bytes", n, size);
	return p;
}
