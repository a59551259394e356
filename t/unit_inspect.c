/* SPDX-License-Identifier: MIT
 *
 * The check of a configuration: what fits into the machine.  Pure functions.
 */
#include "config.h"

#include <check.h>

#include "check/inspect.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define M (UINT64_C(1) << 20)

static const struct {
	uint64_t need, space, available;
	const char *fault; /* NULL: it fits */
} rooms[] = {
	{ 10 * M, 10 * M, 10 * M, NULL },
	{ 0, 0, 0, NULL },
	{ 10 * M + 1, 10 * M, 100 * M,
	    "the workers' segments need 10.0 MiB, with 10.0 MiB free in "
	    "/dev/shm; lower queue.ring_records, queue.table_keys or "
	    "reporter.workers, or enlarge /dev/shm" },
	{ 20 * M, 100 * M, 15 * M,
	    "the workers' segments need 20.0 MiB, with 15.0 MiB of memory "
	    "available; lower queue.ring_records, "
	    "queue.table_keys or reporter.workers" },
	{ 20 * M, 64 * M, UINT64_MAX, NULL },
};

START_TEST(segments_fit_or_it_is_said_where_not)
{
	char text[256] = "";
	bool fits = inspect_room(rooms[_i].need, rooms[_i].space,
	    rooms[_i].available, text, sizeof(text));

	ck_assert(fits == (rooms[_i].fault == NULL));
	ck_assert_str_eq(text, fits ? "" : rooms[_i].fault);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("inspect");
	TCase *tc = tcase_create("inspect");

	tcase_add_loop_test(tc, segments_fit_or_it_is_said_where_not, 0,
	    (int)(sizeof(rooms) / sizeof(rooms[0])));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
