#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""An ELB agent, a Lars agent and two that speak the native dialect are
connected to one port at one time and send in turns.  The first bytes of a
connection tell its dialect, each keeps its own, and all of it stands in the
table."""

import scenario

TS = 1700000000
ROUNDS = 50


def tell(s):
    s.start()
    dialects = (scenario.elb, scenario.lars, scenario.native, scenario.native)
    agents = [s.agent() for _ in dialects]
    wanted = {}
    for turn in range(ROUNDS):
        for at, (agent, encode) in enumerate(zip(agents, dialects)):
            report = (at + 1, turn % 7, 0x0A000001 + at, TS + turn,
                      [(ip, 80 + at, turn, at, (turn + ip) % 2 == 0)
                       for ip in (0, 1, 0x7FFFFFFF)])
            agent.send(encode(*report))
            wanted.update(scenario.rows(*report))
    records = 3 * ROUNDS * len(agents)
    status = s.reporter.settled(records)
    s.equal("the table has the last report of each key",
            s.database.table(), wanted)
    s.equal("the reports were all taken", status["reports"],
            ROUNDS * len(agents))
    s.equal("none was rejected", status["records"]["rejected"], 0)
    s.equal("all agents are connected", status["connections"], len(agents))
    s.identity(status)


scenario.run(__doc__, tell)
