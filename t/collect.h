/* SPDX-License-Identifier: MIT
 *
 * Taking dirty keys out of a whole table, as the flush of a worker does it part
 * by part.
 */
#pragma once

#include "shm/table.h"

/* table_collect - table_collect_within() all slots. */
static inline size_t
table_collect(struct table *table, unsigned marks, uint32_t *position,
    struct table_row *rows, size_t max)
{
	uint32_t slots = table->size;

	return table_collect_within(table, marks, position, &slots, rows, max);
}
