/* SPDX-License-Identifier: MIT
 *
 * A round: the dirty keys that one flush takes, and the order in which they go
 * to MySQL.  Used by the flush thread alone.
 */
#ifndef REPORTER_ROUND_H
#define REPORTER_ROUND_H

#include "order.h"

#include <stdbool.h>

#define ROUND_RUNS 3

/* A part of the order. */
struct run {
	size_t begin, end; /* of round->order */
};

struct round {
	size_t capacity;        /* rows of one round, 2 or more */
	struct table_row *rows; /* as they were collected */
	struct order_key *order, *spare;
	uint32_t position; /* in the table: where the next round begins */
	struct run runs[ROUND_RUNS];
};

/*
 * round_open - have memory for rounds of up to `capacity` rows.  A page that no
 * round has needed yet is not resident.
 * Returns false when there is none; round_close() is due all the same.
 */
bool round_open(struct round *round, size_t capacity);

/* round_close - free it.  All zero is allowed. */
void round_close(struct round *round);

/*
 * round_collect - take dirty keys out of the table: first those whose overload
 * changed, since that is what people watch for, then any.  Each of the runs is
 * in the order of the primary key, to be stored from the first run to the last.
 *
 * The first run gets at most half of the capacity.  The others take every
 * dirty key in the order of the table's slots and go on where the round before
 * stopped, so each key is taken within 2 * table->size / capacity + 1 rounds,
 * however often the others change.
 *
 * slot of workers: each worker begins with another part of the others, since
 * two that go through the same rows at the same time meet on each page of the
 * database.
 */
void round_collect(
    struct round *round, struct table *table, uint32_t slot, uint32_t workers);

#endif
