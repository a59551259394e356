/* SPDX-License-Identifier: MIT
 *
 * The ring: its arithmetic with indices that begin at 0 and just below the
 * point where 64 bits wrap around, the sleeping and waking, the commands, and
 * millions of records between two threads and between two processes.  A lost
 * wake-up shows as a test that runs into its time limit.
 */
#include "config.h"

#include "shm/segment.h"
#include "suite.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/seccomp.h>

#define CAPACITY 16
#define LONG_MS 60000 /* longer than any test may take */

static char segment[SEGMENT_NAME_MAX]; /* of the two processes */
static char instance[INSTANCE_MAX];

static struct ring_producer producer;
static struct ring_consumer consumer;
static struct record records[1024];
static struct ring in, out; /* the two ends */

static const uint64_t starts[] = { 0, 5, UINT64_MAX - 4, UINT64_MAX,
	UINT64_MAX - CAPACITY + 1, UINT64_MAX - CAPACITY };
#define STARTS ((int)(sizeof(starts) / sizeof(starts[0])))

/* A ring whose indices begin at START. */
static void
ring_begin(uint64_t start, uint64_t capacity)
{
	memset(&producer, 0, sizeof(producer));
	memset(&consumer, 0, sizeof(consumer));
	memset(records, 0, sizeof(records));
	counter_set(&producer.head, start);
	counter_set(&consumer.tail, start);
	ring_attach(&in, &producer, &consumer, records, capacity);
	ring_attach(&out, &producer, &consumer, records, capacity);
}

/* The i-th record of a stream: every field follows from i. */
static struct record
record_nth(uint64_t i)
{
	uint64_t h = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	struct record r = {
		.modid = (int32_t)i,
		.cmdid = (int32_t)(i >> 32),
		.ip = (uint32_t)h,
		.caller = (uint32_t)(h >> 32),
		.succ = (uint32_t)(h >> 7),
		.err = (uint32_t)(h >> 13),
		.port = (uint16_t)(h >> 21),
		.overload = (uint8_t)(i & 1),
	};

	record_set_ts(&r, h >> 24);
	return r;
}

static bool
record_is_nth(const struct record *r, uint64_t i)
{
	struct record want = record_nth(i);

	return memcmp(r, &want, sizeof(want)) == 0;
}

static void
put(struct ring *ring, uint64_t from, uint64_t n)
{
	struct record batch[64];

	for (uint64_t i = 0; i < n; i++)
		batch[i] = record_nth(from + i);
	ring_put(ring, batch, n);
}

/* Take exactly n records, and see that they are the next ones. */
static void
take(struct ring *ring, uint64_t from, uint64_t n)
{
	while (n > 0) {
		uint64_t got = n;
		const struct record *r = ring_peek(ring, &got);

		ck_assert_uint_gt(got, 0);
		for (uint64_t i = 0; i < got; i++)
			ck_assert(record_is_nth(&r[i], from + i));
		ring_advance(ring, got);
		from += got;
		n -= got;
	}
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------ arithmetic -- */

START_TEST(published_records_come_out_in_order)
{
	uint64_t at = 0;

	ring_begin(starts[_i], CAPACITY);
	/* Every batch size from every place, so each crosses the end. */
	for (int round = 0; round < 3 * CAPACITY; round++) {
		for (uint64_t n = 1; n <= CAPACITY; n++) {
			ck_assert_uint_eq(ring_room(&in, CAPACITY), CAPACITY);
			put(&in, at, n);
			ring_publish(&in);
			ck_assert_uint_eq(ring_queued(&in), n);
			take(&out, at, n);
			ck_assert_uint_eq(ring_queued(&out), 0);
			at += n;
		}
	}
	ck_assert_uint_eq(counter_get(&producer.head), starts[_i] + at);
	ck_assert_uint_eq(counter_get(&consumer.tail), starts[_i] + at);
}
END_TEST

START_TEST(peek_shows_nothing_if_the_tail_is_damaged)
{
	static const uint64_t tails[] = { 5, 4 - CAPACITY - 1, 1ULL << 40 };

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		uint64_t n = CAPACITY;

		ring_begin(0, CAPACITY);
		put(&in, 0, 4);
		ring_publish(&in);
		counter_set(&consumer.tail, tails[i]);
		ck_assert_ptr_null(ring_peek(&out, &n));
		ck_assert_uint_eq(n, 0);
	}
}
END_TEST

