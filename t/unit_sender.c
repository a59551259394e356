/* SPDX-License-Identifier: MIT
 *
 * The sender against servers in a thread: good ones and such that refuse.
 */
#include "config.h"

#include "send/sender.h"
#include "sink.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sender sender;
static struct sink sink;

static struct record
record_of(uint32_t i, int32_t modid)
{
	struct record r = { .modid = modid,
		.cmdid = -5,
		.caller = 0x7f000001,
		.ip = i,
		.port = (uint16_t)i,
		.succ = i * 3,
		.err = i * 7,
		.overload = i % 2 };

	record_set_ts(&r, 1700000000);
	return r;
}

static void
open_sink(enum sink_mood mood)
{
	sink_start(&sink, mood);
	ck_assert_msg(
	    sender_open(&sender, "127.0.0.1", sink.port, ENCODE_NATIVE, NULL),
	    "%s", sender.error);
}

static void
add_one(void)
{
	struct record r = record_of(1, 1);

	ck_assert(sender_add(&sender, &r));
}

START_TEST(records_arrive_grouped_into_reports)
{
	enum {
		A = 2 * ENCODE_RECORDS_MAX + 1,
		B = 3
	};
	static struct record got[A + B];
	size_t reports;

	open_sink(SINK_READS);
	for (uint32_t i = 0; i < A + B; i++) {
		struct record r = record_of(i, i < A ? 1 : 2);
		ck_assert(sender_add(&sender, &r));
	}
	ck_assert(sender_alive(&sender));
	ck_assert_int_eq(sender_finish(&sender), SENDER_DONE);
	sink_join(&sink);
	ck_assert_uint_eq(sender.reports, 4);
	ck_assert_uint_eq(sender.records, A + B);
	ck_assert_uint_eq(sink_decode(&sink, got, A + B, &reports), A + B);
	ck_assert_uint_eq(reports, 4);
	for (uint32_t i = 0; i < A + B; i++) {
		struct record r = record_of(i, i < A ? 1 : 2);
		ck_assert_mem_eq(&got[i], &r, sizeof(r));
	}
	sink_free(&sink);
}
END_TEST

/* More than the sockets hold, so that writing waits for the server. */
START_TEST(nothing_is_lost_of_much)
{
	enum {
		COUNT = 400000
	};
	struct record *got = calloc(COUNT, sizeof(*got));
	bool good = true; /* an assertion for each would take seconds */
	size_t reports;

	ck_assert_ptr_nonnull(got);
	open_sink(SINK_READS);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct record r = record_of(i, (int32_t)(i / 10));
		good &= sender_add(&sender, &r);
	}
	ck_assert(good);
	ck_assert_int_eq(sender_finish(&sender), SENDER_DONE);
	sink_join(&sink);
	ck_assert_uint_eq(sink_decode(&sink, got, COUNT, &reports), COUNT);
	ck_assert_uint_eq(reports, COUNT / 10);
	for (uint32_t i = 0; i < COUNT; i++)
		good &= got[i].ip == i;
	ck_assert(good);
	sink_free(&sink);
	free(got);
}
END_TEST

START_TEST(flush_gives_everything_away)
{
	open_sink(SINK_READS);
	add_one();
	ck_assert_uint_eq(sender.reports, 0);
	ck_assert(sender_flush(&sender));
	ck_assert_uint_eq(sender.reports, 1);
	ck_assert_uint_eq(sender.length, 0);
	ck_assert_int_eq(sender_finish(&sender), SENDER_DONE);
	ck_assert_uint_eq(sender.reports, 1);
	sink_join(&sink);
	ck_assert_uint_gt(sink.length, 0);
	sink_free(&sink);
}
END_TEST

/* Or in time for sender_open() to notice. */
static bool
open_closing_sink(void)
{
	sink_start(&sink, SINK_CLOSES);
	bool open =
	    sender_open(&sender, "127.0.0.1", sink.port, ENCODE_NATIVE, NULL);
	sink_join(&sink);
	return open;
}

START_TEST(a_server_that_closes_at_once_is_noticed)
{
	bool open = open_closing_sink();
	ck_assert(!open || !sender_alive(&sender));
	ck_assert_ptr_nonnull(strstr(sender.error, CHANNEL_CLOSED));
	if (open)
		ck_assert_int_eq(sender_finish(&sender), SENDER_FAILED);

	if (open_closing_sink()) {
		add_one();
		ck_assert_int_eq(sender_finish(&sender), SENDER_FAILED);
	}
}
END_TEST

START_TEST(a_server_that_refuses_the_data_is_noticed)
{
	open_sink(SINK_CLOSES_ON_DATA);
	add_one();
	ck_assert(sender_flush(&sender));
	sink_join(&sink);
	ck_assert_int_eq(sender_finish(&sender), SENDER_FAILED);
}
END_TEST

START_TEST(a_server_that_leaves_data_unread_is_noticed)
{
	open_sink(SINK_CLOSES_ON_END);
	add_one();
	ck_assert_int_eq(sender_finish(&sender), SENDER_FAILED);
	ck_assert_ptr_nonnull(strstr(sender.error, CHANNEL_CLOSED));
	sink_join(&sink);
}
END_TEST

START_TEST(a_port_over_the_range_reaches_nobody)
{
	char port[16];

	sink_start(&sink, SINK_READS);
	snprintf(port, sizeof(port), "%d", atoi(sink.port) + 65536);
	ck_assert(
	    !sender_open(&sender, "127.0.0.1", port, ENCODE_NATIVE, NULL));
	ck_assert_ptr_nonnull(strstr(sender.error, "over 65535"));
	ck_assert(
	    sender_open(&sender, "127.0.0.1", sink.port, ENCODE_NATIVE, NULL));
	sender_close(&sender);
	sink_join(&sink);
	sink_free(&sink);
}
END_TEST

START_TEST(no_server_is_an_error)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	char port[8];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* Bound and not listening: nobody else can take this port. */
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(
	    getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
	ck_assert(
	    !sender_open(&sender, "127.0.0.1", port, ENCODE_NATIVE, NULL));
	ck_assert_ptr_nonnull(strstr(sender.error, "Connection refused"));
	close(fd);
	ck_assert(!sender_open(
	    &sender, "127.0.0.1", "no-such-service", ENCODE_NATIVE, NULL));
	ck_assert_ptr_nonnull(strstr(sender.error, "no-such-service"));
	sender_close(&sender);
	ck_assert(!sender_open(&sender, "[::1", port, ENCODE_NATIVE, NULL));
	ck_assert_ptr_nonnull(strstr(sender.error, "invalid"));
	sender_close(&sender);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sender");
	TCase *tcase = tcase_create("sender");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, records_arrive_grouped_into_reports);
	tcase_add_test(tcase, nothing_is_lost_of_much);
	tcase_add_test(tcase, flush_gives_everything_away);
	tcase_add_test(tcase, a_server_that_closes_at_once_is_noticed);
	tcase_add_test(tcase, a_server_that_refuses_the_data_is_noticed);
	tcase_add_test(tcase, a_server_that_leaves_data_unread_is_noticed);
	tcase_add_test(tcase, a_port_over_the_range_reaches_nobody);
	tcase_add_test(tcase, no_server_is_an_error);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
