/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/edge/tarpit.c: how long sockets are kept, and how many.
 */
#include "config.h"

#include "suite.h"
#include "edge/tarpit.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tarpit tarpit;
static int ends[TARPIT_MAX + 10]; /* the agents' */
static int agents;

static void
begin(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	tarpit = (struct tarpit){ 0 };
	agents = 0;
}

static bool
add(uint64_t now_ms)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ends[agents++] = pair[0];
	return tarpit_add(&tarpit, pair[1], now_ms);
}

/* How many agents see that they are disconnected. */
static int
ended(void)
{
	int n = 0;
	char byte;

	for (int i = 0; i < agents; i++)
		n += recv(ends[i], &byte, 1, MSG_DONTWAIT) == 0;
	return n;
}

static bool
is_open(int agent)
{
	char byte;

	return recv(ends[agent], &byte, 1, MSG_DONTWAIT) < 0;
}

static void
end(void)
{
	tarpit_resize(&tarpit, 0);
	ck_assert_int_eq(ended(), agents);
	for (int i = 0; i < agents; i++)
		close(ends[i]);
}

START_TEST(each_is_kept_for_its_time)
{
	tarpit_resize(&tarpit, UINT64_MAX);
	ck_assert_uint_eq(tarpit_expire(&tarpit, 1000, 77), 77);
	add(1000);
	add(1500);
	ck_assert_uint_eq(tarpit_expire(&tarpit, 1500, 5000), 1500);
	ck_assert_uint_eq(tarpit_expire(&tarpit, 1500, 40), 40);
	ck_assert_uint_eq(tarpit_expire(&tarpit, 2999, 5000), 1);
	ck_assert_int_eq(ended(), 0);
	ck_assert_uint_eq(tarpit_expire(&tarpit, 3000, 5000), 500);
	ck_assert(!is_open(0) && is_open(1));
	ck_assert_uint_eq(tarpit_expire(&tarpit, 9000, 5000), 5000);
	ck_assert_int_eq(ended(), 2);
	ck_assert(!tarpit_drop(&tarpit));
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	tarpit_resize(&tarpit, UINT64_MAX);
	for (int i = 0; i < TARPIT_MAX; i++)
		add(1000);
	ck_assert_int_eq(ended(), 0);
	for (int i = 0; i < 10; i++)
		add(1000);
	ck_assert_int_eq(ended(), 10);
	ck_assert(!is_open(9) && is_open(10));
	ck_assert(tarpit_drop(&tarpit));
	ck_assert(!is_open(10) && is_open(11));
}
END_TEST

START_TEST(one_that_makes_room_too_early_is_told_of)
{
	tarpit_resize(&tarpit, 2);
	ck_assert(add(1000) && add(2000));
	ck_assert(!add(2999));
	ck_assert(add(4000));
	ck_assert(!add(4000));
	tarpit_resize(&tarpit, 0);
	ck_assert(!add(9000));
}
END_TEST

START_TEST(the_capacity_may_change)
{
	add(1000); /* none may be kept */
	ck_assert_int_eq(ended(), 1);
	tarpit_resize(&tarpit, 3);
	for (int i = 0; i < 5; i++)
		add(1000);
	ck_assert_int_eq(ended(), 3);
	tarpit_resize(&tarpit, 1);
	ck_assert_int_eq(ended(), 5);
	ck_assert(is_open(5));
	tarpit_resize(&tarpit, 0);
	ck_assert_int_eq(ended(), 6);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tarpit");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, each_is_kept_for_its_time);
	tcase_add_test(all, the_oldest_makes_room);
	tcase_add_test(all, one_that_makes_room_too_early_is_told_of);
	tcase_add_test(all, the_capacity_may_change);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
