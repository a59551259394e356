/* SPDX-License-Identifier: MIT
 *
 * Check suite of a child: the table of its states, what the exit status of its
 * worker means, and what the master makes of it.
 */
#include "instance_fixture.h"
#include "master/child.h"
#include "suite.h"
#include "worker/worker.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---------------------------------------------------------------- states -- */

/* The whole table: an event for which a state has no row leaves the state. */
static const struct {
	enum child_state state;
	enum child_event event;
	enum child_state next;
	enum child_action action;
} rows[] = {
	{ CHILD_WAITING, CHILD_SPAWNED, CHILD_STARTING, ACTION_NONE },
	{ CHILD_WAITING, CHILD_RESTART, CHILD_WAITING, ACTION_RESET },

	{ CHILD_STARTING, CHILD_CHECKED_IN, CHILD_RUNNING, ACTION_NONE },
	{ CHILD_STARTING, CHILD_RETIRE, CHILD_STARTING, ACTION_FINISH },
	{ CHILD_STARTING, CHILD_FINISH, CHILD_STARTING, ACTION_FINISH },
	{ CHILD_STARTING, CHILD_RESTART, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_STARTING, CHILD_STOP, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_STARTING, CHILD_EMPTIED, CHILD_NONE, ACTION_REMOVE },
	{ CHILD_STARTING, CHILD_LEFT, CHILD_WAITING, ACTION_DELAY },
	{ CHILD_STARTING, CHILD_REFUSED, CHILD_FAILED, ACTION_FAIL },
	{ CHILD_STARTING, CHILD_DIED, CHILD_WAITING, ACTION_DELAY },

	{ CHILD_RUNNING, CHILD_RETIRE, CHILD_FINISHING, ACTION_FINISH },
	{ CHILD_RUNNING, CHILD_FINISH, CHILD_FINISHING, ACTION_FINISH },
	{ CHILD_RUNNING, CHILD_RESTART, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_RUNNING, CHILD_STOP, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_RUNNING, CHILD_EMPTIED, CHILD_NONE, ACTION_REMOVE },
	{ CHILD_RUNNING, CHILD_LEFT, CHILD_WAITING, ACTION_DELAY },
	{ CHILD_RUNNING, CHILD_REFUSED, CHILD_FAILED, ACTION_FAIL },
	{ CHILD_RUNNING, CHILD_DIED, CHILD_WAITING, ACTION_DELAY },

	{ CHILD_FINISHING, CHILD_RESTART, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_FINISHING, CHILD_STOP, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_FINISHING, CHILD_EMPTIED, CHILD_NONE, ACTION_REMOVE },
	{ CHILD_FINISHING, CHILD_LEFT, CHILD_WAITING, ACTION_DELAY },
	{ CHILD_FINISHING, CHILD_REFUSED, CHILD_FAILED, ACTION_FAIL },
	{ CHILD_FINISHING, CHILD_DIED, CHILD_WAITING, ACTION_DELAY },

	{ CHILD_STOPPING, CHILD_FINISH, CHILD_STOPPING, ACTION_FINISH },
	{ CHILD_STOPPING, CHILD_STOP, CHILD_STOPPING, ACTION_STOP },
	{ CHILD_STOPPING, CHILD_EMPTIED, CHILD_NONE, ACTION_REMOVE },
	{ CHILD_STOPPING, CHILD_LEFT, CHILD_WAITING, ACTION_RESET },
	{ CHILD_STOPPING, CHILD_REFUSED, CHILD_WAITING, ACTION_RESET },
	{ CHILD_STOPPING, CHILD_DIED, CHILD_WAITING, ACTION_DELAY },

	{ CHILD_FAILED, CHILD_RESTART, CHILD_WAITING, ACTION_RESET },
};

START_TEST(each_event_in_each_state)
{
	for (int state = CHILD_NONE; state <= CHILD_STOPPING; state++) {
		for (int event = 0; event < CHILD_EVENTS; event++) {
			struct child_step wanted = { (enum child_state)state,
				ACTION_NONE };

			for (size_t i = 0; i < COUNT(rows); i++)
				if ((int)rows[i].state == state &&
				    (int)rows[i].event == event)
					wanted =
					    (struct child_step){ rows[i].next,
						    rows[i].action };
			struct child_step step = child_step(
			    (enum child_state)state, (enum child_event)event);
			ck_assert_msg(step.state == wanted.state &&
					  step.action == wanted.action,
			    "state %d, event %d: %d, %d", state, event,
			    step.state, step.action);
		}
	}
}
END_TEST

