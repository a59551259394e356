#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A service manager starts reporter and listens.  It hears when it is ready,
how it does every few seconds, of each reload and of the end; and a ping of the
loop twice in each watchdog time, for as long as the loop turns and no longer.
One that reads nothing any more does not stop it."""

import contextlib
import os
import re
import signal
import socket
import time

import scenario
from scenario import wait_for

WATCHDOG = 2  # seconds


class Manager:
    """The end of the socket where the service manager listens."""

    def __init__(self, directory):
        path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.heard = []  # (time, note)
        os.environ["NOTIFY_SOCKET"] = path
        os.environ["WATCHDOG_USEC"] = str(int(WATCHDOG * 1e6))

    def listen(self):
        while True:
            try:
                note = self.socket.recv(4096).decode()
            except BlockingIOError:
                return self.heard
            self.heard.append((time.monotonic(), note))

    def notes(self, start):
        return [note for _, note in self.listen() if note.startswith(start)]

    def pings(self, since):
        return [at for at, note in self.listen()
                if note == "WATCHDOG=1" and at > since]


def pings_come(s, manager):
    """Count the pings of some seconds, with traffic and without."""
    began = time.monotonic()
    agent = s.agent()
    while time.monotonic() - began < 3:
        agent.send(scenario.native(1, 1, 1, int(time.time()),
                                   [(1, 1, 1, 1, False)]))
        manager.listen()
        time.sleep(0.001)
    wait_for(lambda: len(manager.pings(began)) >= 6, "pings of an idle loop")
    pings = manager.pings(began)
    gaps = [b - a for a, b in zip(pings, pings[1:])]
    s.check("they come in time", max(gaps) < WATCHDOG, f"{gaps}")
    seconds = pings[-1] - pings[0]
    s.check("and no oftener than twice in the watchdog's time",
            len(gaps) <= seconds / (WATCHDOG / 2) + 1,
            f"{len(gaps)} in {seconds} s")


def tell(s):
    manager = Manager(s.directory)
    s.start()
    wait_for(lambda: manager.notes("READY=1"), "it is ready")
    pings_come(s, manager)
    found = wait_for(lambda: [n for n in manager.notes("STATUS=")
                              if "1 connections, 2 of 2 workers run" in n
                              and " 0.0 records received" not in n],
                     "a line of status")[-1]
    s.check("it tells the rates", re.search(
        r"per second: \d+\.\d records received, \d+\.\d superseded, "
        r"\d+\.\d stored$", found), found)

    s.reporter.ctl("reload").check_returncode()
    wait_for(lambda: len(manager.notes("READY=1")) >= 2, "the reload's end")
    s.equal("it was ready twice", len(manager.notes("READY=1")), 2)
    s.equal("the reload's begin was told",
            len(manager.notes("RELOADING=1\nMONOTONIC_USEC=")), 1)

    master = s.reporter.process.pid
    os.kill(master, signal.SIGSTOP)

    wait_for(lambda: scenario.is_stopped(master), "the master is stopped")
    manager.listen()
    stopped = time.monotonic()
    while time.monotonic() < stopped + 2 * WATCHDOG:
        time.sleep(0.05)
    s.equal("a loop that stands still pings no more",
            manager.pings(stopped), [])
    os.kill(master, signal.SIGCONT)
    wait_for(lambda: manager.pings(stopped + 2 * WATCHDOG),
             "it goes on, and pings")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.connect(os.environ["NOTIFY_SOCKET"])
        other.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                other.send(b"X=1")
    s.equal("a manager that reads nothing does not keep it from a reload",
            s.reporter.ctl("reload").returncode, 0)
    manager.listen()
    for agent in s.agents:
        agent.close()
    s.reporter.stop()
    s.equal("the end is told", len(manager.notes("STOPPING=1")), 1)


scenario.run(__doc__, tell)
