/* SPDX-License-Identifier: MIT
 *
 * Running a Check suite, as each of them ends.
 */
#pragma once

#include <check.h>

/* suite_run - run it, as the variables CK_FORK, CK_RUN_CASE and so on say, and
   free it.  Returns the exit status of main(): 0 when no test failed. */
static inline int
suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