static const struct {
	int status; /* of waitpid(): exit status << 8, or the signal */
	enum child_event event;
	bool crashed;
} exits[] = {
	{ WORKER_FINISHED << 8, CHILD_LEFT, false },
	{ WORKER_LEFT << 8, CHILD_LEFT, false },
	{ WORKER_BAD_CONFIG << 8, CHILD_REFUSED, false },
	{ WORKER_FAILED << 8, CHILD_DIED, false },
	{ 1 << 8, CHILD_DIED, false },
	{ SIGKILL, CHILD_DIED, false },
	{ SIGSYS, CHILD_DIED, false },
	{ SIGSEGV, CHILD_DIED, true },
	{ SIGBUS | 0x80, CHILD_DIED, true }, /* with a core dump */
	{ SIGABRT, CHILD_DIED, true },
	{ SIGILL, CHILD_DIED, true },
	{ SIGFPE, CHILD_DIED, true },
};

START_TEST(event_of_each_status)
{
	bool crashed;

	ck_assert_int_eq(
	    child_exit(exits[_i].status, &crashed), exits[_i].event);
	ck_assert_int_eq(crashed, exits[_i].crashed);
}
END_TEST

/* ------------------------------------------------------------- processes -- */

static bool fork_fails;
static char instance[INSTANCE_MAX];
static struct segment master;
static struct settings settings;
static struct children children;
static struct child *child;

static void
setup(void)
{
	struct segment_spec spec = instance_spec(instance);
	struct worker_segment segment;

	snprintf(instance, sizeof(instance), "t-child-%d", (int)getpid());
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
	children_init(&children, segment_master(&master), &settings, "");
	child = child_adopt(&children, &segment);
	ck_assert_ptr_nonnull(child);
	children_retire(&children, 1);
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
	child->state = CHILD_RUNNING;
	atomic_store(&child->entry->state, CHILD_RUNNING);
	return go[1];
}

static void
let_end(int go)
{
	close(go);
	for (int i = 0; children_running(&children); i++) {
		ck_assert_int_lt(i, 10000);
		children_reap(&children, 1000);
		usleep(1000);
	}
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t
__wrap_fork(void)
{
	errno = EAGAIN;
	return fork_fails ? -1 : __real_fork();
}

/* The state is what readers see as well. */
static void
assert_state(enum child_state state)
{
	ck_assert_int_eq(child->state, state);
	ck_assert_uint_eq(child->entry->state, state);
}

START_TEST(a_failed_one_waits_for_a_reload)
{
	let_end(run_worker(WORKER_BAD_CONFIG));
	assert_state(CHILD_FAILED);
	children_tick(&children, 100000);
	assert_state(CHILD_FAILED);
	children_configure(&children, &settings, false);
	assert_state(CHILD_WAITING);
	ck_assert_uint_eq(child->respawn.not_before, 0);
}
END_TEST

/* CHILD_REFUSED concerns the old settings. */
START_TEST(one_that_a_reload_stops_does_not_fail)
{
	int go = run_worker(WORKER_BAD_CONFIG);

	children_configure(&children, &settings, true);
	assert_state(CHILD_STOPPING);
	ck_assert_int_eq(ring_asked(&child->segment.ring), RING_STOP);
	let_end(go);
	assert_state(CHILD_WAITING);
	ck_assert_uint_eq(child->respawn.not_before, 0);
}
END_TEST

START_TEST(one_that_is_stopped_is_no_death)
{
	int go = run_worker(_i == 0 ? WORKER_LEFT : WORKER_FINISHED);

	children_configure(&children, &settings, true);
	let_end(go);
	assert_state(CHILD_WAITING);
	ck_assert_uint_eq(child->entry->restarts, 0);
	ck_assert_uint_eq(child->respawn.not_before, 0);
}
END_TEST

START_TEST(one_that_ends_uncommanded_is_a_death)
{
	static const int statuses[] = { WORKER_FAILED, WORKER_FINISHED, 1 };

	let_end(run_worker(statuses[_i]));
	assert_state(CHILD_WAITING);
	ck_assert_uint_eq(child->entry->restarts, 1);
	ck_assert_uint_eq(child->respawn.failures, 1);
	ck_assert_uint_eq(child->entry->not_before, 1000);
}
END_TEST

static void
assert_not_before(uint64_t not_before)
{
	ck_assert_uint_eq(child->respawn.not_before, not_before);
	ck_assert_uint_eq(child->entry->not_before, not_before);
}

START_TEST(a_fork_that_failed_is_retried_in_time)
{
	fork_fails = true;
	ck_assert_int_eq(children_tick(&children, 1000), 0);
	assert_not_before(1000);
	ck_assert_int_eq(children_tick(&children, 1000), 100);
	assert_not_before(1100);
	ck_assert_int_eq(children_tick(&children, 1040), 60);
	ck_assert_int_eq(children_tick(&children, 1100), 200);
	assert_not_before(1300);
	assert_state(CHILD_WAITING);
	ck_assert_uint_eq(child->entry->restarts, 0);
}
END_TEST

START_TEST(a_reload_restarts_a_delayed_one_at_once)
{
	let_end(run_worker(1));
	assert_state(CHILD_WAITING);
	assert_not_before(1000);
	children_configure(&children, &settings, true);
	assert_not_before(0);
}
END_TEST

START_TEST(a_reload_leaves_one_that_works)
{
	int go = run_worker(WORKER_LEFT);
	counter *apart = &child->segment.shared->flush.apart_since;

	children_configure(&children, &settings, false);
	assert_state(CHILD_RUNNING);
	/* What kept it from connecting may be fixed. */
	counter_set(apart, 1);
	children_configure(&children, &settings, false);
	assert_state(CHILD_STOPPING);
	let_end(go);
}
END_TEST

START_TEST(a_retired_one_that_is_empty_goes)
{
	int go = run_worker(WORKER_FINISHED);

	children_retire(&children, 2);
	assert_state(CHILD_FINISHING);
	ck_assert_int_eq(ring_asked(&child->segment.ring), RING_FINISH);
	let_end(go);
	assert_state(CHILD_NONE);
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, NULL, 0), 0);
	ck_assert_uint_eq(children_oldest(&children), UINT64_MAX);
}
END_TEST

