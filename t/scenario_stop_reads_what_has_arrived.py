#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What agents had sent when reporter is told to stop is read and stored: also
more than a ring has room for, more than one turn reads, and beside a connection
that is throttled."""

import signal

import scenario
from scenario import wait_for

TS = 1700000000
AGENTS = 8
KEYS = 10000  # of each; a socket has room for so many
PER_REPORT = 20
RING = 32768


def stream(caller):
    return b"".join(
        scenario.native(1, 1, caller, TS, [(ip, 80, 1, 0, False)
                                          for ip in range(at, at + PER_REPORT)])
        for at in range(1, KEYS + 1, PER_REPORT))


def tell(s):
    s.database.start()
    s.reporter.configure("reporter", workers=1, shutdown_timeout="20s")
    s.reporter.configure("queue", ring_records=RING, table_keys=2 * AGENTS * KEYS)
    s.reporter.configure("limits", max_message="1k")
    s.reporter.start()
    agents = [s.agent() for _ in range(AGENTS)]
    wait_for(lambda: s.reporter.status()["connections"] == AGENTS,
             "the agents are connected")
    process = s.reporter.process
    # As on a busy machine: nothing is read while they send.
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: scenario.is_stopped(process.pid), "the master is held")
    for caller, agent in enumerate(agents):
        agent.send(stream(caller))
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    s.reporter.stop()
    s.equal("all that had arrived is stored", s.database.count(),
            KEYS * AGENTS)
    s.check("and nothing is said to be lost",
            "lost" not in s.reporter.log_text(), s.reporter.log_text())


if __name__ == "__main__":
    scenario.run(__doc__, tell)
