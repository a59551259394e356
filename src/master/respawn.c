/* SPDX-License-Identifier: MIT
 *
 * The delay before a dead worker is restarted.
 */
#include "master/respawn.h"

uint64_t
respawn_death(struct respawn *respawn, bool served, uint64_t now_ms)
{
	uint64_t delay = 0;

	respawn->failures = served ? 0 : respawn->failures + 1;
	if (respawn->failures > 1) {
		uint32_t doublings = respawn->failures - 2;

		delay = doublings < 16 ? (uint64_t)RESPAWN_FIRST_MS << doublings
				       : RESPAWN_CAP_MS;
		if (delay > RESPAWN_CAP_MS)
			delay = RESPAWN_CAP_MS;
	}
	respawn->not_before = now_ms + delay;
	return delay;
}