START_TEST(peek_stops_where_the_buffer_ends)
{
	uint64_t n = CAPACITY;

	ring_begin(0, CAPACITY);
	put(&in, 0, CAPACITY - 3);
	ring_publish(&in);
	take(&out, 0, CAPACITY - 3);
	put(&in, 100, 5);
	ring_publish(&in);
	ck_assert_ptr_eq(ring_peek(&out, &n), &records[CAPACITY - 3]);
	ck_assert_uint_eq(n, 3);
	ring_advance(&out, 3);
	n = CAPACITY;
	ck_assert_ptr_eq(ring_peek(&out, &n), &records[0]);
	ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(full_ring_has_no_room_until_drained)
{
	ring_begin(starts[_i], CAPACITY);
	for (uint64_t i = 0; i < CAPACITY; i++) {
		ck_assert_uint_eq(ring_room(&in, CAPACITY), CAPACITY - i);
		put(&in, i, 1);
	}
	ring_publish(&in);
	ck_assert_uint_eq(ring_room(&in, 1), 0);
	ck_assert_uint_eq(ring_queued(&in), CAPACITY);
	take(&out, 0, 3);
	ck_assert_uint_eq(ring_room(&in, 1), 3);
	put(&in, CAPACITY, 3);
	ring_publish(&in);
	ck_assert_uint_eq(ring_room(&in, 1), 0);
	take(&out, 3, CAPACITY);
	ck_assert_uint_eq(ring_room(&in, CAPACITY), CAPACITY);
}
END_TEST

START_TEST(peek_leaves_records_until_advance)
{
	uint64_t n = 2;

	ring_begin(starts[_i], CAPACITY);
	put(&in, 0, CAPACITY);
	ring_publish(&in);
	ring_peek(&out, &n);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(ring_room(&in, 1), 0);
	take(&out, 0, CAPACITY);
}
END_TEST

START_TEST(unpublished_records_are_not_seen)
{
	uint64_t n = 10;

	ring_begin(starts[_i], CAPACITY);
	put(&in, 0, 4);
	ring_peek(&out, &n);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(ring_queued(&out), 0);
	/* They take up room all the same. */
	ck_assert_uint_eq(ring_room(&in, CAPACITY), CAPACITY - 4);
	put(&in, 4, 2);
	ring_publish(&in);
	take(&out, 0, 6);
	n = 10;
	ring_peek(&out, &n);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(next_process_goes_on_from_the_words)
{
	ring_begin(starts[_i], CAPACITY);
	put(&in, 0, 10);
	ring_publish(&in);
	take(&out, 0, 4);
	put(&in, 50, 3); /* never published: lost with its process */
	ring_attach(&in, &producer, &consumer, records, CAPACITY);
	ring_attach(&out, &producer, &consumer, records, CAPACITY);
	ck_assert_uint_eq(ring_room(&in, CAPACITY), CAPACITY - 6);
	put(&in, 10, 10);
	ring_publish(&in);
	ck_assert_uint_eq(ring_queued(&out), CAPACITY);
	take(&out, 4, CAPACITY);
}
END_TEST

/* ------------------------------------------------------ sleeping, waking -- */

/* A process under the thread sanitizer cannot live without system calls. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifndef __SANITIZE_THREAD__

/* Publish 1000 batches in a process that may do no system call but exit. */
static int
publish_without_system_calls(void)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct record r = record_nth(0);

		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		for (int i = 0; i < 1000; i++) {
			if (ring_room(&in, 1) == 0)
				ring_advance(&out, CAPACITY);
			ring_put(&in, &r, 1);
			ring_publish(&in);
			ring_alert(&in);
		}
		syscall(SYS_exit, 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(publish_costs_no_system_call_unless_one_sleeps)
{
	int status;

	ring_begin(0, CAPACITY);
	status = publish_without_system_calls();
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);

	/* And it is seen if it does one. */
	ring_begin(0, CAPACITY);
	atomic_store(&consumer.sleeping, 1);
	status = publish_without_system_calls();
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

#endif

START_TEST(doorbell_rings_only_for_a_sleeper)
{
	ring_begin(0, CAPACITY);
	put(&in, 0, 1);
	ring_publish(&in);
	ring_alert(&in);
	ck_assert_uint_eq(atomic_load(&producer.doorbell), 0);
	atomic_store(&consumer.sleeping, 1);
	put(&in, 1, 1);
	ring_publish(&in);
	ck_assert_uint_eq(atomic_load(&producer.doorbell), 0);
	ring_alert(&in);
	ck_assert_uint_eq(atomic_load(&producer.doorbell), 1);
	/* Nothing new: nothing to wake for. */
	ring_publish(&in);
	ring_alert(&in);
	ck_assert_uint_eq(atomic_load(&producer.doorbell), 1);
}
END_TEST

/* Nobody calls ring_alert() here. */
START_TEST(sleeper_is_not_left_to_a_ring_that_fills)
{
	ring_begin(0, CAPACITY);
	atomic_store(&consumer.sleeping, 1);
	for (uint64_t i = 0; i < CAPACITY / 4; i++) {
		put(&in, i, 1);
		ring_publish(&in);
	}
	ck_assert_uint_ge(atomic_load(&producer.doorbell), 1);
}
END_TEST

START_TEST(wait_ends_when_time_is_over)
{
	ring_begin(starts[_i], CAPACITY);
	uint64_t began = now_ms();
	ring_wait(&out, 30);
	uint64_t took = now_ms() - began;
	ck_assert_uint_ge(took, 29);
	ck_assert_uint_eq(atomic_load(&consumer.sleeping), 0);
}
END_TEST

START_TEST(wait_returns_at_once_when_records_are_there)
{
	ring_begin(starts[_i], CAPACITY);
	put(&in, 0, 1);
	ring_publish(&in);
	ring_wait(&out, LONG_MS);
	take(&out, 0, 1);
}
END_TEST

START_TEST(command_given_before_the_sleep_is_not_slept_over)
{
	ring_begin(0, CAPACITY);
	ck_assert_int_eq(ring_asked(&out), RING_RUN);
	/* The worker has just looked; now the master speaks. */
	ring_command(&in, RING_FINISH);
	ring_wait(&out, LONG_MS);
	ck_assert_int_eq(ring_asked(&out), RING_FINISH);
	/* It is no longer news: the next sleep lasts. */
	uint64_t began = now_ms();
	ring_wait(&out, 30);
	ck_assert_uint_ge(now_ms() - began, 29);
	ring_command(&in, RING_STOP);
	ring_wait(&out, LONG_MS);
	ck_assert_int_eq(ring_asked(&out), RING_STOP);
}
END_TEST

#define PINGS 3000

static void *
ping_consumer(void *arg)
{
	bool *right = arg;

	for (uint64_t at = 0; at < PINGS;) {
		uint64_t n = 1;
		const struct record *r = ring_peek(&out, &n);

		if (n == 0) {
			ring_wait(&out, LONG_MS);
			continue;
		}
		*right = *right && record_is_nth(r, at);
		ring_advance(&out, 1);
		at++;
	}
	return NULL;
}

/* One record at a time, each when the worker has gone to sleep, or is about
   to: a wake-up that is lost is a sleep of LONG_MS. */
START_TEST(sleeper_is_woken)
{
	pthread_t thread;
	bool right = true;

	ring_begin(UINT64_MAX - PINGS / 2, CAPACITY);
	ck_assert_int_eq(
	    pthread_create(&thread, NULL, ping_consumer, &right), 0);
	for (uint64_t i = 0; i < PINGS; i++) {
		if (i % 3 == 0)
			while (atomic_load(&consumer.sleeping) == 0)
				sched_yield();
		else if (i % 3 == 1)
			while (ring_queued(&in) > 0)
				sched_yield();
		while (ring_room(&in, 1) == 0)
			sched_yield();
		put(&in, i, 1);
		ring_publish(&in);
		ring_alert(&in);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(right);
}
END_TEST

static void *
command_consumer(void *arg)
{
	(void)arg;
	while (ring_asked(&out) != RING_FINISH)
		ring_wait(&out, LONG_MS);
	return NULL;
}

START_TEST(command_wakes_a_sleeper)
{
	for (int i = 0; i < 300; i++) {
		pthread_t thread;

		ring_begin(0, CAPACITY);
		ck_assert_int_eq(
		    pthread_create(&thread, NULL, command_consumer, NULL), 0);
		if (i % 2 == 0)
			while (atomic_load(&consumer.sleeping) == 0)
				sched_yield();
		ring_command(&in, RING_FINISH);
		pthread_join(thread, NULL);
	}
}
END_TEST

/* ------------------------------------------------------------- the mass -- */

#define STREAM 3000000

/* Take the whole stream from RING.  Returns the first wrong index, or
   STREAM. */
static uint64_t
stream_take(struct ring *ring)
{
	uint64_t at = 0;

	while (at < STREAM) {
		uint64_t n = 1 + at % 300;
		const struct record *r = ring_peek(ring, &n);

		if (n == 0)
			ring_wait(ring, LONG_MS);
		for (uint64_t i = 0; i < n; i++)
			if (!record_is_nth(&r[i], at + i))
				return at + i;
		if (n > 0)
			ring_advance(ring, n);
		at += n;
	}
	return at;
}

static void
stream_put(struct ring *ring)
{
	struct record batch[64];
	uint64_t at = 0;
	unsigned random = 12345;

	while (at < STREAM) {
		random = random * 1103515245 + 12345;
		uint64_t n = 1 + (random >> 16) % 64;
		if (n > STREAM - at)
			n = STREAM - at;
		uint64_t room = ring_room(ring, n);
		if (room < n)
			n = room;
		if (n == 0) {
			ring_publish(ring);
			ring_alert(ring);
			sched_yield();
			continue;
		}
		for (uint64_t i = 0; i < n; i++)
			batch[i] = record_nth(at + i);
		ring_put(ring, batch, n);
		if (random >> 31 || at + n == STREAM)
			ring_publish(ring);
		at += n;
	}
	ring_alert(ring);
}

static void *
stream_thread(void *arg)
{
	uint64_t *end = arg;

	*end = stream_take(&out);
	return NULL;
}

START_TEST(millions_of_records_between_threads)
{
	pthread_t thread;
	uint64_t end = 0;

	ring_begin(UINT64_MAX - STREAM / 2, 256);
	ck_assert_int_eq(pthread_create(&thread, NULL, stream_thread, &end), 0);
	stream_put(&in);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(end, STREAM);
	ck_assert_uint_eq(ring_queued(&in), 0);
}
END_TEST

START_TEST(millions_of_records_between_processes)
{
	struct worker_segment mine, theirs;
	struct segment_spec spec = { instance, 1, 0, 1, RING_RECORDS_MIN,
		TABLE_KEYS_MIN };
	int status;

	ck_assert_int_eq(segment_create_worker(&mine, &spec), SHM_OK);
	pid_t pid = fork();
	if (pid == 0) {
		if (segment_open_worker(&theirs, mine.map.name, SEGMENT_WRITE,
			SEGMENT_ANYBODY) != SHM_OK)
			_exit(2);
		_exit(stream_take(&theirs.ring) == STREAM ? 0 : 1);
	}
	ck_assert_int_ge(pid, 0);
	stream_put(&mine.ring);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_uint_eq(counter_get(&mine.shared->consumer.tail), STREAM);
	segment_close(&mine.map);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ring");
	snprintf(instance, sizeof(instance), "unit-ring-%d", (int)getpid());
	segment_name(segment, instance, 1, 0);
	TCase *c = tcase_create("arithmetic");

	tcase_add_loop_test(c, published_records_come_out_in_order, 0, STARTS);
	tcase_add_test(c, peek_shows_nothing_if_the_tail_is_damaged);
	tcase_add_test(c, peek_stops_where_the_buffer_ends);
	tcase_add_loop_test(c, full_ring_has_no_room_until_drained, 0, STARTS);
	tcase_add_loop_test(c, peek_leaves_records_until_advance, 0, STARTS);
	tcase_add_loop_test(c, unpublished_records_are_not_seen, 0, STARTS);
	tcase_add_loop_test(c, next_process_goes_on_from_the_words, 0, STARTS);
	suite_add_tcase(suite, c);

	c = tcase_create("sleep");
	tcase_set_timeout(c, 20);
#ifndef __SANITIZE_THREAD__
	tcase_add_test(c, publish_costs_no_system_call_unless_one_sleeps);
#endif
	tcase_add_test(c, doorbell_rings_only_for_a_sleeper);
	tcase_add_test(c, sleeper_is_not_left_to_a_ring_that_fills);
	tcase_add_loop_test(c, wait_ends_when_time_is_over, 0, STARTS);
	tcase_add_loop_test(
	    c, wait_returns_at_once_when_records_are_there, 0, STARTS);
	tcase_add_test(c, command_given_before_the_sleep_is_not_slept_over);
	tcase_add_test(c, sleeper_is_woken);
	tcase_add_test(c, command_wakes_a_sleeper);
	suite_add_tcase(suite, c);

	c = tcase_create("mass");
	tcase_set_timeout(c, 60);
	tcase_add_test(c, millions_of_records_between_threads);
	tcase_add_test(c, millions_of_records_between_processes);
	suite_add_tcase(suite, c);

	int failed = suite_run(suite);
	segment_remove(segment); /* also when its test failed */
	return failed;
}
