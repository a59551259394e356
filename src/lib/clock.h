/* SPDX-License-Identifier: MIT
 *
 * Clocks.  Any process, any thread.
 */
#pragma once

#include <stdint.h>
#include <time.h>

/* monotonic_ms, monotonic_us - milliseconds, microseconds of
   CLOCK_MONOTONIC. */
uint64_t monotonic_ms(void);
uint64_t monotonic_us(void);

/* monotonic_after - the time in so many milliseconds, for
   pthread_cond_clockwait() and sem_clockwait(). */
struct timespec monotonic_after(uint32_t ms);

/* realtime_ms - the time, ms since 1970. */
uint64_t realtime_ms(void);

/* clock_text - a time in seconds since 1970, as it is shown everywhere: in UTC,
   "2026-11-28T04:34:25Z"; "unknown" for a year that no calendar has.  text:
   CLOCK_TEXT bytes.  Returns text. */
#define CLOCK_TEXT 32
char *clock_text(char *text, uint64_t seconds);
