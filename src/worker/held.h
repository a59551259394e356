/* SPDX-License-Identifier: MIT
 *
 * The held rows: slots of the pending table whose row failed alone, while the
 * table takes others.  They stay dirty, are left out of batches, and are
 * retried alone, ever more slowly.  Used by the flush thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELD_MAX 1024

struct held_row {
	uint32_t slot;
	uint32_t tries;    /* failed since it is held */
	uint64_t since_ms; /* monotonic */
	uint64_t due_ms;   /* when to retry it */
};

struct held {
	size_t count, max;
	uint64_t random;                /* state of the jitter */
	struct held_row rows[HELD_MAX]; /* by slot */
};

/* held_init - none yet; max: up to HELD_MAX; seed: of the jitter. */
void held_init(struct held *held, size_t max, uint64_t seed);

/* held_add - hold a row that is not held.  Returns false when there is no
   room. */
bool held_add(struct held *held, uint32_t slot, uint64_t now_ms);

/* held_has - whether the row in a slot is held. */
bool held_has(const struct held *held, uint32_t slot);

/* held_remove - hold rows[i] no longer; those behind it move up. */
void held_remove(struct held *held, size_t i);

/* held_postpone - rows[i] failed again: retry it later, after 1 second at
   first and a minute at last. */
void held_postpone(struct held *held, size_t i, uint64_t now_ms);

/* held_defer - none is due before that time. */
void held_defer(struct held *held, uint64_t due_ms);

/* held_hurry - all rows are due now. */
void held_hurry(struct held *held);
