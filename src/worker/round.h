/* SPDX-License-Identifier: MIT
 *
 * A round: the dirty keys that one flush takes, and the order in which they go
 * to MySQL.  Used by the flush thread alone.
 *
 * A sweep is all rounds that it takes to look at each slot of the table once
 * for calm keys, those whose overload did not change: so each of them is
 * written once a sweep at most.
 */
#pragma once

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
	size_t between;         /* rows that may be put in between, 1 or more */
	struct table_row *rows; /* as they were collected; `between` last */
	struct order_key *order, *spare;
	/* Slots of the table where the next round begins to look. */
	uint32_t urgent_position, other_position;
	uint32_t sweep; /* slots that the sweep has not looked at; 0: over */
	uint64_t urgent_seen; /* table_urgent() before all of them were taken */
	struct run runs[ROUND_RUNS];
};

/* round_open - allocate memory for rounds of up to `capacity` rows, an even
   number, 2 or more, and for `between` rows more, 1 to capacity.
   A page that no round has needed yet is not resident.
   Returns false if there is no memory; call round_close() in that case, too. */
bool round_open(struct round *round, size_t capacity, size_t between);

/* round_close - free the memory.  A round that is all zero may be closed. */
void round_close(struct round *round);

/* round_urgent - how many times a key became urgent since all urgent ones were
   taken; 0: none is. */
uint64_t round_urgent(const struct round *round, const struct table *table);

/* round_collect_urgent - take urgent keys only, all if there is room; as
   round_collect() otherwise. */
void round_collect_urgent(struct round *round, struct table *table);

/* round_between - take up to max urgent keys, 1 to `between`, those with one of
   these marks, to be put between two parts of a round that was collected.
   Returns them as one run, ordered as those, until the next call. */
struct run round_between(
    struct round *round, struct table *table, unsigned marks, size_t max);

/*
 * round_collect - take dirty keys out of the table and put them in order; go on
 * with the sweep, or begin one.
 * Urgent keys, new ones and those whose overload changed, come first.  They get
 * at most half of the capacity, the other keys the other half; what one kind
 * leaves, the other may have.  Each kind continues where the previous round
 * stopped.  So a key waits for at most two sweeps, the one under way and the
 * next, and a sweep has at most 2 * table->size / capacity + 1 rounds, however
 * many keys of the other kind there are; and once more for as many if it
 * becomes urgent meanwhile.
 *
 * Store the runs from the first to the last.  Each is in primary-key order, the
 * keys marked CHANGED before the others.
 * slot: of the worker, 0 to workers - 1.  Each worker begins with another part
 * of its keys, since two that write neighbouring rows at one time wait for each
 * other's pages.
 */
void round_collect(
    struct round *round, struct table *table, uint32_t slot, uint32_t workers);

/* order_rows - the order of n rows: those marked CHANGED come first, both kinds
   by record_compare().  keys: filled in, n of
   them, the first row's first.  spare: as many, overwritten.
   A radix sort from the last digit to the first (Knuth, "Sorting and
   Searching", 5.2.5), which passes over digits that are the same in all
   keys. */
void order_rows(const struct table_row *rows, size_t n, struct order_key *keys,
    struct order_key *spare);
