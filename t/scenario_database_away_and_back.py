#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database stops answering, then goes on; later it is shut down and
started again.  Agents report all the time and notice nothing.  While it is
away the status shows what is pending and what the database said.  As soon as
it is back, everything is in the table, without a restart of reporter."""

import scenario

TS = 1700000000
SERVICES = 20


def tell(s):
    s.start()
    agent = s.agent()
    wanted, received = {}, 0

    def send(turn):
        nonlocal received
        for service in range(SERVICES):
            report = (service, 1, 1, TS + turn,
                      [(ip, 80, turn, 0, False) for ip in range(1, 6)])
            agent.send(scenario.native(*report))
            wanted.update(scenario.rows(*report))
            received += 5

    def piled_up():
        """Everything is read, and all keys wait in the pending tables."""
        records = s.reporter.status()["records"]
        return (records["received"] == received
                and records["queued"] == 0
                and records["pending"] >= SERVICES * 5)

    send(0)
    s.reporter.settled(received)
    s.database.freeze()
    for turn in range(1, 4):
        send(turn)
    scenario.wait_for(piled_up, "reports pile up")
    s.identity()
    s.database.thaw()
    s.reporter.settled(received)
    s.check("after the freeze all is in the table",
            s.database.table() == wanted)

    s.database.stop()
    for turn in range(4, 7):
        send(turn)
    scenario.wait_for(piled_up, "reports pile up again")
    scenario.wait_for(
        lambda: all(w["last_error"] and not w["connected"]
                    for w in s.reporter.status()["workers"]),
        "the status tells what the database said")
    s.check("the agent is connected as before", agent.is_open())
    s.identity()
    s.database.start()
    status = s.reporter.settled(received)
    s.check("after the shutdown all is in the table",
            s.database.table() == wanted)
    s.unharmed(status)


scenario.run(__doc__, tell)
