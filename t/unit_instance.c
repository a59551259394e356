/* SPDX-License-Identifier: MIT
 *
 * Check suite of the instance: taking its name, and what readers see of it.
 */
#include "config.h"

#include "instance_fixture.h"
#include "master/instance.h"
#include "status/status.h"
#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char instance[INSTANCE_MAX];
static struct segment segment;

static void
setup(void)
{
	snprintf(instance, sizeof(instance), "t-inst-%d", (int)getpid());
	segment = (struct segment){ .fd = -1 };
}

static void
teardown(void)
{
	segment_close(&segment);
	instance_remove(instance);
}

START_TEST(a_free_name_is_taken)
{
	ck_assert_int_eq(instance_inspect(instance), 0);
	ck_assert_int_eq(instance_take(&segment, instance), 0);
	ck_assert_ptr_nonnull(segment.base);
}
END_TEST

/* In a process of its own, as another master: two files of one lock. */
static int
in_another_process(int (*call)(struct segment *, const char *))
{
	struct segment other;
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(call(&other, instance) == 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
inspect(struct segment *unused, const char *name)
{
	(void)unused;
	return instance_inspect(name);
}

START_TEST(a_taken_name_is_refused)
{
	static struct settings settings;
	static struct children children;

	ck_assert_int_eq(instance_take(&segment, instance), 0);
	/* Its pid is not published yet. */
	ck_assert_int_eq(in_another_process(inspect), 0);
	ck_assert_int_eq(in_another_process(instance_take), 1);
	children_init(&children, segment_master(&segment), &settings, "");
	instance_publish(&children);
	ck_assert_int_eq(in_another_process(inspect), 1);
	ck_assert_int_eq(in_another_process(instance_take), 1);
}
END_TEST

START_TEST(what_was_left_is_taken_over)
{
	ck_assert_int_eq(instance_take(&segment, instance), 0);
	counter_set(&segment_master(&segment)->input.dropped, 5);
	segment_close(&segment);
	ck_assert_int_eq(instance_inspect(instance), 0);
	ck_assert_int_eq(instance_take(&segment, instance), 0);
	ck_assert_uint_eq(
	    counter_get(&segment_master(&segment)->input.dropped), 5);
}
END_TEST

START_TEST(an_unfinished_one_is_replaced)
{
	char name[SEGMENT_NAME_MAX];

	snprintf(name, sizeof(name), "/reporter.%s", instance);
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(instance_take(&segment, instance), 0);
}
END_TEST

START_TEST(a_damaged_one_is_set_aside)
{
	ck_assert_int_eq(instance_take(&segment, instance), 0);
	counter_set(&segment_master(&segment)->input.dropped, 5);
	segment_master(&segment)->header.magic++;
	segment_close(&segment);
	ck_assert_int_eq(instance_take(&segment, instance), 0);
	ck_assert_uint_eq(
	    counter_get(&segment_master(&segment)->input.dropped), 0);
	ck_assert_int_eq(instance_remove_aside(instance), 1);
}
END_TEST

static struct children children;

static void
publish(void)
{
	static struct settings settings;

	ck_assert_int_eq(instance_take(&segment, instance), 0);
	children_init(&children, segment_master(&segment), &settings, "");
}

START_TEST(published_it_shows_who_runs)
{
	struct master_shared *shared;

	publish();
	shared = segment_master(&segment);
	children.newest = 9;
	counter_set(&shared->input.reloads_begun, 3);
	atomic_store(&shared->reload_failed, 1);
	instance_publish(&children);
	ck_assert_int_eq(shared->pid, getpid());
	ck_assert_uint_eq(counter_get(&shared->generation), 9);
	ck_assert_uint_eq(counter_get(&shared->input.reloads_begun), 0);
	ck_assert_uint_eq(shared->reload_failed, 0);
	ck_assert_str_eq(shared->software, PACKAGE_VERSION);
	ck_assert_uint_ne(counter_get(&shared->started), 0);
}
END_TEST

/* All that was received is dropped, rejected, counted by a segment that is
   gone, or in a ring; what was replayed was counted twice. */
START_TEST(received_is_recounted)
{
	struct segment_spec spec = instance_spec(instance);
	struct worker_segment worker;
	struct input_counters *input;

	publish();
	input = &segment_master(&segment)->input;
	ck_assert_int_eq(segment_create_worker(&worker, &spec), SHM_OK);
	struct child *child = child_adopt(&children, &worker);
	ck_assert_ptr_nonnull(child);
	counter_set(&input->received, 12345);
	counter_set(&input->dropped, 1);
	counter_set(&input->retired.stored, 10);
	counter_set(&input->retired.dead_letter, 100);
	counter_set(&input->retired.superseded, 1000);
	counter_set(&input->retired.replayed, 500);
	counter_set(&input->rejected[REJECT_REASONS - 1], 10000);
	counter_set(&child->segment.ring.producer->head, 100000);
	instance_recount(&children);
	ck_assert_uint_eq(counter_get(&input->received), 110611);
	child_drop(child);
	instance_recount(&children);
	ck_assert_uint_eq(counter_get(&input->received), 10611);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("instance");
	TCase *tc = tcase_create("instance");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_free_name_is_taken);
	tcase_add_test(tc, a_taken_name_is_refused);
	tcase_add_test(tc, what_was_left_is_taken_over);
	tcase_add_test(tc, an_unfinished_one_is_replaced);
	tcase_add_test(tc, a_damaged_one_is_set_aside);
	tcase_add_test(tc, published_it_shows_who_runs);
	tcase_add_test(tc, received_is_recounted);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
