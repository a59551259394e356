#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""As scenario_startup_failures, for a start in the background: each call of the
process that was started, and each of the one in the background until it is
ready, fails once.  Either the command exits with 1, with a message on standard
error that says why, and leaves nothing; or it exits with 0, and a reporter that
works is there."""

import os
import signal
import subprocess

import faulty
import scenario
from scenario import Failure, wait_for

TS = 1700000000


class Start:
    def __init__(self, s, faults):
        self.s = s
        self.faults = faults
        self.reporter = s.reporter
        self.pid_file = s.reporter.options["reporter"]["pid_file"]

    def run(self, process, call):
        """Returns the exit status of the command."""
        self.faults.fail(process, call)
        with open(self.reporter.log, "w") as said:
            return subprocess.run(
                [faulty.program("reporter"), "-c", self.reporter.conf],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"),
                timeout=scenario.PATIENCE).returncode

    def complain(self, call, what):
        raise Failure(f"call {call}, {self.faults.failed()}(), failed: {what}:"
                      f"\n{self.reporter.log_text()}")

    def pid(self):
        return faulty.master_words(self.reporter.instance)[1]

    def works(self, call):
        """It takes a record, and ends in an orderly way."""
        self.faults.clear()
        pid = self.pid()
        before = self.s.database.count()
        with scenario.socket.create_connection(self.s.address) as agent:
            agent.sendall(scenario.native(call, before, 1, TS,
                                          [(1, 1, 1, 1, False)]))
            wait_for(lambda: self.s.database.count() == before + 1,
                     f"call {call} failed, and the record is stored")
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not scenario.group_lives(pid), "it ends")

    def left(self, call):
        """Nothing is left, and nothing runs."""
        left = self.reporter.segments()
        if os.path.exists(self.pid_file):
            # One that cannot be locked may be another process's.
            if "pid file" not in self.reporter.log_text() or os.path.getsize(
                    self.pid_file):
                left.append(self.pid_file)
            os.unlink(self.pid_file)
        if left:
            self.complain(call, f"it left {left}")

    def reasons(self):
        return [line for line in self.reporter.log_text().splitlines()
                if len(line) > 20 and ": info: " not in line]


def starts(s, start, process, calls):
    """Returns {call's name: times} of those given up, and how many calls have
    failed in all."""
    survived, given_up = {}, {}
    for call in range(1, calls + 1):
        status = start.run(process, call)
        name = start.faults.failed()
        if status == 0:
            survived[name] = survived.get(name, 0) + 1
            start.works(call)
        else:
            given_up[name] = given_up.get(name, 0) + 1
            if status != 1:
                start.complain(call, f"it ended with {status}")
            if not start.reasons():
                start.complain(call, "it does not say why")
        start.left(call)
    print(f"given up: {given_up}\nsurvived: {survived}", flush=True)
    survived.pop("", None)  # the workers make more calls at one time
    return given_up, sum(given_up.values()) + sum(survived.values())


def tell(s):
    s.database.start()
    s.address = "127.0.0.1", scenario.free_port()
    s.reporter.configure("reporter", workers=1,
                         listen="127.0.0.1:%d" % s.address[1],
                         pid_file=os.path.join(s.directory, "pid"))
    s.reporter.configure("log", target=os.path.join(s.directory, "file.log"))
    s.reporter.write_conf()
    start = Start(s, faulty.Faults(s.directory))

    s.equal("without a failure it starts", start.run(faulty.MASTER, 0), 0)
    calls = start.faults.calls()
    start.works(0)
    start.left(0)
    given_up, failed = starts(s, start, faulty.MASTER, calls)
    s.check(f"{failed} calls of the command have failed, once each",
            failed > 20)
    s.check("the fork was one of them", "fork" in given_up)

    # To the seams the process in the background is none that they know as
    # the master: it has the other number, with its workers.
    s.equal("without a failure it starts", start.run(faulty.WORKER, 0), 0)
    calls = start.faults.calls()
    start.works(0)
    start.left(0)
    given_up, failed = starts(s, start, faulty.WORKER, calls)
    s.check(f"{failed} calls in the background have failed, once each",
            failed > 20)
    for name in ("open", "epoll_create1", "signalfd", "socket", "bind",
                 "listen", "shm_open", "posix_fallocate", "mmap", "flock"):
        s.check(f"{name}() was one that a start cannot do without",
                name in given_up)


scenario.run(__doc__, tell)
