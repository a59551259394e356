#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""reporter is started with a password that the database refuses, and no agent
reports.  The log has an error, and the check is critical and names it at once;
agents are served meanwhile.  When the account is repaired, the check is OK
without a report and without a reload.  The same without the
table, and without the right to write to it.  Then it is
idle, and the database closes its connections again and again after a second: the
check stays OK.  At last the database does not answer a login, and reporter ends
at once all the same."""

import socket
import time

import scenario
from scenario import wait_for

IDLE = 3  # seconds, of which the database closes connections after one


def check(s):
    return s.reporter.ctl("check")


def blocked(s, what, error, log_start=0):
    """The check is critical because of this error, and the log has it."""
    done = wait_for(lambda: (found := check(s)).returncode == 2
                    and "workers refused by the database (critical)"
                    in found.stdout and found, f"{what}: the check is critical")
    s.check(f"{what}: the check names the error", error in done.stdout,
            done.stdout)
    s.check(f"{what}: the log has an error",
            any(": error: database " in line and error in line
                for line in s.reporter.log_text(log_start).splitlines()))
    s.check(f"{what}: the status has it too",
            all(w["blocked_since"] > 0
                for w in s.reporter.status()["workers"]))


def recovers(s, what):
    wait_for(lambda: check(s).returncode == 0, f"{what}: the check is OK")
    s.check(f"{what}: all workers are connected",
            all(w["connected"] and not w["blocked_since"]
                for w in s.reporter.status()["workers"]))


def refused_account(s):
    s.database.administrate(
        "ALTER USER reporter@localhost IDENTIFIED BY 'another'")
    s.reporter.start()
    blocked(s, "a wrong password", "1045: Access denied")
    s.agent().send(scenario.native(1, 1, 1, 1700000000,
                                   [(1, 1, 1, 0, False)]))
    wait_for(lambda: s.reporter.status()["records"]["pending"] == 1,
             "an agent is served")
    s.database.administrate(
        f"ALTER USER reporter@localhost IDENTIFIED BY '{scenario.PASSWORD}'")
    recovers(s, "a correct password")
    s.reporter.settled(1)
    s.equal("the record is in the table", s.database.count(), 1)


def missing_table(s):
    s.reporter.stop()
    s.database.sql("RENAME TABLE ServerCallStatus TO away")
    start = len(s.reporter.log_text())
    s.reporter.start()
    blocked(s, "no table", "ServerCallStatus", start)
    s.database.sql("RENAME TABLE away TO ServerCallStatus")
    recovers(s, "the table")


def missing_right(s):
    s.reporter.stop()
    start = len(s.reporter.log_text())
    s.database.administrate("REVOKE INSERT ON reporter.* "
                            "FROM reporter@localhost")
    s.reporter.start()
    blocked(s, "no right", "ServerCallStatus", start)
    s.database.administrate("GRANT ALL ON reporter.* TO reporter@localhost")
    recovers(s, "the right")


def idle(s):
    s.database.administrate("SET GLOBAL wait_timeout = 1")
    s.reporter.reload()
    s.database.disconnect()
    recovers(s, "idle")
    before = [w["connects"] for w in s.reporter.status()["workers"]]
    end, states = time.monotonic() + IDLE, set()
    while time.monotonic() < end:
        states.add(check(s).returncode)
    s.equal("idle: the check is OK at any time", states, {0})
    after = [w["connects"] for w in s.reporter.status()["workers"]]
    s.check("idle: the connections were closed meanwhile",
            all(a > b for a, b in zip(after, before)), (before, after))
    s.reporter.stop()


def no_answer(s):
    with socket.create_server(("127.0.0.1", 0)) as server:
        del s.reporter.options["mysql"]["socket"]
        s.reporter.configure("mysql", connect_timeout="20s", host="127.0.0.1:"
                             f"{server.getsockname()[1]}")
        s.reporter.start()
        server.accept()
        start = time.monotonic()
        s.reporter.stop()
        took = time.monotonic() - start
        s.check("a login that gets no answer delays no end", took < 5,
                f"{took:.1f} s")


def tell(s):
    s.database.start()
    for part in refused_account, missing_table, missing_right, idle, no_answer:
        part(s)


scenario.run(__doc__, tell)
