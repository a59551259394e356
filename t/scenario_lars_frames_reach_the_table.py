#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The frame that was recorded from a real Lars agent is sent as it is.  Each
field of each result stands in the table afterwards, and `overload`, which the
agent left out where it was false, is 0 there."""

import scenario

RESULTS = [(1, 1, 100, 3, False), (2, 4, 100, 3, False), (3, 9, 100, 3, True)]


def tell(s):
    s.start()
    s.agent().send(scenario.recorded("lars-report.bin"))
    status = s.reporter.settled(3)
    s.equal("the table has each field as the agent sent it",
            s.database.table(),
            scenario.rows(2, 1, 123, 1795364256, RESULTS))
    s.equal("none was rejected", status["records"]["rejected"], 0)
    s.identity(status)


scenario.run(__doc__, tell)
