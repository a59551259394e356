#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Three database servers stand in the list.  The first one is stopped, and
comes back: once it has been well for a while, all workers return to it, and the
status names it.  While it is read-only, or is there and answers nothing, they
stay where they are, and the flush does not wait for it.  A host that fails
again soon after they returned has to be well for longer.  A password that was
changed meanwhile is read again.  No record is lost on the way."""

import os
import time

import scenario

TS = 1700000000
WELL = 10  # seconds that a host must be well: sql/host.c
ASK = 3    # seconds between two questions


class Story:
    def __init__(self, s, hosts):
        self.s = s
        self.hosts = hosts
        self.sent = 0
        self.turn = 0

    def send(self):
        """A report of each of twenty services, for all workers; returns how
        long it took until all are stored."""
        self.turn += 1
        for service in range(20):
            self.agent.send(scenario.native(
                service, self.turn, 3, TS, [(1, 80, self.turn, 1, False)]))
        self.sent += 20
        began = time.monotonic()
        self.s.reporter.settled(self.sent)
        return time.monotonic() - began

    def rows(self, host):
        """Of the last report."""
        return host.sql("SELECT COUNT(*) AS n FROM ServerCallStatus WHERE "
                        f"cmdid = {self.turn}")[0]["n"]

    def name(self, host):
        return f"127.0.0.1:{host.port}"

    def at(self, host):
        return [w["host"] for w in self.s.reporter.status()["workers"]] \
            == [self.name(host)] * 2

    def returned(self, host, what, patience=60):
        """Seconds until all workers are there."""
        began = time.monotonic()
        scenario.wait_for(lambda: self.at(host), what, patience)
        return time.monotonic() - began


def tell(s):
    hosts = [scenario.Networked(os.path.join(s.directory, name))
             for name in ("first", "second", "third")]
    try:
        story(Story(s, hosts))
    finally:
        for host in hosts:
            if host.process is not None:
                scenario.end_group(host.process)


def story(t):
    s, (first, second, third) = t.s, t.hosts
    for host in t.hosts:
        host.start()
    s.reporter.configure("mysql", socket="", flush_interval="200ms",
                         host=", ".join(map(t.name, t.hosts)))
    s.reporter.start()
    t.agent = s.agent()
    t.send()
    s.equal("they begin with the first", t.rows(first), 20)

    first.kill()
    t.send()
    s.equal("it is gone: the second has the rows", t.rows(second), 20)
    s.check("the status names the second", t.at(second))
    first.start()
    took = t.returned(first, "all workers return to the first")
    s.check("not before it was well for a while", took > WELL - 1, took)
    t.send()
    s.equal("it has the next rows", t.rows(first), 20)
    name = t.name(first)
    s.check("the text names it", f", database {name}\n" in s.reporter.ctl(
        "status").stdout.replace("\n    ", " "))
    text = s.reporter.ctl("check").stdout
    s.check("so does check", f", database {name} |" in text, text)
    metrics = s.reporter.ctl("status", "--prometheus").stdout
    s.equal("and the metrics do", metrics.count(f'host="{name}"}} 1'), 2)

    # Soon after they returned it fails again, and stays read-only for a while.
    first.read_only(True)
    t.send()
    s.equal("it is read-only: the second has the rows", t.rows(second), 20)
    time.sleep(WELL + 2 * ASK)
    s.check("they stay there while it is", t.at(second))
    first.read_only(False)
    took = t.returned(first, "it takes writes: all workers return")
    s.check("it had to be well for longer", took > 2 * WELL - 1, took)

    # One that accepts connections and says nothing.
    first.freeze()
    t.send()
    s.equal("it says nothing: the second has the rows", t.rows(second), 20)
    until = time.monotonic() + 4 * ASK
    slowest = 0
    while time.monotonic() < until:
        slowest = max(slowest, t.send())
    s.check("no flush waits for it", slowest < 0.9, slowest)
    s.check("and they stay", t.at(second))

    # The first two are gone; the password changes; the second comes back.
    second.kill()
    t.send()
    s.equal("the third has the rows", t.rows(third), 20)
    for host in (second, third):
        if host.process is None:
            host.start()
        host.administrate(
            "ALTER USER reporter@127.0.0.1 IDENTIFIED BY 'changed'")
    s.reporter.configure("mysql", password="changed")
    s.reporter.write_conf()
    t.returned(second, "all workers return to the second")
    t.send()
    s.equal("it has the rows", t.rows(second), 20)
    first.thaw()

    status = s.reporter.status()
    s.unharmed(status)

    # Nobody is there: check says so.
    for host in t.hosts:
        host.kill()
    t.agent.send(scenario.native(1, 1000, 3, TS, [(1, 80, 1, 1, False)]))
    scenario.wait_for(
        lambda: all(w["host"] is None or w["connected"]
                    for w in s.reporter.status()["workers"])
        and any(w["apart_since"] for w in s.reporter.status()["workers"]),
        "a worker is not connected")
    scenario.wait_for(
        lambda: "without a connection to the database" in s.reporter.ctl(
            "check", "-w", "disconnected=1").stdout,
        "check has a measure for it")
    third.start()
    t.sent += 1
    s.reporter.settled(t.sent)


scenario.run(__doc__, tell)
