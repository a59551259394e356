#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""10,000 agents are connected when reporter is restarted.  All of them connect
again at once and send a report: within 5 seconds all are served, and none had
to be refused."""

import time

import scenario
from crowd import Crowd, serve
from scenario import wait_for

AGENTS = 10000
PROMISED = 5


def tell(s):
    # Nobody else is given it while no reporter listens.
    s.reporter.configure("reporter",
                         listen=f"127.0.0.1:{scenario.free_port()}")
    serve(s, AGENTS)
    crowd = Crowd(s, "stay", AGENTS)
    crowd.connected()
    s.reporter.settled(AGENTS)
    s.equal("every agent's report is in the table", s.database.count(), AGENTS)

    s.reporter.stop()
    s.reporter.start()
    began = time.monotonic()
    status = wait_for(
        lambda: (t := s.reporter.status())["reports"] >= AGENTS and t,
        "all are served")
    took = time.monotonic() - began
    print(f"served within {took:.2f} s")
    s.check(f"all are served within {PROMISED} s", took < PROMISED,
            f"{took:.2f} s")
    s.equal("each of them is connected once", (status["connections"],
            status["connections_accepted"]), (AGENTS, AGENTS))
    s.equal("nobody was refused", status["connections_refused"], 0)
    status = s.reporter.settled(AGENTS)
    s.equal("the table has a row for each", s.database.count(), AGENTS)
    crowd.kill()
    s.identity(status)


scenario.run(__doc__, tell)
