/* SPDX-License-Identifier: MIT
 *
 * The PROXY header: each kind, each cut, each limit, each fault.
 */
#include "config.h"

#include "edge/proxy.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static uint8_t bytes[70000];

/* A header with this command, family and length; what follows is zero. */
static size_t
begin(unsigned command, unsigned family, unsigned follow)
{
	const uint8_t rest[] = { (uint8_t)command, (uint8_t)family,
		(uint8_t)(follow >> 8), (uint8_t)follow };

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, SIGNATURE, 12);
	memcpy(bytes + 12, rest, sizeof(rest));
	return PROXY_FIXED + follow;
}

/* As HAProxy sends it: 192.0.2.7:54321 to 10.0.0.1:12316, and a value of as
   many bytes as are wanted. */
static size_t
begin_ipv4(unsigned extra)
{
	size_t length = begin(0x21, 0x11, 12 + extra);

	memcpy(
	    bytes + 16, "\xc0\x00\x02\x07\x0a\x00\x00\x01\xd4\x31\x30\x1c", 12);
	if (extra >= 3) {
		bytes[28] = 0x04;
		bytes[29] = (uint8_t)((extra - 3) >> 8);
		bytes[30] = (uint8_t)(extra - 3);
	}
	return length;
}

static size_t
begin_ipv6(void)
{
	size_t length = begin(0x21, 0x21, 36);

	inet_pton(AF_INET6, "2001:db8::7", bytes + 16);
	inet_pton(AF_INET6, "2001:db8::1", bytes + 32);
	memcpy(bytes + 48, "\xd4\x31\x30\x1c", 4);
	return length;
}

static void
check_wrong(size_t length, const char *fault)
{
	struct proxy_header header = proxy_parse(bytes, length);

	ck_assert_int_eq(header.verdict, PROXY_INVALID);
	ck_assert_str_eq(header.fault, fault);
}

START_TEST(ipv4_source_is_told)
{
	struct proxy_header header;
	size_t length = begin_ipv4(0);

	header = proxy_parse(bytes, length);
	ck_assert_int_eq(header.verdict, PROXY_ADDRESS);
	ck_assert_uint_eq(header.wanted, length);
	ck_assert_int_eq(header.source.any.sa_family, AF_INET);
	ck_assert_uint_eq(ntohl(header.source.in.sin_addr.s_addr), 0xc0000207);
	ck_assert_uint_eq(ntohs(header.source.in.sin_port), 54321);
}
END_TEST

START_TEST(ipv6_source_is_told)
{
	struct proxy_header header;
	struct in6_addr wanted;
	size_t length = begin_ipv6();

	inet_pton(AF_INET6, "2001:db8::7", &wanted);
	header = proxy_parse(bytes, length);
	ck_assert_int_eq(header.verdict, PROXY_ADDRESS);
	ck_assert_uint_eq(header.wanted, length);
	ck_assert_int_eq(header.source.any.sa_family, AF_INET6);
	ck_assert_mem_eq(&header.source.in6.sin6_addr, &wanted, 16);
	ck_assert_uint_eq(ntohs(header.source.in6.sin6_port), 54321);
}
END_TEST

/* Whatever a LOCAL command brings along is passed over. */
START_TEST(local_command_speaks_for_the_balancer)
{
	static const unsigned families[] = { 0x00, 0x11, 0x31, 0xff };

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		size_t length = begin(0x20, families[i], 5);
		struct proxy_header header = proxy_parse(bytes, length);

		ck_assert_int_eq(header.verdict, PROXY_OWN);
		ck_assert_uint_eq(header.wanted, length);
	}
}
END_TEST

/* Who reads `wanted` bytes again and again gets the header and no byte of what
   stands behind it, wherever the stream is cut. */
static void
check_cuts(size_t length, enum proxy_verdict verdict)
{
	memset(bytes + length, 0xee, 100);
	for (size_t n = 0; n < length; n++) {
		struct proxy_header header = proxy_parse(bytes, n);

		ck_assert_int_eq(header.verdict, PROXY_SHORT);
		ck_assert_uint_gt(header.wanted, n);
		ck_assert_uint_eq(
		    header.wanted, n < PROXY_FIXED ? PROXY_FIXED : length);
	}
	for (size_t n = length; n < length + 100; n++) {
		struct proxy_header header = proxy_parse(bytes, n);

		ck_assert_int_eq(header.verdict, verdict);
		ck_assert_uint_eq(header.wanted, length);
	}
}

START_TEST(header_may_be_cut_anywhere)
{
	check_cuts(begin_ipv4(0), PROXY_ADDRESS);
	check_cuts(begin_ipv4(100), PROXY_ADDRESS);
	check_cuts(begin_ipv6(), PROXY_ADDRESS);
	check_cuts(begin(0x20, 0x00, 0), PROXY_OWN);
	check_cuts(begin(0x20, 0x00, 300), PROXY_OWN);
}
END_TEST

