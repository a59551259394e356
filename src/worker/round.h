/* SPDX-License-Identifier: MIT
 *
 * A round: the dirty keys that one flush takes, and the order in which they go
 * to MySQL.  Used by the flush thread alone.
 */
#ifndef REPORTER_ROUND_H
#define REPORTER_ROUND_H

#include "shm/table.h"

#include <stdbool.h>

#define ROUND_RUNS 4

/* A row's key, laid out for sorting. */
struct order_key {
	uint64_t service; /* modid, cmdid, so that less is less */
	uint64_t server;  /* ip, port */
	uint32_t caller;
	uint32_t row; /* its index */
};

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
 * Urgent keys, whose overload changed, come first.  They get at most half of
 * the capacity, the other keys the other half; what one kind leaves, the other
 * may have.  Each kind continues where the previous round stopped.  So a key
 * waits for at most 2 * table->size / capacity
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

/*
 * order_rows - the order of n rows by record_compare().  keys: filled in, n of
 * them, the first row's first.  spare: as many, overwritten.
 * A radix sort from the last digit to the first (Knuth, "Sorting and
 * Searching", 5.2.5), which passes over digits that are the same in all keys.
 */
void order_rows(const struct table_row *rows, size_t n, struct order_key *keys,
    struct order_key *spare);

#endif
