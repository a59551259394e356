#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A process of reporter's user truncates the segment of a worker that is in use:
the next access of the master to it would end the master with SIGBUS.  The
master goes on, and so do its agents and the other worker.  The worker of that
segment is given up and started with a new one, the log says so, and what was
lost is counted as dropped.  The same once more, while the database is away and
the worker is stopped, so that the master is the first who notices."""

import os
import signal
import time

import scenario
from scenario import native, wait_for

SERVICES = 20
NOTED_S = 1.5  # the master looks at the totals once a second


def send(agent, turn):
    """One record for each service: some for each worker."""
    for service in range(SERVICES):
        agent.send(native(service, 1, 7, int(time.time()) + turn,
                          [(1, 80, 1, turn, False)]))


def settled(s, received):
    def is_so():
        records = s.reporter.status()["records"]
        return (records["received"] == received and records["queued"] == 0
                and records["pending"] == 0)
    wait_for(is_so, "all are stored")


def stored(s, turn):
    """How many services have the record of that turn."""
    return sum(values[1] == turn for values in s.database.table().values())


def is_replaced(s, slot, before, times):
    wait_for(lambda: s.reporter.log_text().count(
        "lost its memory, as if truncated by another process; up to ")
        == times, "the log says that a segment was lost")
    wait_for(lambda: all(w["state"] == "running"
                         for w in s.reporter.workers().values()),
             "all workers run")
    after = s.reporter.workers()
    s.check("the worker is another one",
            after[slot]["pid"] != before[slot]["pid"])
    s.equal("the other worker goes on", after[1 - slot]["pid"],
            before[1 - slot]["pid"])
    s.equal("the master lives", s.reporter.process.poll(), None)


def segment(s, slot):
    return f"/dev/shm/reporter.{s.reporter.instance}.1.{slot}"


def tell(s):
    s.start()
    agent = s.agent()
    send(agent, 1)
    settled(s, SERVICES)
    s.equal("all stand in the table", stored(s, 1), SERVICES)
    time.sleep(NOTED_S)
    before = s.reporter.workers()
    os.truncate(segment(s, 0), 0)
    is_replaced(s, 0, before, 1)
    s.equal("nothing was lost", s.reporter.status()["records"]["dropped"], 0)
    send(agent, 2)
    settled(s, 2 * SERVICES)
    s.equal("the same agent's next records are stored", stored(s, 2), SERVICES)

    time.sleep(NOTED_S)
    s.database.stop()
    before = s.reporter.workers()
    os.kill(before[1]["pid"], signal.SIGSTOP)
    os.truncate(segment(s, 1), 0)
    send(agent, 3)
    is_replaced(s, 1, before, 2)
    s.database.start()
    wait_for(lambda: s.reporter.status()["records"]["pending"] == 0,
             "the rest is stored")
    records = s.reporter.status()["records"]
    s.equal("what is not in the table is counted", records["dropped"],
            SERVICES - stored(s, 3))
    send(agent, 4)
    settled(s, 4 * SERVICES)
    s.equal("it goes on", stored(s, 4), SERVICES)
    s.equal("one of these is logged for each", s.reporter.log_text().count(
        "lost its memory"), 2)


scenario.run(__doc__, tell)
