/* SPDX-License-Identifier: MIT
 *
 * The window: how many rows a statement may have, found out as TCP finds out
 * how much a network takes (RFC 5681).  The server rejects oversized statements
 * in many ways, and none names the limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct window {
	size_t max;       /* rows, 1 or more: never above it */
	size_t size;      /* rows that may be sent now, 1 to max */
	size_t threshold; /* up to here it doubles, above it grows slowly */
	bool failing;     /* the last statement failed */
};

/* window_init - all of max is allowed at first. */
static inline void
window_init(struct window *window, size_t max)
{
	*window = (struct window){ max, max, max, false };
}

/* window_failed - so many rows were too many: halve.  Failures in a row are
   one event, whose first size counts for the threshold. */
static inline void
window_failed(struct window *window, size_t rows)
{
	window->size = rows > 1 ? rows / 2 : 1;
	if (!window->failing)
		window->threshold = window->size;
	window->failing = true;
}

/* window_passed - a statement of so many rows went through.  One that was
   smaller than the window shows nothing of a larger one. */
static inline void
window_passed(struct window *window, size_t rows)
{
	size_t size = window->size, limit = window->max;

	window->failing = false;
	if (rows < size)
		return;
	if (size < window->threshold) {
		if (limit > window->threshold)
			limit = window->threshold;
		size *= 2;
	} else {
		size += size < 16 ? 1 : size / 16;
	}
	window->size = size < limit ? size : limit;
}
