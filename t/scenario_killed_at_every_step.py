#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents report all the time.  At each step of writing the rings, the pending
tables and the counters, of a flush, of taking a segment over, of a reload and
of a start, the process that takes the step is killed there with SIGKILL, once
for each step.  It is started again, what a dead master had not read is sent
again, and each time all keys have their right value and the counts add up."""

import os
import signal

import faulty
import scenario
from scenario import Failure, wait_for

# (point, which passing of it kills); each is reached by records that travel.
IN_WORKERS = (
    ("ring_advance_before", 2), ("ring_advance_after", 2),
    ("table_put_claimed", 3), ("table_put_counted", 40),
    ("table_put_half", 1), ("table_put_half", 3), ("table_put_half", 406),
    ("table_put_written", 30), ("table_put_marked", 17),
    ("table_collect_taken", 7), ("table_settle_clean", 9),
    ("worker_drain_put", 1), ("flush_collected", 1), ("store_before", 1),
    ("store_sent", 1), ("store_settling", 1), ("store_settling", 6),
)
# Reached when a worker begins to live.
AT_A_WORKERS_START = (
    ("worker_locked", 1), ("table_recover_slot", 1),
    ("table_recover_slot", 700), ("table_recover_counted", 1),
    ("worker_recovered", 1), ("worker_unready", 1),
)
IN_THE_MASTER = (
    ("ring_put_copied", 3), ("ring_publish_before", 2),
    ("ring_publish_after", 2), ("intake_put", 4),
    ("intake_one_published", 1), ("intake_one_published", 2),
    ("intake_uncounted", 2), ("intake_received", 1),
)
AT_A_RELOAD = (
    ("segment_opened", 1), ("segment_reserved", 2),
    ("segment_secret_empty", 1), ("segment_secret_empty", 2),
    ("segment_header_half", 1), ("segment_unready", 2),
    ("generation_half", 1), ("master_regenerated", 1),
    ("master_retired", 1), ("retire_unsaid", 1), ("retire_said", 1),
    ("retire_half", 2), ("retire_counted", 1), ("segment_half_removed", 1),
    ("segment_half_removed", 2), ("retire_removed", 1),
)
AT_THE_MASTERS_START = (
    ("master_opened", 1), ("master_adopted", 1), ("master_counted", 1),
    ("segment_opened", 1), ("segment_opened", 2), ("segment_reserved", 1),
    ("segment_header_half", 2), ("segment_unready", 1), ("generation_half", 2),
    ("segment_renewed", 1), ("segment_header_half", 3),
)
REPORTS = 60


class Story:
    def __init__(self, s):
        self.s = s
        self.faults = faulty.Faults(s.directory)
        self.stream = faulty.Stream(s, faulty.Oracle(faulty.seeded(1)))
        self.told = 0

    def settle(self, point):
        """All is as it should be after the kill."""
        self.faults.clear()
        faulty.at_rest(self.s, self.stream)
        self.s.check(f"nothing is lost or wrong after {point[0]}, "
                     f"{point[1]}", True)

    def until_killed(self, what):
        """Report until the armed point has killed."""

        def step():
            if self.faults.happened():
                return True
            self.stream.make(REPORTS)
            return False

        wait_for(step, f"{what} is reached")

    def start_again(self):
        """The master died by itself, of a point: start the next one."""
        reporter = self.s.reporter
        process, reporter.process = reporter.process, None
        wait_for(lambda: process.poll() is not None, "the master dies")
        if process.returncode != -signal.SIGKILL:
            raise Failure(f"the master ended with {process.returncode}")
        self.faults.clear()
        rest = self.stream.forget()
        reporter.start()
        self.stream.resume(rest)

    def in_workers(self, point):
        self.faults.kill(*point)
        self.until_killed(point)
        self.settle(point)

    def at_a_workers_start(self, point):
        self.faults.kill(*point)
        self.stream.make(REPORTS)
        worker = wait_for(lambda: self.s.reporter.workers()[0]["pid"],
                          "the worker has a pid")
        os.kill(worker, signal.SIGKILL)
        self.until_killed(point)
        self.settle(point)

    def in_the_master(self, point):
        self.faults.kill(*point)
        self.until_killed(point)
        self.start_again()
        self.settle(point)

    def at_a_reload(self, point):
        reporter = self.s.reporter
        self.stream.make(REPORTS)
        workers = reporter.options["reporter"]["workers"]
        reporter.configure("reporter", workers=5 - workers)
        faulty.write_conf(reporter)
        self.faults.kill(*point)
        reporter.process.send_signal(signal.SIGHUP)
        self.until_killed(point)
        self.start_again()
        self.settle(point)

    def at_the_masters_start(self, point, workers):
        """What a killed reporter left is there; `workers` other than before:
        new segments are made."""
        reporter = self.s.reporter
        self.s.database.freeze()
        self.stream.make(REPORTS)
        self.stream.drained()
        reporter.kill()
        self.s.database.thaw()
        rest = self.stream.forget()
        reporter.configure("reporter", workers=workers)
        self.faults.kill(*point)
        try:
            reporter.start()
        except Failure:
            pass
        wait_for(self.faults.happened, f"{point} is reached")
        reporter.process.wait()
        self.faults.clear()
        reporter.process = None
        reporter.start()
        self.stream.resume(rest)
        self.settle(point)

    def at_the_first_start(self, point):
        """Nothing is there before."""
        reporter = self.s.reporter
        self.stream.close()
        reporter.stop()
        self.faults.kill(*point)
        try:
            reporter.start()
        except Failure:
            pass
        wait_for(self.faults.happened, f"{point} is reached")
        reporter.process.wait()
        self.faults.clear()
        reporter.process = None
        reporter.start()
        self.stream.connect()
        self.stream.make(REPORTS)
        self.settle(point)


def tell(s):
    s.reporter.configure("queue", table_keys=1024)
    s.reporter.configure("mysql", flush_interval="20ms")
    story = Story(s)
    s.start()
    story.stream.connect()
    for point in IN_WORKERS:
        story.in_workers(point)
    for point in AT_A_WORKERS_START:
        story.at_a_workers_start(point)
    for point in IN_THE_MASTER:
        story.in_the_master(point)
    for point in AT_A_RELOAD:
        story.at_a_reload(point)
    for turn, point in enumerate(AT_THE_MASTERS_START):
        story.at_the_masters_start(point, 2 + turn % 2)
    for point in (("segment_opened", 1), ("segment_header_half", 1),
                  ("segment_unready", 1), ("segment_reserved", 2),
                  ("master_counted", 1)):
        story.at_the_first_start(point)
    s.equal("no segment had to be set aside",
            [name for name in os.listdir("/dev/shm")
             if name.startswith(f"set-aside.reporter.{s.reporter.instance}")],
            [])
    paths = s.reporter.segments()
    s.equal("no secrets are left without their segment",
            [path for path in paths if path.endswith(".secret")
             and path.removesuffix(".secret") not in paths], [])
    story.stream.close()


scenario.run(__doc__, tell)
