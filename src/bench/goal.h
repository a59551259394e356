/* SPDX-License-Identifier: MIT
 *
 * The targets: what reporter is meant to reach, as data.
 */
#ifndef REPORTER_BENCH_GOAL_H
#define REPORTER_BENCH_GOAL_H

#include <stdbool.h>

enum goal {
	GOAL_FLUSH_ONE,
	GOAL_FLUSH_TWO,
	GOAL_COST,
	GOAL_ABSORB,
	GOAL_LONE,
	GOAL_RATE,
	GOAL_CONNECTION,
	GOAL_KEY,
	GOAL_CONNECTIONS,
	GOAL_KEYS,
	GOALS
};

struct goal_row {
	const char *number; /* in the list of targets */
	const char *text;   /* at most 41 letters */
	const char *unit;
	bool at_most; /* else: at least */
	double bound;
};

extern const struct goal_row goal_table[GOALS];

/* goal_met - whether what was found is what the target asks for; NAN never
   is. */
bool goal_met(const struct goal_row *row, double found);

#endif
