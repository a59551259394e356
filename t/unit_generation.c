/* SPDX-License-Identifier: MIT
 *
 * Check suite of generations: creating one, adopting what was left.
 */
#include "instance_fixture.h"
#include "master/generation.h"
#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <unistd.h>

static char instance[INSTANCE_MAX];
static struct segment master;
static struct settings settings;
static struct children children;
static struct generation generation;

static void
setup(void)
{
	snprintf(instance, sizeof(instance), "t-gen-%d", (int)getpid());
	settings = (struct settings){
		.instance = instance,
		.workers = 3,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = TABLE_KEYS_MIN,
	};
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	children_init(&children, segment_master(&master), &settings, "");
}

static void
teardown(void)
{
	segment_close(&master);
	instance_remove(instance);
}

static int
segments(void)
{
	return segment_list(instance, SEGMENT_ANYBODY, NULL, 0);
}

static unsigned
children_used(void)
{
	unsigned used = 0;

	for (int i = 0; i < CHILDREN_MAX; i++)
		used += children.child[i].state != CHILD_NONE;
	return used;
}

static void
create(uint64_t number)
{
	ck_assert_int_eq(
	    generation_create(&generation, number, &children, &settings), 0);
}

/* As the next master finds it. */
static void
adopt(void)
{
	for (int i = 0; i < CHILDREN_MAX; i++)
		if (children.child[i].state != CHILD_NONE)
			segment_close(&children.child[i].segment.map);
	children_init(&children, segment_master(&master), &settings, "");
	ck_assert_int_eq(
	    generation_adopt(&generation, &children, &settings), 0);
}

START_TEST(a_child_for_each_worker)
{
	create(7);
	ck_assert_uint_eq(generation.number, 7);
	ck_assert_uint_eq(generation.workers, 3);
	ck_assert_int_eq(segments(), 3);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(generation.child[i]->slot, i);
		ck_assert_uint_eq(generation.child[i]->generation, 7);
		ck_assert_int_eq(generation.child[i]->state, CHILD_WAITING);
		ck_assert_uint_eq(generation.child[i]->entry->slot, i);
	}
	ck_assert_uint_eq(children_oldest(&children), 7);
}
END_TEST

START_TEST(dropped_it_leaves_nothing)
{
	create(1);
	generation_drop(&generation);
	ck_assert_uint_eq(generation.workers, 0);
	ck_assert_int_eq(segments(), 0);
	ck_assert_uint_eq(children_used(), 0);
	generation_drop(&generation); /* does nothing */
}
END_TEST

/* There are descriptors for the first of its segments only. */
START_TEST(one_that_cannot_be_completed_leaves_nothing)
{
	struct generation half;
	struct rlimit before, few;
	int next = dup(STDERR_FILENO);

	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)next + 2;
	settings.workers = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	int created = generation_create(&half, 1, &children, &settings);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(created, -1);
	ck_assert_uint_eq(half.workers, 0);
	ck_assert_int_eq(segments(), 0);
	ck_assert_uint_eq(children_used(), 0);
}
END_TEST

/* As another user may have it. */
START_TEST(names_that_are_taken_are_passed_over)
{
	struct generation next;

	settings.workers = 1;
	create(1);
	settings.workers = 3;
	ck_assert_int_eq(generation_create(&next, 1, &children, &settings), 0);
	ck_assert_uint_eq(next.number, 2);
	ck_assert_uint_eq(next.workers, 3);
	ck_assert_uint_eq(next.child[2]->generation, 2);
	generation_drop(&next);
}
END_TEST

START_TEST(one_too_large_for_shm_is_refused)
{
	settings.workers = WORKERS_MAX;
	settings.table_keys = UINT32_MAX;
	settings.ring_records = UINT32_C(1) << 31;
	ck_assert_int_eq(
	    generation_create(&generation, 1, &children, &settings), -1);
	ck_assert_uint_eq(generation.workers, 0);
	ck_assert_int_eq(segments(), 0);
}
END_TEST

