/* SPDX-License-Identifier: MIT
 *
 * Check suite of sql/host.c: how an earlier host is asked whether it is well.
 */
#include "config.h"

#include "sql/host.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS 5000

static char first[32], second[] = "192.0.2.1";
static char *words[] = { first, second, NULL };
static struct hosts hosts;
static int listening;

/* We are connected to the second. */
static void
hosts_begin(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(in);

	listening = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    bind(listening, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(listening, 8), 0);
	getsockname(listening, (struct sockaddr *)&in, &length);
	snprintf(first, sizeof(first), "127.0.0.1:%u", ntohs(in.sin_port));
	hosts = (struct hosts){ .words = words, .at = 1 };
}

static void
hosts_end(void)
{
	if (hosts.fd > 0)
		close(hosts.fd);
	close(listening);
}

/* Ask again, without waiting for the time. */
static bool
ask(void)
{
	hosts.back[0].next_ms = 0;
	return hosts_ask(&hosts, LIMIT_MS);
}

START_TEST(a_silent_host_is_not_logged_in_to)
{
	ck_assert(!ask());
	ck_assert_int_gt(hosts.fd, 0);
	ck_assert(!hosts_ask(&hosts, LIMIT_MS));
	ck_assert(!hosts_ask(&hosts, 0));
	ck_assert_int_eq(hosts.fd, 0);
	ck_assert_uint_eq(hosts.back[0].failures, 1);
}
END_TEST

START_TEST(a_host_that_greets_is_logged_in_to)
{
	ck_assert(!ask());
	int server = accept(listening, NULL, NULL);
	ck_assert_int_eq(write(server, "g", 1), 1);
	for (int turn = 0; !hosts_ask(&hosts, LIMIT_MS); turn++) {
		ck_assert_int_lt(turn, 1000);
		usleep(1000);
	}
	ck_assert_uint_eq(hosts.asked, 0);
	close(server);
}
END_TEST

/* A server blocks a machine for many greetings that are not answered. */
START_TEST(one_that_refuses_the_login_is_not_dialled_each_time)
{
	hosts_note(&hosts, false, true);
	for (int turn = 0; turn < 100; turn++) {
		ck_assert(ask());
		ck_assert_int_eq(hosts.fd, 0);
		ck_assert(!hosts_note(&hosts, false, true));
	}
	/* It no longer answers: it may be silent the next time. */
	ck_assert(ask());
	hosts_note(&hosts, false, false);
	ck_assert(!ask());
	ck_assert_int_gt(hosts.fd, 0);
}
END_TEST

START_TEST(a_good_address_of_several_stays)
{
	hosts_note(&hosts, false, false);
	ck_assert_uint_eq(hosts.back[0].address, 1);
	hosts_note(&hosts, true, true);
	hosts_note(&hosts, true, true);
	ck_assert_uint_eq(hosts.back[0].address, 1);
}
END_TEST

static Suite *
host_suite(void)
{
	Suite *suite = suite_create("host");
	TCase *c = tcase_create("earlier");

	tcase_add_checked_fixture(c, hosts_begin, hosts_end);
	tcase_add_test(c, a_silent_host_is_not_logged_in_to);
	tcase_add_test(c, a_host_that_greets_is_logged_in_to);
	tcase_add_test(c, one_that_refuses_the_login_is_not_dialled_each_time);
	tcase_add_test(c, a_good_address_of_several_stays);
	suite_add_tcase(suite, c);
	return suite;
}

int
main(void)
{
	return suite_run(host_suite());
}