START_TEST(longest_header_is_taken_and_one_byte_more_is_not)
{
	size_t max = PROXY_HEADER_MAX - PROXY_FIXED;

	check_cuts(begin_ipv4((unsigned)max - 12), PROXY_ADDRESS);
	begin_ipv4((unsigned)max - 12 + 1);
	ck_assert_int_eq(proxy_parse(bytes, 15).verdict, PROXY_SHORT);
	check_wrong(16, "a PROXY header that is too long");
	begin(0x20, 0, 65535);
	check_wrong(16, "a PROXY header that is too long");
}
END_TEST

static size_t
begin_text(const char *text)
{
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, text, strlen(text));
	return strlen(text);
}

/* As nginx and coturn send it. */
static const struct {
	const char *line, *source;
	int family;
} lines[] = {
	{ "PROXY TCP4 192.0.2.7 10.0.0.1 54321 12316\r\n", "192.0.2.7",
	    AF_INET },
	{ "PROXY TCP4 255.255.255.255 255.255.255.255 54321 65535\r\n",
	    "255.255.255.255", AF_INET },
	{ "PROXY TCP6 2001:db8::7 2001:db8::1 54321 0\r\n", "2001:db8::7",
	    AF_INET6 },
	{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 54321 65535\r\n",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AF_INET6 },
};

START_TEST(text_source_is_told)
{
	size_t length = begin_text(lines[_i].line);
	struct proxy_header header = proxy_parse(bytes, length);
	struct in6_addr wanted;

	ck_assert_uint_le(length, PROXY_TEXT_MAX);
	ck_assert_int_eq(header.verdict, PROXY_ADDRESS);
	ck_assert_uint_eq(header.wanted, length);
	ck_assert_int_eq(header.source.any.sa_family, lines[_i].family);
	inet_pton(lines[_i].family, lines[_i].source, &wanted);
	ck_assert_mem_eq(lines[_i].family == AF_INET
			     ? (void *)&header.source.in.sin_addr
			     : (void *)&header.source.in6.sin6_addr,
	    &wanted, lines[_i].family == AF_INET ? 4 : 16);
	ck_assert_uint_eq(ntohs(header.source.in.sin_port), 54321);
}
END_TEST

/* Until its end all bytes are the header's; then none. */
static void
check_text_cuts(const char *line, enum proxy_verdict verdict)
{
	size_t length = begin_text(line);

	memcpy(bytes + length, "\r\n\n", 3);
	for (size_t n = 1; n < length; n++) {
		struct proxy_header header = proxy_parse(bytes, n);

		ck_assert_int_eq(header.verdict, PROXY_SHORT);
		ck_assert_uint_gt(header.wanted, n);
		ck_assert_uint_le(header.wanted, length);
	}
	for (size_t n = length; n < length + 3; n++) {
		struct proxy_header header = proxy_parse(bytes, n);

		ck_assert_int_eq(header.verdict, verdict);
		ck_assert_uint_eq(header.wanted, length);
	}
}

START_TEST(text_may_be_cut_anywhere)
{
	check_text_cuts(lines[0].line, PROXY_ADDRESS);
	check_text_cuts(lines[2].line, PROXY_ADDRESS);
	check_text_cuts("PROXY UNKNOWN\r\n", PROXY_OWN);
	check_text_cuts("PROXY UNKNOWN what ever \r\n", PROXY_OWN);
}
END_TEST

START_TEST(longest_text_is_taken_and_one_byte_more_is_not)
{
	char line[] = "PROXY UNKNOWN"
		      " ffff:f...f:ffff ffff:f...f:ffff 65535 65535"
		      " ffff:f...f:ffff ffff:f...f:ffff 65535 655\r\n";
	size_t length = begin_text(line);

	ck_assert_uint_lt(length, PROXY_TEXT_MAX);
	memset(bytes + length - 2, 'x', PROXY_TEXT_MAX - length);
	memcpy(bytes + PROXY_TEXT_MAX - 2, "\r\n", 2);
	ck_assert_int_eq(
	    proxy_parse(bytes, PROXY_TEXT_MAX - 1).verdict, PROXY_SHORT);
	ck_assert_int_eq(proxy_parse(bytes, 200).verdict, PROXY_OWN);
	memcpy(bytes + PROXY_TEXT_MAX - 2, "x\r\n", 3);
	check_wrong(PROXY_TEXT_MAX, "a PROXY header that is too long");
}
END_TEST

static const char *const malformed[] = {
	"PROXY \r\n",
	"PROXY TCP4\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 54321 12316\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 54321\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 54321 12316 \r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 54321 12316 1\r\n",
	"PROXY TCP4  192.0.2.7 10.0.0.1 54321 12316\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 54321 12316\r\r\n",
	"PROXY TCP4 192.0.2 10.0.0.1 54321 12316\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.256 54321 12316\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 65536 12316\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 54321 -1\r\n",
	"PROXY TCP4 192.0.2.7 10.0.0.1 x 12316\r\n",
	"PROXY TCP4 2001:db8::7 2001:db8::1 54321 12316\r\n",
	"PROXY TCP6 192.0.2.7 10.0.0.1 54321 12316\r\n",
	"PROXY UDP4 192.0.2.7 10.0.0.1 54321 12316\r\n",
	"PROXY UNKNOWNX\r\n",
	"PROXY tcp4 192.0.2.7 10.0.0.1 54321 12316\r\n",
};

START_TEST(malformed_text_is_wrong)
{
	check_wrong(
	    begin_text(malformed[_i]), "a malformed PROXY header of version 1");
}
END_TEST

START_TEST(text_ends_at_no_zero_byte)
{
	size_t length = begin_text(lines[0].line);

	bytes[length - 2] = '\0';
	check_wrong(length, "a malformed PROXY header of version 1");
	length = begin_text(lines[0].line);
	memcpy(bytes + length - 2, "\0\r\n", 3);
	check_wrong(length + 1, "a malformed PROXY header of version 1");
}
END_TEST

/* A stranger is known by the first byte that does not fit. */
START_TEST(each_byte_of_the_signature_counts)
{
	for (size_t at = 0; at < 12; at++) {
		begin_ipv4(0);
		bytes[at] ^= 0x20;
		ck_assert_int_eq(proxy_parse(bytes, at).verdict, PROXY_SHORT);
		check_wrong(at + 1, "not a PROXY header");
		check_wrong(28, "not a PROXY header");
	}
	for (size_t at = 0; at < 6; at++) {
		begin_text(lines[0].line);
		bytes[at] ^= 0x20;
		check_wrong(at + 1, "not a PROXY header");
	}
}
END_TEST

START_TEST(other_versions_and_commands_are_wrong)
{
	for (unsigned value = 0; value < 256; value++) {
		begin(value, 0x11, 12);
		if (value >> 4 != 2)
			check_wrong(13, "a PROXY header of another version");
		else if (value > 0x21)
			check_wrong(
			    13, "a PROXY header with an unknown command");
		else
			ck_assert_int_ne(
			    proxy_parse(bytes, 28).verdict, PROXY_INVALID);
	}
}
END_TEST

START_TEST(other_families_are_wrong)
{
	for (unsigned value = 0; value < 256; value++) {
		begin(0x21, value, 216);
		if (value != 0x11 && value != 0x21)
			check_wrong(14, "a PROXY header of neither TCP over "
					"IPv4 nor over IPv6");
		else
			ck_assert_int_eq(
			    proxy_parse(bytes, 14).verdict, PROXY_SHORT);
	}
}
END_TEST

START_TEST(addresses_must_be_whole)
{
	for (unsigned follow = 0; follow < 12; follow++)
		check_wrong(begin(0x21, 0x11, follow),
		    "a PROXY header too short for addresses");
	for (unsigned follow = 0; follow < 36; follow++)
		check_wrong(begin(0x21, 0x21, follow),
		    "a PROXY header too short for addresses");
}
END_TEST

START_TEST(values_behind_the_addresses_must_fit)
{
	static const char fault[] = "a PROXY header whose values do not fit";

	/* A head of a value that is cut, and one that promises too much. */
	check_wrong(begin(0x21, 0x11, 13), fault);
	check_wrong(begin(0x21, 0x11, 14), fault);
	begin_ipv4(10);
	bytes[30]++;
	check_wrong(38, fault);
	begin_ipv4(10);
	bytes[29] = 0xff;
	check_wrong(38, fault);
	/* Two values, the second without content. */
	begin_ipv4(10);
	bytes[30] = 4;
	ck_assert_int_eq(proxy_parse(bytes, 38).verdict, PROXY_ADDRESS);
	bytes[30] = 5;
	check_wrong(38, fault);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("proxy");
	TCase *tc = tcase_create("proxy");

	tcase_add_test(tc, ipv4_source_is_told);
	tcase_add_test(tc, ipv6_source_is_told);
	tcase_add_test(tc, local_command_speaks_for_the_balancer);
	tcase_add_test(tc, header_may_be_cut_anywhere);
	tcase_add_test(tc, longest_header_is_taken_and_one_byte_more_is_not);
	tcase_add_loop_test(
	    tc, text_source_is_told, 0, sizeof(lines) / sizeof(*lines));
	tcase_add_test(tc, text_may_be_cut_anywhere);
	tcase_add_test(tc, longest_text_is_taken_and_one_byte_more_is_not);
	tcase_add_loop_test(tc, malformed_text_is_wrong, 0,
	    sizeof(malformed) / sizeof(*malformed));
	tcase_add_test(tc, text_ends_at_no_zero_byte);
	tcase_add_test(tc, each_byte_of_the_signature_counts);
	tcase_add_test(tc, other_versions_and_commands_are_wrong);
	tcase_add_test(tc, other_families_are_wrong);
	tcase_add_test(tc, addresses_must_be_whole);
	tcase_add_test(tc, values_behind_the_addresses_must_fit);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
