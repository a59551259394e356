/* SPDX-License-Identifier: MIT
 *
 * Failing, the clock and memory.  Owns nothing; any thread.  Failure is fatal.
 */
#include "config.h"

#include "bench/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 512

static void (*fail_teller)(void *arg, const char *text);
static void *fail_arg;

static void
say(const char *text)
{
	fflush(stdout);
	fprintf(stderr, "%sreporter-bench: %s\n",
	    isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}

void
fail(const char *format, ...)
{
	void (*tell)(void *arg, const char *text) = fail_teller;
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	say(text);
	/* Not again, if telling fails. */
	fail_teller = NULL;
	if (tell != NULL)
		tell(fail_arg, text);
	exit(BENCH_BROKEN);
}

void
fail_tell(void (*tell)(void *arg, const char *text), void *arg)
{
	fail_teller = tell;
	fail_arg = arg;
}

void
notice(const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	say(text);
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
