#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody changes the table so that it refuses every row: a new column
without a default, a trigger, a generated column that divides by zero, each
with another error.  That is no fault of the rows.  20,000 records wait, with few
statements and without one line in the dead-letter file, and all are stored when
the table is right again.  The same when the reporter has stored nothing before,
so that it cannot know."""

import os
import time

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 20000
SECONDS = 6
STATEMENTS = 200
CHANGES = (
    ("a column without a default",
     "ALTER TABLE ServerCallStatus ADD region VARCHAR(20) NOT NULL",
     "ALTER TABLE ServerCallStatus DROP COLUMN region"),
    ("a trigger",
     "CREATE TRIGGER never BEFORE INSERT ON ServerCallStatus FOR EACH ROW "
     "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'never'",
     "DROP TRIGGER never"),
    ("a division by zero",
     "CREATE TRIGGER zero BEFORE INSERT ON ServerCallStatus FOR EACH ROW "
     "SET NEW.err_cnt = 1 / (NEW.modid - NEW.modid)",
     "DROP TRIGGER zero"),
)


def said(log):
    """How often the log has it; an unknown error may pass by itself."""
    return (log.count("until this is fixed")
            + log.count("every row is refused, retrying"))


def statements(s):
    """What the server has been asked to execute."""
    return sum(row["Value"] for row in s.database.sql(
        "SHOW GLOBAL STATUS WHERE Variable_name IN "
        "('Com_insert', 'Com_stmt_execute')"))


def send(s, turn):
    agent = s.agent()
    for first in range(1, KEYS + 1, 100):
        agent.send(scenario.native(1, 1, 1, TS + turn, [
            (ip, 80, turn, 0, False) for ip in range(first, first + 100)]))


def refused(s, turn, name, change, undo):
    dead = s.reporter.options["mysql"]["dead_letter_file"]
    s.database.administrate(f"USE reporter; {change}")
    before = statements(s)
    errors = len(s.reporter.log_text())
    send(s, turn)
    wait_for(lambda: said(s.reporter.log_text(errors)),
             f"{name}: it is logged", 110)
    time.sleep(SECONDS)  # a bound on what happens in a time
    asked = statements(s) - before
    s.check(f"{name}: few statements", asked < STATEMENTS, f"{asked}")
    s.equal(f"{name}: nothing was set aside", os.path.exists(dead), False)
    records = s.reporter.status()["records"]
    s.check(f"{name}: all is kept", records["dead_letter"] == 0 and
            records["pending"] + records["queued"] == KEYS, str(records))
    s.equal(f"{name}: logged once", said(s.reporter.log_text(errors)), 1)
    s.database.administrate(f"USE reporter; {undo}")
    status = s.reporter.settled(0)
    s.equal(f"{name}: nothing is set aside afterwards",
            status["records"]["dead_letter"], 0)
    table = s.database.table()
    s.check(f"{name}: all is stored", len(table) == KEYS and
            {row[2] for row in table.values()} == {TS + turn})


def tell(s):
    s.reporter.configure("reporter", workers=1)
    s.start()
    for turn, (name, change, undo) in enumerate(CHANGES):
        refused(s, turn, f"{name}, at first", change, undo)
        s.reporter.stop()
        s.database.sql("DELETE FROM ServerCallStatus")
        s.reporter.start()
    send(s, 10)
    s.reporter.settled(KEYS)
    for turn, (name, change, undo) in enumerate(CHANGES, 11):
        refused(s, turn, name, change, undo)
    s.identity()


scenario.run(__doc__, tell)