START_TEST(without_a_slot_nothing_is_created)
{
	for (int i = 0; i < CHILDREN_MAX; i++)
		children.child[i].state = CHILD_WAITING;
	ck_assert_int_eq(
	    generation_create(&generation, 1, &children, &settings), -1);
	ck_assert_int_eq(segments(), 0);
}
END_TEST

START_TEST(nothing_left_is_adopted_as_nothing)
{
	adopt();
	ck_assert_uint_eq(generation.number, 0);
	ck_assert_uint_eq(generation.workers, 0);
}
END_TEST

START_TEST(one_of_this_shape_is_continued)
{
	create(4);
	adopt();
	ck_assert_uint_eq(generation.number, 4);
	ck_assert_uint_eq(generation.workers, 3);
	ck_assert_uint_eq(children_used(), 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(generation.child[i]->slot, i);
}
END_TEST

START_TEST(one_of_another_shape_is_not)
{
	create(4);
	if (_i == 0)
		settings.workers = 2;
	else if (_i == 1)
		settings.ring_records = 2 * RING_RECORDS_MIN;
	else
		settings.table_keys = TABLE_KEYS_MIN + 1;
	adopt();
	ck_assert_uint_eq(generation.number, 4);
	ck_assert_uint_eq(generation.workers, 0);
	ck_assert_uint_eq(children_used(), 3);
}
END_TEST

START_TEST(one_with_a_gap_is_not)
{
	char name[SEGMENT_NAME_MAX];

	create(4);
	segment_name(name, instance, 4, 1);
	ck_assert_int_eq(segment_remove(name), SHM_OK);
	adopt();
	ck_assert_uint_eq(generation.workers, 0);
	ck_assert_uint_eq(children_used(), 2);
}
END_TEST

START_TEST(of_several_the_newest_is_continued)
{
	create(4);
	create(5);
	adopt();
	ck_assert_uint_eq(generation.number, 5);
	ck_assert_uint_eq(generation.workers, 3);
	ck_assert_uint_eq(generation.child[0]->generation, 5);
	ck_assert_uint_eq(children_used(), 6);
	ck_assert_uint_eq(children_oldest(&children), 4);
}
END_TEST

/* An unfinished one holds nothing. */
START_TEST(an_unfinished_one_is_removed)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(name, instance, 1, 0);
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	adopt();
	ck_assert_int_eq(segments(), 0);
	ck_assert_uint_eq(children_used(), 0);
}
END_TEST

START_TEST(a_damaged_one_is_set_aside)
{
	settings.workers = 1;
	create(1);
	generation.child[0]->segment.shared->header.magic++;
	adopt();
	ck_assert_int_eq(segments(), 0);
	ck_assert_uint_eq(children_used(), 0);
	ck_assert_int_eq(instance_remove_aside(instance), 1);
}
END_TEST

START_TEST(retired_are_all_but_the_newest)
{
	struct child *old;

	create(1);
	old = generation.child[0];
	old->state = CHILD_RUNNING;
	create(2);
	generation.child[0]->state = CHILD_RUNNING;
	children_retire(&children, 2);
	ck_assert_int_eq(old->state, CHILD_FINISHING);
	ck_assert_int_eq(generation.child[0]->state, CHILD_RUNNING);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("generation");
	TCase *tc = tcase_create("generation");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_child_for_each_worker);
	tcase_add_test(tc, dropped_it_leaves_nothing);
	tcase_add_test(tc, one_that_cannot_be_completed_leaves_nothing);
	tcase_add_test(tc, names_that_are_taken_are_passed_over);
	tcase_add_test(tc, one_too_large_for_shm_is_refused);
	tcase_add_test(tc, without_a_slot_nothing_is_created);
	tcase_add_test(tc, nothing_left_is_adopted_as_nothing);
	tcase_add_test(tc, one_of_this_shape_is_continued);
	tcase_add_loop_test(tc, one_of_another_shape_is_not, 0, 3);
	tcase_add_test(tc, one_with_a_gap_is_not);
	tcase_add_test(tc, of_several_the_newest_is_continued);
	tcase_add_test(tc, an_unfinished_one_is_removed);
	tcase_add_test(tc, a_damaged_one_is_set_aside);
	tcase_add_test(tc, retired_are_all_but_the_newest);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
