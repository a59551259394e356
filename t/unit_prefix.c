/* SPDX-License-Identifier: MIT
 *
 * Prefixes and addresses: what is taken, what is refused and with which
 * reason, who matches.  One process; touches nothing outside.
 */
#include "config.h"

#include "lib/address.h"
#include "lib/prefix.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool
matches(const struct prefix_list *list, const char *peer)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (strchr(peer, ':') == NULL) {
		ck_assert_int_eq(inet_pton(AF_INET, peer, &in.sin_addr), 1);
		return prefix_list_match(list, (struct sockaddr *)&in);
	}
	ck_assert_int_eq(inet_pton(AF_INET6, peer, &in6.sin6_addr), 1);
	return prefix_list_match(list, (struct sockaddr *)&in6);
}

static const struct {
	const char *prefix, *inside, *outside;
} ranges[] = {
	{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
	{ "192.0.2.128/25", "192.0.2.128", "192.0.2.127" },
	{ "192.0.2.4/31", "192.0.2.5", "192.0.2.6" },
	{ "192.0.2.4", "192.0.2.4", "192.0.2.5" },
	{ "192.0.2.4/32", "192.0.2.4", "192.0.2.132" },
	{ "128.0.0.0/1", "255.1.1.1", "127.255.255.255" },
	{ "0.0.0.0/0", "203.0.113.9", "2001:db8::1" },
	{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
	{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
	{ "::1", "::1", "::2" },
	{ "::1/128", "::1", "8000::1" },
	{ "::/0", "2001:db8::1", "203.0.113.9" },
	/* An IPv4 peer at an IPv6 socket is an IPv4 peer. */
	{ "10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3" },
	{ "::/0", "fe80::1", "::ffff:10.1.2.3" },
	/* An IPv4 address in IPv6's form. */
	{ "::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3" },
	{ "::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "::ffff:11.1.2.3" },
	{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2" },
	{ "::ffff:0:0/96", "0.0.0.0", "::1" },
};

START_TEST(range_holds_what_is_inside)
{
	char word[64];
	char *words[] = { word };
	struct prefix_list list;

	strcpy(word, ranges[_i].prefix);
	ck_assert_int_eq(prefix_list_make(&list, words, 1), 0);
	ck_assert(matches(&list, ranges[_i].inside));
	ck_assert(!matches(&list, ranges[_i].outside));
	prefix_list_free(&list);
}
END_TEST

START_TEST(any_prefix_of_a_list_is_enough)
{
	char one[] = "10.0.0.0/8", two[] = "2001:db8::/32", three[] = "::1";
	char *words[] = { one, two, three };
	struct prefix_list list;

	ck_assert_int_eq(prefix_list_make(&list, words, 3), 0);
	ck_assert(matches(&list, "10.1.1.1"));
	ck_assert(matches(&list, "2001:db8::5"));
	ck_assert(matches(&list, "::1"));
	ck_assert(!matches(&list, "192.0.2.1"));
	prefix_list_free(&list);
}
END_TEST

START_TEST(empty_list_matches_nobody)
{
	struct prefix_list list;

	ck_assert_int_eq(prefix_list_make(&list, NULL, 0), 0);
	ck_assert(!matches(&list, "192.0.2.1"));
	ck_assert(!matches(&list, "2001:db8::1"));
	prefix_list_free(&list);
}
END_TEST

START_TEST(other_families_match_no_prefix)
{
	char word[] = "0.0.0.0/0";
	char *words[] = { word };
	struct sockaddr peer = { .sa_family = AF_UNIX };
	struct prefix_list list;

	ck_assert_int_eq(prefix_list_make(&list, words, 1), 0);
	ck_assert(!prefix_list_match(&list, &peer));
	prefix_list_free(&list);
}
END_TEST

static const struct {
	const char *text, *reason;
} faults[] = {
	{ "", "is not an IPv4 or IPv6 address" },
	{ "10", "is not an IPv4 or IPv6 address" },
	{ "10.0.0.256", "is not an IPv4 or IPv6 address" },
	{ "/8", "is not an IPv4 or IPv6 address" },
	{ "example.net/8", "is not an IPv4 or IPv6 address" },
	{ "1111111111111111111111111111111111111111111111111111",
	    "is not an IPv4 or IPv6 address" },
	{ "10.0.0.0/", "has an invalid prefix length, not 0 to 32" },
	{ "10.0.0.0/33", "has an invalid prefix length, not 0 to 32" },
	{ "10.0.0.0/-1", "has an invalid prefix length, not 0 to 32" },
	{ "10.0.0.0/8x", "has an invalid prefix length, not 0 to 32" },
	{ "10.0.0.0/0008", "has an invalid prefix length, not 0 to 32" },
	{ "10.0.0.0/8/8", "has an invalid prefix length, not 0 to 32" },
	{ "::/129", "has an invalid prefix length, not 0 to 128" },
	{ "10.1.0.0/8",
	    "has bits set after its prefix; did you mean 10.0.0.0/8?" },
	{ "192.0.2.1/31",
	    "has bits set after its prefix; did you mean 192.0.2.0/31?" },
	{ "2001:db8::1/64",
	    "has bits set after its prefix; did you mean 2001:db8::/64?" },
	{ "10.0.0.1/0",
	    "has bits set after its prefix; did you mean 0.0.0.0/0?" },
};

START_TEST(fault_of_a_prefix_has_its_reason)
{
	struct prefix prefix;
	struct prefix_list list;
	char word[64];
	char *words[] = { word };

	ck_assert_str_eq(
	    prefix_parse(&prefix, faults[_i].text), faults[_i].reason);
	strcpy(word, faults[_i].text);
	ck_assert_int_eq(prefix_list_make(&list, words, 1), -1);
	ck_assert_ptr_null(list.prefixes);
}
END_TEST

static const struct {
	const char *text, *host;
	int port;
} addresses[] = {
	{ "127.0.0.1:12316", "127.0.0.1", 12316 },
	{ "127.0.0.1", "127.0.0.1", -1 },
	{ "0.0.0.0:0", "0.0.0.0", 0 },
	{ "*:65535", "", 65535 },
	{ "[::1]:1", "::1", 1 },
	{ "[2001:db8::1]", "2001:db8::1", -1 },
	{ "localhost:3306", "localhost", 3306 },
	{ "db-1.example.net", "db-1.example.net", -1 },
	{ "3com.example", "3com.example", -1 },
};

START_TEST(address_is_taken_apart)
{
	struct address address;

	ck_assert_ptr_null(address_parse(&address, addresses[_i].text));
	ck_assert_str_eq(address.host, addresses[_i].host);
	ck_assert_int_eq(address.port, addresses[_i].port);
}
END_TEST

static const struct {
	const char *text, *reason;
} address_faults[] = {
	{ "", "has no address before the port" },
	{ ":80", "has no address before the port" },
	{ "host:", "has no port after the colon" },
	{ "host:65536", "has a port above 65535" },
	{ "host:99999999999999999999", "has a port above 65535" },
	{ "host:http", "has an invalid port" },
	{ "host:-1", "has an invalid port" },
	{ "::1", "has several colons: put an IPv6 address in brackets" },
	{ "1.2.3.4:5:6",
	    "has several colons: put an IPv6 address in brackets" },
	{ "[::1", "has no closing bracket" },
	{ "[::1]x", "has unexpected text after its bracket" },
	{ "[1.2.3.4]:1", "has an invalid IPv6 address in its brackets" },
	{ "[]:1", "has an invalid IPv6 address in its brackets" },
	{ "1.2.3:1", "is not a valid IPv4 address" },
	{ "1.2.3.400:1", "is not a valid IPv4 address" },
	{ "a..b:1", "has an empty label" },
	{ "-a:1", "is not a valid address or host name" },
	{ "a b:1", "is not a valid address or host name" },
	{ "**:1", "is not a valid address or host name" },
	{ "a23456789012345678901234567890123456789012345678901234567890"
	  "1234:1",
	    "has a label of more than 63 characters" },
};

START_TEST(fault_of_an_address_has_its_reason)
{
	struct address address;
	const char *reason = address_parse(&address, address_faults[_i].text);

	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(reason, address_faults[_i].reason);
}
END_TEST

START_TEST(too_long_a_host_is_refused)
{
	char text[ADDRESS_HOST_MAX + 10];
	struct address address;

	memset(text, 'a', sizeof(text));
	for (size_t i = 50; i < sizeof(text); i += 50)
		text[i] = '.';
	text[ADDRESS_HOST_MAX] = '\0';
	ck_assert_str_eq(
	    address_parse(&address, text), "is too long for a host name");
	text[ADDRESS_HOST_MAX - 1] = '\0';
	ck_assert_ptr_null(address_parse(&address, text));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("prefix");
	TCase *tc = tcase_create("prefix");

	tcase_add_loop_test(tc, range_holds_what_is_inside, 0, COUNT(ranges));
	tcase_add_test(tc, any_prefix_of_a_list_is_enough);
	tcase_add_test(tc, empty_list_matches_nobody);
	tcase_add_test(tc, other_families_match_no_prefix);
	tcase_add_loop_test(
	    tc, fault_of_a_prefix_has_its_reason, 0, COUNT(faults));
	tcase_add_loop_test(tc, address_is_taken_apart, 0, COUNT(addresses));
	tcase_add_loop_test(
	    tc, fault_of_an_address_has_its_reason, 0, COUNT(address_faults));
	tcase_add_test(tc, too_long_a_host_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
