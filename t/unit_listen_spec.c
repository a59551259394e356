/* SPDX-License-Identifier: MIT
 *
 * Words of `listen`: the address, and what stands behind it.
 */
#include "config.h"

#include "lib/address.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text, *address, *words;
} specs[] = {
	{ "0.0.0.0:12316", "0.0.0.0:12316", "" },
	{ "0.0.0.0:12317 tls", "0.0.0.0:12317", " tls" },
	{ "[2001:db8::1]:1 proxy", "[2001:db8::1]:1", " proxy" },
	{ "*:1 proxy tls", "*:1", " proxy tls" },
	{ "name.example:65535 tls proxy", "name.example:65535", " proxy tls" },
	{ " \t*:0 \t tls\t", "*:0", " tls" },
};

START_TEST(address_and_words_are_told_apart)
{
	struct listen_spec spec;

	ck_assert_ptr_null(listen_spec_parse(&spec, specs[_i].text));
	ck_assert_str_eq(spec.address, specs[_i].address);
	ck_assert_str_eq(listen_spec_words(&spec), specs[_i].words);
	ck_assert(spec.proxy == (strstr(specs[_i].words, "proxy") != NULL));
	ck_assert(spec.tls == (strstr(specs[_i].words, "tls") != NULL));
}
END_TEST

static const struct {
	const char *text, *reason;
} faults[] = {
	{ "", "has no address before the port" },
	{ "127.0.0.1", "has no port" },
	{ "127.0.0.1 tls", "has no port" },
	{ "tls", "has no port" },
	{ "tls 127.0.0.1:1", "has no port" },
	{ "127.0.0.1:99999 tls", "has a port above 65535" },
	{ "127.0.0.1:1 ssl", "has a keyword other than proxy and tls" },
	{ "127.0.0.1:1 TLS", "has a keyword other than proxy and tls" },
	{ "127.0.0.1:1 tlsx", "has a keyword other than proxy and tls" },
	{ "127.0.0.1:1 tl", "has a keyword other than proxy and tls" },
	{ "127.0.0.1:1 proxytls", "has a keyword other than proxy and tls" },
	{ "127.0.0.1:1 tls tls", "has a keyword twice" },
	{ "127.0.0.1:1 proxy tls proxy", "has a keyword twice" },
};

START_TEST(fault_has_its_reason)
{
	struct listen_spec spec;
	const char *reason = listen_spec_parse(&spec, faults[_i].text);

	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(reason, faults[_i].reason);
}
END_TEST

START_TEST(longest_address_is_taken_and_one_byte_more_is_not)
{
	char text[LISTEN_ADDRESS_MAX + 10];
	struct listen_spec spec;

	memset(text, '0', sizeof(text));
	memcpy(text, "*:", 2);
	text[LISTEN_ADDRESS_MAX] = '\0';
	ck_assert_str_eq(
	    listen_spec_parse(&spec, text), "is too long for an address");
	text[LISTEN_ADDRESS_MAX - 1] = '\0';
	ck_assert_ptr_null(listen_spec_parse(&spec, text));
	ck_assert_str_eq(spec.address, text);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("listen_spec");
	TCase *tc = tcase_create("listen_spec");

	tcase_add_loop_test(
	    tc, address_and_words_are_told_apart, 0, COUNT(specs));
	tcase_add_loop_test(tc, fault_has_its_reason, 0, COUNT(faults));
	tcase_add_test(tc, longest_address_is_taken_and_one_byte_more_is_not);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
