#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database hangs: it takes connections' bytes and does not answer.  That
is noticed within read_timeout and shown.  Meanwhile the workers go on
draining: not one record waits in a ring, and the agent is read as before.
When the database goes on, all is stored, and each key has its last value."""

import datetime
import os
import re

import scenario

TS = 1700000000
READ_TIMEOUT = 2
ROUNDS = 300


def error_after(s, began, start):
    """How many seconds after that time the log has an error of the database's,
    in what was logged from that byte on; None: it has none."""
    line = re.search(r"^(\S+)Z .* database \S+: error ",
                     s.reporter.log_text(start), re.MULTILINE)
    return line and (datetime.datetime.fromisoformat(line.group(1) + "+00:00")
                     - began).total_seconds()


def tell(s):
    s.reporter.configure("mysql", read_timeout=f"{READ_TIMEOUT}s")
    s.start()
    agent = s.agent()
    wanted, sent = {}, 0

    def send(turn):
        nonlocal sent
        for service in range(10):
            report = (service, 2, 3, TS + turn,
                      [(ip, 80, turn, 1, turn % 2) for ip in range(1, 11)])
            agent.send(scenario.native(*report))
            wanted.update(scenario.rows(*report))
            sent += 10

    send(0)
    s.reporter.settled(sent)
    s.database.freeze()
    start = os.path.getsize(s.reporter.log)
    began = datetime.datetime.now(datetime.timezone.utc)
    send(1)
    took = scenario.wait_for(lambda: error_after(s, began, start),
                             "the hanging database is noticed")
    s.check("it is noticed within read_timeout", took < READ_TIMEOUT + 1.5,
            f"{took:.1f} s")
    errors = scenario.wait_for(
        lambda: [w["last_error"] for w in s.reporter.status()["workers"]
                 if w["last_error"]], "the status tells of it")
    s.check("and said what it was", "no whole answer" in str(errors)
            or "Lost connection" in str(errors), str(errors))

    for turn in range(2, ROUNDS):
        send(turn)
    status = scenario.wait_for(
        lambda: (t := s.reporter.status())["records"]["received"] == sent
        and t["records"]["queued"] == 0 and t, "the drain goes on")
    s.equal("each key waits once, whatever came of it",
            status["records"]["pending"], 100)
    s.check("the rest was superseded",
            status["records"]["superseded"] >= sent - 400,
            str(status["records"]))
    s.equal("nobody is throttled", status["throttled"], 0)
    s.identity(status)
    s.database.thaw()
    status = s.reporter.settled(sent)
    s.check("each key has its last value", s.database.table() == wanted)
    s.equal("no worker had to be started again",
            [w["restarts"] for w in status["workers"]], [0, 0])
    s.identity(status)


scenario.run(__doc__, tell)
