/* SPDX-License-Identifier: MIT
 *
 * Check suite of the order of a round: the same as record_compare()'s.
 */
#include "worker/round.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 3000

static struct table_row rows[MOST];
static struct order_key keys[MOST], spare[MOST];

/* A value that is often one of a few, and often at a limit. */
static uint32_t
some(void)
{
	static const uint32_t limits[] = { 0, 1, 255, 256, 0x7fffffff,
		0x80000000, 0xffffffff };
	uint32_t random = (uint32_t)rand();

	if (random % 3 == 0)
		return limits[random / 3 % 7];
	if (random % 3 == 1)
		return random / 3 % 4;
	return (uint32_t)rand() * 2 + 1;
}

static void
fill(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rows[i].record = (struct record){
			.modid = (int32_t)some(),
			.cmdid = (int32_t)some(),
			.ip = some(),
			.caller = some(),
			.port = (uint16_t)some(),
		};
		rows[i].slot = (uint32_t)i;
		rows[i].mark = rand() % 8 == 0 ? CHANGED : NEW;
	}
}

/* Changed ones first. */
static int
compare(const struct table_row *a, const struct table_row *b)
{
	if ((a->mark == CHANGED) != (b->mark == CHANGED))
		return a->mark == CHANGED ? -1 : 1;
	return record_compare(&a->record, &b->record);
}

START_TEST(order_is_that_of_the_primary_key)
{
	unsigned seed = (unsigned)_i + 1;
	size_t n = (size_t)(_i * 37 % MOST);
	static bool seen[MOST];

	srand(seed);
	fill(n);
	order_rows(rows, n, keys, spare);
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(keys[i].row < n && !seen[keys[i].row],
		    "seed %u: row %u twice", seed, keys[i].row);
		seen[keys[i].row] = true;
		if (i > 0)
			ck_assert_msg(compare(&rows[keys[i - 1].row],
					  &rows[keys[i].row]) <= 0,
			    "seed %u: place %zu", seed, i);
	}
}
END_TEST

START_TEST(every_column_counts)
{
	/* Each differs from the one before in one column alone. */
	static const struct record ascending[] = {
		{ .modid = INT32_MIN },
		{ .modid = -1 },
		{ .modid = 0 },
		{ .modid = 0, .caller = 1 },
		{ .modid = 0, .caller = UINT32_MAX },
		{ .modid = 0, .port = 1 },
		{ .modid = 0, .port = 256 },
		{ .modid = 0, .ip = 1 },
		{ .modid = 0, .ip = UINT32_MAX },
		{ .modid = 0, .cmdid = 1 },
		{ .modid = 0, .cmdid = INT32_MAX },
		{ .modid = 256 },
		{ .modid = INT32_MAX },
	};
	size_t n = sizeof(ascending) / sizeof(*ascending);

	for (size_t i = 0; i < n; i++)
		rows[i].record = ascending[n - 1 - i];
	order_rows(rows, n, keys, spare);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(keys[i].row, n - 1 - i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("order");
	TCase *tc = tcase_create("order");

	tcase_add_loop_test(tc, order_is_that_of_the_primary_key, 0, 100);
	tcase_add_test(tc, every_column_counts);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
