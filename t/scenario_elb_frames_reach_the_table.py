#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The three frames that were recorded from a real ELB agent are sent as they
are.  Each field of each result stands in the table afterwards.  The last two
frames have the same keys, and so the newer of them is what is seen."""

import scenario

RESULTS = [(1, 1, 100, 3, True), (2, 4, 100, 3, True), (3, 9, 100, 3, True)]


def tell(s):
    s.start()
    s.agent().send(scenario.recorded("elb-reports.bin"))
    status = s.reporter.settled(9)
    wanted = scenario.rows(1, 1, 123, 1795364349, RESULTS)
    wanted.update(scenario.rows(2, 1, 123, 1795364351, RESULTS))
    s.equal("the table has each field as the agent sent it",
            s.database.table(), wanted)
    s.equal("9 records came in", status["records"]["received"], 9)
    s.equal("in 3 reports", status["reports"], 3)
    s.equal("none was rejected", status["records"]["rejected"], 0)
    s.identity(status)


scenario.run(__doc__, tell)
