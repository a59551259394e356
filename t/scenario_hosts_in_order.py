#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Two database servers stand in the list.  The first one is read-only, so the
records go to the second.  The first takes writes again, the second becomes
read-only in the middle: reporter goes back to the first.  Then the one in
use dies, and reporter goes to the other.  At last that one stands alone in the
list and is read-only for a while: reporter waits for it.  No record is lost on
the way, and no worker dies."""

import os

import scenario

TS = 1700000000


def tell(s):
    first = scenario.Networked(os.path.join(s.directory, "first"))
    second = scenario.Networked(os.path.join(s.directory, "second"))
    try:
        story(s, first, second)
    finally:
        for database in (first, second):
            scenario.end_group(database.process)


def story(s, first, second):
    for database in (first, second):
        database.start()
    s.reporter.configure(
        "mysql", socket="",
        host=f"127.0.0.1:{first.port}, 127.0.0.1:{second.port}")
    first.read_only(True)
    s.reporter.start()
    agent = s.agent()
    sent = 0

    def send(turn):
        """A report of each of ten services; the rows that they make."""
        nonlocal sent
        made = {}
        for service in range(10):
            report = (service, turn, 3, TS, [(1, 80, turn, 1, False)])
            agent.send(scenario.native(*report))
            made.update(scenario.rows(*report))
        sent += 10
        s.reporter.settled(sent)
        return made

    in_second = send(1)
    s.equal("the first is read-only: the second has the rows",
            second.table(), in_second)
    s.equal("the first has none", first.count(), 0)

    first.read_only(False)
    second.read_only(True)
    in_first = send(2)
    s.equal("then the second is: the first has the next ones",
            first.table(), in_first)
    s.equal("the second has what it had", second.table(), in_second)

    second.read_only(False)
    first.kill()
    in_second.update(send(3))
    s.equal("the first is dead: the second has the next ones",
            second.table(), in_second)

    # With one in the list there is no next one.
    s.reporter.configure("mysql", host=f"127.0.0.1:{second.port}")
    old = {w["pid"] for w in s.reporter.workers().values()}
    s.reporter.reload()
    scenario.wait_for(
        lambda: all(w["state"] == "running" and w["pid"] not in old
                    for w in s.reporter.workers().values()),
        "workers begin anew")
    before = len(s.reporter.log_text())
    second.read_only(True)
    agent.send(scenario.native(1, 4, 3, TS, [(1, 80, 4, 1, False)]))
    sent += 1
    scenario.wait_for(
        lambda: "error 1290" in s.reporter.log_text(before),
        "the only one is tried again when it is read-only")
    s.check("the log speaks of no next host",
            "next host" not in s.reporter.log_text(before))
    second.read_only(False)
    s.reporter.settled(sent)
    status = s.reporter.status()
    s.unharmed(status)


scenario.run(__doc__, tell)
