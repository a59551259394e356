/* SPDX-License-Identifier: MIT
 *
 * Check suite of admission: deny wins over allow, connections are counted by
 * address, nothing is forgotten or kept too long, also across new settings.
 */
#include "config.h"

#include "edge/admission.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct admission admission;
static struct settings settings;
static uint64_t now_ms = 5000;

static const struct sockaddr *
address(const char *text)
{
	static struct sockaddr_in in;
	static struct sockaddr_in6 in6;

	in.sin_family = AF_INET;
	in6.sin6_family = AF_INET6;
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return (const struct sockaddr *)&in;
	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return (const struct sockaddr *)&in6;
}

static void
setup(void)
{
	memset(&admission, 0, sizeof(admission));
	memset(&settings, 0, sizeof(settings));
	settings.max_connections = 1000;
	admission.settings = &settings;
}

static void
teardown(void)
{
	admission_free(&admission);
	prefix_list_free(&settings.allowed);
	prefix_list_free(&settings.denied);
}

/* Two prefixes, of which the second may be NULL. */
static void
set(struct prefix_list *list, const char *first, const char *second)
{
	char *words[] = { strdup(first),
		second == NULL ? NULL : strdup(second) };

	ck_assert_int_eq(
	    prefix_list_make(list, words, second == NULL ? 1 : 2), 0);
	free(words[0]);
	free(words[1]);
}

static struct origin *
enter(const char *text)
{
	enum refusal why;

	return admission_enter(&admission, address(text), now_ms, &why);
}

/* Why it may not enter. */
static const char *
refusal(const char *text)
{
	enum refusal why;

	if (admission_enter(&admission, address(text), now_ms, &why) != NULL)
		return "let in";
	return refusal_name(why);
}

START_TEST(deny_wins_over_allow)
{
	set(&settings.allowed, "10.0.0.0/8", "2001:db8::/32");
	set(&settings.denied, "10.1.0.0/16", "2001:db8:1::/48");
	ck_assert_str_eq(refusal("10.2.0.1"), "let in");
	ck_assert_str_eq(refusal("::ffff:10.2.0.1"), "let in");
	ck_assert_str_eq(refusal("10.1.0.1"), "denied");
	ck_assert_str_eq(refusal("::ffff:10.1.0.1"), "denied");
	ck_assert_str_eq(refusal("11.1.0.1"), "not_allowed");
	ck_assert_str_eq(refusal("2001:db8:1::5"), "denied");
	ck_assert_str_eq(refusal("2001:db8:2::5"), "let in");
	ck_assert_str_eq(refusal("2001:db9::5"), "not_allowed");
	ck_assert_uint_eq(admission.open, 3);
}
END_TEST

START_TEST(without_allow_everybody_but_the_denied)
{
	ck_assert_str_eq(refusal("192.0.2.1"), "let in");
	set(&settings.denied, "0.0.0.0/0", NULL);
	ck_assert_str_eq(refusal("192.0.2.1"), "denied");
	ck_assert_str_eq(refusal("::1"), "let in");
}
END_TEST

START_TEST(connections_in_all_are_limited)
{
	struct origin *first;

	settings.max_connections = 2;
	first = enter("192.0.2.1");
	enter("192.0.2.2");
	ck_assert_str_eq(refusal("192.0.2.3"), "max_connections");
	admission_leave(&admission, first);
	ck_assert_str_eq(refusal("192.0.2.3"), "let in");
}
END_TEST

START_TEST(connections_of_an_address_are_limited)
{
	static const struct {
		const char *first, *same, *other;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1", "192.0.2.2" },
		{ "192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2" },
		/* A host has all of a /64 to itself. */
		{ "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1" },
		{ "::ffff:0.0.0.1", "0.0.0.1", "::1" },
	};

	settings.max_connections_per_address = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct origin *first = enter(cases[i].first), *other;

		ck_assert_ptr_nonnull(first);
		ck_assert_str_eq(
		    refusal(cases[i].same), "max_connections_per_address");
		other = enter(cases[i].other);
		ck_assert_ptr_nonnull(other);
		admission_leave(&admission, first);
		ck_assert_str_eq(
		    refusal(cases[i].other), "max_connections_per_address");
		first = enter(cases[i].same);
		ck_assert_ptr_nonnull(first);
		admission_leave(&admission, first);
		admission_leave(&admission, other);
	}
	ck_assert_uint_eq(admission.open, 0);
}
END_TEST

/* One address never uses up the rate, whatever it does with its connections. */
START_TEST(one_address_has_a_quarter_of_the_rate)
{
	struct origin *origin;
	int taken;

	settings.accept_rate = 10;
	for (taken = 0; (origin = enter("192.0.2.1")) != NULL; taken++)
		admission_leave(&admission, origin);
	ck_assert_int_eq(taken, 3);
	ck_assert_str_eq(refusal("::ffff:192.0.2.1"), "accept_rate");
	ck_assert_str_eq(refusal("192.0.2.2"), "let in");
	now_ms += 999;
	ck_assert_str_eq(refusal("192.0.2.1"), "accept_rate");
	now_ms += 1;
	ck_assert_str_eq(refusal("192.0.2.1"), "let in");
	settings.accept_rate = 1;
	ck_assert_str_eq(refusal("192.0.2.1"), "accept_rate");
	ck_assert_str_eq(refusal("192.0.2.3"), "let in");
	/* Continued connections are not new ones. */
	admission.unlimited = true;
	ck_assert_str_eq(refusal("192.0.2.3"), "let in");
	admission.unlimited = false;
	settings.accept_rate = 0;
	ck_assert_str_eq(refusal("192.0.2.3"), "let in");
}
END_TEST

/* A plain array is the oracle of many comings and goings, across reloads. */
START_TEST(counts_are_right_at_any_time)
{
	enum {
		ADDRESSES = 300,
		STEPS = 30000
	};
	static struct origin *open[ADDRESSES][8];
	static unsigned count[ADDRESSES];
	uint64_t sum = 0;

	settings.max_connections_per_address = 8;
	srand(1);
	for (int i = 0; i < STEPS; i++) {
		char text[32];
		unsigned at = (unsigned)rand() % ADDRESSES;

		if (i % 5000 == 0) {
			settings.max_connections =
			    settings.max_connections == 5000 ? 100000 : 5000;
		}
		snprintf(text, sizeof(text), "10.0.%u.%u", at / 256, at % 256);
		ck_assert_uint_eq(
		    admission_open_from(&admission, address(text)), count[at]);
		if (rand() % 2 == 0 && count[at] > 0) {
			admission_leave(&admission, open[at][--count[at]]);
			sum--;
			continue;
		}
		struct origin *origin = enter(text);
		ck_assert_int_eq(origin != NULL, count[at] < 8);
		if (origin == NULL)
			continue;
		open[at][count[at]++] = origin;
		sum++;
	}
	ck_assert_uint_gt(sum, 100);
	ck_assert_uint_eq(admission.open, sum);
	/* With the leak checker this shows that none is kept. */
	for (int i = 0; i < ADDRESSES; i++)
		while (count[i] > 0)
			admission_leave(&admission, open[i][--count[i]]);
	ck_assert_ptr_null(admission.tree);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admission");
	TCase *tc = tcase_create("admission");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, deny_wins_over_allow);
	tcase_add_test(tc, without_allow_everybody_but_the_denied);
	tcase_add_test(tc, connections_in_all_are_limited);
	tcase_add_test(tc, connections_of_an_address_are_limited);
	tcase_add_test(tc, one_address_has_a_quarter_of_the_rate);
	tcase_add_test(tc, counts_are_right_at_any_time);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
