#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The server takes small statements and no large ones, each for another reason:
max_statement_time is too short for many rows, a slow trigger makes them take
longer than read_timeout, the cache of the binary log is too small.  Statements
are halved until they pass, all rows are counted as stored, and when the server
is its old self they grow to flush_rows again."""

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 6000
SLOW = """CREATE TRIGGER slow BEFORE INSERT ON ServerCallStatus
    FOR EACH ROW SET NEW.modid = NEW.modid + SLEEP(0.001)"""


def send(s, turn):
    """All keys at once; returns how many transactions they took."""
    status = s.reporter.status()
    before, flushes = status["records"]["received"], sum(
        w["flushes"] for w in status["workers"])
    agent = s.agent()
    for first in range(1, KEYS + 1, 100):
        agent.send(scenario.native(1, 1, 1, TS + turn, [
            (ip, 80, turn, 0, False) for ip in range(first, first + 100)]))
    status = wait_for(lambda: (
        lambda now: now["records"]["received"] == before + KEYS
        and now["records"]["queued"] == now["records"]["pending"] == 0
        and now)(s.reporter.status()), "all rows are stored", 110)
    table = s.database.table()
    s.check("all are in the table", len(table) == KEYS and
            {row[2] for row in table.values()} == {TS + turn})
    s.equal("none was set aside", status["records"]["dead_letter"], 0)
    s.identity(status)
    return sum(w["flushes"] for w in status["workers"]) - flushes


def errors(s, name):
    return sum(w["errors"][name] for w in s.reporter.status()["workers"])


def grows(s, turn):
    """The server is its old self: few transactions are enough again."""
    for more in range(turn, turn + 30):
        if send(s, more) <= 6:
            s.check("statements grow again", True)
            return
    s.check("statements grow again", False)


def tell(s):
    s.database.SETTINGS = s.database.SETTINGS + [
        "--log-bin=binlog", "--binlog-format=ROW", "--binlog-cache-size=4096"]
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("mysql", flush_interval="10ms", read_timeout="2s")
    s.start()
    send(s, 0)

    s.database.administrate("SET GLOBAL max_binlog_cache_size = 65536")
    end_sessions(s)
    s.check("a small cache: more transactions", send(s, 1) > 3)
    s.check("of rows that fit", errors(s, "split") > 0)
    s.database.administrate(
        "SET GLOBAL max_binlog_cache_size = 18446744073709547520")
    end_sessions(s)
    grows(s, 2)

    before = errors(s, "split")
    s.database.administrate(f"USE reporter; {SLOW};"
                            "SET GLOBAL max_statement_time = 0.5")
    end_sessions(s)
    s.check("max_statement_time: more transactions", send(s, 40) > 10)
    s.check("of rows for which there is time", errors(s, "split") > before)
    s.database.administrate("SET GLOBAL max_statement_time = 0;")
    end_sessions(s)

    before = errors(s, "reconnect")
    send(s, 41)
    s.check("read_timeout: more transactions", send(s, 42) > 4)
    s.database.administrate("DROP TRIGGER reporter.slow")
    grows(s, 50)


def end_sessions(s):
    """The next statement is sent over a new connection, which has the global
    values."""
    for row in s.database.sql("SHOW PROCESSLIST"):
        if row["Command"] == "Sleep":
            s.database.sql(f"KILL {row['Id']}")


scenario.run(__doc__, tell)
