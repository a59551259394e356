#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is not available, an agent fills ring and table, and reporter is
stopped while that agent is throttled.  The agent has half of shutdown_timeout
to be taken; a reload and a second SIGTERM meanwhile change nothing.  Then its
connection is closed, and the log has how many records are left.  The next start stores all that was received."""

import re
import signal
import threading
import time

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 1024
RING = 32768
PER_REPORT = 50


def flood(s):
    """Send until it is throttled for good."""
    agent = s.agent()
    agent.socket.setblocking(False)
    data = b"".join(
        scenario.native(1, 1, 1, TS, [(ip, 80, ip, 0, False)
                                      for ip in range(at, at + PER_REPORT)])
        for at in range(0, 2 * RING, PER_REPORT))
    sent = 0

    def throttled():
        nonlocal sent
        sent += agent.send_some(data[sent:sent + 65536])
        status = s.reporter.status()
        return (status["throttled"] == 1
                and status["records"]["pending"] == KEYS
                and status["records"]["queued"] > RING - PER_REPORT and status)

    return agent, wait_for(throttled, "the agent is throttled")


def tell(s):
    s.database.start()
    s.reporter.configure("reporter", workers=1, shutdown_timeout="2s")
    s.reporter.configure("queue", ring_records=RING, table_keys=KEYS)
    s.reporter.start()
    s.database.stop()
    agent, status = flood(s)
    received = status["records"]["received"]
    reloads = "configuration reloaded"

    began = time.monotonic()
    process = s.reporter.process
    stopping = threading.Thread(target=s.reporter.stop, daemon=True)
    stopping.start()
    wait_for(lambda: "info: stopping" in s.reporter.log_text(), "it stops")
    for number in (signal.SIGHUP, signal.SIGTERM):
        process.send_signal(number)
    s.check("the agent is waited for", agent.is_open())
    stopping.join(scenario.PATIENCE)
    took = time.monotonic() - began
    s.check("the stop takes shutdown_timeout, and what a statement may",
            2 <= took < 10, str(took))
    log = s.reporter.log_text()
    s.check("the agent's connection was closed",
            "throttled connections closed: 1; their unread reports are lost" in log, log)
    s.check("a reload during the stop is ignored", reloads not in log, log)
    left = re.findall(r"stopped; records left in shared memory for the next "
                      r"start: (\d+)", log)
    s.equal("all that was received is left", left, [str(received)])

    s.database.start()
    s.reporter.start()
    s.reporter.settled(0)
    s.equal("the next start stores it", s.database.count(), received)
    s.reporter.stop()
    s.equal("and leaves nothing", s.reporter.segments(), [])


scenario.run(__doc__, tell)
