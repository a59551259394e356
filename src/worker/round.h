/* SPDX-License-Identifier: MIT
 *
 * A round: the dirty keys that one flush takes, and the order in which they go
 * to MySQL.  Used by the flush thread alone.
 */
#ifndef REPORTER_ROUND_H
#define REPORTER_ROUND_H

#include "worker/order.h"

#include <stdbool.h>

#define ROUND_RUNS 4

/* A part of the order. */
struct run {
	size_t begin, end; /* of round->order */
};

struct round {
	size_t capacity;        /* rows of one round, even, 2 or more */
	struct table_row *rows; /* as they were collected */
	struct order_key *order, *spare;
	/* Slots of the table where the next round begins to look. */
	uint32_t urgent_position, other_position;
	struct run runs[ROUND_RUNS];
};

/*
 * round_open - allocate memory for rounds of up to `capacity` rows: an even
 * number, 2 or more.
 * A page that no round has needed yet is not resident.
 * Returns false if there is no memory; call round_close() in that case, too.
 */
bool round_open(struct round *round, size_t capacity);

/* round_close - free the memory.  A round that is all zero may be closed. */
void round_close(struct round *round);

/*
 * round_collect - take dirty keys out of the table and put them in order.
 * Urgent keys, whose overload changed, come first, since that is what people
 * watch for.  They get at most half of the capacity, the other keys the other
 * half; what one kind leaves, the other may have.  Each kind goes on where the
 * round before stopped.  So a key waits for at most 2 * table->size / capacity
 * + 1 rounds, however many of the other kind there are; and once more for as
 * many if it becomes urgent meanwhile.
 *
 * Store the runs from the first to the last.  Each is in primary-key order.
 * slot: of the worker, 0 to workers - 1.  Each worker begins with another part
 * of its keys, since two that write neighbouring rows at one time wait for each
 * other's pages.
 */
void round_collect(
    struct round *round, struct table *table, uint32_t slot, uint32_t workers);

#endif
