/* SPDX-License-Identifier: MIT
 *
 * The targets.  Owns nothing; cannot fail.
 */
#include "config.h"

#include "bench/goal.h"

#define AT_LEAST(value) .at_most = false, .bound = (value)
#define AT_MOST(value) .at_most = true, .bound = (value)

const struct goal_row goal_table[GOALS] = {
	[GOAL_FLUSH_ONE] = { "1", "flush / LOAD DATA, one worker", "ratio",
	    AT_LEAST(0.9) },
	[GOAL_FLUSH_TWO] = { "1", "flush / LOAD DATA, two workers", "ratio",
	    AT_LEAST(1.4) },
	[GOAL_COST] = { "2", "CPU of reporter / of the database", "ratio",
	    AT_MOST(0.10) },
	[GOAL_ABSORB] = { "3", "absorb, native / raw sink", "ratio",
	    AT_LEAST(0.20) },
	[GOAL_LONE] = { "4", "fresh: a lone report, 99th percentile", "ms",
	    AT_MOST(20) },
	[GOAL_RATE] = { "5", "fresh at 20 k/s, 99th, past the interval", "ms",
	    AT_MOST(50) },
	[GOAL_CONNECTION] = { "6", "memory of an idle connection", "bytes",
	    AT_MOST(1024) },
	[GOAL_KEY] = { "7", "memory of a key", "bytes", AT_MOST(64) },
	[GOAL_CONNECTIONS] = { "8", "absorb, 10000 connections / 10", "ratio",
	    AT_LEAST(0.8) },
	[GOAL_KEYS] = { "9", "absorb, 1 M keys / 10 k", "ratio",
	    AT_LEAST(0.5) },
};

bool
goal_met(const struct goal_row *row, double found)
{
	/* Every comparison with NAN is false. */
	return row->at_most ? found <= row->bound : found >= row->bound;
}
