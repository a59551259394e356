/* SPDX-License-Identifier: MIT
 *
 * When a dead worker is restarted: a pure policy, the clock is passed in.
 */
#ifndef REPORTER_RESPAWN_H
#define REPORTER_RESPAWN_H

#include <stdbool.h>
#include <stdint.h>

#define RESPAWN_FIRST_MS 100
#define RESPAWN_CAP_MS 30000

struct respawn {
	uint32_t failures;   /* deaths in a row before a successful flush */
	uint64_t not_before; /* monotonic ms of the next start */
};

/*
 * respawn_death - a worker died at now_ms.  served: it had at least one
 * successful flush in this life.
 * At once after a life that served, and after the first death that did not;
 * then RESPAWN_FIRST_MS, doubled with each further one, up to RESPAWN_CAP_MS.
 * Returns the delay in milliseconds; respawn->not_before is set.
 */
uint64_t respawn_death(struct respawn *respawn, bool served, uint64_t now_ms);

#endif
