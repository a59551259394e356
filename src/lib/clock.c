/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/clock.h"

#include <string.h>

uint64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

struct timespec
monotonic_after(uint32_t ms)
{
	uint64_t then = monotonic_us() + (uint64_t)ms * 1000;

	return (struct timespec){
		.tv_sec = (time_t)(then / 1000000),
		.tv_nsec = (long)(then % 1000000) * 1000,
	};
}

uint64_t
realtime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

char *
clock_text(char *text, uint64_t seconds)
{
	time_t then = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&then, &tm) == NULL ||
	    strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(text, "unknown");
	return text;
}
