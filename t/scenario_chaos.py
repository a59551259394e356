#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents report, while workers and the master are killed, the database hangs,
dies and comes back, its client library reports errors, and reloads change the
number of workers: twenty times, in an order that comes from a seed.  Each time
the table has the right value of every key in the end, and the counts add up.
`make chaos SEEDS=1000` does more of it."""

import chaos
import scenario

scenario.run(__doc__, lambda s: chaos.tell(s, 1, 20))
