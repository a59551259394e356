/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "worker/round.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- order ---- */

#define DIGITS 256
#define SIGN UINT32_C(0x80000000) /* turned over, it makes signed unsigned */

static struct order_key
key_of(const struct record *record, uint32_t row)
{
	return (struct order_key){
		.service = (uint64_t)((uint32_t)record->modid ^ SIGN) << 32 |
			   ((uint32_t)record->cmdid ^ SIGN),
		.server = (uint64_t)record->ip << 16 | record->port,
		.caller = record->caller,
		.row = row,
	};
}

/* The key's bytes from the last to the first: 4 of caller, 6 of server, 8 of
   service. */
static inline unsigned
digit(const struct order_key *key, int place)
{
	if (place < 4)
		return key->caller >> 8 * place & 0xff;
	if (place < 10)
		return key->server >> 8 * (place - 4) & 0xff;
	return key->service >> 8 * (place - 10) & 0xff;
}

#define PLACES 18

/* Sort by one digit, keeping the order of equal ones.  Returns false when all
   are equal: then nothing was moved. */
static bool
sort_place(
    const struct order_key *from, struct order_key *to, size_t n, int place)
{
	size_t start[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		start[digit(&from[i], place)]++;
	if (start[digit(&from[0], place)] == n)
		return false;
	for (int i = 0; i < DIGITS; i++) {
		size_t count = start[i];

		start[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[start[digit(&from[i], place)]++] = from[i];
	return true;
}

/* Put those marked CHANGED, so many, first, and keep the order otherwise. */
static void
sort_mark(const struct table_row *rows, const struct order_key *from,
    struct order_key *to, size_t n, size_t changed)
{
	size_t next[2] = { changed, 0 };

	for (size_t i = 0; i < n; i++)
		to[next[rows[from[i].row].mark == CHANGED]++] = from[i];
}

void
order_rows(const struct table_row *rows, size_t n, struct order_key *keys,
    struct order_key *spare)
{
	struct order_key *from = keys, *to = spare;
	size_t changed = 0;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		keys[i] = key_of(&rows[i].record, (uint32_t)i);
		changed += rows[i].mark == CHANGED;
	}
	for (int place = 0; place < PLACES; place++) {
		if (sort_place(from, to, n, place)) {
			struct order_key *sorted = to;

			to = from;
			from = sorted;
		}
	}
	if (changed > 0 && changed < n) {
		sort_mark(rows, from, to, n, changed);
		from = to;
	}
	if (from != keys)
		memcpy(keys, from, n * sizeof(*keys));
}

/* --------------------------------------------------------------- round ---- */

bool
round_open(struct round *round, size_t capacity, size_t between)
{
	size_t n = capacity + between;

	*round = (struct round){
		.capacity = capacity,
		.between = between,
		.rows = malloc(n * sizeof(*round->rows)),
		.order = malloc(n * sizeof(*round->order)),
		.spare = malloc(n * sizeof(*round->spare)),
	};
	return round->rows != NULL && round->order != NULL &&
	       round->spare != NULL;
}

void
round_close(struct round *round)
{
	free(round->rows);
	free(round->order);
	free(round->spare);
	memset(round, 0, sizeof(*round));
}

/* Order the rows from `begin` on; returns them as one run. */
static struct run
round_order(struct round *round, size_t begin, size_t n)
{
	order_rows(round->rows + begin, n, round->order + begin, round->spare);
	for (size_t i = begin; i < begin + n; i++)
		round->order[i].row += (uint32_t)begin;
	return (struct run){ begin, begin + n };
}

uint64_t
round_urgent(const struct round *round, const struct table *table)
{
	return table_urgent(table) - round->urgent_seen;
}

/* Take urgent keys, those with these marks, to rows[begin] and following ones.
   Returns how many. */
static size_t
collect_urgent(struct round *round, struct table *table, unsigned marks,
    size_t begin, size_t max)
{
	uint32_t slots = table->size;
	/* Before we look: what becomes urgent meanwhile counts as new. */
	uint64_t seen = table_urgent(table);
	size_t n = table_collect_within(table, marks, &round->urgent_position,
	    &slots, round->rows + begin, max);

	if (slots == 0 && marks == URGENT)
		round->urgent_seen = seen;
	return n;
}

/* Take keys that are not urgent, as far as the sweep goes. */
static size_t
collect_others(
    struct round *round, struct table *table, size_t begin, size_t max)
{
	if (round->sweep == 0)
		round->sweep = table->size;
	return table_collect_within(table, DIRTY, &round->other_position,
	    &round->sweep, round->rows + begin, max);
}

void
round_collect_urgent(struct round *round, struct table *table)
{
	memset(round->runs, 0, sizeof(round->runs));
	round->runs[0] = round_order(
	    round, 0, collect_urgent(round, table, URGENT, 0, round->capacity));
}

struct run
round_between(
    struct round *round, struct table *table, unsigned marks, size_t max)
{
	return round_order(round, round->capacity,
	    collect_urgent(round, table, marks, round->capacity, max));
}

void
round_collect(
    struct round *round, struct table *table, uint32_t slot, uint32_t workers)
{
	size_t urgent =
	    collect_urgent(round, table, URGENT, 0, round->capacity / 2);
	size_t others =
	    collect_others(round, table, urgent, round->capacity - urgent);
	size_t all = urgent + others, more = 0;
	struct run run;

	if (round_urgent(round, table) > 0)
		more = collect_urgent(
		    round, table, URGENT, all, round->capacity - all);
	/* Next to each other they are one run. */
	if (others == 0) {
		urgent += more;
		all += more;
		more = 0;
	}
	round->runs[0] = round_order(round, 0, urgent);
	run = round_order(round, urgent, others);
	run.begin += others * slot / workers;
	/* What became urgent while we looked does not wait for the others. */
	round->runs[1] = round_order(round, all, more);
	round->runs[2] = run;
	round->runs[3] = (struct run){ urgent, run.begin };
}
