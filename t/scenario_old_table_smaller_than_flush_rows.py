#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is away, and a small pending table and its ring fill up.  A
reload makes the tables larger, and flush_rows more than the small one can hold.
When the database is back, the small one is emptied all the same, without
waiting for the hour of flush_interval."""

import signal

import scenario

TS = 1700000000
KEYS = 1024
SENT = 5 * KEYS
PER_REPORT = 64


def tell(s):
    s.database.start()
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("queue", ring_records=32768, table_keys=KEYS)
    s.reporter.configure("mysql", flush_interval="1h", flush_rows=KEYS)
    s.reporter.start()
    s.database.stop()
    agent, wanted = s.agent(), {}
    for first in range(0, SENT, PER_REPORT):
        report = (1, 1, 1, TS, [(ip, 80, ip, 0, False)
                                for ip in range(first, first + PER_REPORT)])
        agent.send(scenario.native(*report))
        wanted.update(scenario.rows(*report))
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["received"] == SENT,
        "all is received")

    s.reporter.configure("queue", ring_records=32768, table_keys=64 * KEYS)
    s.reporter.configure("mysql", flush_interval="1h", flush_rows=64 * KEYS)
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    scenario.wait_for(lambda: s.reporter.status()["reloads"] == 1,
                      "the reload is over")
    s.database.start()
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["stored"] == SENT,
        "all is stored")
    s.equal("the table", s.database.table(), wanted)


scenario.run(__doc__, tell)
