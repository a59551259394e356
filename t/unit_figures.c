/* SPDX-License-Identifier: MIT
 *
 * Figures in few columns.
 */
#include "config.h"

#include "lib/text.h"
#include "suite.h"

#include <check.h>

START_TEST(figures_keep_to_their_columns)
{
	static const struct {
		double rate;
		const char *text;
	} rates[] = { { 0, "0.0" }, { 999.94, "999.9" }, { 999.96, "1000" },
		{ 123456.4, "123456" }, { 1234567890, "1234.6M" },
		{ 1e30, "18446.7P" } };
	char text[32];

	ck_assert_str_eq(figures_count(text, sizeof(text), 99999, 5), "99999");
	ck_assert_str_eq(figures_count(text, sizeof(text), 100000, 5), "0.1M");
	ck_assert_str_eq(
	    figures_count(text, sizeof(text), UINT64_MAX, 5), "18.4E");
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		ck_assert_str_eq(
		    figures_rate(text, sizeof(text), rates[i].rate, 8),
		    rates[i].text);
	ck_assert_str_eq(figures_age(text, sizeof(text), 119), "119s");
	ck_assert_str_eq(figures_age(text, sizeof(text), 120), "2m");
	ck_assert_str_eq(figures_age(text, sizeof(text), 7200), "2h");
	ck_assert_str_eq(figures_age(text, sizeof(text), 172800), "2d");
	ck_assert_str_eq(figures_age(text, sizeof(text), UINT64_MAX), "long");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("figures");
	TCase *tcase = tcase_create("figures");

	tcase_add_test(tcase, figures_keep_to_their_columns);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
