#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The master's limit of open files is lowered while it runs, until it has none
left, and then not even the one that it keeps in reserve.  Agents that come
then are turned away, or wait; those that are connected are served on, and the
master does not spin.  Once descriptors are given back all who wait are let in,
without a restart."""

import os
import resource
import time

import scenario
from crowd import processor_time
from scenario import wait_for

TS = 1700000000
LOOK = 1.0   # seconds that the master is watched for
IDLE = 0.25  # of them, the processor time that it may take


def limit(s, files):
    """How many files the master may have open."""
    _, most = resource.prlimit(s.reporter.process.pid,
                               resource.RLIMIT_NOFILE)
    resource.prlimit(s.reporter.process.pid, resource.RLIMIT_NOFILE,
                     (files, most))


def open_files(s):
    return len(os.listdir(f"/proc/{s.reporter.process.pid}/fd"))


def is_calm(s, what):
    before, began = processor_time(s), time.monotonic()
    wait_for(lambda: time.monotonic() - began > LOOK, "time passes")
    used = processor_time(s) - before
    s.check(f"{what} the master does not spin", used < IDLE, f"{used:.2f} s")


def tell(s):
    s.start()
    sent = 0

    def report(agent):
        nonlocal sent
        sent += 1
        agent.send(scenario.native(1, sent, 1, TS, [(1, 1, 1, 1, False)]))
        wait_for(lambda: s.reporter.status()["reports"] == sent,
                 "the report is taken")

    old = s.agent()
    report(old)
    files = open_files(s)

    # The reserve is there: who comes is accepted and turned away.
    limit(s, files)
    turned_away = [s.agent() for _ in range(20)]
    s.check("with no descriptor left agents are turned away",
            all(agent.sees_end() for agent in turned_away))
    status = s.reporter.status()
    s.equal("each is counted", status["refused"]["no_descriptors"], 20)
    is_calm(s, "with no descriptor left")
    report(old)

    # Descriptors are given back.
    limit(s, 628)
    report(s.agent())

    # Not even the reserve's number may be used: who comes waits.
    limit(s, 3)
    waiting = [s.agent() for _ in range(5)]
    is_calm(s, "without the reserve")
    report(old)
    s.check("nobody is turned away then",
            all(agent.is_open() for agent in waiting))
    s.check("it is logged once",
            s.reporter.log_text().count("cannot accept") == 1)

    limit(s, 628)
    for agent in waiting:
        report(agent)
    s.check("who waited is served when descriptors are given back", True)
    limit(s, open_files(s))
    s.check("and the reserve is back", s.agent().sees_end())
    status = s.reporter.settled(sent)
    s.equal("21 were turned away in all", status["refused"],
            dict.fromkeys(status["refused"], 0) | {"no_descriptors": 21})
    limit(s, 628)
    s.equal("every report is in the table", s.database.count(), sent)
    s.identity(status)


scenario.run(__doc__, tell)
