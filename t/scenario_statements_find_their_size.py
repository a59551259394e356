#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The server takes small statements and no large ones, each for another reason:
the cache of the binary log is too small, a slow trigger makes them take longer
than read_timeout, somebody holds the lock of one row.  Statements
are halved until they pass, all rows are counted as stored, and when the server
is its old self they grow to flush_rows again."""

import subprocess

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 6000
LOCKED = 4711
SLOW = """CREATE TRIGGER slow BEFORE INSERT ON ServerCallStatus
    FOR EACH ROW SET NEW.modid = NEW.modid + SLEEP(0.002)"""


def send_all(s, turn):
    """All keys at once."""
    agent = s.agent()
    s.database.freeze()
    for first in range(1, KEYS + 1, 100):
        agent.send(scenario.native(1, 1, 1, TS + turn, [
            (ip, 80, turn, 0, False) for ip in range(first, first + 100)]))
    wait_for(lambda: s.reporter.status()["records"]["pending"] == KEYS,
             "all are pending")
    s.database.thaw()


def send(s, turn):
    """All keys at once; returns how many transactions they took."""
    status = s.reporter.status()
    before, flushes = status["records"]["received"], sum(
        w["flushes"] for w in status["workers"])
    send_all(s, turn)
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
        if send(s, more) <= 3:
            s.check("statements grow again", True)
            return
    s.check("statements grow again", False)


def locked_row(s):
    """Somebody's transaction holds the lock of one row: only that row waits."""
    s.database.administrate("SET GLOBAL innodb_lock_wait_timeout = 1")
    for row in s.database.sql("SHOW PROCESSLIST"):
        if row["Command"] == "Sleep":  # the next session has the new limit
            s.database.sql(f"KILL {row['Id']}")
    holder = subprocess.Popen(
        [s.database.client, "--no-defaults", f"--socket={s.database.socket}",
         "--user=root", "--batch", "--unbuffered", "reporter"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; SELECT * FROM ServerCallStatus "
                       f"WHERE modid = 1 AND cmdid = 1 AND ip = {LOCKED} AND "
                       "port = 80 AND caller = 1 FOR UPDATE;\n")
    holder.stdin.flush()
    holder.stdout.readline()  # it has the lock
    send_all(s, 40)
    wait_for(lambda: len(newest(s, 40)) == KEYS - 1,
             "all other rows are stored", 60)
    s.check("the locked one is not", LOCKED not in newest(s, 40))
    s.equal("it is held", [w["held"] for w in s.reporter.status()["workers"]],
            [1])
    holder.communicate("ROLLBACK;\n")
    wait_for(lambda: LOCKED in newest(s, 40), "it is stored", 90)
    s.equal("none is set aside",
            s.reporter.status()["records"]["dead_letter"], 0)
    grows(s, 50)


def newest(s, turn):
    return {key[2] for key, row in s.database.table().items()
            if row[2] == TS + turn}


def tell(s):
    settings = s.database.SETTINGS
    s.database.SETTINGS = settings + [
        "--log-bin=binlog", "--binlog-format=ROW", "--binlog-cache-size=4096",
        "--max-binlog-cache-size=65536"]
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("mysql", flush_interval="10ms", read_timeout="2s")
    s.start()
    s.check("a small cache: more transactions", send(s, 1) > 3)
    s.check("of rows that fit", errors(s, "split") > 0)
    s.database.stop()
    s.database.SETTINGS = settings
    s.database.start()
    grows(s, 2)

    locked_row(s)

    before = errors(s, "split") + errors(s, "reconnect")
    s.database.administrate(f"USE reporter; {SLOW}")
    s.check("read_timeout: more transactions", send(s, 90) > 3)
    s.check("since some took too long",
            errors(s, "split") + errors(s, "reconnect") > before)
    s.database.administrate("DROP TRIGGER reporter.slow")
    grows(s, 100)


scenario.run(__doc__, tell)
