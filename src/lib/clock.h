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
   pthread_cond_clockwait(). */
struct timespec monotonic_after(uint32_t ms);

/* realtime_ms - the time, ms since 1970. */
uint64_t realtime_ms(void);
