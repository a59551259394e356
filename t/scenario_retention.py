#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The table has rows that nobody has reported for long.  Without retention they
stay.  With it, one worker removes them in small steps, once the agents have
been there for a while, and counts them; rows that are reported stay, and those
without a time.  Of an account that may not delete, -t -t reports this when
retention is set, and each pass logs it, while the flush goes on.  Then all
agents are away: their rows grow old, and none is removed, which is logged
once."""

import subprocess
import threading
import time

import scenario
from scenario import native, wait_for

OLD = 5000   # rows, more than two steps of a pass read
FRESH = 40   # keys that are reported all the time
ANCIENT = 1_000_000  # seconds, far more than twice retention


class Crowd(threading.Thread):
    """Reports keys of several services once a second."""

    def __init__(self, s):
        super().__init__(daemon=True)
        self.agent = s.agent()
        self.end = threading.Event()
        self.start()

    def run(self):
        while not self.end.wait(1):
            for modid in range(FRESH):
                self.agent.send(native(modid, 1, 0xC0A80101, int(time.time()),
                                       [(0xC0A80102, 80, 1, 0, False)]))

    def leave(self):
        self.end.set()
        self.join()


def add_old(s, first, n):
    """Rows that nobody reports, of the services that are reported."""
    for begin in range(first, first + n, 1000):
        s.database.sql("INSERT INTO ServerCallStatus VALUES " + ", ".join(
            f"({at % FRESH}, 1, {at - 2000}, 80, 7, 1, 1, "
            f"UNIX_TIMESTAMP() - {ANCIENT}, '1')"
            for at in range(begin, min(begin + 1000, first + n))))


def old(s):
    return s.database.sql("SELECT COUNT(*) AS n FROM ServerCallStatus "
                          f"WHERE ts < UNIX_TIMESTAMP() - {ANCIENT // 2}")[0]["n"]


def removed(s):
    return sum(w.get("removed", 0) for w in s.reporter.workers().values())


def next_pass(s, n=1):
    """Wait until so many more passes have ended."""
    for _ in range(n):
        last = s.reporter.workers()[0]["retention_ts"]
        wait_for(lambda: s.reporter.workers()[0]["retention_ts"] > last,
                 "a pass has ended")


def check(s):
    return subprocess.run(
        [scenario.program("reporter"), "-t", "-t", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=scenario.PATIENCE)


def removes_old_rows(s):
    s.equal("without retention old rows stay", (old(s), removed(s)), (OLD, 0))
    s.reporter.configure("mysql", retention="1min")
    s.reporter.reload()
    began = time.monotonic()
    next_pass(s, 2)
    s.equal("nothing is removed at once", old(s), OLD)
    wait_for(lambda: old(s) == 0, "old rows are removed", 120)
    s.check("not before the agents were there for a minute",
            time.monotonic() - began > 55, time.monotonic() - began)
    next_pass(s)
    s.equal("they are counted", removed(s), OLD)
    s.equal("rows that are reported stay, and one without a time",
            s.database.count(), FRESH + 1)
    s.check("metrics have it", "worker_removed_rows_total" in
            s.reporter.ctl("status", "--prometheus").stdout)


def outage(s, crowd):
    crowd.leave()
    s.reporter.settled(0)
    # Not older than a minute at once: a time does not go back.
    s.database.sql("UPDATE ServerCallStatus SET ts = UNIX_TIMESTAMP() - 55 "
                   "WHERE ts IS NOT NULL")
    wait_for(lambda: "skipping retention" in s.reporter.log_text(),
             "an outage of the agents is logged")
    next_pass(s, 4)
    s.equal("no row of theirs is removed", s.database.count(), FRESH + 1)
    s.equal("it is logged once",
            s.reporter.log_text().count("skipping retention"), 1)


def no_right(s):
    done = check(s)
    s.equal("-t -t is satisfied", done.returncode, 0)
    s.database.administrate(
        "REVOKE DELETE ON reporter.* FROM reporter@localhost")
    s.database.disconnect()
    add_old(s, 1, 10)
    done = check(s)
    s.check("-t -t reports a missing right to delete",
            done.returncode == 1 and "may not delete" in done.stderr,
            done.stderr)
    wait_for(lambda: "cannot remove old rows: error 1142" in
             s.reporter.log_text(), "the pass logs it")
    stored = s.reporter.status()["records"]["stored"]
    wait_for(lambda: s.reporter.status()["records"]["stored"]
             > stored + 2 * FRESH, "the flush goes on")
    worker = s.reporter.workers()[0]
    s.check("it is no error of the flush", worker["last_error_number"] != 1142)
    s.equal("no row is removed", old(s), 10)
    s.reporter.configure("mysql", retention="0")
    s.reporter.write_conf()
    s.equal("without retention -t -t does not ask for it",
            check(s).returncode, 0)
    s.database.administrate(
        "GRANT DELETE ON reporter.* TO reporter@localhost")
    s.database.disconnect()
    wait_for(lambda: old(s) == 0, "with the right they are removed")


def tell(s):
    s.database.start()
    s.database.sql("ALTER TABLE ServerCallStatus MODIFY ts BIGINT NULL; "
                   "INSERT INTO ServerCallStatus VALUES (1,1,1,1,1,1,1,NULL,'0')")
    s.reporter.configure("limits", max_clock_skew="1s")
    add_old(s, 1, OLD)
    s.reporter.start()
    crowd = Crowd(s)
    s.reporter.settled(FRESH)
    removes_old_rows(s)
    no_right(s)
    outage(s, crowd)
    s.identity()


scenario.run(__doc__, tell)