START_TEST(a_retired_one_with_records_stays)
{
	struct record record = { 0 };
	int go = run_worker(WORKER_LEFT);

	children_retire(&children, 2);
	ck_assert_uint_ge(ring_room(&child->segment.ring, 1), 1);
	ring_put(&child->segment.ring, &record, 1);
	ring_publish(&child->segment.ring);
	let_end(go);
	assert_state(CHILD_WAITING);
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, NULL, 0), 1);
}
END_TEST

START_TEST(at_shutdown_it_finishes_then_stops)
{
	int go = run_worker(WORKER_LEFT);

	children_end(&children, CHILD_FINISH);
	assert_state(CHILD_FINISHING);
	ck_assert_int_eq(ring_asked(&child->segment.ring), RING_FINISH);
	children_end(&children, CHILD_STOP);
	assert_state(CHILD_STOPPING);
	ck_assert_int_eq(ring_asked(&child->segment.ring), RING_STOP);
	let_end(go);
	assert_state(CHILD_NONE);
	ck_assert_uint_eq(children_close(&children), 0);
}
END_TEST

START_TEST(at_shutdown_nothing_is_forked)
{
	children_end(&children, CHILD_FINISH);
	children_tick(&children, 100000);
	assert_state(CHILD_WAITING);
	ck_assert(!children_running(&children));
	ck_assert_uint_eq(children_close(&children), 0);
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, NULL, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("child");
	TCase *table = tcase_create("table");
	TCase *tc = tcase_create("child");

	tcase_add_test(table, each_event_in_each_state);
	tcase_add_loop_test(table, event_of_each_status, 0, (int)COUNT(exits));
	suite_add_tcase(suite, table);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_failed_one_waits_for_a_reload);
	tcase_add_test(tc, one_that_a_reload_stops_does_not_fail);
	tcase_add_loop_test(tc, one_that_is_stopped_is_no_death, 0, 2);
	tcase_add_loop_test(tc, one_that_ends_uncommanded_is_a_death, 0, 3);
	tcase_add_test(tc, a_fork_that_failed_is_retried_in_time);
	tcase_add_test(tc, a_reload_restarts_a_delayed_one_at_once);
	tcase_add_test(tc, a_reload_leaves_one_that_works);
	tcase_add_test(tc, a_retired_one_that_is_empty_goes);
	tcase_add_test(tc, a_retired_one_with_records_stays);
	tcase_add_test(tc, at_shutdown_it_finishes_then_stops);
	tcase_add_test(tc, at_shutdown_nothing_is_forked);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
