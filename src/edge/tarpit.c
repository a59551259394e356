/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/tarpit.h"

#include <unistd.h>

bool
tarpit_drop(struct tarpit *tarpit)
{
	if (tarpit->count == 0)
		return false;
	close(tarpit->kept[tarpit->first].fd);
	tarpit->first = (tarpit->first + 1) % TARPIT_MAX;
	tarpit->count--;
	return true;
}

void
tarpit_resize(struct tarpit *tarpit, uint64_t capacity)
{
	tarpit->capacity =
	    capacity < TARPIT_MAX ? (uint32_t)capacity : TARPIT_MAX;
	while (tarpit->count > tarpit->capacity)
		tarpit_drop(tarpit);
}

bool
tarpit_add(struct tarpit *tarpit, int fd, uint64_t now_ms)
{
	bool kept = true;
	uint32_t place;

	if (tarpit->capacity == 0) {
		close(fd);
		return false;
	}
	if (tarpit->count == tarpit->capacity) {
		kept = tarpit->kept[tarpit->first].until_ms <= now_ms;
		tarpit_drop(tarpit);
	}
	place = (tarpit->first + tarpit->count) % TARPIT_MAX;
	tarpit->kept[place].fd = fd;
	tarpit->kept[place].until_ms = now_ms + TARPIT_MS;
	tarpit->count++;
	return kept;
}

bool
tarpit_add_faulty(struct tarpit *tarpit, int fd, uint64_t now_ms)
{
	limiter_set(&tarpit->at_once, TARPIT_AT_ONCE, now_ms);
	if (limiter_wait(&tarpit->at_once, now_ms) > 0)
		return tarpit_add(tarpit, fd, now_ms);
	limiter_take(&tarpit->at_once);
	close(fd);
	return true;
}

uint64_t
tarpit_expire(struct tarpit *tarpit, uint64_t now_ms, uint64_t max_ms)
{
	while (tarpit->count > 0) {
		uint64_t until_ms = tarpit->kept[tarpit->first].until_ms;

		if (until_ms > now_ms)
			return until_ms - now_ms < max_ms ? until_ms - now_ms
							  : max_ms;
		tarpit_drop(tarpit);
	}
	return max_ms;
}
