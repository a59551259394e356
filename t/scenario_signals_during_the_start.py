#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A reload and a rotation of the log are asked for while reporter starts: when
its first function has just begun, and when its pid file is there and it does not
listen yet.  It starts all the same, and then does both.  SIGTERM at that moment
ends the start."""

import os
import signal
import threading

import faulty
import scenario
from scenario import wait_for


def stopped_at(s, faults, point, start):
    """Have it started by start(), in a thread, and wait until it is stopped at
    this point.  Returns the thread."""
    faults.kill(point, number=signal.SIGSTOP)
    s.reporter.process = None
    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    wait_for(lambda: s.reporter.process is not None
             and scenario.is_stopped(s.reporter.process.pid), "it is stopped")
    return starting


def signalled(s, faults, point, log):
    """It gets the signals there, and does what they ask for later."""
    starting = stopped_at(s, faults, point, s.reporter.start)
    if os.path.exists(log):
        os.rename(log, log + ".1")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT):
        s.reporter.process.send_signal(number)
    starting.join(scenario.PATIENCE)
    s.check(f"{point}: it starts", not starting.is_alive())
    status = wait_for(lambda: (t := s.reporter.status())["reloads"] == 1 and t,
                      "it reloads its configuration, then")
    s.equal("once", status["reload_errors"], 0)
    wait_for(lambda: os.path.exists(log), "it opens its log again")
    s.agent().send(scenario.native(1, 1, 1, 1, [(1, 1, 1, 0, False)]))
    s.reporter.settled(1)
    s.reporter.stop()


def tell(s):
    faults = faulty.Faults(s.directory)
    s.pid_file = os.path.join(s.directory, "pid")
    log = os.path.join(s.directory, "log")
    s.reporter.configure("reporter", pid_file=s.pid_file)
    s.reporter.configure("log", target=log)
    s.database.start()

    for point in ("main_begun", "master_pid_file"):
        signalled(s, faults, point, log)

    def start():
        try:
            s.reporter.start()
        except scenario.Failure as failure:
            print(f"as it should: {failure}")

    starting = stopped_at(s, faults, "master_pid_file", start)
    process = s.reporter.process
    with open(s.pid_file) as file:
        s.equal("the pid file names it", int(file.read()), process.pid)
    for number in (signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    s.equal("SIGTERM ends a start", process.wait(scenario.PATIENCE),
            -signal.SIGTERM)
    starting.join(scenario.PATIENCE)
    s.reporter.process = None


scenario.run(__doc__, tell)
