#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""At each step of a handover the running process or the new one is killed with
SIGKILL; so is one that leaves its connections to a service manager, or takes
them from there.  No record that had been read is lost.  As long as the new
process has not confirmed, the running one keeps its agents when the new one
dies, and the new one has them when the running one dies."""

import signal
import subprocess

import faulty
import scenario
import service_manager
from scenario import wait_for

TS = 1700000000
RECORDS = 500
# (point, whether the agent's connection lives on)
RUNNING = (("ark_packed", False), ("ark_sent", True),
           ("ark_acknowledged", True), ("ark_given", True))
NEW = (("ark_received", True), ("ark_opened", True), ("ark_taken", False),
       ("ark_waited", False), ("ark_listening", False),
       ("ark_carried", False))
STORING = (("ark_packed", False), ("ark_stored", True))
RESTORING = (("ark_forgotten", False), ("ark_carried", False))


class Story:
    def __init__(self, s):
        self.s = s
        self.faults = faulty.Faults(s.directory)
        self.sent = 0
        self.agent = None

    def report(self):
        """Reports of new keys are read, and the half of another."""
        if self.agent is None:
            self.agent = self.s.agent()
        before = self.s.reporter.status()["records"]["received"]
        for _ in range(RECORDS):
            self.agent.send(self.next())
        wait_for(lambda: self.s.reporter.status()["records"]["received"]
                 == before + RECORDS, "the reports are read")
        self.half = self.next()
        self.agent.send(self.half[:9])

    def next(self):
        self.sent += 1
        return scenario.lars(1, self.sent, 1, TS, [(1, 1, 1, 0, False)])

    def settle(self, what, lives):
        """Nothing is lost, and the agent is connected or not."""
        s = self.s
        self.faults.clear()
        s.equal(f"{what}: the connection lives on", self.agent.is_open(),
                lives)
        if lives:
            self.agent.send(self.half[9:])
        else:
            self.agent.close()
            self.agent = None
            self.sent -= 1
        wait_for(lambda: s.database.count() == self.sent,
                 f"{what}: all that was read is in the table")

    def take_over(self):
        s = self.s
        with open(s.reporter.log, "a") as log:
            return subprocess.Popen(
                [scenario.program("reporter"), "-f", "-r", "-c",
                 s.reporter.conf], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)

    def serves(self):
        try:
            return (self.s.reporter.status()["pid"]
                    == self.s.reporter.process.pid)
        except scenario.Failure:
            return False

    def handover(self, point, lives, new_dies):
        reporter = self.s.reporter
        self.report()
        self.faults.kill(point)
        running, new = reporter.process, self.take_over()
        dying, other = (new, running) if new_dies else (running, new)
        self.s.equal(f"{point}: killed", dying.wait(scenario.PATIENCE), -9)
        reporter.process = other
        if not lives:
            # Without the sockets it ends, or has ended by then.
            status = other.wait(scenario.PATIENCE)
            self.s.equal(f"{point}: the other one exits", status,
                         0 if new_dies else 1)
            reporter.process = None
            reporter.start()
        wait_for(self.serves, f"{point}: one of them runs")
        self.settle(point, lives)

    def hangs(self, point):
        """The running process does not exit: it is killed."""
        self.report()
        self.faults.kill(point, number=signal.SIGSTOP)
        running, self.s.reporter.process = (self.s.reporter.process,
                                            self.take_over())
        self.s.equal(f"{point}: the one that hangs is killed",
                     running.wait(scenario.PATIENCE), -9)
        wait_for(self.serves, f"{point}: the new one runs")
        self.settle(f"{point}, hanging", True)

    def stored(self, manager, point, lives):
        self.report()
        self.faults.kill(point)
        self.s.equal(f"{point}: killed", manager.stop(), -9)
        self.faults.clear()
        manager.start()
        self.settle(point, lives)

    def restored(self, manager, point):
        self.report()
        manager.stop()
        self.faults.kill(point)
        try:
            manager.start()
        except scenario.Failure:
            pass
        self.s.equal(f"{point}: killed",
                     self.s.reporter.process.wait(scenario.PATIENCE), -9)
        self.faults.clear()
        manager.start()
        self.settle(point, False)


def tell(s):
    s.reporter.configure("reporter", shutdown_timeout="1s",
                         listen=f"127.0.0.1:{scenario.free_port()}")
    story = Story(s)
    s.start()
    for point, lives in RUNNING:
        story.handover(point, lives, new_dies=False)
    for point, lives in NEW:
        story.handover(point, lives, new_dies=True)
    story.hangs("ark_given")
    s.reporter.stop()
    manager = service_manager.Manager(s)
    story.agent = None
    manager.start()
    for point, lives in STORING:
        story.stored(manager, point, lives)
    for point, _ in RESTORING:
        story.restored(manager, point)
    s.equal("a stop", manager.stop(), 0)
    manager.drop()


scenario.run(__doc__, tell)
