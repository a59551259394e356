#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is away while far more keys than flush_rows become dirty, half
of them urgent because they are overloaded.  When it is back, no transaction has
more than flush_rows rows, by bulk execution or as text, for urgent keys or for
others.  The table is system-versioned, so that each version of a row names the
transaction that wrote it."""

import signal

import scenario

TS = 1700000000
KEYS = 3000
PER_REPORT = 50
VERSIONED = """ALTER TABLE ServerCallStatus
    ADD COLUMN began BIGINT UNSIGNED GENERATED ALWAYS AS ROW START INVISIBLE,
    ADD COLUMN ended BIGINT UNSIGNED GENERATED ALWAYS AS ROW END INVISIBLE,
    ADD PERIOD FOR SYSTEM_TIME(began, ended), ADD SYSTEM VERSIONING"""


def outage(s, turn, flush_rows):
    """All keys change while the database is away.  Overload changes with each
    turn for the first half of them, and never for the others."""
    s.database.stop()
    # A statement on the lost connection would count as too large.
    scenario.wait_for(
        lambda: not s.reporter.status()["workers"][0]["connected"],
        "the worker has noticed")
    agent, wanted = s.agent(), {}
    for first in range(0, KEYS, PER_REPORT):
        urgent = first < KEYS // 2
        report = (1, 1, 1, TS + turn,
                  [(ip, 80, turn, 0, urgent and turn % 2 == 1)
                   for ip in range(first, first + PER_REPORT)])
        agent.send(scenario.native(*report))
        wanted.update(scenario.rows(*report))
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["received"] == turn * KEYS,
        "all records received")
    s.database.start()
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["pending"] == 0,
        "all records stored")
    s.equal("the table", s.database.table(), wanted)
    transactions = s.database.sql(
        "SELECT began, COUNT(*) AS n, MAX(ip) AS last FROM ServerCallStatus "
        f"FOR SYSTEM_TIME ALL WHERE ts = {TS + turn} GROUP BY began")
    sizes = [row["n"] for row in transactions]
    s.equal("every key has a version of this turn", sum(sizes), KEYS)
    s.equal("the largest transaction is full, and no larger",
            max(sizes), flush_rows)
    # A round keeps the urgent keys apart, so that both kinds had to be divided.
    s.check("urgent keys are bounded, and others",
            len([row for row in transactions if row["last"] < KEYS // 2])
            >= KEYS // 2 // flush_rows <=
            len([row for row in transactions if row["last"] >= KEYS // 2]),
            str(sizes))


def tell(s):
    s.database.requires_mariadb("versions of rows name their transaction")
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("mysql", flush_rows=200)
    s.start()
    s.database.sql(VERSIONED)
    outage(s, 1, 200)
    s.reporter.configure("mysql", flush_rows=40)
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    scenario.wait_for(lambda: s.reporter.status()["reloads"] == 1,
                      "reload finished")
    outage(s, 2, 40)
    s.identity(s.reporter.status())


scenario.run(__doc__, tell)
