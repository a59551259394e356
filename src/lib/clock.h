/* SPDX-License-Identifier: MIT
 *
 * The monotonic clock.  Any process, any thread.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* monotonic_ms, monotonic_us - milliseconds, microseconds of
   CLOCK_MONOTONIC. */
uint64_t monotonic_ms(void);
uint64_t monotonic_us(void);

/* monotonic_after - the time in so many milliseconds, for
   pthread_cond_timedwait() on a condition of this clock. */
struct timespec monotonic_after(uint32_t ms);

/* monotonic_condition - initialize a condition of this clock. */
void monotonic_condition(pthread_cond_t *condition);
