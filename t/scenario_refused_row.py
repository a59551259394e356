#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database has a constraint that one record in a thousand breaks.  The
rest of its batch is stored, with no more statements than halving needs.  The
refused record stands as one line of JSON in the dead-letter file, with what
the server said, and monitoring warns for a while.  When the constraint is gone,
`reporterctl replay` sends the record again, and the table is whole."""

import json
import os
import re
import subprocess

import scenario

TS = 1700000000
KEYS = 1000
BAD = 617
# Halving 1000 rows until one stands alone: two statements for each halving.
EXTRA = 2 * 10 + 2


def statements(s):
    """What the server has been asked to execute."""
    return sum(row["Value"] for row in s.database.sql(
        "SHOW GLOBAL STATUS WHERE Variable_name IN "
        "('Com_insert', 'Com_stmt_execute')"))


def check(s, *limits):
    done = s.reporter.ctl("check", *limits)
    return done.returncode, done.stdout


def tell(s):
    s.database.requires_mysql(8.0, "CHECK constraints")
    s.database.start()
    s.database.sql("ALTER TABLE ServerCallStatus "
                   f"ADD CONSTRAINT not_this CHECK (ip <> {BAD})")
    s.reporter.configure("reporter", workers=1)
    s.reporter.start()

    # So that all keys come to the flush at once.
    s.database.freeze()
    wanted = {}
    agent = s.agent()
    for first in range(1, KEYS + 1, 50):
        report = (7, 1, 9, TS, [(ip, 80, ip, 1, False)
                                for ip in range(first, first + 50)])
        agent.send(scenario.native(*report))
        wanted.update(scenario.rows(*report))
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["pending"] == KEYS,
        "all keys are pending")
    s.database.thaw()
    status = s.reporter.settled(KEYS)
    refused = {key: wanted[key] for key in wanted if key[2] == BAD}
    s.equal("all but the refused row are in the table", s.database.table(),
            {key: wanted[key] for key in wanted if key not in refused})
    s.equal("the refused one is counted", status["records"]["dead_letter"], 1)
    s.equal("the others are stored", status["records"]["stored"], KEYS - 1)
    errors = status["workers"][0]["errors"]
    s.check("and it took no more than halving needs",
            1 <= errors["refused"] <= EXTRA // 2, str(errors))
    s.identity(status)

    # Whoever monitors it sees that, and that it is over after a while.
    scenario.wait_for(lambda: check(s)[0] == 1, "the check warns")
    status, said = check(s)
    s.check("for a record that was set aside", re.match(
        r"REPORTER WARNING - \d+ seconds? since a record was set aside, ",
        said), said)
    scenario.wait_for(lambda: check(s, "-w", "dead_letter_age=1:")[0] == 0,
                      "all is well again")
    s.equal("but not yet for others", check(s)[0], 1)

    dead = s.reporter.options["mysql"]["dead_letter_file"]
    with open(dead) as file:
        lines = file.read().splitlines()
    s.equal("the dead-letter file has one line", len(lines), 1)
    letter = json.loads(lines[0])
    s.equal("with all of the record", letter["record"],
            {"modid": 7, "cmdid": 1, "ip": f"0.0.{BAD >> 8}.{BAD & 255}",
             "port": 80, "caller": "0.0.0.9", "succ": BAD, "err": 1,
             "ts": TS, "overload": 0})
    s.check("and what the server said",
            letter["error"] == (3819 if s.database.is_mysql else 4025)
            and "not_this" in letter["message"],
            str(letter))
    s.equal("only its owner and group may read it",
            os.stat(dead).st_mode & 0o777, 0o640)

    # Once more and alone, with the connection up and everything counted.
    before = statements(s)
    for first in range(1, KEYS + 1, 50):
        agent.send(scenario.native(7, 1, 9, TS + 1,
                                   [(ip, 80, 5, 5, False)
                                    for ip in range(first, first + 50)]))
    status = s.reporter.settled(2 * KEYS)
    flushes = status["workers"][0]["flushes"]
    s.equal("it is refused again", status["records"]["dead_letter"], 2)
    s.check("the number of statements stays small",
            statements(s) - before <= EXTRA * flushes,
            f"{statements(s) - before} in {flushes} flushes")

    s.database.sql("ALTER TABLE ServerCallStatus DROP CONSTRAINT not_this")
    host, port = s.reporter.addresses[0]
    done = s.reporter.ctl("replay", "-H", host, "-p", str(port), dead)
    s.equal("the replay is content", (done.returncode, done.stderr), (0, ""))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [scenario.program("reporterctl"), "-i", s.reporter.instance,
             "replay", "-H", host, "-p", str(port), "/dev/null"],
            stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=scenario.PATIENCE)
    s.check("it fails when it cannot say how many were sent",
            done.returncode == 1 and "No space left" in done.stderr, done)
    s.reporter.settled(2 * KEYS + 2)
    table = s.database.table()
    s.equal("the table has the record now", table[(7, 1, BAD, 80, 9)],
            (5, 5, TS + 1, 0))
    s.equal("and all keys", len(table), KEYS)


scenario.run(__doc__, tell)
