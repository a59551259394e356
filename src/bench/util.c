/* SPDX-License-Identifier: MIT
 *
 * Failing, waiting, the clock and memory.
 */
#include "config.h"

#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void (*hook)(const char *text);
static bool progress_shown;

void
notice(const char *format, ...)
{
	char text[512];

	fflush(stdout);
	FORMAT(text, format);
	fprintf(stderr, "%sreporter-bench: %s\n",
	    isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}

void
progress(const char *format, ...)
{
	char text[128];

	if (!isatty(STDERR_FILENO))
		return;
	FORMAT(text, format);
	fprintf(stderr, "\r\033[K%s", text);
	progress_shown = true;
}

void
progress_clear(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

void
fail(const char *format, ...)
{
	void (*call)(const char *text) = hook;
	char text[512];

	FORMAT(text, format);
	notice("%s", text);
	hook = NULL; /* not again, if the hook fails */
	if (call != NULL)
		call(text);
	exit(BENCH_FAILED);
}

void
fail_hook(void (*call)(const char *text))
{
	hook = call;
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

bool
wait_more(struct wait *wait, uint64_t left)
{
	if (left == 0)
		return false;
	double now = clock_now();
	if (wait->since == 0 || left < wait->min) {
		wait->since = now;
		wait->min = left;
	} else if (now - wait->since > wait->patience) {
		if (wait->what == NULL)
			return false;
		fail("timed out after %g s waiting for %s", wait->patience,
		    wait->what);
	}
	clock_sleep(wait->pause);
	return true;
}

void *
grown(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (p == NULL)
		fail("out of memory");
	return p;
}

void *
memory(size_t n, size_t size)
{
	return memset(grown(NULL, n * size), 0, n * size);
}
