#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody removes the shared memory of a reporter that runs: all of it, one
segment, or only the secrets of one; a log-out with RemoveIPC does that.  The
database is away, so records wait in it.  The log reports it once, each file is
there again within seconds, no worker dies of it, not even one that is killed
meanwhile, and no record is lost: what waited is stored by this reporter, by the
next one if it was stopped at once, or the log says that it is lost.  reporterctl
stop does not take a reporter without its segment for one that has ended."""

import glob
import os
import signal

import scenario
from scenario import wait_for

TS = 1700000000
SERVICES = 50
REMOVED = "while in use"


class Removal:
    """A reporter, what it was sent, and what is removed of it."""

    def __init__(self, s):
        self.s = s
        self.sent = 0

    def files(self):
        return set(glob.glob(f"/dev/shm/reporter.{self.s.reporter.instance}*"))

    def send(self):
        agent = self.s.agent()
        for _ in range(SERVICES):
            self.sent += 1
            agent.send(scenario.native(self.sent, 1, 1, TS,
                                       [(1, 80, 1, 0, False)]))
        agent.close()
        wait_for(lambda: self.waiting() >= SERVICES, "they wait in the tables")

    def waiting(self):
        records = self.s.reporter.status()["records"]
        return (records["received"] == self.sent and records["queued"] == 0
                and records["pending"])

    def lines(self):
        return self.s.reporter.log_text().count(REMOVED)

    def stored(self):
        s = self.s
        if s.database.process is None:
            s.database.start()
        wait_for(lambda: s.database.count() == self.sent,
                 f"{self.sent} records stand in the table")


def while_running(s, r, what, victims, kill=False):
    """Remove files; all are there again, and no record is lost."""
    s.database.stop()
    r.send()
    before, lines = r.files(), r.lines()
    pid = s.reporter.workers()[0]["pid"]
    for victim in victims(before):
        os.unlink(victim)
    if kill:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: r.files() == before, f"{what}: all files are there again",
             5)
    s.equal(f"{what}: the log reports it once", r.lines(), lines + 1)
    r.send()
    r.stored()
    s.identity(s.reporter.settled(r.sent))
    s.check(f"{what}: it is seen to run", s.reporter.status()["running"])
    s.equal(f"{what}: no worker dies of it",
            [w["restarts"] for w in s.reporter.workers().values()],
            [int(kill), 0])


def stop_without_segment(s, r):
    """The master is held, so it cannot create its segment again."""
    master = s.reporter.process.pid
    os.kill(master, signal.SIGSTOP)
    wait_for(lambda: scenario.is_stopped(master), "the master is held")
    for file in r.files():
        os.unlink(file)
    done = s.reporter.ctl("stop", "-t", "1")
    s.equal("stop does not say that nothing runs", done.returncode, 1)
    s.check("it names the process", f"process {master}" in done.stderr,
            done.stderr)
    s.equal("nor does status", s.reporter.ctl("status").returncode, 1)
    os.kill(master, signal.SIGCONT)
    done = s.reporter.ctl("stop")
    s.equal("once it goes on, stop ends it",
            (done.returncode, done.stderr, s.reporter.process.wait(5)),
            (0, "", 0))
    s.reporter.process = None


def at_the_end(s, r):
    """It is stopped before it can notice."""
    s.database.stop()
    s.reporter.start()
    r.sent = 0
    r.send()
    before = r.files()
    for file in before:
        os.unlink(file)
    s.reporter.stop()
    s.check("segments with records are there after the end",
            {f for f in before if f.endswith((".0", ".1"))} <= r.files(),
            r.files())
    s.reporter.start()
    s.equal("the next start has them all", r.waiting(), SERVICES)
    # Files of these names block new ones.
    for file in r.files():
        with open(file + ".new", "w"):
            os.rename(file + ".new", file)
    s.reporter.stop()
    log = s.reporter.log_text()
    s.check("the log says what is lost",
            f"stopped; records lost: {SERVICES}" in log)
    s.equal("it promises nothing to the next start",
            log.count("records left in shared memory"), 1)
    for file in r.files():
        os.unlink(file)


def tell(s):
    s.reporter.configure("reporter", shutdown_timeout="1s")
    s.start()
    r = Removal(s)
    while_running(s, r, "all", lambda files: files)
    while_running(s, r, "the master's secrets", lambda files: [
        f for f in files if f.endswith(f".{s.reporter.instance}.secret")])
    while_running(s, r, "parts, and a worker killed", lambda files: [
        f for f in files if f.endswith((".0", ".0.secret", ".1.secret"))], True)
    stop_without_segment(s, r)
    at_the_end(s, r)


scenario.run(__doc__, tell)
