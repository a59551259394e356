#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A reload and a rotation of the log are asked for while reporter starts: its
pid file is there, and it does not listen yet.  It starts all the same, and then
does both.  SIGTERM at that moment ends the start."""

import os
import signal
import threading

import faulty
import scenario
from scenario import wait_for


def at_the_pid_file(s, faults, start):
    """Have it started by start(), in a thread, and wait until it is stopped
    where its pid file has been written.  Returns the thread."""
    faults.kill("master_pid_file", number=signal.SIGSTOP)
    s.reporter.process = None
    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    wait_for(lambda: s.reporter.process is not None
             and scenario.is_stopped(s.reporter.process.pid), "it is stopped")
    with open(s.pid_file) as file:
        s.equal("the pid file names it", int(file.read()),
                s.reporter.process.pid)
    return starting


def tell(s):
    faults = faulty.Faults(s.directory)
    s.pid_file = os.path.join(s.directory, "pid")
    log = os.path.join(s.directory, "log")
    s.reporter.configure("reporter", pid_file=s.pid_file)
    s.reporter.configure("log", target=log)
    s.database.start()

    starting = at_the_pid_file(s, faults, s.reporter.start)
    os.rename(log, log + ".1")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT):
        s.reporter.process.send_signal(number)
    starting.join(scenario.PATIENCE)
    s.check("it starts", not starting.is_alive())
    status = wait_for(lambda: (t := s.reporter.status())["reloads"] == 1 and t,
                      "it reloads its configuration, then")
    s.equal("once", status["reload_errors"], 0)
    wait_for(lambda: os.path.exists(log), "it opens its log again")
    s.agent().send(scenario.native(1, 1, 1, 1, [(1, 1, 1, 0, False)]))
    s.reporter.settled(1)
    s.reporter.stop()

    def start():
        try:
            s.reporter.start()
        except scenario.Failure as failure:
            print(f"as it should: {failure}")

    starting = at_the_pid_file(s, faults, start)
    process = s.reporter.process
    for number in (signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    s.equal("SIGTERM ends a start", process.wait(scenario.PATIENCE),
            -signal.SIGTERM)
    starting.join(scenario.PATIENCE)
    s.reporter.process = None


scenario.run(__doc__, tell)
