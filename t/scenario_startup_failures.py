#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Each allocation and each system call of the daemon's own code that a start
makes fails once, each in a start of its own.  Either the start is given up,
with exit status 1, a message on standard error that says why, and nothing left
behind: no shared memory, no pid file.  Or it was a call that reporter can do
without, and then it works.  The same for a worker's start: it works in the end,
without anybody's help."""

import os
import subprocess

import faulty
import scenario
from scenario import Failure, wait_for

TS = 1700000000


class Start:
    """One start of the master, with a failing call."""

    def __init__(self, s, faults):
        self.s = s
        self.faults = faults
        self.reporter = s.reporter
        self.pid_file = s.reporter.options["reporter"]["pid_file"]

    def run(self, process, call):
        """Returns the exit status when it has ended, None when it is
        ready."""
        self.faults.fail(process, call)
        said = open(self.reporter.log, "w+")
        self.reporter.process = subprocess.Popen(
            [faulty.program("reporter"), "-f", "-c", self.reporter.conf],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=1"),
            start_new_session=True)
        wait_for(self.ended_or_ready, f"start with failing call {call}")
        return self.reporter.process.poll()

    def ended_or_ready(self):
        if self.reporter.process.poll() is not None:
            return True
        try:
            words = faulty.master_words(self.reporter.instance)
            return words[1] == self.reporter.process.pid
        except (FileNotFoundError, Failure):
            return False

    def said(self):
        return self.reporter.log_text()

    def reasons(self):
        """The lines that say what is wrong, without their heads."""
        return [line.partition(": error: ")[2] or line
                for line in self.said().splitlines()
                if len(line) > 20 and ": info: " not in line]

    def complain(self, call, what):
        raise Failure(f"call {call}, {self.faults.failed()}(), failed: {what}:"
                      f"\n{self.said()}")

    def works(self, process, call):
        """It runs: then it does its work, and ends in an orderly way."""
        self.reporter.addresses = self.s.addresses(self.said())
        if not self.reporter.addresses:
            self.complain(call, "it does not listen")
        wait_for(lambda: [w["state"] for w in self.reporter.status()[
            "workers"]] == ["running"], "the worker runs")
        if process == faulty.MASTER:
            # The start is over: an agent may be refused for want of memory.
            self.faults.clear()
        before = self.s.database.count()
        self.s.agent().send(scenario.native(process, call, 1, TS,
                                            [(1, 1, 1, 1, False)]))
        wait_for(lambda: self.s.database.count() == before + 1,
                 f"call {call} failed, and the record is stored all the same")
        self.reporter.stop()

    def left(self, call):
        left = self.reporter.segments()
        if os.path.exists(self.pid_file):
            # One that cannot be locked may be another process's.
            if "pid file" not in self.said() or os.path.getsize(
                    self.pid_file):
                left.append(self.pid_file)
            os.unlink(self.pid_file)
        if left:
            self.complain(call, f"it left {left}")

    def findings(self, call):
        if self.reporter.findings():
            self.complain(call, "a sanitizer found something")


def count(start, process):
    """How many calls there are until the first record is stored."""
    if start.run(process, 0) is not None:
        start.complain(0, "nothing, and it ended")
    calls = start.faults.calls()
    start.works(process, 0)
    # The master's next call is the fork of the worker.
    return start.faults.calls() if process == faulty.WORKER else calls + 1


def masters_starts(s, start):
    calls = count(start, faulty.MASTER)
    survived, given_up = {}, {}
    for call in range(1, calls + 1):
        status = start.run(faulty.MASTER, call)
        name = start.faults.failed()
        if status is None:
            survived[name] = survived.get(name, 0) + 1
            start.works(faulty.MASTER, call)
        else:
            given_up[name] = given_up.get(name, 0) + 1
            if status != 1:
                start.complain(call, f"it ended with {status}")
            reasons = start.reasons()
            if not reasons:
                start.complain(call, "it does not say why")
            print(f"{name}(): {reasons[-1]}")
        start.left(call)
        start.findings(call)
    s.reporter.process = None
    print(f"given up: {given_up}\nsurvived: {survived}")
    s.check("without a look at what was left nothing starts",
            "opendir" not in survived)
    s.check(f"{calls} calls of a start have failed, once each", calls > 50)
    for name in ("epoll_create1", "signalfd", "socket", "bind", "listen",
                 "shm_open", "posix_fallocate", "mmap", "flock", "calloc",
                 "fopen", "getrandom"):
        s.check(f"{name}() was one that a start cannot do without",
                name in given_up)


def workers_starts(s, start):
    calls = count(start, faulty.WORKER)
    names = {}
    for call in range(1, calls + 1):
        if start.run(faulty.WORKER, call) is not None:
            start.complain(call, "a worker's, and the master ended")
        start.works(faulty.WORKER, call)
        names[start.faults.failed()] = names.get(start.faults.failed(), 0) + 1
        start.left(call)
        start.findings(call)
    print(f"failed in workers: {names}")
    s.check(f"{calls} calls of a worker's start have failed, once each",
            calls > 5)
    for name in ("flock", "calloc", "pthread_create"):
        s.check(f"{name}() was one of them", name in names)


def tell(s):
    s.database.start()
    pid_file = os.path.join(s.directory, "pid")
    s.reporter.configure("reporter", workers=1, pid_file=pid_file)
    s.reporter.configure("log", level="info")
    s.reporter.write_conf()
    s.addresses = addresses
    start = Start(s, faulty.Faults(s.directory))
    masters_starts(s, start)
    workers_starts(s, start)


def addresses(text):
    return [(host, int(port)) for host, port in scenario.re.findall(
        r"listening on \[?([^\s\]]+)\]?:(\d+)", text)]


scenario.run(__doc__, tell)
