/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "worker/held.h"
#include "worker/backoff.h"

#include <string.h>

#define FIRST_MS 1000
#define CAP_MS 60000

void
held_init(struct held *held, size_t max, uint64_t seed)
{
	held->count = 0;
	held->max = max < HELD_MAX ? max : HELD_MAX;
	held->random = seed;
}

/* Where the slot is, or would be. */
static size_t
held_find(const struct held *held, uint32_t slot)
{
	size_t low = 0, high = held->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (held->rows[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
held_has(const struct held *held, uint32_t slot)
{
	size_t i = held_find(held, slot);

	return i < held->count && held->rows[i].slot == slot;
}

bool
held_add(struct held *held, uint32_t slot, uint64_t now_ms)
{
	size_t i = held_find(held, slot);

	if (held->count >= held->max)
		return false;
	memmove(&held->rows[i + 1], &held->rows[i],
	    (held->count - i) * sizeof(*held->rows));
	held->count++;
	held->rows[i] = (struct held_row){ .slot = slot, .since_ms = now_ms };
	held_postpone(held, i, now_ms);
	return true;
}

void
held_remove(struct held *held, size_t i)
{
	held->count--;
	memmove(&held->rows[i], &held->rows[i + 1],
	    (held->count - i) * sizeof(*held->rows));
}

void
held_postpone(struct held *held, size_t i, uint64_t now_ms)
{
	struct held_row *row = &held->rows[i];
	struct backoff backoff = { FIRST_MS, CAP_MS, row->tries, held->random };

	row->due_ms = now_ms + backoff_next(&backoff);
	row->tries = backoff.tries;
	held->random = backoff.random;
}

void
held_defer(struct held *held, uint64_t due_ms)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->rows[i].due_ms < due_ms)
			held->rows[i].due_ms = due_ms;
}

void
held_hurry(struct held *held)
{
	for (size_t i = 0; i < held->count; i++)
		held->rows[i].due_ms = 0;
}
