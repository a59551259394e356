/* SPDX-License-Identifier: MIT
 *
 * Check suite of a worker's end: what the master makes of its exit status.
 */
#include "master/child.h"
#include "instance_fixture.h"
#include "suite.h"
#include "worker/worker.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

static char instance[INSTANCE_MAX];
static struct segment master;
static struct settings settings;
static struct children children;
static struct child *child;

static void
setup(void)
{
	struct segment_spec spec = {
		.instance = instance,
		.generation = 1,
		.workers = 1,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = TABLE_KEYS_MIN,
	};
	struct worker_segment segment;

	snprintf(instance, sizeof(instance), "t-child-%d", (int)getpid());
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
	children_init(&children, segment_master(&master), &settings, "");
	child = child_adopt(&children, &segment, false);
	ck_assert_ptr_nonnull(child);
}

static void
teardown(void)
{
	segment_close(&child->segment.map);
	segment_close(&master);
	instance_remove(instance);
}

/* A worker runs that will end with this status once it is let go. */
static int
run_worker(int status)
{
	int go[2];
	char byte;

	ck_assert_int_eq(pipe(go), 0);
	child->pid = fork();
	ck_assert_int_ge(child->pid, 0);
	if (child->pid == 0) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) == 0 ? status : 1);
	}
	close(go[0]);
	return go[1];
}

static void
let_end(int go)
{
	close(go);
	while (child->pid != 0) {
		children_reap(&children, 1000);
		usleep(1000);
	}
}

START_TEST(a_hopeless_one_waits_for_a_reload)
{
	let_end(run_worker(WORKER_BAD_CONFIG));
	ck_assert(child->hopeless);
	ck_assert_int_eq(child->entry->state, CHILD_FAILED);
	children_retry(&children);
	ck_assert(!child->hopeless);
	ck_assert(respawn_due(&child->respawn, 1000));
}
END_TEST

/* What it says is of the settings of before. */
START_TEST(one_that_a_reload_stops_is_not_hopeless)
{
	int go = run_worker(WORKER_BAD_CONFIG);

	children_restart(&children, &settings);
	let_end(go);
	ck_assert(!child->hopeless);
	ck_assert_int_eq(child->entry->state, CHILD_WAITING);
	ck_assert(respawn_due(&child->respawn, 1000));
}
END_TEST

START_TEST(one_that_is_stopped_is_no_death)
{
	int go = run_worker(_i == 0 ? WORKER_LEFT : WORKER_FINISHED);

	children_restart(&children, &settings);
	let_end(go);
	ck_assert_uint_eq(child->entry->restarts, 0);
	ck_assert(respawn_due(&child->respawn, 1000));
}
END_TEST

START_TEST(one_that_fails_is_a_death)
{
	let_end(run_worker(WORKER_FAILED));
	ck_assert(!child->hopeless);
	ck_assert_uint_eq(child->entry->restarts, 1);
	ck_assert_uint_eq(child->respawn.failures, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("child");
	TCase *tc = tcase_create("child");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_hopeless_one_waits_for_a_reload);
	tcase_add_test(tc, one_that_a_reload_stops_is_not_hopeless);
	tcase_add_loop_test(tc, one_that_is_stopped_is_no_death, 0, 2);
	tcase_add_test(tc, one_that_fails_is_a_death);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
