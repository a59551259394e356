/* SPDX-License-Identifier: MIT
 *
 * The order of a round: rows by primary key.  A pure function; of any thread.
 */
#ifndef REPORTER_ORDER_H
#define REPORTER_ORDER_H

#include "shm/table.h"

/* A row's key, laid out for sorting. */
struct order_key {
	uint64_t service; /* modid, cmdid, so that less is less */
	uint64_t server;  /* ip, port */
	uint32_t caller;
	uint32_t row; /* its index */
};

/*
 * order_rows - the order of n rows by record_compare().  keys: filled in, n of
 * them, the first row's first.  spare: as many, overwritten.
 * A radix sort from the last digit to the first (Knuth, "Sorting and
 * Searching", 5.2.5), which passes over digits that are the same in all keys.
 */
void order_rows(const struct table_row *rows, size_t n, struct order_key *keys,
    struct order_key *spare);

#endif
