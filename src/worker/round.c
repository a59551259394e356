/* SPDX-License-Identifier: MIT
 *
 * A round.  Owns its rows and their order.  Called by the flush thread; only
 * round_open() can fail, which is returned.
 */
#include "config.h"

#include "round.h"

#include <string.h>
#include <sys/mman.h>

static void *
round_alloc(const struct round *round, size_t element)
{
	void *memory = mmap(NULL, round->capacity * element,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void
round_free(const struct round *round, void *memory, size_t element)
{
	if (memory != NULL)
		munmap(memory, round->capacity * element);
}

bool
round_open(struct round *round, size_t capacity)
{
	memset(round, 0, sizeof(*round));
	round->capacity = capacity;
	round->rows = round_alloc(round, sizeof(*round->rows));
	round->order = round_alloc(round, sizeof(*round->order));
	round->spare = round_alloc(round, sizeof(*round->spare));
	return round->rows != NULL && round->order != NULL &&
	       round->spare != NULL;
}

void
round_close(struct round *round)
{
	round_free(round, round->rows, sizeof(*round->rows));
	round_free(round, round->order, sizeof(*round->order));
	round_free(round, round->spare, sizeof(*round->spare));
	memset(round, 0, sizeof(*round));
}

void
round_collect(
    struct round *round, struct table *table, uint32_t slot, uint32_t workers)
{
	uint32_t position = round->position;
	size_t urgent = table_collect(
	    table, URGENT, &position, round->rows, round->capacity / 2);
	size_t rest = table_collect(table, DIRTY, &round->position,
	    round->rows + urgent, round->capacity - urgent);
	size_t first = urgent + rest * slot / workers;

	order_rows(round->rows, urgent, round->order, round->spare);
	order_rows(
	    round->rows + urgent, rest, round->order + urgent, round->spare);
	for (size_t i = urgent; i < urgent + rest; i++)
		round->order[i].row += (uint32_t)urgent;
	round->runs[0] = (struct run){ 0, urgent };
	round->runs[1] = (struct run){ first, urgent + rest };
	round->runs[2] = (struct run){ urgent, first };
}
